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
from .log_ip_details import LOG_IP_DETAILS_SHAPE, LogIpDetails, LogIpDetailsJson, fits_log_ip_details

LogIpAddressJson = TypedDict(
    "LogIpAddressJson",
    {
        "geographicalContext": NotRequired[LogGeographicalContextJson | None],
        "ip": NotRequired[str | None],
        "ipDetails": NotRequired[LogIpDetailsJson | None],
        "source": NotRequired[str | None],
        "version": NotRequired[str | None],
    },
)
"""The JSON of LogIpAddress; further keys are allowed."""

LogIpAddressKey = Literal["geographicalContext", "ip", "ipDetails", "source", "version"]
"""A key that the specification names in LogIpAddress."""


LOG_IP_ADDRESS_SHAPE = ObjectOf(
    required={},
    optional={
        "geographicalContext": OneOf(
            (
                LOG_GEOGRAPHICAL_CONTEXT_SHAPE,
                NULL,
            )
        ),
        "ip": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "ipDetails": OneOf(
            (
                LOG_IP_DETAILS_SHAPE,
                NULL,
            )
        ),
        "source": OneOf(
            (
                STRING,
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

_KNOWN = frozenset({*LOG_IP_ADDRESS_SHAPE.required, *LOG_IP_ADDRESS_SHAPE.optional})


def fits_log_ip_address(value: object) -> TypeGuard[LogIpAddressJson]:
    """Whether a decoded JSON value has the shape of LogIpAddressJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("geographicalContext")) is None or fits_log_geographical_context(one))
            and ((one := value.get("ip")) is None or type(one) is str)
            and ((one := value.get("ipDetails")) is None or fits_log_ip_details(one))
            and ((one := value.get("source")) is None or type(one) is str)
            and ((one := value.get("version")) is None or type(one) is str)
        )
    )


def repair_log_ip_address(value: object) -> Repaired[LogIpAddressJson]:
    """Remove values that do not fit LogIpAddressJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_IP_ADDRESS_SHAPE, value)


@_attrs_define(repr=False)
class LogIpAddress:
    """LogIpAddress"""

    geographical_context: LogGeographicalContext | None | Unset = UNSET

    ip: None | str | Unset = UNSET

    ip_details: LogIpDetails | None | Unset = UNSET

    source: None | str | Unset = UNSET

    version: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if not isinstance(self.geographical_context, Unset):
            field_dict["geographicalContext"] = (
                self.geographical_context.to_dict()
                if isinstance(self.geographical_context, LogGeographicalContext)
                else self.geographical_context
            )
        if self.ip is not UNSET:
            field_dict["ip"] = self.ip
        if not isinstance(self.ip_details, Unset):
            field_dict["ipDetails"] = (
                self.ip_details.to_dict() if isinstance(self.ip_details, LogIpDetails) else self.ip_details
            )
        if self.source is not UNSET:
            field_dict["source"] = self.source
        if self.version is not UNSET:
            field_dict["version"] = self.version
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.geographical_context = self.ip = self.ip_details = self.source = self.version = UNSET
            self.additional_properties = {}
            return self
        self.geographical_context = (
            (
                LogGeographicalContext.from_dict(src_dict["geographicalContext"])
                if type(src_dict["geographicalContext"]) is dict
                else src_dict["geographicalContext"]
            )
            if "geographicalContext" in src_dict
            else UNSET
        )
        self.ip = src_dict.get("ip", UNSET)
        self.ip_details = (
            (
                LogIpDetails.from_dict(src_dict["ipDetails"])
                if type(src_dict["ipDetails"]) is dict
                else src_dict["ipDetails"]
            )
            if "ipDetails" in src_dict
            else UNSET
        )
        self.source = src_dict.get("source", UNSET)
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
