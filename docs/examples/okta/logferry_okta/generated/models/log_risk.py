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
    ListOf,
    ObjectOf,
    OneOf,
    Repaired,
    Unset,
    describe,
    repair,
)

LogRiskJson = TypedDict(
    "LogRiskJson",
    {
        "detectionName": NotRequired[str | None],
        "issuer": NotRequired[str | None],
        "level": NotRequired[str | None],
        "previousLevel": NotRequired[str | None],
        "reasons": NotRequired[list[str] | None],
    },
)
"""The JSON of LogRisk; further keys are allowed."""

LogRiskKey = Literal["detectionName", "issuer", "level", "previousLevel", "reasons"]
"""A key that the specification names in LogRisk."""


LOG_RISK_SHAPE = ObjectOf(
    required={},
    optional={
        "detectionName": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "issuer": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "level": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "previousLevel": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "reasons": OneOf(
            (
                ListOf(STRING),
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_RISK_SHAPE.required, *LOG_RISK_SHAPE.optional})


def fits_log_risk(value: object) -> TypeGuard[LogRiskJson]:
    """Whether a decoded JSON value has the shape of LogRiskJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("detectionName")) is None or type(one) is str)
            and ((one := value.get("issuer")) is None or type(one) is str)
            and ((one := value.get("level")) is None or type(one) is str)
            and ((one := value.get("previousLevel")) is None or type(one) is str)
            and ((one := value.get("reasons")) is None or (type(one) is list and {*map(type, one)} <= {str}))
        )
    )


def repair_log_risk(value: object) -> Repaired[LogRiskJson]:
    """Remove values that do not fit LogRiskJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_RISK_SHAPE, value)


@_attrs_define(repr=False)
class LogRisk:
    """LogRisk"""

    detection_name: None | str | Unset = UNSET

    issuer: None | str | Unset = UNSET

    level: None | str | Unset = UNSET

    previous_level: None | str | Unset = UNSET

    reasons: list[str] | None | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.detection_name is not UNSET:
            field_dict["detectionName"] = self.detection_name
        if self.issuer is not UNSET:
            field_dict["issuer"] = self.issuer
        if self.level is not UNSET:
            field_dict["level"] = self.level
        if self.previous_level is not UNSET:
            field_dict["previousLevel"] = self.previous_level
        if self.reasons is not UNSET:
            field_dict["reasons"] = self.reasons
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.detection_name = self.issuer = self.level = self.previous_level = self.reasons = UNSET
            self.additional_properties = {}
            return self
        self.detection_name = src_dict.get("detectionName", UNSET)
        self.issuer = src_dict.get("issuer", UNSET)
        self.level = src_dict.get("level", UNSET)
        self.previous_level = src_dict.get("previousLevel", UNSET)
        self.reasons = src_dict.get("reasons", UNSET)
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
