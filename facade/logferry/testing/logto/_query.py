"""Parses the query of ``GET /api/logs`` as Logto does: JavaScript numbers, page, filters, time window, links."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import attrs

from logferry.testing._http import Headers

__all__ = [
    "ListQuery",
    "Refusal",
    "Values",
    "internal_error",
    "link_lines",
    "number_text",
    "read_list_query",
    "read_query",
    "to_number",
]

Values = Mapping[str, str | list[str]]
"""Query parameters by name in the order sent; a repeated one has a list."""

_DEFAULT_PAGE_SIZE = 20.0
_MAX_PAGE_SIZE = 100  # measured on Logto 1.42.0; neither in the documentation nor in its OpenAPI
_BIGINT_END = 2**63
_EXPONENT_FROM = 1e21  # JavaScript writes numbers from here with an exponent, which PostgreSQL then refuses
# The range of PostgreSQL's to_timestamp(), in milliseconds; beyond it the query fails.
_EARLIEST, _LATEST = -210_866_803_200_000, 9_224_318_016_000_000

_JS_SPACE = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_JS_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\Z")
_JS_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")


_YES = frozenset(("1", "true", "y", "yes", "yep", "yeah"))
"""The values that enable the cap, in any case (from the parsing library; ``1``, ``true`` and ``yes`` were measured)."""


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of the fake
    """
    The service responds with an error instead.

    Args:
        status: Status code.
        body: Its body, as JSON.
        headers: Header lines of this error in addition to the usual ones.
    """

    def __init__(self, status: int, body: Mapping[str, Any], headers: Headers = ()) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers


def internal_error() -> Refusal:
    """Return the response to a request that breaks a query of the database."""
    return Refusal(500, {"message": "Internal server error."})


@attrs.frozen(kw_only=True)
class ListQuery:
    """
    A valid query for a page of logs.

    Attributes:
        page: From 1; 1.5 is accepted if the offset is an integer.
        page_size: 1 to 100.
        offset: Number of matches to skip.
        filters: `userId`, `applicationId`, `logKey`, if sent and not empty.
        start_time: Lower bound in milliseconds since 1970-01-01 UTC, or `None`.
        end_time: Upper bound, likewise.
        capped: Whether counting stops above 10,000.
    """

    page: float
    page_size: int
    offset: int
    filters: Mapping[str, str]
    start_time: float | None
    end_time: float | None
    capped: bool


def to_number(text: str) -> float:
    """Convert as JavaScript's ``Number(text)`` does; NaN if it is not a number."""
    text = text.strip(_JS_SPACE)
    if not text:
        return 0.0
    if _JS_RADIX.match(text):
        return float(int(text, 0))
    return float(text) if _JS_DECIMAL.match(text) else math.nan


def number_text(value: float) -> str:
    """Write a number as JavaScript's ``String(value)`` does, below 1e21."""
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def read_query(query: str) -> Values:
    """Split a raw query as Node's querystring does."""
    values: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        before = values.get(name)
        if before is None:
            values[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            values[name] = [before, value]
    return values


def read_list_query(values: Values, release: tuple[int, int]) -> ListQuery:
    """
    Validate a query in the order of Logto: page, types, time window, database.

    Raises:
        Refusal: The service responds with an error.
    """
    page, page_size = _read_pagination(values)
    timed = release >= (1, 40)
    names = ["userId", "applicationId", "logKey", *(["start_time", "end_time", "enableCap"] if timed else [])]
    texts = _read_texts(values, names)
    start_time = _read_time(texts, "start_time")
    end_time = _read_time(texts, "end_time")
    if start_time is not None and end_time is not None:
        # The bounds became inclusive, and equal bounds valid, with 1.42.
        wrong = start_time > end_time if release >= (1, 42) else start_time >= end_time
        if wrong:
            raise Refusal(400, {"code": "log.invalid_time_window", "message": "`end_time` must be after `start_time`."})
    filters = {name: value for name, value in texts.items() if value and name in {"userId", "applicationId", "logKey"}}
    if any("\0" in value for value in filters.values()):
        raise internal_error()  # PostgreSQL has no NUL in text
    if any(bound is not None and not _EARLIEST <= bound < _LATEST for bound in (start_time, end_time)):
        raise internal_error()
    return ListQuery(
        page=page,
        page_size=int(page_size),
        offset=_read_offset(page, page_size),
        filters=filters,
        start_time=start_time,
        end_time=end_time,
        capped=texts.get("enableCap", "").lower() in _YES,
    )


def link_lines(url: str, values: Values, query: ListQuery, total: int, *, capped: bool) -> list[tuple[str, str]]:
    """
    Return the ``Link`` header lines: first, prev, last, next, one line each.

    Args:
        url: Scheme and host from the ``Host`` header alone, and the path without ``/api``, which Logto strips before.
        values: Every query parameter that was sent; `page` keeps its index, and is appended if it was not sent.
        query: The current page.
        total: Matches.
        capped: Whether the count stopped at the cap; then neither last nor next is known.
    """
    page = query.page
    pages = -(-total // query.page_size) or 1
    relations: list[tuple[str, float]] = [("first", 1)]
    if page - 1 >= 1:  # page 1.5, which is accepted, has no page before it
        relations.append(("prev", page - 1))
    if not capped:
        relations.append(("last", pages))
        if page < pages:
            relations.append(("next", page + 1))
    encoded = {name: _form(",".join(value) if isinstance(value, list) else value) for name, value in values.items()}
    lines: list[tuple[str, str]] = []
    for relation, number in relations:
        encoded["page"] = number_text(number)
        parameters = "&".join(f"{_form(name)}={value}" for name, value in encoded.items())
        lines.append(("Link", f'<{url}?{parameters}>; rel="{relation}"'))
    return lines


def _form(text: str) -> str:
    """Encode as URLSearchParams does, which differs from Python in two characters."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def _read_pagination(values: Values) -> tuple[float, float]:
    def read(name: str, default: float) -> float:
        value = values.get(name, "")
        if isinstance(value, list):
            return math.nan
        return to_number(value) if value else default

    page, page_size = read("page", 1.0), read("page_size", _DEFAULT_PAGE_SIZE)
    if not (page > 0 and 0 < page_size <= _MAX_PAGE_SIZE):
        raise Refusal(400, {"code": "guard.invalid_pagination", "message": "The request pagination value is invalid."})
    return page, page_size


def _read_offset(page: float, page_size: float) -> int:
    # The errors of the database: numbers that are not integers, or have an exponent, fail as input; negative or too
    # large ones fail in the query (measured on Logto 1.42.0 for every branch).
    offset = (page - 1) * page_size
    if not (page_size.is_integer() and math.isfinite(offset) and offset.is_integer() and offset < _EXPONENT_FROM):
        raise Refusal(422, {"code": "entity.invalid_input", "message": "Invalid input. Value list must not be empty."})
    if not 0 <= offset < _BIGINT_END:
        raise internal_error()
    return int(offset)


def _read_texts(values: Values, names: list[str]) -> dict[str, str]:
    repeated = [name for name in names if isinstance(values.get(name), list)]
    if repeated:
        issues = [
            {
                "code": "invalid_type",
                "expected": "string",
                "received": "array",
                "path": [name],
                "message": "Expected string, received array",
            }
            for name in repeated
        ]
        details = (
            f'Error in key path "{name}": (invalid_type) Expected string but received array.' for name in repeated
        )
        raise Refusal(
            400,
            {
                "code": "guard.invalid_input",
                "message": "The request query is invalid.",
                "data": {"issues": issues, "name": "ZodError"},
                "details": "\n".join(details),
            },
        )
    return {name: value for name in names if isinstance(value := values.get(name), str)}


def _read_time(texts: Mapping[str, str], name: str) -> float | None:
    text = texts.get(name)
    if text is None:
        return None
    value = to_number(text)  # an empty text is 0
    if not math.isfinite(value):
        raise Refusal(400, {"code": "guard.invalid_input", "message": f"The request {name} is invalid."})
    return value
