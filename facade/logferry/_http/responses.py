"""From a response to its JSON value, or to the error that it stands for; the one place where a status is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

from attrs import frozen

from logferry._errors import (
    AuthenticationError,
    BadRequestError,
    LogferryError,
    PermissionDeniedError,
    RateLimitError,
    ResponseShapeError,
    ServiceError,
    too_large,
)
from logferry._http.messages import Response
from logferry._http.retry import is_web_page, retry_after
from logferry._json import TooManyValuesError, is_object, loads, tolerant_loads
from logferry._redaction import printable, public_url

Error = TypeVar("Error", bound=LogferryError)

_LONGEST_MESSAGE = 300
_YEAR = 366 * 86_400
_ADDRESS_HINT = "Check the service's address"


@frozen(kw_only=True)
class Refusal:
    """
    What a service's error body says.

    Attributes:
        code: The service's own error code, or ``None``.
        message: Its words, or ``None``.
        hint: What to do, where the service's module knows; or ``None``.
        error: The class of the error to raise, such as ``ServiceError``, where the status alone would mislead; or ``None``.
    """

    code: str | None = None
    message: str | None = None
    hint: str | None = None
    error: type[LogferryError] | None = None


ReadRefusal: TypeAlias = Callable[[int, Mapping[str, Any]], Refusal]
"""
A service's reader of error bodies: from the status and the decoded body (empty where it is no JSON object).

It is also called for a success or a redirect that is a web page instead of JSON, for its hint.
"""

_BY_STATUS: Mapping[int, type[LogferryError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    429: RateLimitError,
}


def is_foreign(status: int, body: Mapping[str, Any]) -> bool:
    """Whether something other than the service's API seems to respond: no JSON object, and a status that explains nothing."""
    explained = status in _BY_STATUS or status == HTTPStatus.REQUEST_TIMEOUT
    return not body and not explained and status < HTTPStatus.INTERNAL_SERVER_ERROR


def decoded(response: Response[Any], read_refusal: ReadRefusal) -> object:
    """
    The JSON value of a success.

    Args:
        response: The response.
        read_refusal: The service's reader of error bodies.

    Raises:
        LogferryError: The error that the status stands for, or a ResponseShapeError.
    """
    if response.status == HTTPStatus.OK:
        try:
            return loads(response.content)
        except TooManyValuesError as error:
            raise about_response(too_large(f"the answer has {error}"), response) from None
        except ValueError:
            # What orjson rejects but carries the data all the same: a byte order mark, NaN, lone surrogates.
            with suppress(ValueError):
                return tolerant_loads(response.content)
        # Not chained: a decoder's error carries the whole body.
        raise about_response(_no_json(response, read_refusal), response)
    raise about_response(_refused(response, read_refusal), response)


def wrong_shape(response: Response[Any], expected: str) -> ResponseShapeError:
    """An error for a response whose JSON is not *expected*."""
    return about_response(
        ResponseShapeError(
            f"the answer is not {expected}",
            hint="The service may have changed, or the address belongs to something else",
        ),
        response,
    )


def _no_json(response: Response[Any], read_refusal: ReadRefusal) -> ResponseShapeError:
    if is_web_page(response):
        return ResponseShapeError(
            "the answer is a web page, not JSON", hint=read_refusal(response.status, {}).hint or _ADDRESS_HINT
        )
    if not response.content:
        return ResponseShapeError("the answer is empty")
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    return ResponseShapeError(f"the answer is no JSON (content type {printable(kind) or 'not given'})")


def _refused(response: Response[Any], read_refusal: ReadRefusal) -> LogferryError:
    status = response.status
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    try:
        body: object = loads(response.content)
    except ValueError:
        body = None
    refusal = read_refusal(status, body if is_object(body) else {})
    kind = refusal.error or _BY_STATUS.get(status)
    if kind is None:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            kind = ServiceError
        elif status >= HTTPStatus.BAD_REQUEST:
            kind = BadRequestError
        else:
            return ResponseShapeError(
                f"{status} {phrase} where 200 was expected",
                hint=f"Redirects are not followed. {refusal.hint or _ADDRESS_HINT}" if status // 100 == 3 else None,  # noqa: PLR2004
            )
    words = printable(refusal.message or "")[:_LONGEST_MESSAGE].rstrip(". ")
    code = printable(refusal.code or "")[:_LONGEST_MESSAGE] or None
    error = kind(f"{status} {phrase}{': ' if words else ''}{words}{f' [{code}]' if code else ''}", hint=refusal.hint)
    error.code = code
    if isinstance(error, RateLimitError | ServiceError):
        error.retry_after = retry_after(response)
        if error.retry_after and error.hint is None:
            error.hint = f"The service asks to wait {_waiting(error.retry_after)}"
    return error


def _waiting(seconds: float) -> str:
    """A time to wait, in words."""
    if seconds > _YEAR:
        return "more than a year"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def about_response(error: Error, response: Response[Any]) -> Error:
    """The error, with the request that it is about, and what is known of its response."""
    return error.about(
        method=response.request.method,
        url=public_url(response.url),
        status=response.status,
        request_id=response.request_id,
        attempts=response.attempts,
    )
