"""Converts Daily's items to records: OpenTelemetry's names where they exist, else Daily's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from logferry.extend import (
    DEBUG,
    ERROR,
    INFO,
    MILLISECOND,
    REDACTED,
    WARN,
    Attributes,
    IdentityFields,
    LogRecord,
    Normalizer,
    Origin,
    PageTimes,
    ServiceResource,
    TimeField,
    is_object,
    known_times,
    loads,
    make_record,
    mapped,
    number_to_nano,
    public_url,
    text_to_nano,
    without_secrets,
)
from logferry_clients.daily.models.api_log import ApiLogJson, ApiLogKey
from logferry_clients.daily.models.list_api_logs_source import ListApiLogsSource
from logferry_clients.daily.models.session_log import SessionLogJson, SessionLogKey
from logferry_clients.daily.models.session_metric import SessionMetricJson, SessionMetricKey

_LEVELS: Final = {0: ERROR, 1: INFO, 2: DEBUG}
"""Chosen to fit the documented examples: Daily names ERROR, INFO and DEBUG, but not their numbers."""

_SEVERITIES: Final = {1: INFO, 2: INFO, 3: INFO, 4: WARN, 5: ERROR}
"""By the first digit of a status."""

SOURCES: Final[Mapping[ListApiLogsSource, str]] = {"api": "daily.api.request", "webhook": "daily.webhook.delivery"}
_EVENTS: Final[Mapping[str, str]] = {str(source): event for source, event in SOURCES.items()}
_METHODS: Final = frozenset({
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
})  # fmt: skip
"""The HTTP methods that OpenTelemetry knows."""

_TIME_FIELDS: Final = ("time", "timestamp", "clientTime")
"""Candidate fields of the time of a metric: Daily does not document its fields."""

_TOKEN_IN_PATH: Final = re.compile(r"(/meeting-tokens/)[^/?#]+")
"""A route with a meeting token in its path: Daily's REST API looks the token up by it."""

_PLAIN_ROUTE: Final = re.compile(r"(/[\w.~-]+)+/?", re.ASCII)
"""Most routes match this, and hold no secret except a meeting token."""

_USUAL_LENGTH: Final = 200

_TOKEN_IN_QUERY: Final = re.compile(r"((?:^|&)t=)[^&]*")
"""The URL of a room has a meeting token in its parameter ``t``."""

# The keys come from the generated types: both type checkers reject a key that the spec does not have.
_SESSION_LOG: Final[Mapping[SessionLogKey, str | None]] = {
    "time": None,
    "clientTime": "daily.client_time",
    "message": None,
    "mtgSessionId": "daily.meeting_session.id",
    "userSessionId": "session.id",
    "peerId": "daily.peer.id",
    "domainName": None,
    "level": "daily.level",
    "code": "daily.log.code",
}
_SESSION_METRIC: Final[Mapping[SessionMetricKey, str]] = {
    "clientTime": "daily.client_time",
    "mtgSessionId": "daily.meeting_session.id",
    "userSessionId": "session.id",
    "roomName": "daily.room.name",
}
"""The fields that a metric shares with the logs of its call; its numbers are in the raw item."""
_API_LOG: Final[Mapping[ApiLogKey, str | None]] = {
    "id": None,
    "userId": "user.id",
    "domainId": None,
    "source": "daily.source",
    "ip": "client.address",
    "method": None,
    "url": None,
    "status": None,
    "createdAt": None,
    # The bodies stay in the raw item: they can hold meeting tokens, which no field name identifies.
    "request": None,
    "response": None,
}
_SESSION_METRIC_NAMES: Final = dict[str, str]([*_SESSION_METRIC.items()])
_TIME: Final[SessionLogKey] = "time"
_DOMAIN: Final[SessionLogKey] = "domainName"
_METRIC_DOMAIN: Final[SessionMetricKey] = "domainName"
_ID: Final[ApiLogKey] = "id"
_DOMAIN_ID: Final[ApiLogKey] = "domainId"
_CREATED: Final[ApiLogKey] = "createdAt"
_RESOURCE: Final = ServiceResource("daily", "daily.domain.name")


def metric_to_nano(item: Mapping[str, Any]) -> int | None:
    """The time of a metric, from the first readable field: ISO 8601 text, or Unix milliseconds."""
    for name in _TIME_FIELDS:
        value = item.get(name)
        time = text_to_nano(value) if isinstance(value, str) else number_to_nano(value, MILLISECOND)
        if time is not None:
            return time
    return None


def _session_log(item: SessionLogJson, origin: Origin, time: int) -> LogRecord:
    return make_record(
        origin,
        item,
        time,
        _LEVELS.get(item.get("level", -1), 0),
        None,
        "daily.call.log",
        item.get("message") or None,
    )


def _session_attributes(item: SessionLogJson) -> Attributes:
    return mapped(item, _SESSION_LOG, prefix="daily")


def _metric_times(items: list[Any]) -> PageTimes:
    """The times of metrics."""
    return known_times([metric_to_nano(item) if is_object(item) else None for item in items])


def _metric(item: SessionMetricJson, origin: Origin, time: int) -> LogRecord:
    return make_record(origin, item, time, 0, None, "daily.call.metrics")


def _metric_attributes(item: SessionMetricJson) -> Attributes:
    named = {_SESSION_METRIC_NAMES[key]: value for key, value in item.items() if key in _SESSION_METRIC_NAMES}
    return {**named, "daily.metrics": without_secrets(item)}


def _api_log(item: ApiLogJson, origin: Origin, time: int) -> LogRecord:
    status = _status(item)
    method, path = item.get("method", ""), _route(item.get("url", ""))[0]
    text = f"{method} {path}" if method and path else method or path
    return make_record(
        origin,
        item,
        time,
        _severity(status),
        None,
        _EVENTS.get(item.get("source", "")),
        (text if status is None else f"{text} -> {status}".lstrip()) or None,
    )


def _api_attributes(item: ApiLogJson) -> Attributes:
    attributes = mapped(item, _API_LOG, prefix="daily")
    method, status, request, response = item.get("method"), _status(item), item.get("request"), item.get("response")
    if method in _METHODS:
        attributes["http.request.method"] = method
    elif method is not None:
        attributes |= {"http.request.method": "_OTHER", "http.request.method_original": method}
    attributes |= _route(item.get("url", ""))[1]
    if status is not None:
        attributes["http.response.status_code"] = status
    elif "status" in item:
        attributes["daily.status"] = item["status"]
    if _severity(status) >= WARN:
        attributes |= _error(status, response)
    if request is not None:
        attributes["http.request.body.size"] = _size(request)
    if response is not None:
        attributes["http.response.body.size"] = _size(response)
    return attributes


def _status(item: ApiLogJson) -> int | None:
    """The HTTP status; older descriptions have it as a text."""
    status = item.get("status")
    if isinstance(status, str):
        return int(status) if len(status) == 3 and status.isascii() and status.isdigit() else None  # noqa: PLR2004  # as every status
    return status


def _severity(status: int | None) -> int:
    return 0 if status is None else _SEVERITIES.get(status // 100, 0)


def _error(status: int | None, response: str | None) -> Attributes:
    try:
        body: object = loads(response or "")
    except ValueError:
        body = None
    details = body if is_object(body) else {}
    kind, info = details.get("error"), details.get("info")
    attributes: Attributes = {"error.type": kind if isinstance(kind, str) and kind else str(status)}
    if isinstance(info, str):
        attributes["daily.error.info"] = info
    return attributes


def _route(url: str) -> tuple[str, Attributes]:
    """The path of a route or URL, and its attributes."""
    return _usual_route(url) if len(url) <= _USUAL_LENGTH else _any_route(url)


def _any_route(url: str) -> tuple[str, Attributes]:
    public = _public(url)
    path, _, query = public.partition("?")
    if not public.startswith("/"):
        return path, {"url.full": public} if public else {}
    return path, {"url.path": path, "url.query": query} if query else {"url.path": path}


# Few routes make up most of a log; a long one is not cached.
_usual_route: Final = lru_cache(maxsize=1024)(_any_route)


def _public(url: str) -> str:
    """A route or URL without its possible secrets; empty for anything else."""
    if _PLAIN_ROUTE.fullmatch(url) and "/meeting-tokens/" not in url:
        return url
    try:
        parts = urlsplit(public_url(url))
    except ValueError:
        return ""
    path = _TOKEN_IN_PATH.sub(rf"\g<1>{REDACTED}", parts.path)
    return parts._replace(path=path, query=_TOKEN_IN_QUERY.sub(rf"\g<1>{REDACTED}", parts.query)).geturl()


def _size(body: str) -> int:
    return len(body) if body.isascii() else len(body.encode())


SESSION_LOG_NORMALIZER: Final = Normalizer[SessionLogJson](
    times=TimeField(_TIME),
    make=_session_log,
    identity=IdentityFields(None, _DOMAIN),
    attributes=_session_attributes,
    resource=_RESOURCE,
    untimed="time: no date and time",
)
SESSION_METRIC_NORMALIZER: Final = Normalizer[SessionMetricJson](
    times=_metric_times,
    make=_metric,
    identity=IdentityFields(None, _METRIC_DOMAIN),
    attributes=_metric_attributes,
    resource=_RESOURCE,
    untimed="time: no date and time",
)
API_LOG_NORMALIZER: Final = Normalizer[ApiLogJson](
    times=TimeField(_CREATED),
    make=_api_log,
    identity=IdentityFields(_ID, _DOMAIN_ID),
    attributes=_api_attributes,
    resource=ServiceResource("daily", "daily.domain.id"),
    untimed="createdAt: no date and time",
)
