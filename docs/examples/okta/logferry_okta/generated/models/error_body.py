from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    STRING,
    UNSET,
    ListOf,
    ObjectOf,
    Repaired,
    Unset,
    describe,
    repair,
)
from .json_object import JsonObject

ErrorBodyJson = TypedDict(
    "ErrorBodyJson",
    {
        "errorCode": NotRequired[str],
        "errorSummary": NotRequired[str],
        "errorId": NotRequired[str],
        "errorLink": NotRequired[str],
        "errorCauses": NotRequired[list[JsonObject]],
    },
)
"""The JSON of ErrorBody; further keys are allowed."""

ErrorBodyKey = Literal["errorCode", "errorSummary", "errorId", "errorLink", "errorCauses"]
"""A key that the specification names in ErrorBody."""


ERROR_BODY_SHAPE = ObjectOf(
    required={},
    optional={
        "errorCode": STRING,
        "errorSummary": STRING,
        "errorId": STRING,
        "errorLink": STRING,
        "errorCauses": ListOf(ObjectOf({}, {}, ANYTHING)),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*ERROR_BODY_SHAPE.required, *ERROR_BODY_SHAPE.optional})


def fits_error_body(value: object) -> TypeGuard[ErrorBodyJson]:
    """Whether a decoded JSON value has the shape of ErrorBodyJson."""
    return type(value) is dict and (
        not value
        or (
            type(value.get("errorCode", "")) is str
            and type(value.get("errorSummary", "")) is str
            and type(value.get("errorId", "")) is str
            and type(value.get("errorLink", "")) is str
            and (
                "errorCauses" not in value
                or (type(value["errorCauses"]) is list and all(type(item) is dict for item in value["errorCauses"]))
            )
        )
    )


def repair_error_body(value: object) -> Repaired[ErrorBodyJson]:
    """Remove values that do not fit ErrorBodyJson from a copy of a decoded JSON value, and list them."""
    return repair(ERROR_BODY_SHAPE, value)


@_attrs_define(repr=False)
class ErrorBody:
    """ErrorBody"""

    error_code: str | Unset = UNSET

    error_summary: str | Unset = UNSET

    error_id: str | Unset = UNSET

    error_link: str | Unset = UNSET

    error_causes: list[JsonObject] | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.error_code is not UNSET:
            field_dict["errorCode"] = self.error_code
        if self.error_summary is not UNSET:
            field_dict["errorSummary"] = self.error_summary
        if self.error_id is not UNSET:
            field_dict["errorId"] = self.error_id
        if self.error_link is not UNSET:
            field_dict["errorLink"] = self.error_link
        if self.error_causes is not UNSET:
            field_dict["errorCauses"] = self.error_causes
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.error_code = self.error_summary = self.error_id = self.error_link = self.error_causes = UNSET
            self.additional_properties = {}
            return self
        self.error_code = src_dict.get("errorCode", UNSET)
        self.error_summary = src_dict.get("errorSummary", UNSET)
        self.error_id = src_dict.get("errorId", UNSET)
        self.error_link = src_dict.get("errorLink", UNSET)
        self.error_causes = src_dict.get("errorCauses", UNSET)
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
