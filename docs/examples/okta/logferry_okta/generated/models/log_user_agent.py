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

LogUserAgentJson = TypedDict(
    "LogUserAgentJson",
    {
        "browser": NotRequired[str | None],
        "os": NotRequired[str | None],
        "rawUserAgent": NotRequired[str | None],
    },
)
"""The JSON of LogUserAgent; further keys are allowed."""

LogUserAgentKey = Literal["browser", "os", "rawUserAgent"]
"""A key that the specification names in LogUserAgent."""


LOG_USER_AGENT_SHAPE = ObjectOf(
    required={},
    optional={
        "browser": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "os": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "rawUserAgent": OneOf(
            (
                STRING,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_USER_AGENT_SHAPE.required, *LOG_USER_AGENT_SHAPE.optional})


def fits_log_user_agent(value: object) -> TypeGuard[LogUserAgentJson]:
    """Whether a decoded JSON value has the shape of LogUserAgentJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("browser")) is None or type(one) is str)
            and ((one := value.get("os")) is None or type(one) is str)
            and ((one := value.get("rawUserAgent")) is None or type(one) is str)
        )
    )


def repair_log_user_agent(value: object) -> Repaired[LogUserAgentJson]:
    """Remove values that do not fit LogUserAgentJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_USER_AGENT_SHAPE, value)


@_attrs_define(repr=False)
class LogUserAgent:
    """LogUserAgent"""

    browser: None | str | Unset = UNSET

    os: None | str | Unset = UNSET

    raw_user_agent: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.browser is not UNSET:
            field_dict["browser"] = self.browser
        if self.os is not UNSET:
            field_dict["os"] = self.os
        if self.raw_user_agent is not UNSET:
            field_dict["rawUserAgent"] = self.raw_user_agent
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.browser = self.os = self.raw_user_agent = UNSET
            self.additional_properties = {}
            return self
        self.browser = src_dict.get("browser", UNSET)
        self.os = src_dict.get("os", UNSET)
        self.raw_user_agent = src_dict.get("rawUserAgent", UNSET)
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
