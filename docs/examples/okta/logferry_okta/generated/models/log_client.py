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
    ObjectOf,
    OneOf,
    Repaired,
    Unset,
    describe,
    repair,
)
from .log_geographical_context import (
    LOG_GEOGRAPHICAL_CONTEXT_SHAPE,
    LogGeographicalContext,
    LogGeographicalContextJson,
    fits_log_geographical_context,
)
from .log_user_agent import LOG_USER_AGENT_SHAPE, LogUserAgent, LogUserAgentJson, fits_log_user_agent

LogClientJson = TypedDict(
    "LogClientJson",
    {
        "device": NotRequired[str | None],
        "geographicalContext": NotRequired[LogGeographicalContextJson | None],
        "id": NotRequired[str | None],
        "ipAddress": NotRequired[str | None],
        "userAgent": NotRequired[LogUserAgentJson | None],
        "zone": NotRequired[str | None],
    },
)
"""The JSON of LogClient; further keys are allowed."""

LogClientKey = Literal["device", "geographicalContext", "id", "ipAddress", "userAgent", "zone"]
"""A key that the specification names in LogClient."""


LOG_CLIENT_SHAPE = ObjectOf(
    required={},
    optional={
        "device": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "geographicalContext": OneOf(
            (
                LOG_GEOGRAPHICAL_CONTEXT_SHAPE,
                NULL,
            )
        ),
        "id": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "ipAddress": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "userAgent": OneOf(
            (
                LOG_USER_AGENT_SHAPE,
                NULL,
            )
        ),
        "zone": OneOf(
            (
                STRING,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_CLIENT_SHAPE.required, *LOG_CLIENT_SHAPE.optional})


def fits_log_client(value: object) -> TypeGuard[LogClientJson]:
    """Whether a decoded JSON value has the shape of LogClientJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("device")) is None or type(one) is str)
            and ((one := value.get("geographicalContext")) is None or fits_log_geographical_context(one))
            and ((one := value.get("id")) is None or type(one) is str)
            and ((one := value.get("ipAddress")) is None or type(one) is str)
            and ((one := value.get("userAgent")) is None or fits_log_user_agent(one))
            and ((one := value.get("zone")) is None or type(one) is str)
        )
    )


def repair_log_client(value: object) -> Repaired[LogClientJson]:
    """Remove values that do not fit LogClientJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_CLIENT_SHAPE, value)


@_attrs_define(repr=False)
class LogClient:
    """LogClient"""

    device: None | str | Unset = UNSET

    geographical_context: LogGeographicalContext | None | Unset = UNSET

    id: None | str | Unset = UNSET

    ip_address: None | str | Unset = UNSET

    user_agent: LogUserAgent | None | Unset = UNSET

    zone: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.device is not UNSET:
            field_dict["device"] = self.device
        if not isinstance(self.geographical_context, Unset):
            field_dict["geographicalContext"] = (
                self.geographical_context.to_dict()
                if isinstance(self.geographical_context, LogGeographicalContext)
                else self.geographical_context
            )
        if self.id is not UNSET:
            field_dict["id"] = self.id
        if self.ip_address is not UNSET:
            field_dict["ipAddress"] = self.ip_address
        if not isinstance(self.user_agent, Unset):
            field_dict["userAgent"] = (
                self.user_agent.to_dict() if isinstance(self.user_agent, LogUserAgent) else self.user_agent
            )
        if self.zone is not UNSET:
            field_dict["zone"] = self.zone
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.device = self.geographical_context = self.id = self.ip_address = self.user_agent = self.zone = UNSET
            self.additional_properties = {}
            return self
        self.device = src_dict.get("device", UNSET)
        self.geographical_context = (
            (
                LogGeographicalContext.from_dict(src_dict["geographicalContext"])
                if type(src_dict["geographicalContext"]) is dict
                else src_dict["geographicalContext"]
            )
            if "geographicalContext" in src_dict
            else UNSET
        )
        self.id = src_dict.get("id", UNSET)
        self.ip_address = src_dict.get("ipAddress", UNSET)
        self.user_agent = (
            (
                LogUserAgent.from_dict(src_dict["userAgent"])
                if type(src_dict["userAgent"]) is dict
                else src_dict["userAgent"]
            )
            if "userAgent" in src_dict
            else UNSET
        )
        self.zone = src_dict.get("zone", UNSET)
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
