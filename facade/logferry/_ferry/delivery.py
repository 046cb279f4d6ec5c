"""Delivers what tasks have read to a caller in another thread or task."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import ClassVar, Generic, TypeAlias, TypeVar

from attrs import define

from logferry._accounts.selection import Skipped
from logferry._errors import LogferryError
from logferry._ferry.tasks import Reading, Tasks
from logferry._records.record import LogRecord
from logferry._streams.iteration import used_at_once
from logferry._streams.iterators import AsyncItems, items
from logferry._streams.plan import Stats
from logferry._streams.views import View

T = TypeVar("T")
R = TypeVar("R", bound=Reading)

Name: TypeAlias = tuple[str, str]
"""Of an account and of one of its streams."""

Checkpoints: TypeAlias = dict[str, dict[str, str]]
"""By account, then by stream; it can be written as JSON."""


class Delivery(Generic[R, T]):
    """
    One iteration over the batches of a reading.

    *make* makes the reading, when the first batch is requested.  *wait* returns the same batch again until the caller has
    taken it, so a call that is cancelled, or interrupted by Ctrl-C, loses nothing, and the next call goes on.  *where* is
    the name of the iteration in errors.
    """

    __slots__ = ("_in_use", "_make", "_reading", "_tasks", "_wait", "_where")

    def __init__(
        self, tasks: Tasks, make: Callable[[], R], wait: Callable[[R], Awaitable[T | None]], where: str
    ) -> None:
        self._tasks = tasks
        self._make = make
        self._wait = wait
        self._where = where
        self._reading: R | None = None
        self._in_use = False

    def next_batch(self) -> T | None:
        """Return the next batch, blocking the thread; ``None`` at the end, if nothing has failed."""
        # The thread's own guard: Ctrl-C can leave it before it has the task's future, and then the task still runs.
        if self._in_use:
            raise used_at_once(self._where)
        self._in_use = True
        try:
            return self._tasks.call(self._next)
        finally:
            self._in_use = False

    async def anext_batch(self) -> T | None:
        """Return the next batch, blocking only the task; ``None`` at the end, if nothing has failed."""
        if self._in_use:
            raise used_at_once(self._where)
        self._in_use = True
        try:
            return await self._next()
        finally:
            self._in_use = False

    def stop(self) -> None:
        """End the reading: the iterator is dropped."""
        if self._reading is not None:
            self._tasks.stop_soon(self._reading)

    async def _next(self) -> T | None:
        if self._reading is None:
            reading = self._make()
            self._tasks.run(reading)
            self._reading = reading
        self._tasks.require(self._reading)
        batch = await self._wait(self._reading)
        if batch is None:
            # Otherwise the end of the block looks like the end of the logs.
            self._tasks.require(self._reading)
            failure = self._reading.failure()
            if failure is not None:
                raise failure
        return batch


@define(eq=False, repr=False)
class Deliverable(Generic[R]):
    """The records of several accounts, to be iterated any number of times."""

    _where: ClassVar[str]
    _tasks: Tasks
    _views: Mapping[Name, View[LogRecord]]
    skipped: tuple[Skipped, ...]
    unopened: tuple[LogferryError, ...]

    @property
    def stats(self) -> dict[tuple[str, str], Stats]:
        """By names of account and stream: what the latest iteration has done so far."""
        return {name: view.stats for name, view in self._views.items()}

    @property
    def checkpoints(self) -> Checkpoints:
        """
        By account, then by stream: what resumes after the last record that the latest iteration has delivered.

        It can be written as JSON, and goes into ``resume``.
        """
        # On the event loop's thread, so that no page arrives in between.
        portal = self._tasks.portal
        return self._checkpoints() if portal is None else portal.call(self._checkpoints)

    def __iter__(self) -> Iterator[LogRecord]:
        return items(self._delivery())

    def __aiter__(self) -> AsyncIterator[LogRecord]:
        return AsyncItems(self._delivery())

    def _delivery(self) -> Delivery[R, Iterator[LogRecord]]:
        return Delivery(self._tasks, self._begin, lambda reading: reading.records(), self._where)

    @abstractmethod
    def _begin(self) -> R:
        """A reading that begins anew."""

    def _checkpoint(self, name: Name) -> str:
        return self._views[name].checkpoint

    def _checkpoints(self) -> Checkpoints:
        found: Checkpoints = {}
        for account, stream in self._views:
            found.setdefault(account, {})[stream] = self._checkpoint((account, stream))
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(f'{account}:{stream}' for account, stream in self._views)}>"
