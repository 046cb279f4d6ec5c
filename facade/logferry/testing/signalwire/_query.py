"""Parses and validates the queries of the fake SignalWire."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import orjson

from logferry.testing._http import FakeRequest, FakeResponse

__all__ = ["DAY", "Refusal", "invalid", "read_integer", "read_span", "reply"]

DAY = 86_400
"""Seconds."""

_NUMBER = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of the fake
    """The service responds with an error instead."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def read_integer(values: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    """
    Return a number within bounds.

    Raises:
        Refusal: It is not.
    """
    text = values.get(name, str(default))
    if not _NUMBER.fullmatch(text) or not lowest <= int(text) <= highest:
        raise invalid(name, f"must be between {lowest} and {highest}")
    return int(text)


def read_span(filters: Mapping[str, str], name: str) -> tuple[int, int]:
    """
    Return the first second of a day or a moment, and the first one after it.

    Raises:
        Refusal: It is neither.
    """
    text = filters[name]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name, "must be a date or an ISO 8601 date and time") from None
    second = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() // 1)
    return second, second + (DAY if _DATE.fullmatch(text) else 1)


def invalid(name: str, what: str) -> Refusal:
    """Return the error of a wrong parameter."""
    # The fields of an error are documented, its words are made up.
    mistake = {
        "type": "validation_error",
        "code": "invalid_parameter",
        "message": what,
        "attribute": name,
        "url": "https://developer.example/errors/invalid_parameter",
    }
    return Refusal(422, {"errors": [mistake]})


def reply(request: FakeRequest, now: int, status: int, body: Mapping[str, Any]) -> FakeResponse:
    """Return the response with a body at a moment, in nanoseconds since 1970-01-01 UTC."""
    content = orjson.dumps(body)
    digest = hashlib.blake2b(f"{request.method} {request.target} {now}".encode(), digest_size=16).hexdigest()
    headers = (
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Request-Id", digest),
        ("Content-Length", str(len(content))),
        ("Date", formatdate(now / 1e9, usegmt=True)),
    )
    return FakeResponse(status, headers, content)
