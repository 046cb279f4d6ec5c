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
from .log_geolocation import LOG_GEOLOCATION_SHAPE, LogGeolocation, LogGeolocationJson, fits_log_geolocation

LogGeographicalContextJson = TypedDict(
    "LogGeographicalContextJson",
    {
        "city": NotRequired[str | None],
        "country": NotRequired[str | None],
        "geolocation": NotRequired[LogGeolocationJson | None],
        "postalCode": NotRequired[str | None],
        "state": NotRequired[str | None],
    },
)
"""The JSON of LogGeographicalContext; further keys are allowed."""

LogGeographicalContextKey = Literal["city", "country", "geolocation", "postalCode", "state"]
"""A key that the specification names in LogGeographicalContext."""


LOG_GEOGRAPHICAL_CONTEXT_SHAPE = ObjectOf(
    required={},
    optional={
        "city": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "country": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "geolocation": OneOf(
            (
                LOG_GEOLOCATION_SHAPE,
                NULL,
            )
        ),
        "postalCode": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "state": OneOf(
            (
                STRING,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_GEOGRAPHICAL_CONTEXT_SHAPE.required, *LOG_GEOGRAPHICAL_CONTEXT_SHAPE.optional})


def fits_log_geographical_context(value: object) -> TypeGuard[LogGeographicalContextJson]:
    """Whether a decoded JSON value has the shape of LogGeographicalContextJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("city")) is None or type(one) is str)
            and ((one := value.get("country")) is None or type(one) is str)
            and ((one := value.get("geolocation")) is None or fits_log_geolocation(one))
            and ((one := value.get("postalCode")) is None or type(one) is str)
            and ((one := value.get("state")) is None or type(one) is str)
        )
    )


def repair_log_geographical_context(value: object) -> Repaired[LogGeographicalContextJson]:
    """Remove values that do not fit LogGeographicalContextJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_GEOGRAPHICAL_CONTEXT_SHAPE, value)


@_attrs_define(repr=False)
class LogGeographicalContext:
    """LogGeographicalContext"""

    city: None | str | Unset = UNSET

    country: None | str | Unset = UNSET

    geolocation: LogGeolocation | None | Unset = UNSET

    postal_code: None | str | Unset = UNSET

    state: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.city is not UNSET:
            field_dict["city"] = self.city
        if self.country is not UNSET:
            field_dict["country"] = self.country
        if not isinstance(self.geolocation, Unset):
            field_dict["geolocation"] = (
                self.geolocation.to_dict() if isinstance(self.geolocation, LogGeolocation) else self.geolocation
            )
        if self.postal_code is not UNSET:
            field_dict["postalCode"] = self.postal_code
        if self.state is not UNSET:
            field_dict["state"] = self.state
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.city = self.country = self.geolocation = self.postal_code = self.state = UNSET
            self.additional_properties = {}
            return self
        self.city = src_dict.get("city", UNSET)
        self.country = src_dict.get("country", UNSET)
        self.geolocation = (
            (
                LogGeolocation.from_dict(src_dict["geolocation"])
                if type(src_dict["geolocation"]) is dict
                else src_dict["geolocation"]
            )
            if "geolocation" in src_dict
            else UNSET
        )
        self.postal_code = src_dict.get("postalCode", UNSET)
        self.state = src_dict.get("state", UNSET)
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
