"""Following all accounts at once: what is new, in the order of time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final

from attrs import frozen

from logferry._accounts.selection import Skipped
from logferry._config.hooks import FailureEvent
from logferry._errors import LogferryError
from logferry._ferry.delivery import AsyncItems, Batches, Delivery, items
from logferry._ferry.merge import Arrival, Confluence, Lane
from logferry._ferry.records import Checkpoints
from logferry._ferry.tasks import Tasks
from logferry._records.record import LogRecord
from logferry._streams.runtime import Stats
from logferry._streams.views import View
from logferry._time.clock import Clock

REORDERING: Final = 5.0
"""Seconds for which a record waits for older ones of other streams."""


@frozen(eq=False)
class FerryFollow:
    """
    What is new in several accounts, in the order of time, without an end.

    Iterate with ``for`` in a ``with`` block, with ``async for`` in ``async with``.  When no stream is left that can be
    followed, the failures are raised as one ``ExceptionGroup``.  After a cancellation or Ctrl-C the same iterator goes on
    where it was.

    Attributes:
        skipped: Streams that are not followed, and why.
        unopened: The errors of accounts that could not be opened.
    """

    _tasks: Tasks
    _views: Mapping[tuple[str, str], View[LogRecord]]
    skipped: tuple[Skipped, ...]
    unopened: tuple[LogferryError, ...]
    _clock: Clock
    _reordering: float
    _told: Callable[[FailureEvent], None] | None

    @property
    def stats(self) -> dict[tuple[str, str], Stats]:
        """By names of account and stream: what the latest iteration has done so far."""
        return {name: view.stats for name, view in self._views.items()}

    @property
    def checkpoints(self) -> Checkpoints:
        """
        By account, then by stream: what resumes after the last record that was delivered.

        It can be written as JSON, and goes into ``resume``.
        """
        # On the event loop's thread, so that no poll goes on in between.
        portal = self._tasks.portal
        return self._checkpoints() if portal is None else portal.call(self._checkpoints)

    def arrivals(self) -> Batches[list[Arrival]]:
        """
        Iterate over lists of records that are due, for programs that decide when a record counts as delivered.

        Deliver all arrivals of a list before the next list is requested; the others come again.
        """
        return Batches(Delivery(self._tasks, self._begin, Confluence.due, "ferry.follow()"))

    def __iter__(self) -> Iterator[LogRecord]:
        return items(self._delivery())

    def __aiter__(self) -> AsyncIterator[LogRecord]:
        return AsyncItems(self._delivery())

    def _delivery(self) -> Delivery[Confluence, Iterator[LogRecord]]:
        return Delivery(self._tasks, self._begin, Confluence.records, "ferry.follow()")

    def _checkpoints(self) -> Checkpoints:
        found: Checkpoints = {}
        for (account, stream), view in self._views.items():
            found.setdefault(account, {})[stream] = view.checkpoint
        return found

    def _begin(self) -> Confluence:
        lanes = [Lane(*view.begin()) for view in self._views.values()]
        return Confluence(lanes, self._clock, self._reordering, self._told, self.unopened)

    def __repr__(self) -> str:
        return f"<FerryFollow {', '.join(f'{account}:{stream}' for account, stream in self._views)}>"
