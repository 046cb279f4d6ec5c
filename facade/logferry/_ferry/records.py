"""Reads several accounts at once: a task for each, and their pages in the order of arrival."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from operator import length_hint
from typing import TypeAlias

import anyio
from attrs import define, field, frozen

from logferry._accounts.registry import all_streams
from logferry._accounts.selection import Skipped
from logferry._config.arguments import WindowOptions
from logferry._errors import LogferryError, suggestion
from logferry._ferry.delivery import AsyncItems, Delivery, items
from logferry._ferry.tasks import Tasks
from logferry._flow.steps import Batch
from logferry._records.record import LogRecord
from logferry._streams.convert import Convert, converted
from logferry._streams.iteration import Iteration
from logferry._streams.runtime import Stats
from logferry._streams.views import View

Checkpoints: TypeAlias = dict[str, dict[str, str]]
"""By account, then by stream; it can be written as JSON."""

Name: TypeAlias = tuple[str, str]
"""Of an account and of one of its streams."""


@frozen
class _Arrived:
    """Selected records of a page, the checkpoint after the first *n*, and whether the caller has begun to take them."""

    name: Name
    records: list[LogRecord]
    place: Callable[[int], str]
    taken: anyio.Event = field(factory=anyio.Event)


@define(eq=False)
class Arrivals:
    """
    The pages of several lanes, in the order of arrival.

    A lane requests its next page once the caller begins with the last one, so memory is bounded by two pages per lane.

    Attributes:
        lanes: The streams of each account, which are read one after the other.
        lowest: The lowest severity number of the records that the caller selects.
        unopened: The errors of accounts that could not be opened.
        failures: The errors so far of streams that ended early.
    """

    lanes: Mapping[str, Mapping[str, View[LogRecord]]]
    lowest: int
    unopened: tuple[LogferryError, ...]
    failures: list[Exception] = field(factory=list[Exception])
    _arrived: deque[_Arrived] = field(factory=deque[_Arrived])
    _current: _Arrived | None = None
    _left: Iterator[LogRecord] = field(factory=lambda: iter(()))
    _places: dict[Name, Callable[[], str]] = field(factory=dict[Name, "Callable[[], str]"])
    _change: anyio.Event = field(factory=anyio.Event)
    _scope: anyio.CancelScope = field(factory=anyio.CancelScope)
    _ended: bool = False

    async def run(self) -> None:
        """Read all lanes at once."""
        with self._scope:
            async with anyio.create_task_group() as tasks:
                for account, lane in self.lanes.items():
                    tasks.start_soon(self._read, account, lane)
        self._ended = True
        self._change.set()

    def close(self) -> None:
        """Stop: the caller has left."""
        self._scope.cancel()
        self._ended = True
        self._change.set()

    def failure(self) -> ExceptionGroup[Exception] | None:
        """Return the error to raise at the end, if any."""
        failures = [*self.unopened, *self.failures]
        return ExceptionGroup(f"{len(failures)} of the accounts' streams failed", failures) if failures else None

    async def wait(self) -> Iterator[LogRecord] | None:
        """Return the records of the next page, or the rest of the last one; ``None`` when all lanes have ended."""
        while not length_hint(self._left):
            if self._arrived:
                self._take(self._arrived.popleft())
            elif self._ended:
                return None
            else:
                self._change = anyio.Event()
                await self._change.wait()
        return self._left

    def checkpoint(self, name: Name) -> str | None:
        """Return what resumes a stream after the last record that the caller has taken; ``None`` if it has not begun."""
        if self._current is not None and self._current.name == name:
            return self._current.place(len(self._current.records) - length_hint(self._left))
        place = self._places.get(name)
        return None if place is None else place()

    def _take(self, arrived: _Arrived) -> None:
        if self._current is not None:
            self._places[self._current.name] = partial(self._current.place, len(self._current.records))
        self._current, self._left = arrived, iter(arrived.records)
        arrived.taken.set()

    async def _read(self, account: str, lane: Mapping[str, View[LogRecord]]) -> None:
        """Hand over the pages of a lane's views; the failure of one does not stop the next."""
        for stream, view in lane.items():
            try:
                await self._hand_over((account, stream), *view.begin())
            except Exception as error:  # noqa: BLE001  # a caller's hook may raise anything, too
                self.failures.append(error)

    async def _hand_over(self, name: Name, iteration: Iteration, convert: Convert[LogRecord]) -> None:
        self._places[name] = partial(iteration.places(), 0)
        try:
            while page := await iteration.anext_batch(partial(self._page, name, iteration, convert)):
                self._arrived.append(page)
                self._change.set()
                await page.taken.wait()
        finally:
            iteration.stop()

    def _page(self, name: Name, iteration: Iteration, convert: Convert[LogRecord], batch: Batch) -> _Arrived:
        records = converted(iteration, convert, batch, [])
        place = iteration.places()
        if not self.lowest:
            return _Arrived(name, records, place)
        kept = [index for index, record in enumerate(records) if record.severity_number >= self.lowest]
        ends = [*kept, len(records)]
        return _Arrived(name, [records[index] for index in kept], lambda taken: place(ends[taken]))


@define(eq=False)
class FerryRecords:
    """
    The records of several accounts.  Iterate with ``for`` in a ``with`` block, with ``async for`` in ``async with``.

    When all that can be read has been read, the failures of the others are raised as one ``ExceptionGroup``: mostly
    ``LogferryError``, each with its account, its stream and the checkpoint that resumes it.

    After a cancellation or Ctrl-C the same iterator goes on where it was.

    Attributes:
        skipped: Streams that are not read, and why.
    """

    _tasks: Tasks
    _lanes: Mapping[str, Mapping[str, View[LogRecord]]]
    skipped: tuple[Skipped, ...]
    _unopened: tuple[LogferryError, ...]
    _lowest: int = 0
    _latest: Arrivals | None = None

    @property
    def stats(self) -> dict[tuple[str, str], Stats]:
        """By names of account and stream: what the latest iteration has done so far."""
        return {(account, name): view.stats for account, lane in self._lanes.items() for name, view in lane.items()}

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

    def _delivery(self) -> Delivery[Arrivals, Iterator[LogRecord]]:
        return Delivery(self._tasks, self._begin, Arrivals.wait, "ferry.records()")

    def _begin(self) -> Arrivals:
        self._latest = Arrivals(self._lanes, self._lowest, self._unopened)
        return self._latest

    def _checkpoints(self) -> Checkpoints:
        return {
            account: {
                name: (self._latest and self._latest.checkpoint((account, name))) or view.checkpoint
                for name, view in lane.items()
            }
            for account, lane in self._lanes.items()
        }

    def __repr__(self) -> str:
        return f"<FerryRecords {', '.join(self._lanes)}>"


def refuse_other_names(options: WindowOptions) -> None:
    """Raise TypeError for arguments of ``records()`` that it does not have; the hint explains how to set a filter."""
    known = WindowOptions.__optional_keys__
    for name in options:
        if name not in known:
            spellings = {one.name for _, stream in all_streams() for one in stream.filter_list}
            own = ["accounts", "streams", "filters", "severity", "resume", *sorted(known)]
            hint = f"Filters go into filters={{{name!r}: ...}}" if name in spellings else suggestion(name, own)
            raise TypeError(f"records() got an unexpected keyword argument {name!r}. {hint}")
