from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    NULL,
    NUMBER,
    UNSET,
    ObjectOf,
    OneOf,
    Repaired,
    Unset,
    describe,
    repair,
)

LogGeolocationJson = TypedDict(
    "LogGeolocationJson",
    {
        "lat": NotRequired[float | None],
        "lon": NotRequired[float | None],
    },
)
"""The JSON of LogGeolocation; further keys are allowed."""

LogGeolocationKey = Literal["lat", "lon"]
"""A key that the specification names in LogGeolocation."""


LOG_GEOLOCATION_SHAPE = ObjectOf(
    required={},
    optional={
        "lat": OneOf(
            (
                NUMBER,
                NULL,
            )
        ),
        "lon": OneOf(
            (
                NUMBER,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_GEOLOCATION_SHAPE.required, *LOG_GEOLOCATION_SHAPE.optional})


def fits_log_geolocation(value: object) -> TypeGuard[LogGeolocationJson]:
    """Whether a decoded JSON value has the shape of LogGeolocationJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("lat")) is None or type(one) is int or type(one) is float)
            and ((one := value.get("lon")) is None or type(one) is int or type(one) is float)
        )
    )


def repair_log_geolocation(value: object) -> Repaired[LogGeolocationJson]:
    """Remove values that do not fit LogGeolocationJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_GEOLOCATION_SHAPE, value)


@_attrs_define(repr=False)
class LogGeolocation:
    """LogGeolocation"""

    lat: float | None | Unset = UNSET

    lon: float | None | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.lat is not UNSET:
            field_dict["lat"] = self.lat
        if self.lon is not UNSET:
            field_dict["lon"] = self.lon
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.lat = self.lon = UNSET
            self.additional_properties = {}
            return self
        self.lat = src_dict.get("lat", UNSET)
        self.lon = src_dict.get("lon", UNSET)
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
