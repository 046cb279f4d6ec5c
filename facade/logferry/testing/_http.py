"""
The protocol of a fake: a pure function of request, state and clock, independent of the transport.

Its adapters are `logferry.testing.InProcessTransport` and `logferry.testing.serve`.
"""

from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Literal, Protocol

import attrs
import orjson

__all__ = ["Fake", "FakeRequest", "FakeResponse", "Headers"]

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order on the wire; a name may occur more than once."""


def _values(headers: Headers, name: str) -> Iterator[str]:
    wanted = name.lower()
    return (value for key, value in headers if key.lower() == wanted)


@attrs.frozen
class FakeRequest:
    """
    A request as the client sent it.

    Attributes:
        method: In the case that was sent, such as ``GET``.
        target: Raw path and query, percent-encoded as sent, such as ``/api/logs?page=2``.
        headers: Header lines in the order sent, ``Host`` included; `repr` hides them, as they hold credentials.
        body: The body; empty without one.
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
        """The target after the first question mark, as sent; empty without a query."""
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
        headers: Header lines in order. Names repeat as the service repeats them, so never read them as a mapping.
        body: The bytes sent, after any compression.
        end: What happens after the body: the connection closes before the announced end (``cut``), or it is reset
            (``reset``).
        delay: Seconds before the response arrives.
        previous: For a fault that changes a response: the service's last response for this path, if any.
    """

    status: int
    headers: Headers = ()
    body: bytes = attrs.field(default=b"", repr=False)
    end: Literal["complete", "cut", "reset"] = "complete"
    delay: float = 0.0
    previous: "FakeResponse | None" = attrs.field(default=None, repr=False, eq=False)

    @classmethod
    def of_json(cls, status: int, value: Any, now: int, *headers: tuple[str, str]) -> "FakeResponse":
        """
        A response with a JSON body and the headers that every service sends.

        Args:
            status: Status code.
            value: The body, as a JSON value.
            now: The time of the service, in nanoseconds since 1970-01-01 UTC, for the ``Date``.
            headers: Further header lines.
        """
        body = orjson.dumps(value)
        usual = (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Date", formatdate(now / 1e9, usegmt=True)),
        )
        return cls(status, (*usual, *headers), body)

    @property
    def reason(self) -> str:
        """The reason phrase of the status, empty for a status without one."""
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
    """
    One fake service: it responds to requests, and knows the items that a complete pull must return.

    The suites of trials, such as `logferry.testing.conformance`, also need an attrs class with a field `rows`, a tuple of
    `Row`: they compute the truth of a changed history with ``attrs.evolve(fake, rows=...).truth(...)``.  `MakeFake` makes it.
    """

    @property
    def epoch(self) -> int:
        """The start of the service, in nanoseconds since 1970-01-01 UTC; the default time of its clocks."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of an account of it, by name, such as ``app_id``; all except its address."""
        ...

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        ...

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request at `now`, in nanoseconds since 1970-01-01 UTC; equal input, equal response."""
        ...

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what violates the service's spec in the request; empty for a valid request."""
        ...

    # `*_: Any` lets type checkers accept fakes with explicit filters.
    def truth(
        self,
        stream: str,
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *_: Any,
        **filters: Any,
    ) -> Sequence[str]:
        """
        Return the identities of a stream's items in the window ``[since, until)``, in the order of a pull.

        They are computed on access; `len` computes none.  Equal items share one identity, which occurs once for each of
        them.

        Args:
            stream: One of `streams`.
            since: Start of the window, inclusive, in nanoseconds since 1970-01-01 UTC. Default: the first item.
            until: End of the window, exclusive. Default: after the newest item.
            now: The moment of the reading. Default: `epoch`.
            filters: The stream's filters, by their names in Python; default: those of the service.

        Raises:
            ValueError: There is no such stream.
        """
        ...

    def identity(self, stream: str, item: Any) -> str:
        """Return the identity of a decoded JSON item: its id, or a text that only equal items share if it has none."""
        ...

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """
        Return the filters of the queries that find all items of a stream, each once.

        One empty mapping if a query without filters finds them.  `Client.stream` and `truth` both take these filters.

        Raises:
            ValueError: There is no such stream.
        """
        ...
