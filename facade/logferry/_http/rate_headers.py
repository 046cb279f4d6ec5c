"""
What a response's headers say about further requests.

Three spellings are in use: the newer drafts of the IETF (``RateLimit: "default";r=50;t=30``, and before
``RateLimit: limit=100, remaining=50, reset=30``), the older ones (``RateLimit-Remaining``, ``RateLimit-Reset``), and what
they were made from (``X-RateLimit-Remaining``, ``X-RateLimit-Reset``, whose reset is seconds or a moment).
"""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import frozen

from logferry._http.messages import Response
from logferry._http.retry import seconds_until

_PART: Final = re.compile(r"\b(r|t|remaining|reset)\s*=\s*(\d{1,18})\b")
_QUOTED: Final = re.compile(r'"[^"]*"')
_FAMILIES: Final = ("ratelimit", "x-ratelimit", "x-rate-limit")

_LONGEST: Final = 20
"""Digits of a number at most; more are nonsense."""


@frozen(order=True)
class Allowance:
    """How many further requests the service allows, and in how many seconds it starts to count anew."""

    remaining: int
    seconds: float


def allowance(response: Response[Any]) -> Allowance | None:
    """
    The lowest of the limits in the response's headers; ``None`` where there is none.

    Both parts are needed: how many requests are left is of no use without the time until which they have to last.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name = raw_name.lower().decode("latin-1")
        if "rate" in name:
            value = raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if not headers:
        return None
    found = [one for limit in _limits(headers.get("ratelimit", "")) if (one := _allowance_of(limit)) is not None]
    for family in _FAMILIES:
        left, again = headers.get(f"{family}-remaining", "").strip(), headers.get(f"{family}-reset", "").strip()
        if _is_number(left) and _is_number(again.replace(".", "", 1)):
            found.append(Allowance(int(left), seconds_until(float(again), response)))
    return min(found, default=None)


def _limits(text: str) -> list[str]:
    """The limits in a list, without their names; before the lists, commas stood between the parts of one limit."""
    return _QUOTED.sub("", text).split(",") if ";" in text else [text]


def _allowance_of(limit: str) -> Allowance | None:
    parts = {name: int(number) for name, number in _PART.findall(limit)}
    remaining, reset = parts.get("r", parts.get("remaining")), parts.get("t", parts.get("reset"))
    return None if remaining is None or reset is None else Allowance(remaining, reset)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST
