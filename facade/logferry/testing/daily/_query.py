"""Parses and validates the queries of the fake Daily."""

from collections.abc import Mapping
from typing import TypedDict

import attrs

__all__ = [
    "MeetingQuery",
    "Refusal",
    "RowFilters",
    "SessionQuery",
    "invalid",
    "read_limit",
    "read_meeting_query",
    "read_session_query",
]

_MILLISECOND = 1_000_000
_SECOND = 1_000_000_000
_DEFAULT_LIMIT = 20
_SWITCH = {"true": True, "false": False}
_LEVELS = ("ERROR", "INFO", "DEBUG")
_ARRAYS = (("logs", "includeLogs", "true"), ("metrics", "includeMetrics", "false"))


@attrs.frozen
class Refusal(Exception):  # noqa: N818  # a response, not an error
    """An error response: its status, and its body."""

    status: int
    error: str
    info: str


class RowFilters(TypedDict, total=False):
    """The filters of rows; each stream has some of these."""

    mtg_session_id: str | None
    """Rows of this meeting session."""
    user_session_id: str | None
    """Rows of this participant's session."""
    log_level: str | None
    """Logs of this level."""
    source: str | None
    """Logs of the REST API (``api``, the default), or of webhooks (``webhook``)."""
    url: str | None
    """Logs with this URL."""
    room: str | None
    """Meetings in this room."""
    ongoing: bool | None
    """Ongoing meetings, or finished ones."""


@attrs.frozen(kw_only=True)
class SessionQuery:
    """
    A valid query for rows of a session.

    Attributes:
        filters: The filters.
        since: First moment within, in nanoseconds since 1970-01-01 UTC, or `None`.
        until: First moment after the window, or `None`.
        newest_first: The order.
        offset: Number of rows to skip.
        arrays: The arrays of the response: ``logs``, ``metrics``, or both.
    """

    filters: RowFilters
    since: int | None
    until: int | None
    newest_first: bool
    offset: int
    arrays: tuple[str, ...]


@attrs.frozen(kw_only=True)
class MeetingQuery:
    """
    A valid query for meetings.

    Attributes:
        filters: The filters.
        since: First moment within, in nanoseconds since 1970-01-01 UTC, or `None`.
        until: First moment after the window, or `None`.
        participants: Whether to include the participants.
    """

    filters: RowFilters
    since: int | None
    until: int | None
    participants: bool


def invalid(info: str) -> Refusal:
    """Return the error of a wrong parameter."""
    return Refusal(400, "invalid-request-error", info)


def read_session_query(values: Mapping[str, str], *, inclusive: bool) -> SessionQuery:
    """
    Validate a query.

    Args:
        values: The parameters.
        inclusive: Whether the bounds are inclusive.

    Raises:
        Refusal: The service responds with an error.
    """
    meeting, participant = values.get("mtgSessionId"), values.get("userSessionId")
    if not meeting and not participant:
        raise invalid("mtgSessionId or userSessionId is required")
    level, order = values.get("logLevel"), values.get("order", "DESC").upper()
    if level not in (None, *_LEVELS) or order not in {"ASC", "DESC"}:
        raise invalid("made-up: logLevel or order is none of those there are")
    since = _integer(values, "startTime", 0) * _MILLISECOND + (not inclusive)
    until = _integer(values, "endTime", 0) * _MILLISECOND + inclusive
    return SessionQuery(
        filters={"mtg_session_id": meeting, "user_session_id": participant, "log_level": level},
        since=since if "startTime" in values else None,
        until=until if "endTime" in values else None,
        newest_first=order == "DESC",
        offset=_integer(values, "offset", 0),
        arrays=tuple(name for name, switch, default in _ARRAYS if values.get(switch, default) in {"true", "1"}),
    )


def read_meeting_query(values: Mapping[str, str]) -> MeetingQuery:
    """
    Validate a query.

    Raises:
        Refusal: The service responds with an error.
    """
    ongoing, silent = _switch(values, "ongoing"), _switch(values, "no_participants")
    since, until = (_integer(values, name, 0) * _SECOND for name in ("timeframe_start", "timeframe_end"))
    return MeetingQuery(
        filters={"room": values.get("room"), "ongoing": ongoing},
        since=since if "timeframe_start" in values else None,
        until=until if "timeframe_end" in values else None,
        participants=not silent,
    )


def read_limit(values: Mapping[str, str], largest: int | None, default: int = _DEFAULT_LIMIT) -> int:
    """Return the limit of the request, at most the largest limit, if there is one."""
    limit = _integer(values, "limit", default)
    return limit if largest is None else min(limit, largest)


def _switch(values: Mapping[str, str], name: str) -> bool | None:
    text = values.get(name)
    if text is None:
        return None
    if text not in _SWITCH:
        raise invalid(f"made-up: {name} is neither true nor false")
    return _SWITCH[text]


def _integer(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"made-up: {name} is no number, or negative")
    return int(text)
