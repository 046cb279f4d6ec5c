"""Reads several accounts at once: a task for each, and their pages in the order of arrival."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import length_hint

import anyio
from attrs import define, field, frozen

from logferry._accounts.registry import all_streams
from logferry._config.arguments import WindowOptions
from logferry._errors import suggestion
from logferry._ferry.delivery import Deliverable, Name
from logferry._ferry.tasks import Reading, Task
from logferry._records.record import LogRecord
from logferry._streams.iteration import Iteration
from logferry._streams.views import View


@frozen
class _Arrived:
    """Selected records of a page, the checkpoint after the first *n*, and whether the caller has begun to take them."""

    name: Name
    records: list[LogRecord]
    place: Callable[[int], str]
    taken: anyio.Event = field(factory=anyio.Event)


def _reached(place: Callable[[int], str], count: int, left: Iterator[LogRecord]) -> str:
    """The checkpoint where *left* remain of *count* records; it does not keep the records."""
    return place(count - length_hint(left))


@define(eq=False, kw_only=True)
class Arrivals(Reading):
    """
    The pages of several streams, in the order of arrival; those of an account are read one after the other.

    A lane requests its next page once the caller begins with the last one, so memory is bounded by two pages per lane.
    *lowest* is the lowest severity number of the records that the caller selects.  *places* give what resumes a stream after
    the last record that the caller has taken.
    """

    summary = "{} of the accounts' streams failed"
    views: Mapping[Name, View[LogRecord]]
    lowest: int
    places: dict[Name, Callable[[], str]]
    _arrived: deque[_Arrived] = field(factory=deque[_Arrived])
    _left: Iterator[LogRecord] = field(factory=lambda: iter(()))

    async def run(self) -> None:
        """Read all lanes at once."""
        await super().run()
        self.close()

    def tasks(self) -> Iterator[Task]:
        """Read each account in a task of its own."""
        for account in dict.fromkeys(account for account, _ in self.views):
            yield partial(self._read, [name for name in self.views if name[0] == account])

    async def records(self) -> Iterator[LogRecord] | None:
        """Return the records of the next page, or the rest of the last one; ``None`` when all lanes have ended."""
        while not length_hint(self._left):
            if self._arrived:
                arrived = self._arrived.popleft()
                self._left = iter(arrived.records)
                self.places[arrived.name] = partial(_reached, arrived.place, len(arrived.records), self._left)
                arrived.taken.set()
            elif self.closed:
                return None
            else:
                self.change = anyio.Event()
                await self.change.wait()
        return self._left

    async def _read(self, names: Sequence[Name]) -> None:
        """Hand over the pages of these streams; the failure of one does not stop the next."""
        for name in names:
            try:
                await self._hand_over(name, self.views[name].begin())
            except Exception as error:  # noqa: BLE001  # a caller's hook may raise anything, too
                self.failures.append(error)

    async def _hand_over(self, name: Name, iteration: Iteration[list[LogRecord]]) -> None:
        self.places[name] = partial(iteration.places(), 0)
        try:
            while (records := await iteration.anext_batch()) is not None:
                arrived = self._selected(name, records, iteration.places())
                self._arrived.append(arrived)
                self.change.set()
                await arrived.taken.wait()
        finally:
            iteration.stop()

    def _selected(self, name: Name, records: list[LogRecord], place: Callable[[int], str]) -> _Arrived:
        if not self.lowest:
            return _Arrived(name, records, place)
        kept = [index for index, record in enumerate(records) if record.severity_number >= self.lowest]
        ends = [*kept, len(records)]
        return _Arrived(name, [records[index] for index in kept], lambda taken: place(ends[taken]))


@define(eq=False, repr=False)
class FerryRecords(Deliverable[Arrivals]):
    """
    The records of several accounts.  Iterate with ``for`` in a ``with`` block, with ``async for`` in ``async with``.

    When all that can be read has been read, the failures of the others are raised as one ``ExceptionGroup``: mostly
    ``LogferryError``, each with its account, its stream and the checkpoint that resumes it.

    After a cancellation or Ctrl-C the same iterator goes on where it was.

    Attributes:
        skipped: Streams that are not read, and why.
        unopened: The errors of accounts that could not be opened.
    """

    _where = "ferry.records()"
    _lowest: int = 0
    _places: Mapping[Name, Callable[[], str]] = field(factory=dict[Name, "Callable[[], str]"])

    def _begin(self) -> Arrivals:
        places = self._places = dict[Name, Callable[[], str]]()
        return Arrivals(views=self._views, lowest=self._lowest, places=places, failures=[*self.unopened])

    def _checkpoint(self, name: Name) -> str:
        place = self._places.get(name)
        return self._views[name].checkpoint if place is None else place()


def refuse_other_names(options: WindowOptions) -> None:
    """Raise TypeError for arguments of ``records()`` that it does not have; the hint explains how to set a filter."""
    known = WindowOptions.__optional_keys__
    for name in options:
        if name not in known:
            spellings = {one.name for _, stream in all_streams() for one in stream.filter_list}
            own = ["accounts", "streams", "filters", "severity", "resume", *sorted(known)]
            hint = f"Filters go into filters={{{name!r}: ...}}" if name in spellings else suggestion(name, own)
            raise TypeError(f"records() got an unexpected keyword argument {name!r}. {hint}")
