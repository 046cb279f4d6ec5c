"""Following all accounts at once: what is new, merged in the order of time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from operator import itemgetter, length_hint
from typing import Final

import anyio
from attrs import define, field, frozen

from logferry._config.hooks import FailureEvent
from logferry._errors import (
    AuthenticationError,
    BadRequestError,
    CheckpointError,
    ConfigurationError,
    InvalidRequestError,
    LogferryError,
    PermissionDeniedError,
)
from logferry._ferry.delivery import Deliverable, Delivery
from logferry._ferry.tasks import Reading, Task
from logferry._records.record import LogRecord
from logferry._streams.iteration import Iteration
from logferry._streams.iterators import Batches
from logferry._time.clock import Clock
from logferry._time.timestamps import SECOND

REORDERING: Final = 5.0
"""Seconds for which a record waits for older ones of other streams."""

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 300.0
"""Seconds until a failed stream is tried again: they double from the first to the longest."""

_REFUSED: Final = (AuthenticationError, PermissionDeniedError, ConfigurationError, InvalidRequestError, CheckpointError)
"""Errors that a retry cannot fix."""

_LOGGER: Final = logging.getLogger("logferry")


@define(eq=False)
class Lane:
    """
    A stream that is followed.

    Attributes:
        held: Records that have arrived and are not delivered, in the order of time.
        arrived: When the first of them arrived, in nanoseconds since the epoch.
        has_ended: Whether it has failed for good.
        has_read: Whether a poll has ever succeeded.
        expects_more: Whether older records may come soon: no poll has ended yet, or the last one brought records.
        taken: Set when all held records are delivered and the caller wants more.
    """

    iteration: Iteration[list[LogRecord]]
    held: deque[LogRecord] = field(factory=deque[LogRecord])
    arrived: int = 0
    has_ended: bool = False
    has_read: bool = False
    expects_more: bool = True
    taken: anyio.Event = field(factory=anyio.Event)

    async def next(self, clock: Clock) -> None:
        """Hold the records of the next poll, once all held ones are delivered."""
        records = await self.iteration.anext_batch()
        if records is None:  # a follow has no end
            raise AssertionError(self.iteration.plan)
        self.has_read = True
        self.arrived, self.taken = clock.now(), anyio.Event()
        self.held.extend(records)
        # Each counts as delivered when the caller takes it.
        self.iteration.hold(self.held)
        self.expects_more = bool(records)

    def time(self, record: LogRecord) -> int:
        """Return the time by which a record is ordered."""
        return record.time_unix_nano or self.arrived

    def rows(self) -> Iterator[tuple[int, Lane, LogRecord]]:
        """Yield the held records, each after the time by which it is ordered."""
        return ((self.time(record), self, record) for record in self.held)


@frozen(eq=False)
class Arrival:
    """
    A record that is due.

    Attributes:
        record: The record.
        held: The queue that holds the record, which is its first when its turn comes: removing it delivers it.
    """

    record: LogRecord
    held: deque[LogRecord] = field(repr=False)

    def deliver(self) -> None:
        """Count it as delivered: checkpoints resume after it.  Deliver the arrivals of a list in its order."""
        self.held.popleft()


@define(eq=False, kw_only=True)
class Confluence(Reading):
    """
    Merges the streams that are followed.

    A record waits for older ones until *reordering* seconds after its time.  Without *on_failure* each failure is a warning
    in the log.
    """

    summary = "none of the accounts' {} streams can be followed any more"
    lanes: Sequence[Lane]
    clock: Clock
    reordering: float
    on_failure: Callable[[FailureEvent], None] | None
    _left: Iterator[deque[LogRecord]] = field(factory=lambda: iter(()))
    _due_records: Iterator[LogRecord] = field(factory=lambda: iter(()))

    def tasks(self) -> Iterator[Task]:
        """Follow each stream in a task of its own."""
        return (partial(self._follow, lane) for lane in self.lanes)

    async def records(self) -> Iterator[LogRecord] | None:
        """Return the records that are due, or the rest of them; taking one delivers it.  ``None`` at the end."""
        if not length_hint(self._left):
            due = await self.due()
            if due is None:
                return None
            self._left = iter([arrival.held for arrival in due])
            # The interpreter runs this map in C: Ctrl-C cannot come between a record and its count.
            self._due_records = map(deque[LogRecord].popleft, self._left)
        return self._due_records

    async def due(self) -> list[Arrival] | None:
        """Return the records that are due, in the order of time, once the previous ones are delivered; ``None`` at the end."""
        for lane in self.lanes:
            if not lane.held:
                lane.taken.set()
        while not self.closed:
            self.change = anyio.Event()
            now, release, arrivals = self.clock.now(), None, list[Arrival]()
            left = {lane: len(lane.held) for lane in self.lanes}
            for _, lane, record in merge(*(lane.rows() for lane in self.lanes), key=itemgetter(0)):
                release = self._release(lane, record, left)
                if now < release:
                    break
                left[lane] -= 1
                arrivals.append(Arrival(record, lane.held))
            if arrivals:
                return arrivals
            if release is None and all(lane.has_ended for lane in self.lanes):
                return None
            await self._wait(None if release is None else (release - now) / SECOND)
        return None

    def _release(self, lane: Lane, record: LogRecord, left: Mapping[Lane, int]) -> int:
        """Return when a record stops waiting for older ones; *left* counts the undelivered records of each lane."""
        if sum(not one.has_ended for one in self.lanes) == 1:  # no other stream can bring an older one
            return 0
        # A record dated in the future does not wait for its time.  While another lane may bring records of any time, as each does
        # at its beginning, records wait by their arrival instead of their time.
        open_ended = any(one.expects_more and not left[one] for one in self.lanes if one is not lane)
        since = lane.arrived if open_ended else min(lane.time(record), lane.arrived)
        return since + round(self.reordering * SECOND)

    async def _wait(self, seconds: float | None) -> None:
        """Wait until something has changed, or for this many seconds."""
        async with anyio.create_task_group() as tasks:
            if seconds is not None:
                tasks.start_soon(self._elapse, seconds, tasks.cancel_scope)
            await self.change.wait()
            tasks.cancel_scope.cancel()

    async def _elapse(self, seconds: float, scope: anyio.CancelScope) -> None:
        await self.clock.asleep(seconds)
        scope.cancel()

    async def _follow(self, lane: Lane) -> None:
        try:
            error = await self._poll(lane)
        finally:
            lane.iteration.stop()
        lane.has_ended = True
        self.failures.append(error)
        self.change.set()

    async def _poll(self, lane: Lane) -> Exception:
        """Poll a stream until it fails for good."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await lane.next(self.clock)
                self.change.set()
                if lane.expects_more:
                    await lane.taken.wait()
                pause = _FIRST_PAUSE
            except Exception as error:  # noqa: BLE001  # a caller's hook may raise anything, too
                lane.expects_more = False
                self.change.set()
                # A refused request that never succeeded is a mistake of the caller; one that succeeded before is most likely trouble
                # of the service.
                lasting = not isinstance(error, LogferryError) or isinstance(error, _REFUSED)
                lasting = lasting or (isinstance(error, BadRequestError) and not lane.has_read)
                broken = self._report(lane, error, None if lasting else pause)
                if broken is not None or lasting:
                    return broken or error
                await self.clock.asleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _report(self, lane: Lane, error: Exception, delay: float | None) -> Exception | None:
        """Report a failure; return the error of the hook, which ends the stream, too."""
        plan = lane.iteration.plan
        if self.on_failure is None:
            # Other errors without their text, which can hold secrets.
            _LOGGER.warning("%s", error if isinstance(error, LogferryError) else f"unexpected {type(error).__name__}")
            return None
        try:
            self.on_failure(FailureEvent(stream=plan.stream, account=plan.runtime.account, error=error, delay=delay))
        except Exception as broken:  # noqa: BLE001  # a caller's hook may raise anything
            return broken
        return None


@define(eq=False, repr=False)
class FerryFollow(Deliverable[Confluence]):
    """
    What is new in several accounts, in the order of time, without an end.

    Iterate with ``for`` in a ``with`` block, with ``async for`` in ``async with``.  When no stream is left that can be
    followed, the failures are raised as one ``ExceptionGroup``.  After a cancellation or Ctrl-C the same iterator goes on
    where it was.

    Attributes:
        skipped: Streams that are not followed, and why.
        unopened: The errors of accounts that could not be opened.
    """

    _where = "ferry.follow()"
    _clock: Clock
    _reordering: float
    _on_failure: Callable[[FailureEvent], None] | None

    def arrivals(self) -> Batches[list[Arrival]]:
        """
        Iterate over lists of records that are due, for programs that decide when a record counts as delivered.

        Deliver all arrivals of a list before the next list is requested; the others come again.
        """
        return Batches(Delivery(self._tasks, self._begin, Confluence.due, self._where))

    def _begin(self) -> Confluence:
        return Confluence(
            lanes=[Lane(view.begin()) for view in self._views.values()],
            clock=self._clock,
            reordering=self._reordering,
            on_failure=self._on_failure,
            failures=[*self.unopened],
        )
