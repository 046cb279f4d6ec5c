"""
The vocabulary of flows.

A *flow* is a generator without I/O, clock or threads: it decides which request comes next.  It yields *steps* and is
sent their answers; a *driver* (blocking or async) performs them, *layers* in between answer some steps with steps of
their own:

===================== ============ =========================================================
step                  answer
===================== ============ =========================================================
``Send(request)``     ``Ticket``   the request has been started; several may be in flight
``Receive(ticket)``   ``Response`` its response, whatever its status; a failure is thrown
``Peek(ticket)``      ``object``   what has come of it so far, without waiting: see ``Peek``
``Sleep(seconds)``    ``None``     time has passed
``Now()``             ``int``      nanoseconds since the epoch, UTC
``Acquire(lock)``     ``bool``     whether this flow holds the lock; the flow itself releases it
``Batch(items, ...)`` ``None``     the caller took these items
===================== ============ =========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from attrs import evolve, field, frozen

from logferry._http.in_flight import Ticket
from logferry._http.messages import Request, Response, Send
from logferry._redaction import short
from logferry._time.page_times import PageTimes

P = ParamSpec("P")
R = TypeVar("R")

Position: TypeAlias = Any
"""Where a flow resumes: a JSON value that only that flow understands."""

Key: TypeAlias = tuple[int | None, str]
"""An item's time in nanoseconds since the epoch (``None`` where it cannot be read) and its identity."""


@frozen
class Receive(Generic[R]):
    """Wait for the response of a request in flight."""

    ticket: Ticket[R]


@frozen
class Peek(Generic[R]):
    """
    Look at a request in flight without waiting for it.

    The answer is its response, whatever its status; ``False`` where it has failed, which surfaces where it is received;
    ``None`` as long as there is neither.
    """

    ticket: Ticket[R]


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
        response: The response that they come from.
        total: How many items the service counts for this query, or ``None`` where it does not say.
        issues: What may be missing, where the service makes it impossible to be sure.  A store does not call the window
            complete then.
        remarks: What is odd about the page otherwise; nothing is missing because of it.
        times: Of the items, where the walk knows them; else ``None``.
        ordinals: Gives, for items that have no id and equal an earlier one, index to how many equal ones came before.
        sent: The times of all items on the page, those that the batch leaves out included; ``None`` where the service does not
            keep to the window of the request.
    """

    items: list[Any] = field(repr=False)
    position: Callable[[int], Position] = field(repr=False)
    response: Response[Any]
    total: int | None = None
    issues: tuple[str, ...] = field(default=(), repr=short)
    remarks: tuple[str, ...] = field(default=(), repr=short)
    times: PageTimes | None = field(default=None, repr=False)
    ordinals: Callable[[], Mapping[int, int]] = field(default=dict[int, int], repr=False)
    sent: PageTimes | None = field(default=None, repr=False)

    def narrowed(self, kept: Sequence[int], *, end: int | None = None) -> Batch:
        """
        The same with some of its items only; one that is left out counts as delivered with the kept item behind it.

        Args:
            kept: The indexes of the items, ascending.
            end: How many items of this batch count as delivered once all that are kept have been; those up to the last of
                them by default.
        """
        position, ordinals = self.position, self.ordinals
        if end is None:
            end = kept[-1] + 1 if kept else 0

        def resume(delivered: int) -> Position:
            return position(kept[delivered] if delivered < len(kept) else end)

        def renumbered() -> dict[int, int]:
            known = ordinals()
            return {order: known[index] for order, index in enumerate(kept) if index in known}

        return evolve(
            self,
            items=[self.items[index] for index in kept],
            position=resume,
            times=None if self.times is None else self.times.at(kept),
            ordinals=renumbered,
        )


Step: TypeAlias = Send[Any] | Receive[Any] | Peek[Any] | Sleep | Now | Acquire | Batch
Flow: TypeAlias = Generator[Step, Any, None]
SubFlow: TypeAlias = Generator[Step, Any, R]


def exchange(send: Send[R]) -> SubFlow[Response[R]]:
    """Within a flow: send, and wait for the response."""
    ticket: Ticket[R] = yield send
    response: Response[R] = yield Receive(ticket)
    return response


def fetch(build: Callable[P, Request[R]], /, *args: P.args, **kwargs: P.kwargs) -> SubFlow[Response[R]]:
    """
    Within a flow: send the request that *build* returns for these arguments, and return the response, whatever its status.

    As in ``response = yield from fetch(get, "/events", page=2)``, or with the builder of a generated client,
    ``fetch(operation.request, page=2)``: type checkers know each of its parameters from the spec, and the type of the parsed
    response.
    """
    return exchange(Send(build(*args, **kwargs)))


def now() -> SubFlow[int]:
    """Within a flow: the time in nanoseconds since the epoch, UTC."""
    time: int = yield Now()
    return time
