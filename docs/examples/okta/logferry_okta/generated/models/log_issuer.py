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

LogIssuerJson = TypedDict(
    "LogIssuerJson",
    {
        "id": NotRequired[str | None],
        "type": NotRequired[str | None],
    },
)
"""The JSON of LogIssuer; further keys are allowed."""

LogIssuerKey = Literal["id", "type"]
"""A key that the specification names in LogIssuer."""


LOG_ISSUER_SHAPE = ObjectOf(
    required={},
    optional={
        "id": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "type": OneOf(
            (
                STRING,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_ISSUER_SHAPE.required, *LOG_ISSUER_SHAPE.optional})


def fits_log_issuer(value: object) -> TypeGuard[LogIssuerJson]:
    """Whether a decoded JSON value has the shape of LogIssuerJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("id")) is None or type(one) is str)
            and ((one := value.get("type")) is None or type(one) is str)
        )
    )


def repair_log_issuer(value: object) -> Repaired[LogIssuerJson]:
    """Remove values that do not fit LogIssuerJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_ISSUER_SHAPE, value)


@_attrs_define(repr=False)
class LogIssuer:
    """LogIssuer"""

    id: None | str | Unset = UNSET

    type_: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.id is not UNSET:
            field_dict["id"] = self.id
        if self.type_ is not UNSET:
            field_dict["type"] = self.type_
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.id = self.type_ = UNSET
            self.additional_properties = {}
            return self
        self.id = src_dict.get("id", UNSET)
        self.type_ = src_dict.get("type", UNSET)
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
