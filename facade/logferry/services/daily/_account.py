"""A Daily account: the API key of a domain."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from logferry.extend import (
    AuthenticationError,
    Refusal,
    is_foreign,
    text_in,
)

DEFAULT_BASE_URL: Final = "https://api.daily.co/v1"

_HINTS: Final[Mapping[str, str]] = {
    "authentication-error": "Check DAILY_API_KEY: it must be a key of the domain, from the dashboard's developer section",
    "authorization-header-error": "Check DAILY_API_KEY: Daily did not find a key in the request",
    "forbidden-error": "The key lacks the right to read logs: check DAILY_API_KEY",
}


_ADDRESS_HINT: Final = f"Check DAILY_BASE_URL: it looks like {DEFAULT_BASE_URL}, which is also the default"


def refusal(status: int, body: Mapping[str, Any]) -> Refusal:
    """The details of Daily's error body: ``error`` is stable, ``info`` is a text for people."""
    code, message = text_in(body.get("error")), text_in(body.get("info"))
    misplaced = status == HTTPStatus.NOT_FOUND or is_foreign(status, body)
    return Refusal(
        code=code,
        message=message,
        hint=_HINTS.get(code or "") or (_ADDRESS_HINT if misplaced else None),
        # This error concerns credentials, but its status is 400.
        error=AuthenticationError if code == "authorization-header-error" else None,
    )
