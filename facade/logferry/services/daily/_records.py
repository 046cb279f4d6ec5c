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
    LogRecord,
    Normalizer,
    Origin,
    PageTimes,
    TimeField,
    is_object,
    known_times,
    loads,
    make_record,
    mapped,
    number_to_nano,
    present,
    public_url,
    text_to_nano,
    without_secrets,
)
from logferry_clients.daily.models.api_log import ApiLogJson, ApiLogKey
from logferry_clients.daily.models.session_log import SessionLogJson, SessionLogKey
from logferry_clients.daily.models.session_metric import SessionMetricJson, SessionMetricKey

_LEVELS: Final = {0: ERROR, 1: INFO, 2: DEBUG}
"""Chosen to fit the documented examples: Daily names ERROR, INFO and DEBUG, but not their numbers."""

_SEVERITIES: Final = {1: INFO, 2: INFO, 3: INFO, 4: WARN, 5: ERROR}
"""By the first digit of a status."""

_EVENTS: Final = {"api": "daily.api.request", "webhook": "daily.webhook.delivery"}
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
_CREATED: Final[ApiLogKey] = "createdAt"


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


def _session_identity(item: SessionLogJson) -> tuple[str | None, str | None]:
    return item.get("domainName"), None


def _session_resource(item: SessionLogJson, origin: Origin) -> Attributes:
    return resource_of(origin, {"daily.domain.name": item.get("domainName")})


def _session_attributes(item: SessionLogJson) -> Attributes:
    return mapped(item, _SESSION_LOG, prefix="daily")


def _metric_times(items: list[Any]) -> PageTimes:
    """The times of metrics."""
    return known_times([metric_to_nano(item) if is_object(item) else None for item in items])


def _metric(item: SessionMetricJson, origin: Origin, time: int) -> LogRecord:
    return make_record(origin, item, time, 0, None, "daily.call.metrics")


def _metric_identity(item: SessionMetricJson) -> tuple[str | None, str | None]:
    return item.get("domainName"), None


def _metric_resource(item: SessionMetricJson, origin: Origin) -> Attributes:
    return resource_of(origin, {"daily.domain.name": item.get("domainName")})


def _metric_attributes(item: SessionMetricJson) -> Attributes:
    named = {_SESSION_METRIC_NAMES[key]: value for key, value in item.items() if key in _SESSION_METRIC_NAMES}
    return {**named, "daily.metrics": without_secrets(item)}


def _api_log(item: ApiLogJson, origin: Origin, time: int) -> LogRecord:
    status = _status(item)
    method, path = item.get("method", ""), _path(item.get("url", ""))
    said = f"{method} {path}" if method and path else method or path
    return make_record(
        origin,
        item,
        time,
        _severity(status),
        None,
        _EVENTS.get(item.get("source", "")),
        (said if status is None else f"{said} -> {status}".lstrip()) or None,
    )


def _api_identity(item: ApiLogJson) -> tuple[str | None, str | None]:
    return item.get("domainId"), item.get("id")


def _api_resource(item: ApiLogJson, origin: Origin) -> Attributes:
    return resource_of(origin, {"daily.domain.id": item.get("domainId")})


def _api_attributes(item: ApiLogJson) -> Attributes:
    attributes = mapped(item, _API_LOG, prefix="daily")
    method, status, request, response = item.get("method"), _status(item), item.get("request"), item.get("response")
    if method in _METHODS:
        attributes["http.request.method"] = method
    elif method is not None:
        attributes |= {"http.request.method": "_OTHER", "http.request.method_original": method}
    attributes |= _url(item.get("url", ""))
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


def _url(url: str) -> Attributes:
    return _usual_url(url) if len(url) <= _USUAL_LENGTH else _any_url(url)


def _any_url(url: str) -> Attributes:
    public = _public(url)
    if not public.startswith("/"):
        return {"url.full": public} if public else {}
    path, _, query = public.partition("?")
    return {"url.path": path, "url.query": query} if query else {"url.path": path}


def _path(url: str) -> str:
    return _usual_path(url) if len(url) <= _USUAL_LENGTH else _any_path(url)


def _any_path(url: str) -> str:
    return _public(url).partition("?")[0]


# Few routes make up most of a log; a long one is not cached.
_usual_url: Final = lru_cache(maxsize=1024)(_any_url)
_usual_path: Final = lru_cache(maxsize=1024)(_any_path)


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


def resource_of(origin: Origin, tenant: Attributes) -> Attributes:
    """The resource of a record, with the domain if it is known."""
    return present({"service.name": "daily", "server.address": origin.server_address, **tenant})


SESSION_LOG_NORMALIZER: Final = Normalizer[SessionLogJson](
    times=TimeField(_TIME),
    make=_session_log,
    identity=_session_identity,
    attributes=_session_attributes,
    resource=_session_resource,
    untimed="time: no date and time",
)
SESSION_METRIC_NORMALIZER: Final = Normalizer[SessionMetricJson](
    times=_metric_times,
    make=_metric,
    identity=_metric_identity,
    attributes=_metric_attributes,
    resource=_metric_resource,
    untimed="time: no date and time",
)
API_LOG_NORMALIZER: Final = Normalizer[ApiLogJson](
    times=TimeField(_CREATED),
    make=_api_log,
    identity=_api_identity,
    attributes=_api_attributes,
    resource=_api_resource,
    untimed="createdAt: no date and time",
)
