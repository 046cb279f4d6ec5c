from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    INTEGER,
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
from .log_issuer import LOG_ISSUER_SHAPE, LogIssuer, LogIssuerJson, fits_log_issuer

LogAuthenticationContextJson = TypedDict(
    "LogAuthenticationContextJson",
    {
        "authenticationProvider": NotRequired[str | None],
        "authenticationStep": NotRequired[int | None],
        "credentialProvider": NotRequired[str | None],
        "credentialType": NotRequired[str | None],
        "externalSessionId": NotRequired[str | None],
        "interface": NotRequired[str | None],
        "issuer": NotRequired[LogIssuerJson | None],
    },
)
"""The JSON of LogAuthenticationContext; further keys are allowed."""

LogAuthenticationContextKey = Literal[
    "authenticationProvider",
    "authenticationStep",
    "credentialProvider",
    "credentialType",
    "externalSessionId",
    "interface",
    "issuer",
]
"""A key that the specification names in LogAuthenticationContext."""


LOG_AUTHENTICATION_CONTEXT_SHAPE = ObjectOf(
    required={},
    optional={
        "authenticationProvider": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "authenticationStep": OneOf(
            (
                INTEGER,
                NULL,
            )
        ),
        "credentialProvider": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "credentialType": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "externalSessionId": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "interface": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "issuer": OneOf(
            (
                LOG_ISSUER_SHAPE,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_AUTHENTICATION_CONTEXT_SHAPE.required, *LOG_AUTHENTICATION_CONTEXT_SHAPE.optional})


def fits_log_authentication_context(value: object) -> TypeGuard[LogAuthenticationContextJson]:
    """Whether a decoded JSON value has the shape of LogAuthenticationContextJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("authenticationProvider")) is None or type(one) is str)
            and ((one := value.get("authenticationStep")) is None or type(one) is int)
            and ((one := value.get("credentialProvider")) is None or type(one) is str)
            and ((one := value.get("credentialType")) is None or type(one) is str)
            and ((one := value.get("externalSessionId")) is None or type(one) is str)
            and ((one := value.get("interface")) is None or type(one) is str)
            and ((one := value.get("issuer")) is None or fits_log_issuer(one))
        )
    )


def repair_log_authentication_context(value: object) -> Repaired[LogAuthenticationContextJson]:
    """Remove values that do not fit LogAuthenticationContextJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_AUTHENTICATION_CONTEXT_SHAPE, value)


@_attrs_define(repr=False)
class LogAuthenticationContext:
    """LogAuthenticationContext"""

    authentication_provider: None | str | Unset = UNSET

    authentication_step: int | None | Unset = UNSET

    credential_provider: None | str | Unset = UNSET

    credential_type: None | str | Unset = UNSET

    external_session_id: None | str | Unset = UNSET

    interface: None | str | Unset = UNSET

    issuer: LogIssuer | None | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.authentication_provider is not UNSET:
            field_dict["authenticationProvider"] = self.authentication_provider
        if self.authentication_step is not UNSET:
            field_dict["authenticationStep"] = self.authentication_step
        if self.credential_provider is not UNSET:
            field_dict["credentialProvider"] = self.credential_provider
        if self.credential_type is not UNSET:
            field_dict["credentialType"] = self.credential_type
        if self.external_session_id is not UNSET:
            field_dict["externalSessionId"] = self.external_session_id
        if self.interface is not UNSET:
            field_dict["interface"] = self.interface
        if not isinstance(self.issuer, Unset):
            field_dict["issuer"] = self.issuer.to_dict() if isinstance(self.issuer, LogIssuer) else self.issuer
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.authentication_provider = self.authentication_step = self.credential_provider = (
                self.credential_type
            ) = self.external_session_id = self.interface = self.issuer = UNSET
            self.additional_properties = {}
            return self
        self.authentication_provider = src_dict.get("authenticationProvider", UNSET)
        self.authentication_step = src_dict.get("authenticationStep", UNSET)
        self.credential_provider = src_dict.get("credentialProvider", UNSET)
        self.credential_type = src_dict.get("credentialType", UNSET)
        self.external_session_id = src_dict.get("externalSessionId", UNSET)
        self.interface = src_dict.get("interface", UNSET)
        self.issuer = (
            (LogIssuer.from_dict(src_dict["issuer"]) if type(src_dict["issuer"]) is dict else src_dict["issuer"])
            if "issuer" in src_dict
            else UNSET
        )
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
