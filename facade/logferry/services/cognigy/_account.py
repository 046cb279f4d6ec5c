"""A Cognigy account: a user's API key, and the errors of the API."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from logferry.extend import (
    Refusal,
    is_foreign,
    text_in,
)

if TYPE_CHECKING:
    from logferry_clients.cognigy.models.problem import ProblemKey

EXAMPLE: Final = "https://api-trial.cognigy.ai/new"
"""The form of a base URL."""

_CODE: Final[ProblemKey] = "code"
_TITLE: Final[ProblemKey] = "title"
_DETAIL: Final[ProblemKey] = "detail"

_HINTS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "Check COGNIGY_API_KEY: it must be an API key of this installation",
    HTTPStatus.FORBIDDEN: "Give the user whose API key it is access to the project and its logs",
    HTTPStatus.NOT_FOUND: (
        "Check the project (project_id, or COGNIGY_PROJECT_ID) and COGNIGY_BASE_URL; "
        "the user whose API key it is must see the project"
    ),
    HTTPStatus.TOO_MANY_REQUESTS: "Shared installations allow 1,000 requests in 5 minutes from one address",
}


def api_refusal(status: int, body: Mapping[str, Any]) -> Refusal:
    """The details of an error body: problem details (RFC 7807), or OAuth's ``error`` and ``error_description``."""
    code = body.get(_CODE, body.get("error"))
    message = text_in(body.get(_DETAIL)) or text_in(body.get(_TITLE)) or text_in(body.get("error_description"))
    hint = _HINTS.get(status)
    if is_foreign(status, body):
        hint = f"The response is not from the API: check COGNIGY_BASE_URL, it looks like {EXAMPLE}"
    return Refusal(
        code=str(code) if isinstance(code, str | int) else None,
        message=message,
        hint=hint,
    )
