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
from .json_object import JsonObject

LogTargetJson = TypedDict(
    "LogTargetJson",
    {
        "alternateId": NotRequired[str | None],
        "changeDetails": NotRequired[JsonObject | None],
        "detailEntry": NotRequired[JsonObject | None],
        "displayName": NotRequired[str | None],
        "id": NotRequired[str | None],
        "type": NotRequired[str | None],
    },
)
"""The JSON of LogTarget; further keys are allowed."""

LogTargetKey = Literal["alternateId", "changeDetails", "detailEntry", "displayName", "id", "type"]
"""A key that the specification names in LogTarget."""


LOG_TARGET_SHAPE = ObjectOf(
    required={},
    optional={
        "alternateId": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "changeDetails": OneOf(
            (
                ObjectOf({}, {}, ANYTHING),
                NULL,
            )
        ),
        "detailEntry": OneOf(
            (
                ObjectOf({}, {}, ANYTHING),
                NULL,
            )
        ),
        "displayName": OneOf(
            (
                STRING,
                NULL,
            )
        ),
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

_KNOWN = frozenset({*LOG_TARGET_SHAPE.required, *LOG_TARGET_SHAPE.optional})


def fits_log_target(value: object) -> TypeGuard[LogTargetJson]:
    """Whether a decoded JSON value has the shape of LogTargetJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("alternateId")) is None or type(one) is str)
            and ((one := value.get("changeDetails")) is None or type(one) is dict)
            and ((one := value.get("detailEntry")) is None or type(one) is dict)
            and ((one := value.get("displayName")) is None or type(one) is str)
            and ((one := value.get("id")) is None or type(one) is str)
            and ((one := value.get("type")) is None or type(one) is str)
        )
    )


def repair_log_target(value: object) -> Repaired[LogTargetJson]:
    """Remove values that do not fit LogTargetJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_TARGET_SHAPE, value)


@_attrs_define(repr=False)
class LogTarget:
    """LogTarget"""

    alternate_id: None | str | Unset = UNSET

    change_details: JsonObject | None | Unset = UNSET

    detail_entry: JsonObject | None | Unset = UNSET

    display_name: None | str | Unset = UNSET

    id: None | str | Unset = UNSET

    type_: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(
            self,
            hidden=(
                "change_details",
                "detail_entry",
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.alternate_id is not UNSET:
            field_dict["alternateId"] = self.alternate_id
        if self.change_details is not UNSET:
            field_dict["changeDetails"] = self.change_details
        if self.detail_entry is not UNSET:
            field_dict["detailEntry"] = self.detail_entry
        if self.display_name is not UNSET:
            field_dict["displayName"] = self.display_name
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
            self.alternate_id = self.change_details = self.detail_entry = self.display_name = self.id = self.type_ = (
                UNSET
            )
            self.additional_properties = {}
            return self
        self.alternate_id = src_dict.get("alternateId", UNSET)
        self.change_details = src_dict.get("changeDetails", UNSET)
        self.detail_entry = src_dict.get("detailEntry", UNSET)
        self.display_name = src_dict.get("displayName", UNSET)
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
