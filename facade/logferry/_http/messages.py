"""Requests and responses as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from attrs import define, field, frozen

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values as they go over the wire, in order; a name may occur more than once."""

Value: TypeAlias = str | float | bool
"""The value of a query parameter, before it is written as text."""


class Request(Protocol[R_co]):
    """A request as data, as the generated builders make it; the JSON of a success parses to ``R_co``."""

    @property
    def method(self) -> str:
        """The HTTP method."""
        ...

    @property
    def path(self) -> str:
        """The path below the service's base URL, path parameters quoted."""
        ...

    @property
    def params(self) -> Pairs:
        """Query parameters."""
        ...

    @property
    def headers(self) -> Pairs:
        """Header parameters; never credentials."""
        ...

    @property
    def form(self) -> Pairs | None:
        """An ``application/x-www-form-urlencoded`` body, or ``None`` for no such body."""
        ...

    @property
    def json(self) -> Any:
        """A JSON body, or ``None`` for no such body.  Another media type than ``application/json`` is in the headers."""
        ...

    @property
    def parse(self) -> Callable[[Any], R_co]:
        """Make the typed value of the decoded JSON of a success."""
        ...


@frozen
class _Get:
    path: str
    params: Pairs
    method: str = "GET"
    headers: Pairs = ()
    form: Pairs | None = None
    json: Any = None

    @staticmethod
    def parse(value: Any) -> Any:
        """The decoded JSON as it is."""
        return value


def get(path: str, /, **params: Value | Sequence[Value] | None) -> Request[Any]:
    """
    A GET request, for a service without a generated client.

    Args:
        path: The path below the service's base URL, with a slash in front, its segments quoted.
        params: Query parameters by name, in order.  ``None`` is left out, a ``bool`` becomes ``true`` or ``false``, and a list
            or tuple becomes a parameter for each of its values, all of the same name.  Names that are no Python names are
            given as ``**{"level[]": ["warn", "error"]}``.
    """
    return _Get(path, tuple((name, _text(one)) for name, value in params.items() for one in _values(value)))


def _values(value: Value | Sequence[Value] | None) -> Sequence[Value]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str | float | int) else value


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@define(eq=False)
class Turn:
    """
    The permission to send one request: a token of the rate limiter.  It lives as long as its request may still be sent.

    Attributes:
        number: The number of the request among those of its account, from 1.
        in_flight: How many other requests of the account were in flight when the request was to be sent.
    """

    number: int
    in_flight: int
    _count: Callable[[Turn, int], None] = field(repr=False)

    def over(self, time: int) -> None:
        """The service has the request, or will never get it; *time* is in nanoseconds since the epoch."""
        self._count(self, time)


@frozen
class Send(Generic[R]):
    """
    The step that starts a request, and the one record of it: each layer sets what it knows.

    Attributes:
        request: The request.
        headers: Credentials, kept apart from the request so that nothing that prints a request prints them.
        timeout: Seconds left for the whole exchange; ``None`` for no bound beyond the client's timeouts.
        turn: The request's turn, see ``rate_limiter``; ``None`` if there is no rate limiter.
    """

    request: Request[R]
    headers: Pairs = field(default=(), repr=False)
    timeout: float | None = None
    turn: Turn | None = field(default=None, repr=False, eq=False)


@frozen
class Response(Generic[R]):
    """
    A response, not yet checked or decoded.

    Attributes:
        request: The request.
        url: The requested URL, with the query.
        status: The HTTP status, whatever it is.
        headers: As received, in order; a name may occur more than once.
        content: The body, decompressed.
        received_unix_nano: When the response was complete, by the local clock.
        request_id: The service's id of the request, in printable characters; ``None`` if the response has none.
        attempts: How often the request was sent for this response.
    """

    request: Request[R]
    url: str
    status: int
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    content: bytes = field(repr=False)
    received_unix_nano: int
    request_id: str | None = None
    attempts: int = 1

    def header(self, name: str) -> str | None:
        """The first value of the header, or ``None``; *name* in lower case."""
        return header_of(self.headers, name)


def header_of(headers: Sequence[tuple[bytes, bytes]], name: str) -> str | None:
    """The first value of a header, or ``None``; *name* in lower case."""
    return next(iter(header_values(headers, name)), None)


def header_values(headers: Sequence[tuple[bytes, bytes]], name: str) -> list[str]:
    """All values of a header, in order; *name* in lower case."""
    wanted = name.encode("ascii")
    return [value.decode("latin-1") for key, value in headers if key.lower() == wanted]
