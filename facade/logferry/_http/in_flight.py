"""
Requests under way: each in a thread or a task of its own, where there is more than one, else where it is waited for.

A walk that asks for one page after the other so costs no thread and no task.  What nobody waits for any more ends with its
request: a task is cancelled, a thread cannot be, and its answer is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from weakref import WeakSet

from attrs import define, field

from logferry._errors import LogferryError
from logferry._flow.steps import Reply, Send
from logferry._time.timestamps import MILLISECOND

if TYPE_CHECKING:
    import asyncio

SLOW: Final = 10 * MILLISECOND
"""
So long an answer takes at least, in nanoseconds, if several are to be under way: threads and tasks would cost more than nearer
services take (measured: as much CPU again as the page).
"""


class Running(Protocol):
    """What has been launched."""

    def join(self) -> None:
        """Wait for its end, blocking the thread."""
        ...


class Wire(Protocol):
    """Sends requests, either way.  Only logferry's own errors come out."""

    def perform(self, send: Send[Any]) -> Reply[Any]:
        """Send, and wait for the answer, blocking the thread."""
        ...

    async def aperform(self, send: Send[Any]) -> Reply[Any]:
        """Send, and wait for the answer, blocking only the task."""
        ...

    def launch(self, work: Callable[[], None]) -> Running:
        """Begin work beside the running thread."""
        ...


def launch_thread(work: Callable[[], None]) -> Thread:
    """Begin work in a thread that does not keep the program from ending."""
    thread = Thread(target=work, name="logferry request", daemon=True)
    thread.start()
    return thread


@define(eq=False)
class Exchange:
    """
    A request under way.

    Attributes:
        send: The request.
    """

    send: Send[Any]
    _running: Running | None = None
    _task: asyncio.Task[None] | None = None
    _outcome: Reply[Any] | BaseException | None = None
    _begun: bool = False

    @property
    def reply_so_far(self) -> Reply[Any] | Literal[False] | None:
        """Its answer, if there is one by now; ``False`` where it has failed."""
        return False if isinstance(self._outcome, BaseException) else self._outcome

    def begin(self, wire: Wire) -> None:
        """Send it beside the running thread."""
        self._running = wire.launch(lambda: self._perform(wire))

    def abegin(self, wire: Wire) -> None:
        """Send it beside the running task; where the event loop has no tasks that end by themselves, it waits."""
        import asyncio  # noqa: PLC0415  # blocking programs need not load it

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # trio's
            return
        self._task = loop.create_task(self._aperform(wire))

    def outcome(self, wire: Wire) -> Reply[Any] | LogferryError:
        """Its answer or failure, blocking the thread."""
        if self._running is None:
            self._perform(wire)
        else:
            self._running.join()
        return self._taken()

    async def aoutcome(self, wire: Wire) -> Reply[Any] | LogferryError:
        """Its answer or failure, blocking only the task."""
        await self.aperform_here(wire)
        if self._task is not None:
            import asyncio  # noqa: PLC0415  # see above

            await asyncio.wait([self._task])
            if self._task.cancelled():
                raise asyncio.CancelledError
        return self._taken()

    async def aperform_here(self, wire: Wire) -> None:
        """Perform it in the running task, unless it has begun."""
        if self._task is None and not self._begun:
            await self._aperform(wire)

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        loop = task.get_loop()
        if not loop.is_closed():
            # From whatever thread: an iterator is dropped where the last reference to it is.
            loop.call_soon_threadsafe(task.cancel)

    def _taken(self) -> Reply[Any] | LogferryError:
        outcome, self._outcome = self._outcome, None
        if isinstance(outcome, Reply | LogferryError):
            return outcome
        assert outcome is not None  # noqa: S101  # it has been performed
        raise outcome

    def _perform(self, wire: Wire) -> None:
        try:
            self._outcome = wire.perform(self.send)
        except LogferryError as error:
            self._outcome = error
        except BaseException as error:
            if self._running is None:
                raise
            self._outcome = error

    async def _aperform(self, wire: Wire) -> None:
        self._begun = True
        try:
            self._outcome = await wire.aperform(self.send)
        except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
            self._outcome = error


@define(eq=False)
class UnderWay:
    """
    The requests of one iteration that are under way.

    Attributes:
        wire: Sends them.
    """

    wire: Wire
    _waiting: Exchange | None = None
    _begun: WeakSet[Exchange] = field(factory=WeakSet[Exchange])

    def add(self, send: Send[Any], begin: Callable[[Exchange], None]) -> Exchange:
        """Another request; it begins once something else is to be done meanwhile."""
        self.go_on(begin)
        self._waiting = Exchange(send)
        return self._waiting

    def go_on(self, begin: Callable[[Exchange], None], *, but: Exchange | None = None) -> None:
        """Begin what waits, since its answer is not the next thing to wait for."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting is not but:
            begin(waiting)
            self._begun.add(waiting)

    async def perform_rest(self) -> None:
        """Perform those that should have begun, where the event loop has no tasks that end by themselves."""
        for exchange in tuple(self._begun):
            await exchange.aperform_here(self.wire)

    def abandon(self) -> None:
        """Nobody waits for any of them any more."""
        self._waiting = None
        for exchange in tuple(self._begun):
            exchange.abandon()
        self._begun.clear()
