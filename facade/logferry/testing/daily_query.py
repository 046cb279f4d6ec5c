"""How the fake Daily reads queries, and what it refuses."""

from collections.abc import Mapping
from typing import TypedDict

import attrs

__all__ = ["Refusal", "RowFilters", "SessionQuery", "invalid", "read_limit", "read_session_query"]

_MILLISECOND = 1_000_000
_DEFAULT_LIMIT = 20
_LEVELS = ("ERROR", "INFO", "DEBUG")
_ARRAYS = (("logs", "includeLogs", "true"), ("metrics", "includeMetrics", "false"))


@attrs.frozen
class Refusal(Exception):  # noqa: N818  # an answer, not an error
    """An error answer: its status, and what its body says."""

    status: int
    error: str
    info: str


class RowFilters(TypedDict, total=False):
    """What rows can be narrowed to; each stream has some of these."""

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


@attrs.frozen(kw_only=True)
class SessionQuery:
    """
    A valid query for rows of a session.

    Attributes:
        filters: Which rows.
        since: First moment within, in nanoseconds since 1970-01-01 UTC, or `None`.
        until: First moment behind, or `None`.
        newest_first: The order.
        offset: How many rows to skip.
        arrays: What is asked for: ``logs``, ``metrics``, or both.
    """

    filters: RowFilters
    since: int | None
    until: int | None
    newest_first: bool
    offset: int
    arrays: tuple[str, ...]


def invalid(info: str) -> Refusal:
    """Return what a wrong parameter is answered with."""
    return Refusal(400, "invalid-request-error", info)


def read_session_query(values: Mapping[str, str], *, inclusive: bool) -> SessionQuery:
    """
    Validate a query.

    Args:
        values: The parameters.
        inclusive: Whether rows of exactly the bounds are within.

    Raises:
        Refusal: The service answers with an error.
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


def read_limit(values: Mapping[str, str], largest: int | None) -> int:
    """Return how many rows are asked for, at most the largest number, if there is one."""
    limit = _integer(values, "limit", _DEFAULT_LIMIT)
    return limit if largest is None else min(limit, largest)


def _integer(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"made-up: {name} is no number, or negative")
    return int(text)
