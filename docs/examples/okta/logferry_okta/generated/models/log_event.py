from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    NULL,
    STRING,
    UNSET,
    ListOf,
    ObjectOf,
    OneOf,
    Repaired,
    Unset,
    describe,
    repair,
)
from .log_actor import LOG_ACTOR_SHAPE, LogActor, LogActorJson, fits_log_actor
from .log_authentication_context import (
    LOG_AUTHENTICATION_CONTEXT_SHAPE,
    LogAuthenticationContext,
    LogAuthenticationContextJson,
    fits_log_authentication_context,
)
from .log_client import LOG_CLIENT_SHAPE, LogClient, LogClientJson, fits_log_client
from .log_debug_context import LOG_DEBUG_CONTEXT_SHAPE, LogDebugContext, LogDebugContextJson, fits_log_debug_context
from .log_outcome import LOG_OUTCOME_SHAPE, LogOutcome, LogOutcomeJson, fits_log_outcome
from .log_request import LOG_REQUEST_SHAPE, LogRequest, LogRequestJson, fits_log_request
from .log_security_context import (
    LOG_SECURITY_CONTEXT_SHAPE,
    LogSecurityContext,
    LogSecurityContextJson,
    fits_log_security_context,
)
from .log_target import LOG_TARGET_SHAPE, LogTarget, LogTargetJson, fits_log_target
from .log_transaction import LOG_TRANSACTION_SHAPE, LogTransaction, LogTransactionJson, fits_log_transaction

LogEventJson = TypedDict(
    "LogEventJson",
    {
        "eventType": str,
        "published": str,
        "uuid": str,
        "actor": NotRequired[LogActorJson | None],
        "authenticationContext": NotRequired[LogAuthenticationContextJson | None],
        "client": NotRequired[LogClientJson | None],
        "debugContext": NotRequired[LogDebugContextJson | None],
        "displayMessage": NotRequired[str | None],
        "legacyEventType": NotRequired[str | None],
        "outcome": NotRequired[LogOutcomeJson | None],
        "request": NotRequired[LogRequestJson | None],
        "securityContext": NotRequired[LogSecurityContextJson | None],
        "severity": NotRequired[str | None],
        "target": NotRequired[list[LogTargetJson] | None],
        "transaction": NotRequired[LogTransactionJson | None],
        "version": NotRequired[str | None],
    },
)
"""The JSON of LogEvent; further keys are allowed."""

LogEventKey = Literal[
    "eventType",
    "published",
    "uuid",
    "actor",
    "authenticationContext",
    "client",
    "debugContext",
    "displayMessage",
    "legacyEventType",
    "outcome",
    "request",
    "securityContext",
    "severity",
    "target",
    "transaction",
    "version",
]
"""A key that the specification names in LogEvent."""


LOG_EVENT_SHAPE = ObjectOf(
    required={
        "eventType": STRING,
        "published": STRING,
        "uuid": STRING,
    },
    optional={
        "actor": OneOf(
            (
                LOG_ACTOR_SHAPE,
                NULL,
            )
        ),
        "authenticationContext": OneOf(
            (
                LOG_AUTHENTICATION_CONTEXT_SHAPE,
                NULL,
            )
        ),
        "client": OneOf(
            (
                LOG_CLIENT_SHAPE,
                NULL,
            )
        ),
        "debugContext": OneOf(
            (
                LOG_DEBUG_CONTEXT_SHAPE,
                NULL,
            )
        ),
        "displayMessage": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "legacyEventType": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "outcome": OneOf(
            (
                LOG_OUTCOME_SHAPE,
                NULL,
            )
        ),
        "request": OneOf(
            (
                LOG_REQUEST_SHAPE,
                NULL,
            )
        ),
        "securityContext": OneOf(
            (
                LOG_SECURITY_CONTEXT_SHAPE,
                NULL,
            )
        ),
        "severity": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "target": OneOf(
            (
                ListOf(LOG_TARGET_SHAPE),
                NULL,
            )
        ),
        "transaction": OneOf(
            (
                LOG_TRANSACTION_SHAPE,
                NULL,
            )
        ),
        "version": OneOf(
            (
                STRING,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_EVENT_SHAPE.required, *LOG_EVENT_SHAPE.optional})


def fits_log_event(value: object) -> TypeGuard[LogEventJson]:
    """Whether a decoded JSON value has the shape of LogEventJson."""
    try:
        return (
            type(value) is dict
            and (type(value["eventType"]) is str)
            and (type(value["published"]) is str)
            and (type(value["uuid"]) is str)
            and ((one := value.get("actor")) is None or fits_log_actor(one))
            and ((one := value.get("authenticationContext")) is None or fits_log_authentication_context(one))
            and ((one := value.get("client")) is None or fits_log_client(one))
            and ((one := value.get("debugContext")) is None or fits_log_debug_context(one))
            and ((one := value.get("displayMessage")) is None or type(one) is str)
            and ((one := value.get("legacyEventType")) is None or type(one) is str)
            and ((one := value.get("outcome")) is None or fits_log_outcome(one))
            and ((one := value.get("request")) is None or fits_log_request(one))
            and ((one := value.get("securityContext")) is None or fits_log_security_context(one))
            and ((one := value.get("severity")) is None or type(one) is str)
            and ((one := value.get("target")) is None or (type(one) is list and all(map(fits_log_target, one))))
            and ((one := value.get("transaction")) is None or fits_log_transaction(one))
            and ((one := value.get("version")) is None or type(one) is str)
        )
    except KeyError:  # a value that is required is missing
        return False


def repair_log_event(value: object) -> Repaired[LogEventJson]:
    """Remove values that do not fit LogEventJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_EVENT_SHAPE, value)


@_attrs_define(repr=False)
class LogEvent:
    """LogEvent"""

    event_type: str

    published: str

    uuid: str

    actor: LogActor | None | Unset = UNSET

    authentication_context: LogAuthenticationContext | None | Unset = UNSET

    client: LogClient | None | Unset = UNSET

    debug_context: LogDebugContext | None | Unset = UNSET

    display_message: None | str | Unset = UNSET

    legacy_event_type: None | str | Unset = UNSET

    outcome: LogOutcome | None | Unset = UNSET

    request: LogRequest | None | Unset = UNSET

    security_context: LogSecurityContext | None | Unset = UNSET

    severity: None | str | Unset = UNSET
    """DEBUG, INFO, WARN or ERROR."""
    target: list[LogTarget] | None | Unset = UNSET

    transaction: LogTransaction | None | Unset = UNSET

    version: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {
            "eventType": self.event_type,
            "published": self.published,
            "uuid": self.uuid,
        }
        if not isinstance(self.actor, Unset):
            field_dict["actor"] = self.actor.to_dict() if isinstance(self.actor, LogActor) else self.actor
        if not isinstance(self.authentication_context, Unset):
            field_dict["authenticationContext"] = (
                self.authentication_context.to_dict()
                if isinstance(self.authentication_context, LogAuthenticationContext)
                else self.authentication_context
            )
        if not isinstance(self.client, Unset):
            field_dict["client"] = self.client.to_dict() if isinstance(self.client, LogClient) else self.client
        if not isinstance(self.debug_context, Unset):
            field_dict["debugContext"] = (
                self.debug_context.to_dict() if isinstance(self.debug_context, LogDebugContext) else self.debug_context
            )
        if self.display_message is not UNSET:
            field_dict["displayMessage"] = self.display_message
        if self.legacy_event_type is not UNSET:
            field_dict["legacyEventType"] = self.legacy_event_type
        if not isinstance(self.outcome, Unset):
            field_dict["outcome"] = self.outcome.to_dict() if isinstance(self.outcome, LogOutcome) else self.outcome
        if not isinstance(self.request, Unset):
            field_dict["request"] = self.request.to_dict() if isinstance(self.request, LogRequest) else self.request
        if not isinstance(self.security_context, Unset):
            field_dict["securityContext"] = (
                self.security_context.to_dict()
                if isinstance(self.security_context, LogSecurityContext)
                else self.security_context
            )
        if self.severity is not UNSET:
            field_dict["severity"] = self.severity
        if not isinstance(self.target, Unset):
            field_dict["target"] = (
                [item.to_dict() for item in self.target] if isinstance(self.target, list) else self.target
            )
        if not isinstance(self.transaction, Unset):
            field_dict["transaction"] = (
                self.transaction.to_dict() if isinstance(self.transaction, LogTransaction) else self.transaction
            )
        if self.version is not UNSET:
            field_dict["version"] = self.version
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        self.event_type = src_dict["eventType"]
        self.published = src_dict["published"]
        self.uuid = src_dict["uuid"]
        self.actor = (
            (LogActor.from_dict(src_dict["actor"]) if type(src_dict["actor"]) is dict else src_dict["actor"])
            if "actor" in src_dict
            else UNSET
        )
        self.authentication_context = (
            (
                LogAuthenticationContext.from_dict(src_dict["authenticationContext"])
                if type(src_dict["authenticationContext"]) is dict
                else src_dict["authenticationContext"]
            )
            if "authenticationContext" in src_dict
            else UNSET
        )
        self.client = (
            (LogClient.from_dict(src_dict["client"]) if type(src_dict["client"]) is dict else src_dict["client"])
            if "client" in src_dict
            else UNSET
        )
        self.debug_context = (
            (
                LogDebugContext.from_dict(src_dict["debugContext"])
                if type(src_dict["debugContext"]) is dict
                else src_dict["debugContext"]
            )
            if "debugContext" in src_dict
            else UNSET
        )
        self.display_message = src_dict.get("displayMessage", UNSET)
        self.legacy_event_type = src_dict.get("legacyEventType", UNSET)
        self.outcome = (
            (LogOutcome.from_dict(src_dict["outcome"]) if type(src_dict["outcome"]) is dict else src_dict["outcome"])
            if "outcome" in src_dict
            else UNSET
        )
        self.request = (
            (LogRequest.from_dict(src_dict["request"]) if type(src_dict["request"]) is dict else src_dict["request"])
            if "request" in src_dict
            else UNSET
        )
        self.security_context = (
            (
                LogSecurityContext.from_dict(src_dict["securityContext"])
                if type(src_dict["securityContext"]) is dict
                else src_dict["securityContext"]
            )
            if "securityContext" in src_dict
            else UNSET
        )
        self.severity = src_dict.get("severity", UNSET)
        self.target = (
            (
                [LogTarget.from_dict(item) for item in src_dict["target"]]
                if type(src_dict["target"]) is list
                else src_dict["target"]
            )
            if "target" in src_dict
            else UNSET
        )
        self.transaction = (
            (
                LogTransaction.from_dict(src_dict["transaction"])
                if type(src_dict["transaction"]) is dict
                else src_dict["transaction"]
            )
            if "transaction" in src_dict
            else UNSET
        )
        self.version = src_dict.get("version", UNSET)
        self.additional_properties = (
            {} if _KNOWN.issuperset(src_dict) else {name: item for name, item in src_dict.items() if name not in _KNOWN}
        )
        return self

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
