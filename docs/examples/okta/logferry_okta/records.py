"""The record of an event: OpenTelemetry's names where they exist, else Okta's own."""

from collections.abc import Mapping
from typing import Final

from logferry.extend import (
    DEBUG,
    ERROR,
    INFO,
    WARN,
    Attribute,
    Attributes,
    IdentityFields,
    LogRecord,
    Normalizer,
    Origin,
    ServiceResource,
    TimeField,
    make_record,
    mapped,
    present,
)
from logferry_okta.generated.models.log_event import LogEventJson, LogEventKey

_SEVERITIES: Final = {"DEBUG": DEBUG, "INFO": INFO, "WARN": WARN, "ERROR": ERROR}
# The keys come from the generated types: both type checkers reject a key that the spec does not have.
_PUBLISHED: Final[LogEventKey] = "published"
_OWN: Final[tuple[LogEventKey, ...]] = ("uuid", _PUBLISHED, "eventType", "severity", "displayMessage")
_ELSEWHERE: Final[Mapping[LogEventKey, str | None]] = dict.fromkeys(_OWN)

ATTRIBUTES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "okta.system_log": (
        Attribute("user.id", "string", "actor.id", "Who did it."),
        Attribute("client.address", "string", "client.ipAddress", "Where the request came from."),
        Attribute("user_agent.original", "string", "client.userAgent.rawUserAgent", "The program that sent it."),
        Attribute("session.id", "string", "authenticationContext.externalSessionId", "The session."),
        Attribute("okta.outcome.result", "string", "outcome.result", "SUCCESS, FAILURE, ALLOW, DENY and others."),
        Attribute("okta.outcome.reason", "string", "outcome.reason", "Why."),
        Attribute("okta.*", "any", "*", "Any other field of the event, without secrets."),
    )
}


def _record(item: LogEventJson, origin: Origin, time: int) -> LogRecord:
    word = item.get("severity")
    return make_record(
        origin, item, time, _SEVERITIES.get(word or "", 0), word, item["eventType"], item.get("displayMessage")
    )


def _attributes(item: LogEventJson) -> Attributes:
    client, outcome = item.get("client") or {}, item.get("outcome") or {}
    lifted: Attributes = {
        "user.id": (item.get("actor") or {}).get("id"),
        "client.address": client.get("ipAddress"),
        "user_agent.original": (client.get("userAgent") or {}).get("rawUserAgent"),
        "session.id": (item.get("authenticationContext") or {}).get("externalSessionId"),
        "okta.outcome.result": outcome.get("result"),
        "okta.outcome.reason": outcome.get("reason"),
    }
    return mapped(item, _ELSEWHERE, prefix="okta") | present(lifted)


NORMALIZER: Final = Normalizer[LogEventJson](
    times=TimeField(_PUBLISHED),
    make=_record,
    identity=IdentityFields(_OWN[0]),  # events do not say whose they are
    attributes=_attributes,
    resource=ServiceResource("okta"),
    untimed="published: no moment between the years 1 and 9999",
)
