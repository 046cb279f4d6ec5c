"""
The vocabulary of flows.

A *flow* is a generator without I/O, clock or threads: it decides which request comes next.  It yields *steps* and is
sent their answers; a *driver* (blocking or async) performs them, *layers* in between answer some steps with steps of
their own:

===================== =========== ==========================================================
step                  answer
===================== =========== ==========================================================
``Send(request)``     ``Ticket``  the request has been started; several may be under way
``Receive(ticket)``   ``Reply``   its answer, whatever its status; a failure is thrown
``Peek(ticket)``      ``object``  what has come of it so far, without waiting: see ``Peek``
``Sleep(seconds)``    ``None``    time has passed
``Now()``             ``int``     nanoseconds since the epoch, UTC
``Acquire(lock)``     ``bool``    whether this flow holds the lock; the flow itself releases it
``Batch(items, ...)`` ``None``    the caller took these items
===================== =========== ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from threading import Lock
from typing import Any, Generic, ParamSpec, Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from logferry._redaction import short
from logferry._time.page_times import PageTimes

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values as they go over the wire, in order; a name may occur more than once."""

Position: TypeAlias = Any
"""Where a flow resumes: a JSON value that only that flow understands."""

Key: TypeAlias = tuple[int | None, str]
"""An item's time in nanoseconds since the epoch (``None`` where it cannot be read) and its identity."""


class Request(Protocol[R_co]):
    """A request as data, as the generated builders make it; its success answer parses to ``R_co``."""

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
        """An ``application/x-www-form-urlencoded`` body, or ``None`` for no body."""
        ...

    @property
    def parse(self) -> Callable[[Any], R_co]:
        """Make the typed value of the decoded JSON of a success answer."""
        ...


class Turn(Protocol):
    """The permission to send one request.  It lives as long as its request may still be sent."""

    def over(self, time: int) -> None:
        """The service has the request, or will not get it any more; *time* is in nanoseconds since the epoch."""
        ...


@frozen
class Send(Generic[R]):
    """
    Start a request.

    Attributes:
        request: What to ask.
        headers: Credentials, kept apart from the request so that nothing that prints a request prints them.
        timeout: Seconds that are left for the whole exchange; ``None`` for no bound beyond the client's timeouts.
        turn: The request's turn, see ``_pace``; ``None`` where it needs none.
    """

    request: Request[R]
    headers: Pairs = field(default=(), repr=False)
    timeout: float | None = None
    turn: Turn | None = field(default=None, repr=False, eq=False)


@frozen
class Ticket(Generic[R]):
    """A request under way; *handle* is the driver's own affair."""

    send: Send[R]
    handle: object = None


@frozen
class Receive(Generic[R]):
    """Wait for the answer of a request under way."""

    ticket: Ticket[R]


@frozen
class Peek(Generic[R]):
    """
    Look at a request under way without waiting for it.

    The answer is its reply, whatever its status; ``False`` where it has failed, which surfaces where it is received; ``None``
    as long as there is neither.
    """

    ticket: Ticket[R]


@frozen
class Reply(Generic[R]):
    """
    An answer before anything is made of it.

    Attributes:
        request: What was asked.
        url: The URL asked, query included.
        status: The HTTP status, whatever it is.
        headers: As received, in order; a name may occur more than once.
        content: The body, decompressed.
        received_unix_nano: When the answer was complete, by the local clock.
        attempts: How often the request was sent for this answer.
    """

    request: Request[R]
    url: str
    status: int
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    content: bytes = field(repr=False)
    received_unix_nano: int
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


@frozen
class Sleep:
    """Let *seconds* pass."""

    seconds: float


@frozen
class Now:
    """Ask for the time."""


@frozen
class Acquire:
    """
    Wait until this flow holds *lock*, or *timeout* seconds have passed.

    Releasing is no step: a plain call does it, also when the flow is dropped.
    """

    lock: Lock
    timeout: float


@frozen
class Batch:
    """
    Items for the caller.

    Attributes:
        items: In server order, within the window, none of them delivered before.
        position: Where to resume after the first *n* items of the batch, for 0 <= n <= len(items).
        reply: The answer that they come from.
        total: How many items the service counts for this question, or ``None`` where it does not say.
        issues: What may be missing, where the service makes it impossible to be sure.  A store does not call the window
            complete then.
        remarks: What is odd about the page otherwise; nothing is missing because of it.
        times: Of the items, where the walk knows them; else ``None``.
        ordinals: Gives, for items that have no id and equal an earlier one, index to how many equal ones came before.
        sent: The times of all items on the page, those that the batch leaves out included; ``None`` where the service does not
            keep to the window that it is asked for.
    """

    items: list[Any] = field(repr=False)
    position: Callable[[int], Position] = field(repr=False)
    reply: Reply[Any]
    total: int | None = None
    issues: tuple[str, ...] = field(default=(), repr=short)
    remarks: tuple[str, ...] = field(default=(), repr=short)
    times: PageTimes | None = field(default=None, repr=False)
    ordinals: Callable[[], Mapping[int, int]] = field(default=dict[int, int], repr=False)
    sent: PageTimes | None = field(default=None, repr=False)


Step: TypeAlias = Send[Any] | Receive[Any] | Peek[Any] | Sleep | Now | Acquire | Batch
Flow: TypeAlias = Generator[Step, Any, None]
SubFlow: TypeAlias = Generator[Step, Any, R]


def exchange(send: Send[R]) -> SubFlow[Reply[R]]:
    """Within a flow: send, and wait for the answer."""
    ticket: Ticket[R] = yield send
    reply: Reply[R] = yield Receive(ticket)
    return reply


def fetch(build: Callable[P, Request[R]], *args: P.args, **kwargs: P.kwargs) -> SubFlow[Reply[R]]:
    """
    Within a flow: send the request that a generated builder makes, and wait for the answer.

    As in ``reply = yield from fetch(operation.request, page=2)``: type checkers know every parameter from the spec, and
    what the answer parses to.
    """
    return exchange(Send(build(*args, **kwargs)))


def now() -> SubFlow[int]:
    """Within a flow: the time in nanoseconds since the epoch, UTC."""
    time: int = yield Now()
    return time
