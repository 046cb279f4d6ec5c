"""Converts log entries to records: OpenTelemetry's names where they exist, else Cognigy's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from logferry.extend import (
    DEBUG,
    ERROR,
    FATAL,
    INFO,
    TRACE,
    WARN,
    Attributes,
    IdentityFields,
    LogRecord,
    Normalizer,
    Origin,
    ServiceResource,
    TimeField,
    make_record,
    mapped,
    without_secrets,
)
from logferry_clients.cognigy.models.log_entry import LogEntryJson, LogEntryKey
from logferry_clients.cognigy.models.log_level import LogLevel

# The keys come from the generated types: both type checkers reject a key or a level that the spec does not have.
LEVELS: Final[Mapping[LogLevel, int]] = {
    "fatal": FATAL,
    "error": ERROR,
    "warn": WARN,
    "info": INFO,
    "debug": DEBUG,
    "trace": TRACE,
}
_SEVERITIES: Final[Mapping[str, int]] = {str(level): severity for level, severity in LEVELS.items()}
_ENTRY: Final[Mapping[LogEntryKey, str | None]] = {
    "_id": None,
    "timestamp": None,
    "msg": None,
    "meta": None,
    "traceId": "cognigy.trace.id",
    "type": None,
}
_ID: Final[LogEntryKey] = "_id"
_TIMESTAMP: Final[LogEntryKey] = "timestamp"

_LIFTED: Final = {"userId": "user.id", "sessionId": "session.id", "flowName": "cognigy.flow.name"}
"""The fields of ``meta`` that get an attribute; its content is not documented, and the rest stays in it."""

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_TRACE_ID_LENGTHS: Final = (32, 36)


def _record(item: LogEntryJson, origin: Origin, time: int) -> LogRecord:
    level = item.get("type") or _level_of_query(origin)
    return make_record(
        origin,
        item,
        time,
        _SEVERITIES.get(level.lower(), 0) if level else 0,
        level,
        None,  # free text is not an event name
        item.get("msg") or None,
    )


def _level_of_query(origin: Origin) -> str | None:
    """The level of the query, for an entry without a level; ``None`` unless the query names one level."""
    levels: list[str] = origin.filters.get("type_") or []
    return levels[0] if len(levels) == 1 else None


def _trace_id(item: LogEntryJson) -> str | None:
    """OpenTelemetry's trace id, if the text is one or a UUID; the service does not document its form."""
    text = item.get("traceId", "")
    if len(text) not in _TRACE_ID_LENGTHS or not _TRACE_ID.fullmatch(text):
        return None
    digits = text.replace("-", "").lower()
    return digits if digits.strip("0") else None


def _attributes(item: LogEntryJson) -> Attributes:
    attributes = mapped(item, _ENTRY, prefix="cognigy")
    if "meta" in item:
        # A flow logs any value.
        meta: dict[str, Any] = without_secrets(item["meta"])
        left = meta.copy()
        for key, name in _LIFTED.items():
            value = meta.get(key)
            if isinstance(value, str):
                attributes[name] = value
                del left[key]
        if left:
            attributes["cognigy.meta"] = left
    return attributes


NORMALIZER: Final = Normalizer[LogEntryJson](
    times=TimeField(_TIMESTAMP),
    make=_record,
    identity=IdentityFields(_ID),
    attributes=_attributes,
    resource=ServiceResource("cognigy.ai", "cognigy.project.id"),
    trace_id=_trace_id,
    untimed="timestamp: no moment between the years 1 and 9999",
)
