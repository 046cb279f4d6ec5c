"""
Requests in flight: several run in a thread or task each; a single one runs where its response is awaited.

A walk that reads one page after the other thus needs no thread and no task.  An abandoned request is cancelled with its
task; a thread cannot be cancelled, so its response is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from weakref import WeakSet

from attrs import define, field

from logferry._errors import LogferryError
from logferry._http.messages import Response, Send

if TYPE_CHECKING:
    import asyncio

    from logferry._http.pool import Running
    from logferry._http.sender import Sender

R = TypeVar("R")


@define(eq=False)
class Ticket(Generic[R]):
    """A request in flight, with the values that the layers have set, and its outcome."""

    send: Send[R]
    _running: Running | None = None
    _task: asyncio.Task[None] | None = None
    _outcome: Response[R] | BaseException | None = None
    _begun: bool = False

    @property
    def response_so_far(self) -> Response[R] | Literal[False] | None:
        """The response; ``None`` if it has not arrived, ``False`` if the request has failed."""
        return False if isinstance(self._outcome, BaseException) else self._outcome

    def begin(self, sender: Sender) -> None:
        """Send the request in a thread of its own."""
        self._running = sender.start(partial(self._perform, sender))

    def abegin(self, sender: Sender) -> None:
        """Send the request in a task of its own; on an event loop other than asyncio's it waits until it is awaited."""
        import asyncio  # noqa: PLC0415  # blocking programs need not load it

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # trio's
            return
        self._task = loop.create_task(self._aperform(sender))

    def outcome(self, sender: Sender) -> Response[R] | LogferryError:
        """Return the response or the failure, blocking the thread."""
        if self._running is None:
            self._perform(sender)
        else:
            self._running.join()
        return self._taken()

    async def aoutcome(self, sender: Sender) -> Response[R] | LogferryError:
        """Return the response or the failure, blocking only the task."""
        await self.aperform_here(sender)
        if self._task is not None:
            import asyncio  # noqa: PLC0415  # see above

            await asyncio.wait([self._task])
            if self._task.cancelled():
                raise asyncio.CancelledError
        return self._taken()

    async def aperform_here(self, sender: Sender) -> None:
        """Perform the request in the running task, unless it has begun."""
        if self._task is None and not self._begun:
            await self._aperform(sender)

    def abandon(self) -> None:
        """Abandon the request: its response is not needed any more."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        loop = task.get_loop()
        if not loop.is_closed():
            # From any thread: an iterator is dropped in the thread that holds its last reference.
            loop.call_soon_threadsafe(task.cancel)

    def _taken(self) -> Response[R] | LogferryError:
        outcome, self._outcome = self._outcome, None
        if isinstance(outcome, Response | LogferryError):
            return outcome
        assert outcome is not None  # noqa: S101  # it has been performed
        raise outcome

    def _perform(self, sender: Sender) -> None:
        try:
            self._outcome = sender.perform(self.send)
        except LogferryError as error:
            self._outcome = error
        except BaseException as error:
            if self._running is None:
                raise
            self._outcome = error

    async def _aperform(self, sender: Sender) -> None:
        self._begun = True
        try:
            self._outcome = await sender.aperform(self.send)
        except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
            self._outcome = error


@define(eq=False)
class InFlight:
    """The requests of one iteration that are in flight."""

    sender: Sender
    _waiting: Ticket[Any] | None = None
    _begun: WeakSet[Ticket[Any]] = field(factory=WeakSet[Ticket[Any]])

    def add(self, send: Send[Any], begin: Callable[[Ticket[Any], Sender], None]) -> Ticket[Any]:
        """Add a request; it begins once the flow has another step to perform meanwhile."""
        self.go_on(begin)
        self._waiting = Ticket(send)
        return self._waiting

    def go_on(self, begin: Callable[[Ticket[Any], Sender], None], *, but: Ticket[Any] | None = None) -> None:
        """Begin the request that waits, unless the flow receives its response next."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting is not but:
            begin(waiting, self.sender)
            self._begun.add(waiting)

    async def perform_rest(self) -> None:
        """Perform the requests that wait, on an event loop other than asyncio's."""
        for ticket in tuple(self._begun):
            await ticket.aperform_here(self.sender)

    def abandon(self) -> None:
        """Abandon all requests."""
        self._waiting = None
        for ticket in tuple(self._begun):
            ticket.abandon()
        self._begun.clear()
