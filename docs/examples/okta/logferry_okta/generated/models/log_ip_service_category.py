from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    BOOLEAN,
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

LogIpServiceCategoryJson = TypedDict(
    "LogIpServiceCategoryJson",
    {
        "isAnonymous": NotRequired[bool | None],
        "operator": NotRequired[str | None],
        "type": NotRequired[str | None],
    },
)
"""The JSON of LogIpServiceCategory; further keys are allowed."""

LogIpServiceCategoryKey = Literal["isAnonymous", "operator", "type"]
"""A key that the specification names in LogIpServiceCategory."""


LOG_IP_SERVICE_CATEGORY_SHAPE = ObjectOf(
    required={},
    optional={
        "isAnonymous": OneOf(
            (
                BOOLEAN,
                NULL,
            )
        ),
        "operator": OneOf(
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

_KNOWN = frozenset({*LOG_IP_SERVICE_CATEGORY_SHAPE.required, *LOG_IP_SERVICE_CATEGORY_SHAPE.optional})


def fits_log_ip_service_category(value: object) -> TypeGuard[LogIpServiceCategoryJson]:
    """Whether a decoded JSON value has the shape of LogIpServiceCategoryJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("isAnonymous")) is None or type(one) is bool)
            and ((one := value.get("operator")) is None or type(one) is str)
            and ((one := value.get("type")) is None or type(one) is str)
        )
    )


def repair_log_ip_service_category(value: object) -> Repaired[LogIpServiceCategoryJson]:
    """Remove values that do not fit LogIpServiceCategoryJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_IP_SERVICE_CATEGORY_SHAPE, value)


@_attrs_define(repr=False)
class LogIpServiceCategory:
    """LogIpServiceCategory"""

    is_anonymous: bool | None | Unset = UNSET

    operator: None | str | Unset = UNSET

    type_: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.is_anonymous is not UNSET:
            field_dict["isAnonymous"] = self.is_anonymous
        if self.operator is not UNSET:
            field_dict["operator"] = self.operator
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
            self.is_anonymous = self.operator = self.type_ = UNSET
            self.additional_properties = {}
            return self
        self.is_anonymous = src_dict.get("isAnonymous", UNSET)
        self.operator = src_dict.get("operator", UNSET)
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
