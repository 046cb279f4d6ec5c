"""
What a fake is: a pure function of request, state and clock, whichever way the request comes in.

The adapters around it are `logferry.testing.InProcessTransport` and `logferry.testing.serve`.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, Protocol

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
        end: What happens behind the body: the connection is closed although there should be more (``cut``), or it is
            reset (``reset``).
        delay: Seconds that pass before the answer comes.
        previous: For a fault that changes an answer: what the service said last on this path, if anything.
    """

    status: int
    headers: Headers = ()
    body: bytes = attrs.field(default=b"", repr=False)
    end: Literal["complete", "cut", "reset"] = "complete"
    delay: float = 0.0
    previous: "FakeResponse | None" = attrs.field(default=None, repr=False, eq=False)

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
    """
    One embedded service: it answers requests, and knows what a client that asks for everything has to find.

    The suites of trials, such as `logferry.testing.conformance`, also need an attrs class with a field `rows`, a tuple of
    `Row`: they compute the truth of a changed history with ``attrs.evolve(fake, rows=...).truth(...)``.  `MakeFake` makes it.
    """

    @property
    def epoch(self) -> int:
        """The moment at which the service starts, in nanoseconds since 1970-01-01 UTC; clocks stand there by default."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that make an account of it, by name, such as ``app_id``; all but the one for its address."""
        ...

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        ...

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer a request at the moment `now`, in nanoseconds since 1970-01-01 UTC; equal input, equal answer."""
        ...

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what in the request goes against the service's spec; empty for a request that keeps to it."""
        ...

    # `*_: Any` is there for type checkers: so they accept fakes that spell their filters out.
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

        They are computed when they are looked at; `len` computes none.  Items that are equal have one identity, which
        is there as often as they are.

        Args:
            stream: One of `streams`.
            since: Start of the window, included, in nanoseconds since 1970-01-01 UTC. Default: from the first item on.
            until: End of the window, not included. Default: up to the newest item.
            now: When to look. Default: `epoch`.
            filters: The stream's filters, by their names in Python; what is left out is as the service has it then.

        Raises:
            ValueError: There is no such stream.
        """
        ...

    def identity(self, stream: str, item: Any) -> str:
        """Return the identity of a decoded JSON item: its id, or a text that only equal items share where it has none."""
        ...

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """
        Return the filters of the questions that find all items of a stream, each once.

        One empty mapping where a question without filters does.  `Client.stream` and `truth` both take them.

        Raises:
            ValueError: There is no such stream.
        """
        ...
