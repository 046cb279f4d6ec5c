from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    INTEGER,
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
from .log_ip_service_category import (
    LOG_IP_SERVICE_CATEGORY_SHAPE,
    LogIpServiceCategory,
    LogIpServiceCategoryJson,
    fits_log_ip_service_category,
)

LogIpDetailsJson = TypedDict(
    "LogIpDetailsJson",
    {
        "asNumber": NotRequired[int | None],
        "asOrg": NotRequired[str | None],
        "domain": NotRequired[str | None],
        "ipServiceCategories": NotRequired[list[LogIpServiceCategoryJson] | None],
        "isp": NotRequired[str | None],
    },
)
"""The JSON of LogIpDetails; further keys are allowed."""

LogIpDetailsKey = Literal["asNumber", "asOrg", "domain", "ipServiceCategories", "isp"]
"""A key that the specification names in LogIpDetails."""


LOG_IP_DETAILS_SHAPE = ObjectOf(
    required={},
    optional={
        "asNumber": OneOf(
            (
                INTEGER,
                NULL,
            )
        ),
        "asOrg": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "domain": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "ipServiceCategories": OneOf(
            (
                ListOf(LOG_IP_SERVICE_CATEGORY_SHAPE),
                NULL,
            )
        ),
        "isp": OneOf(
            (
                STRING,
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_IP_DETAILS_SHAPE.required, *LOG_IP_DETAILS_SHAPE.optional})


def fits_log_ip_details(value: object) -> TypeGuard[LogIpDetailsJson]:
    """Whether a decoded JSON value has the shape of LogIpDetailsJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("asNumber")) is None or type(one) is int)
            and ((one := value.get("asOrg")) is None or type(one) is str)
            and ((one := value.get("domain")) is None or type(one) is str)
            and (
                (one := value.get("ipServiceCategories")) is None
                or (type(one) is list and all(map(fits_log_ip_service_category, one)))
            )
            and ((one := value.get("isp")) is None or type(one) is str)
        )
    )


def repair_log_ip_details(value: object) -> Repaired[LogIpDetailsJson]:
    """Remove values that do not fit LogIpDetailsJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_IP_DETAILS_SHAPE, value)


@_attrs_define(repr=False)
class LogIpDetails:
    """LogIpDetails"""

    as_number: int | None | Unset = UNSET

    as_org: None | str | Unset = UNSET

    domain: None | str | Unset = UNSET

    ip_service_categories: list[LogIpServiceCategory] | None | Unset = UNSET

    isp: None | str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(factory=dict)
    """Further values, by their names in JSON."""

    def __repr__(self) -> str:
        return describe(self, hidden=())

    def to_dict(self) -> dict[str, Any]:
        field_dict: dict[str, Any] = {}
        if self.as_number is not UNSET:
            field_dict["asNumber"] = self.as_number
        if self.as_org is not UNSET:
            field_dict["asOrg"] = self.as_org
        if self.domain is not UNSET:
            field_dict["domain"] = self.domain
        if not isinstance(self.ip_service_categories, Unset):
            field_dict["ipServiceCategories"] = (
                [item.to_dict() for item in self.ip_service_categories]
                if isinstance(self.ip_service_categories, list)
                else self.ip_service_categories
            )
        if self.isp is not UNSET:
            field_dict["isp"] = self.isp
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.as_number = self.as_org = self.domain = self.ip_service_categories = self.isp = UNSET
            self.additional_properties = {}
            return self
        self.as_number = src_dict.get("asNumber", UNSET)
        self.as_org = src_dict.get("asOrg", UNSET)
        self.domain = src_dict.get("domain", UNSET)
        self.ip_service_categories = (
            (
                [LogIpServiceCategory.from_dict(item) for item in src_dict["ipServiceCategories"]]
                if type(src_dict["ipServiceCategories"]) is list
                else src_dict["ipServiceCategories"]
            )
            if "ipServiceCategories" in src_dict
            else UNSET
        )
        self.isp = src_dict.get("isp", UNSET)
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
