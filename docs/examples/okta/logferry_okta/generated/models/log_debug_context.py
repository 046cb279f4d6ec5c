from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    NULL,
    UNSET,
    ObjectOf,
    OneOf,
    Repaired,
    Unset,
    describe,
    repair,
)
from .json_object import JsonObject

LogDebugContextJson = TypedDict(
    "LogDebugContextJson",
    {
        "debugData": NotRequired[JsonObject | None],
    },
)
"""The JSON of LogDebugContext; further keys are allowed."""

LogDebugContextKey = Literal["debugData"]
"""A key that the specification names in LogDebugContext."""


LOG_DEBUG_CONTEXT_SHAPE = ObjectOf(
    required={},
    optional={
        "debugData": OneOf(
            (
                ObjectOf({}, {}, ANYTHING),
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_DEBUG_CONTEXT_SHAPE.required, *LOG_DEBUG_CONTEXT_SHAPE.optional})


def fits_log_debug_context(value: object) -> TypeGuard[LogDebugContextJson]:
    """Whether a decoded JSON value has the shape of LogDebugContextJson."""
    return type(value) is dict and (not value or ((one := value.get("debugData")) is None or type(one) is dict))


def repair_log_debug_context(value: object) -> Repaired[LogDebugContextJson]:
    """Remove values that do not fit LogDebugContextJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_DEBUG_CONTEXT_SHAPE, value)


@_attrs_define(repr=False)
class LogDebugContext:
    """LogDebugContext"""

    debug_data: JsonObject | None | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=("debug_data",))

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.debug_data is not UNSET:
            field_dict["debugData"] = self.debug_data
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.debug_data = UNSET
            self.additional_properties = {}
            return self
        self.debug_data = src_dict.get("debugData", UNSET)
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
