"""Parses and validates the queries of the fake Cognigy, and makes the links of its HAL responses."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from logferry.testing._http import FakeRequest
from logferry.testing.cognigy._history import Wanted

__all__ = ["Question", "Refusal", "invalid", "links", "read_question"]

_DEFAULT_LIMIT = 25
_LARGEST_LIMIT = 100
_HOUR = 3_600_000
_LEVELS = frozenset({"fatal", "error", "warn", "info", "debug", "trace"})


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of the fake
    """The service responds with an error instead."""

    def __init__(self, status: int, code: int, title: str, detail: str) -> None:
        super().__init__(status, code)
        self.status: int = status
        self.code: int = code
        self.title: str = title
        self.detail: str = detail


@attrs.frozen(kw_only=True)
class Question:
    """
    A valid query.

    Attributes:
        wanted: Its filters.
        limit: Maximum number of entries.
        skip: Number of entries to skip first.
        ascending: In the order of writing; else newest first.
        after: The cursor after which to continue, or `None`.
        before: The cursor before which to end, or `None`.
    """

    wanted: Wanted
    limit: int
    skip: int
    ascending: bool
    after: str | None
    before: str | None


def invalid(detail: str) -> Refusal:
    """Return the error of a wrong parameter."""
    return Refusal(400, 1005, "Bad Request", detail)


def read_question(query: Sequence[tuple[str, str]], now: int, type_parameter: str) -> Question:
    """
    Validate a query.

    Args:
        query: Names and values in the order sent.
        now: Milliseconds since 1970-01-01 UTC.
        type_parameter: The parameter of several levels: ``type``, ``type[]``, or ``both``.

    Raises:
        Refusal: The service responds with an error.
    """
    values = dict(query)
    sort = values.get("sort", "_id:desc")
    if not re.fullmatch(r"\w+:(asc|desc)", sort):
        raise invalid("sort must be field:direction.")
    end = _date(values, "endDate", now)
    wanted = Wanted(
        types=_types(query, type_parameter),
        text=values.get("filter", ""),
        user_id=values.get("userId") or None,
        flow_name=values.get("flowName") or None,
        start=_date(values, "startDate", end - _HOUR),
        end=end,
    )
    return Question(
        wanted=wanted,
        limit=_whole(values, "limit", _DEFAULT_LIMIT, 1, _LARGEST_LIMIT),
        skip=_whole(values, "skip", 0, 0, None),
        ascending=sort.endswith(":asc"),
        after=values.get("next") or None,
        before=values.get("previous") or None,
    )


def links(
    request: FakeRequest, query: Sequence[tuple[str, str]], following: str | None, before: str | None
) -> Mapping[str, Any]:
    """Return HAL's links, with their known flaws: the scheme http, and an empty other cursor."""
    base = f"http://{request.header('Host') or 'localhost'}{request.path}"
    kept = [(name, value) for name, value in query if name not in {"next", "previous"}]

    def link(cursors: Sequence[tuple[str, str]]) -> dict[str, str]:
        return {"href": f"{base}?{urlencode([*kept, *cursors], quote_via=quote)}"}

    found = {"self": {"href": f"http://{request.header('Host') or 'localhost'}{request.target}"}}
    if following is not None:
        found["next"] = link([("next", following), ("previous", "")])
    if before is not None:
        found["previous"] = link([("next", ""), ("previous", before)])
    return found


def _types(query: Sequence[tuple[str, str]], type_parameter: str) -> frozenset[str]:
    names = {"type", "type[]"} if type_parameter == "both" else {type_parameter}
    types = {part for name, value in query if name in names for part in value.split(",") if part}
    if not types <= _LEVELS:
        raise invalid("type must be one of fatal, error, warn, info, debug, trace.")
    return frozenset(types)


def _whole(values: Mapping[str, str], name: str, default: int, least: int, most: int | None) -> int:
    text = values.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < least or (most is not None and int(text) > most):
        raise invalid(f"{name} is out of bounds.")
    return int(text)


def _date(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name)
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{name} must be an ISO 8601 date.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
