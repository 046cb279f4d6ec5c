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

LogUserBehaviorJson = TypedDict(
    "LogUserBehaviorJson",
    {
        "id": NotRequired[str | None],
        "name": NotRequired[str | None],
        "result": NotRequired[str | None],
    },
)
"""The JSON of LogUserBehavior; further keys are allowed."""

LogUserBehaviorKey = Literal["id", "name", "result"]
"""A key that the specification names in LogUserBehavior."""


LOG_USER_BEHAVIOR_SHAPE = ObjectOf(
    required={},
    optional={
        "id": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "name": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "result": OneOf(
            (
                STRING,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_USER_BEHAVIOR_SHAPE.required, *LOG_USER_BEHAVIOR_SHAPE.optional})


def fits_log_user_behavior(value: object) -> TypeGuard[LogUserBehaviorJson]:
    """Whether a decoded JSON value has the shape of LogUserBehaviorJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("id")) is None or type(one) is str)
            and ((one := value.get("name")) is None or type(one) is str)
            and ((one := value.get("result")) is None or type(one) is str)
        )
    )


def repair_log_user_behavior(value: object) -> Repaired[LogUserBehaviorJson]:
    """Remove values that do not fit LogUserBehaviorJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_USER_BEHAVIOR_SHAPE, value)


@_attrs_define(repr=False)
class LogUserBehavior:
    """LogUserBehavior"""

    id: None | str | Unset = UNSET

    name: None | str | Unset = UNSET

    result: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.id is not UNSET:
            field_dict["id"] = self.id
        if self.name is not UNSET:
            field_dict["name"] = self.name
        if self.result is not UNSET:
            field_dict["result"] = self.result
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.id = self.name = self.result = UNSET
            self.additional_properties = {}
            return self
        self.id = src_dict.get("id", UNSET)
        self.name = src_dict.get("name", UNSET)
        self.result = src_dict.get("result", UNSET)
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
