"""
The errors of logferry: one tree.

::

    LogferryError
    ├── ConfigurationError        a setting is missing or wrong; nothing was sent
    │   └── MissingPackageError   a package is missing that an extra brings (also a ModuleNotFoundError)
    ├── InvalidRequestError       the call cannot be right; nothing was sent (also a ValueError)
    ├── CheckpointError           a checkpoint is foreign, damaged or too new; nothing was sent (also a ValueError)
    ├── AuthenticationError       the service does not accept the credentials (401)
    ├── PermissionDeniedError     the credentials may not read this (403)
    ├── BadRequestError           the service refuses the request (any other 4xx)
    ├── RateLimitError            too many requests (429), with retry_after
    ├── ServiceError              the service failed (5xx), with retry_after
    ├── ConnectionFailedError     no answer, or a cut one
    │   └── RequestTimeoutError   no answer in time
    ├── DeadlineExceededError     the caller's deadline passed
    ├── ResponseShapeError        an answer that is not what the documentation promises
    ├── PagingError               paging would never end, or lost its place
    ├── StoreError                a store cannot be read or written
    └── ExportError               an output cannot be written

Every error is plain data and survives pickling.  ``str(error)`` is one line: what happened, where, and what to do.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class LogferryError(Exception):
    """
    The root of all errors that logferry raises.

    Attributes:
        message: What happened, without secrets.
        hint: What to do about it, or ``None``.
        service: The service's name, such as ``"logto"``.
        account: The account's name.
        stream: The stream's name, such as ``"logto.audit_logs"``.
        method: The HTTP method of the failed request.
        url: The failed request's URL, without query values that can be secret and without credentials.
        status: The HTTP status of the answer, or ``None`` where there was none.
        code: The service's own error code, such as ``"auth.forbidden"``.
        request_id: What the service calls the request, for its support.
        attempts: How often the request was sent; 0 where nothing was sent.
        checkpoint: Resumes after the last delivered item; ``None`` outside an iteration.
    """

    exit_code: ClassVar[int] = 1
    """What the shell command exits with."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.service: str | None = None
        self.account: str | None = None
        self.stream: str | None = None
        self.method: str | None = None
        self.url: str | None = None
        self.status: int | None = None
        self.code: str | None = None
        self.request_id: str | None = None
        self.attempts: int = 0
        self.checkpoint: str | None = None

    def about(
        self,
        *,
        method: str | None = None,
        url: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        attempts: int | None = None,
    ) -> Self:
        """Add what is known of the request; what is ``None`` stays as it is."""
        self.method = method or self.method
        self.url = url or self.url
        self.status = status or self.status
        self.code = code or self.code
        self.request_id = request_id or self.request_id
        self.attempts = self.attempts if attempts is None else attempts
        return self

    def __str__(self) -> str:
        where = self.stream or self.service
        facts = {
            f"account {self.account}": self.account is not None and self.account != self.service,
            f"{self.method} {self.url}": self.method is not None and self.url is not None,
            f"request id {self.request_id}": self.request_id is not None,
            f"{self.attempts} attempts": self.attempts > 1,
        }
        known_facts = ", ".join(fact for fact, known in facts.items() if known)
        text = f"{where}: {self.message}" if where else self.message
        if known_facts:
            text = f"{text} ({known_facts})"
        return f"{text}. {self.hint}" if self.hint else text


class ShortTraceback:
    """
    A context whose errors begin at its caller, with causes that have no frames.

    The frames that an error and its causes came through do not concern a caller.  They are many, and tracebacks with locals
    print what they hold: settings, headers, what a transport has written.  What an error that was raised ``from None`` hides is
    dropped.  Other exceptions than logferry's stay as they are.
    """

    __slots__ = ("_handled",)

    def __enter__(self) -> None:
        self._handled = sys.exception()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        one: BaseException | None = error if isinstance(error, LogferryError) else None
        while one is not None and one is not self._handled:  # what the caller is handling is the caller's own
            one.__traceback__ = None
            if one.__suppress_context__ and one.__context__ is not self._handled:
                one.__context__ = None
            one = one.__cause__ or one.__context__


class ConfigurationError(LogferryError):
    """A setting is missing or wrong; the message names it and where it was looked for, never its value."""

    exit_code = 2


class MissingPackageError(ConfigurationError, ModuleNotFoundError):
    """A package is missing; the hint names the extra of logferry that brings it."""


class InvalidRequestError(LogferryError, ValueError):
    """The call cannot be right, such as a page size beyond the service's limit; nothing was sent."""

    exit_code = 2


class CheckpointError(LogferryError, ValueError):
    """The checkpoint belongs to another stream, filter or window, is damaged, or comes from a newer logferry."""

    exit_code = 2


class AuthenticationError(LogferryError):
    """The service does not accept the credentials."""

    exit_code = 3


class PermissionDeniedError(LogferryError):
    """The credentials are valid, but may not read this."""

    exit_code = 3


class BadRequestError(LogferryError):
    """The service refuses the request: any 4xx without an error of its own here."""

    exit_code = 2


class RateLimitError(LogferryError):
    """
    The service wants fewer requests.

    Attributes:
        retry_after: Seconds that the service asks to wait, or ``None`` where it does not say.
    """

    exit_code = 4
    retry_after: float | None = None


class ServiceError(LogferryError):
    """
    The service failed: a 5xx, after all retries.

    Attributes:
        retry_after: Seconds that the service asks to wait, or ``None`` where it does not say.
    """

    exit_code = 4
    retry_after: float | None = None


class ConnectionFailedError(LogferryError):
    """
    No answer came, or it was cut off, after all retries.

    Attributes:
        refused: Whether nothing listened there, so that nothing was sent.
    """

    exit_code = 4
    refused: bool = False


class RequestTimeoutError(ConnectionFailedError):
    """No answer came in time, after all retries."""


class DeadlineExceededError(LogferryError):
    """The deadline that the caller set has passed, or would pass during the next wait."""

    exit_code = 4


class ResponseShapeError(LogferryError):
    """
    The answer is not what the documentation promises: no JSON, another shape, too large, a redirect.

    Also raised for an item under ``strict=True``, with the path to the value.

    Attributes:
        is_too_large: Whether the answer has more bytes, or more values, than are read: one with fewer items may not.
    """

    exit_code = 5
    is_too_large: bool = False


def too_large(message: str) -> ResponseShapeError:
    """An error for an answer that is more than is read."""
    error = ResponseShapeError(message, hint="The service never sends as much in one answer: check its address")
    error.is_too_large = True
    return error


class PagingError(LogferryError):
    """Paging would go on for ever, or the service lost its place; what was received has been delivered."""

    exit_code = 5


class StoreError(LogferryError):
    """A store cannot be read or written; what it had committed is still there."""

    exit_code = 4


class ExportError(LogferryError):
    """An output cannot be written."""

    exit_code = 4


def suggestion(name: str, known: Sequence[str]) -> str:
    """A hint: the nearest of the names, if any is near, and all of them."""
    from difflib import get_close_matches  # noqa: PLC0415  # only mistakes need it

    nearest = get_close_matches(name, known, n=1)
    meant = f"Did you mean {nearest[0]}? " if nearest else ""
    return f"{meant}Known: {', '.join(known)}"
