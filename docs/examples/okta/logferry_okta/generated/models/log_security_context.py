from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict, TypeGuard

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    ANYTHING,
    BOOLEAN,
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
from .log_bot_protection import (
    LOG_BOT_PROTECTION_SHAPE,
    LogBotProtection,
    LogBotProtectionJson,
    fits_log_bot_protection,
)
from .log_ip_details import LOG_IP_DETAILS_SHAPE, LogIpDetails, LogIpDetailsJson, fits_log_ip_details
from .log_risk import LOG_RISK_SHAPE, LogRisk, LogRiskJson, fits_log_risk
from .log_user_behavior import LOG_USER_BEHAVIOR_SHAPE, LogUserBehavior, LogUserBehaviorJson, fits_log_user_behavior

LogSecurityContextJson = TypedDict(
    "LogSecurityContextJson",
    {
        "asNumber": NotRequired[int | None],
        "asOrg": NotRequired[str | None],
        "botProtection": NotRequired[LogBotProtectionJson | None],
        "domain": NotRequired[str | None],
        "ipDetails": NotRequired[LogIpDetailsJson | None],
        "isp": NotRequired[str | None],
        "isProxy": NotRequired[bool | None],
        "risk": NotRequired[LogRiskJson | None],
        "userBehaviors": NotRequired[list[LogUserBehaviorJson] | None],
    },
)
"""The JSON of LogSecurityContext; further keys are allowed."""

LogSecurityContextKey = Literal[
    "asNumber", "asOrg", "botProtection", "domain", "ipDetails", "isp", "isProxy", "risk", "userBehaviors"
]
"""A key that the specification names in LogSecurityContext."""


LOG_SECURITY_CONTEXT_SHAPE = ObjectOf(
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
        "botProtection": OneOf(
            (
                LOG_BOT_PROTECTION_SHAPE,
                NULL,
            )
        ),
        "domain": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "ipDetails": OneOf(
            (
                LOG_IP_DETAILS_SHAPE,
                NULL,
            )
        ),
        "isp": OneOf(
            (
                STRING,
                NULL,
            )
        ),
        "isProxy": OneOf(
            (
                BOOLEAN,
                NULL,
            )
        ),
        "risk": OneOf(
            (
                LOG_RISK_SHAPE,
                NULL,
            )
        ),
        "userBehaviors": OneOf(
            (
                ListOf(LOG_USER_BEHAVIOR_SHAPE),
                NULL,
            )
        ),
    },
    other=ANYTHING,
)

_KNOWN = frozenset({*LOG_SECURITY_CONTEXT_SHAPE.required, *LOG_SECURITY_CONTEXT_SHAPE.optional})


def fits_log_security_context(value: object) -> TypeGuard[LogSecurityContextJson]:
    """Whether a decoded JSON value has the shape of LogSecurityContextJson."""
    return type(value) is dict and (
        not value
        or (
            ((one := value.get("asNumber")) is None or type(one) is int)
            and ((one := value.get("asOrg")) is None or type(one) is str)
            and ((one := value.get("botProtection")) is None or fits_log_bot_protection(one))
            and ((one := value.get("domain")) is None or type(one) is str)
            and ((one := value.get("ipDetails")) is None or fits_log_ip_details(one))
            and ((one := value.get("isp")) is None or type(one) is str)
            and ((one := value.get("isProxy")) is None or type(one) is bool)
            and ((one := value.get("risk")) is None or fits_log_risk(one))
            and (
                (one := value.get("userBehaviors")) is None
                or (type(one) is list and all(map(fits_log_user_behavior, one)))
            )
        )
    )


def repair_log_security_context(value: object) -> Repaired[LogSecurityContextJson]:
    """Remove values that do not fit LogSecurityContextJson from a copy of a decoded JSON value, and list them."""
    return repair(LOG_SECURITY_CONTEXT_SHAPE, value)


@_attrs_define(repr=False)
class LogSecurityContext:
    """LogSecurityContext"""

    as_number: int | None | Unset = UNSET

    as_org: None | str | Unset = UNSET

    bot_protection: LogBotProtection | None | Unset = UNSET

    domain: None | str | Unset = UNSET

    ip_details: LogIpDetails | None | Unset = UNSET

    isp: None | str | Unset = UNSET

    is_proxy: bool | None | Unset = UNSET

    risk: LogRisk | None | Unset = UNSET

    user_behaviors: list[LogUserBehavior] | None | Unset = UNSET

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
        if not isinstance(self.bot_protection, Unset):
            field_dict["botProtection"] = (
                self.bot_protection.to_dict()
                if isinstance(self.bot_protection, LogBotProtection)
                else self.bot_protection
            )
        if self.domain is not UNSET:
            field_dict["domain"] = self.domain
        if not isinstance(self.ip_details, Unset):
            field_dict["ipDetails"] = (
                self.ip_details.to_dict() if isinstance(self.ip_details, LogIpDetails) else self.ip_details
            )
        if self.isp is not UNSET:
            field_dict["isp"] = self.isp
        if self.is_proxy is not UNSET:
            field_dict["isProxy"] = self.is_proxy
        if not isinstance(self.risk, Unset):
            field_dict["risk"] = self.risk.to_dict() if isinstance(self.risk, LogRisk) else self.risk
        if not isinstance(self.user_behaviors, Unset):
            field_dict["userBehaviors"] = (
                [item.to_dict() for item in self.user_behaviors]
                if isinstance(self.user_behaviors, list)
                else self.user_behaviors
            )
        for name, item in self.additional_properties.items():
            field_dict.setdefault(name, item)
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        # Assigned one by one, because a call of the constructor takes longer.
        self = cls.__new__(cls)
        if src_dict == {}:  # frequent, and quicker than to look for each field
            self.as_number = self.as_org = self.bot_protection = self.domain = self.ip_details = self.isp = (
                self.is_proxy
            ) = self.risk = self.user_behaviors = UNSET
            self.additional_properties = {}
            return self
        self.as_number = src_dict.get("asNumber", UNSET)
        self.as_org = src_dict.get("asOrg", UNSET)
        self.bot_protection = (
            (
                LogBotProtection.from_dict(src_dict["botProtection"])
                if type(src_dict["botProtection"]) is dict
                else src_dict["botProtection"]
            )
            if "botProtection" in src_dict
            else UNSET
        )
        self.domain = src_dict.get("domain", UNSET)
        self.ip_details = (
            (
                LogIpDetails.from_dict(src_dict["ipDetails"])
                if type(src_dict["ipDetails"]) is dict
                else src_dict["ipDetails"]
            )
            if "ipDetails" in src_dict
            else UNSET
        )
        self.isp = src_dict.get("isp", UNSET)
        self.is_proxy = src_dict.get("isProxy", UNSET)
        self.risk = (
            (LogRisk.from_dict(src_dict["risk"]) if type(src_dict["risk"]) is dict else src_dict["risk"])
            if "risk" in src_dict
            else UNSET
        )
        self.user_behaviors = (
            (
                [LogUserBehavior.from_dict(item) for item in src_dict["userBehaviors"]]
                if type(src_dict["userBehaviors"]) is list
                else src_dict["userBehaviors"]
            )
            if "userBehaviors" in src_dict
            else UNSET
        )
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
