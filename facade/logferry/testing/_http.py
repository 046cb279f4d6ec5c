"""
What a fake is: a pure function of request, state and clock, whichever way the request comes in.

The adapters around it are `logferry.testing.InProcessTransport` and `logferry.testing.serve`.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Protocol

import attrs

__all__ = ["Fake", "FakeRequest", "FakeResponse", "Headers"]

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order on the wire; a name may occur more than once."""


def _values(headers: Headers, name: str) -> Iterator[str]:
    wanted = name.lower()
    return (value for key, value in headers if key.lower() == wanted)


@attrs.frozen
class FakeRequest:
    """
    A request as it was sent.

    Attributes:
        method: In the case that was sent, such as ``GET``.
        target: Raw path and query, percent-encoded as sent, such as ``/api/logs?page=2``.
        headers: Header lines in the order sent, ``Host`` included; credentials stay out of `repr`.
        body: Empty where there is none.
    """

    method: str
    target: str
    headers: Headers = attrs.field(default=(), repr=False)
    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The target up to the query, as sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target after the first question mark, as sent; empty where there is none."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """Return the first value of the header `name`, in any case, or `None`."""
        return next(_values(self.headers, name), None)


@attrs.frozen
class FakeResponse:
    """
    A response as it goes over the wire.

    Attributes:
        status: Status code.
        headers: Header lines in order. Names repeat where the service repeats them, so never read them as a mapping.
        body: The bytes sent, after any compression.
    """

    status: int
    headers: Headers = ()
    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def reason(self) -> str:
        """The phrase that goes with the status, empty for a status that has none."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    def header(self, name: str) -> str | None:
        """Return the first value of the header `name`, in any case, or `None`."""
        return next(_values(self.headers, name), None)

    def header_lines(self, name: str) -> list[str]:
        """Return the values of every header line called `name`, in any case, in order."""
        return list(_values(self.headers, name))


class Fake(Protocol):
    """One embedded service."""

    @property
    def epoch(self) -> int:
        """The moment at which the service starts, in nanoseconds since 1970-01-01 UTC; clocks stand there by default."""
        ...

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer a request at the moment `now`, in nanoseconds since 1970-01-01 UTC; equal input, equal answer."""
        ...

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what in the request goes against the service's spec; empty for a request that keeps to it."""
        ...
