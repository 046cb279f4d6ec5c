from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    NULL,
    UNSET,
    ListOf,
    ObjectOf,
    OneOf,
    Repaired,
    Unset,
    describe,
    repair,
)
from .log_ip_address import LOG_IP_ADDRESS_SHAPE, LogIpAddress, LogIpAddressJson, fits_log_ip_address

LogRequestJson = TypedDict(
    "LogRequestJson",
    {
        "ipChain": NotRequired[list[LogIpAddressJson] | None],
    },
)
"""The JSON of LogRequest; further keys are allowed."""

LogRequestKey = Literal["ipChain"]
"""A key that the specification names in LogRequest."""


LOG_REQUEST_SHAPE = ObjectOf(
    required={},
    optional={
        "ipChain": OneOf(
            (
                ListOf(LOG_IP_ADDRESS_SHAPE),
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_REQUEST_SHAPE.required, *LOG_REQUEST_SHAPE.optional})


def fits_log_request(value: object) -> TypeGuard[LogRequestJson]:
    """Whether a decoded JSON value has the shape of LogRequestJson."""
    return type(value) is dict and (
        not value
        or ((one := value.get("ipChain")) is None or (type(one) is list and all(map(fits_log_ip_address, one))))
    )


def repair_log_request(value: object) -> Repaired[LogRequestJson]:
    """Remove values that do not fit LogRequestJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_REQUEST_SHAPE, value)


@_attrs_define(repr=False)
class LogRequest:
    """LogRequest"""

    ip_chain: list[LogIpAddress] | None | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if not isinstance(self.ip_chain, Unset):
            field_dict["ipChain"] = (
                [item.to_dict() for item in self.ip_chain] if isinstance(self.ip_chain, list) else self.ip_chain
            )
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.ip_chain = UNSET
            self.additional_properties = {}
            return self
        self.ip_chain = (
            (
                [LogIpAddress.from_dict(item) for item in src_dict["ipChain"]]
                if type(src_dict["ipChain"]) is list
                else src_dict["ipChain"]
            )
            if "ipChain" in src_dict
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
