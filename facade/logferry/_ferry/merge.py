"""The records of several streams that are followed, merged in the order of time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from logferry._records.record import LogRecord
from logferry._streams.convert import Convert, converted
from logferry._streams.iteration import Iteration
from logferry._time.clock import Clock
from logferry._time.timestamps import SECOND

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
        failure: Why it has ended; ``None`` while it has not.
        has_read: Whether a poll has ever succeeded.
        expects_more: Whether older records may come soon: no poll has ended yet, or the last one brought records.
        taken: Set when all held records are delivered and the caller wants more.
    """

    iteration: Iteration
    convert: Convert[LogRecord]
    held: deque[LogRecord] = field(factory=deque[LogRecord])
    arrived: int = 0
    failure: Exception | None = None
    has_read: bool = False
    expects_more: bool = True
    taken: anyio.Event = field(factory=anyio.Event)

    async def next(self, clock: Clock) -> bool:
        """Hold the records of the next poll, once all held ones are delivered; return whether there are any."""
        records = await self.iteration.anext_batch(lambda batch: converted(self.iteration, self.convert, batch, []))
        if records is None:  # a follow has no end
            raise AssertionError(self.iteration.plan)
        self.has_read = True
        self.arrived, self.taken = clock.now(), anyio.Event()
        self.held.extend(records)
        # Each counts as delivered when the caller takes it.
        self.iteration.hold(self.held)
        self.expects_more = bool(records)
        return bool(records)

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
    """

    record: LogRecord
    _lane: Lane

    def deliver(self) -> None:
        """Count it as delivered: checkpoints resume after it.  Deliver the arrivals of a list in its order."""
        self._lane.held.popleft()

    @property
    def held(self) -> deque[LogRecord]:
        """The queue that holds the record, which is its first when its turn comes: removing it delivers it."""
        return self._lane.held


@define(eq=False)
class Confluence:
    """
    Merges the streams that are followed.

    Attributes:
        reordering: Seconds after its time for which a record waits for older ones.
        told: Receives each failure; ``None`` for a warning in the log.
        unopened: The errors of accounts that could not be opened.
    """

    lanes: Sequence[Lane]
    clock: Clock
    reordering: float
    told: Callable[[FailureEvent], None] | None
    unopened: tuple[LogferryError, ...] = ()
    _left: Iterator[deque[LogRecord]] = field(factory=lambda: iter(()))
    _due_records: Iterator[LogRecord] = field(factory=lambda: iter(()))
    _scope: anyio.CancelScope = field(factory=anyio.CancelScope)
    _change: anyio.Event = field(factory=anyio.Event)
    _closed: bool = False

    def failure(self) -> ExceptionGroup[Exception] | None:
        """Return the error to raise when no stream can be followed any more."""
        failures = [*self.unopened, *(lane.failure for lane in self.lanes if lane.failure is not None)]
        if not failures:
            return None
        return ExceptionGroup(f"none of the accounts' {len(failures)} streams can be followed any more", failures)

    async def run(self) -> None:
        """Read all streams until each has ended or ``close`` is called."""
        with self._scope:
            async with anyio.create_task_group() as tasks:
                for lane in self.lanes:
                    tasks.start_soon(self._follow, lane)

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
        while not self._closed:
            self._change = anyio.Event()
            now = self.clock.now()
            due = self._due(now)
            if due:
                return due
            first = min(
                (lane for lane in self.lanes if lane.held), key=lambda lane: lane.time(lane.held[0]), default=None
            )
            if first is None and all(lane.failure for lane in self.lanes):
                return None
            left = {lane: len(lane.held) for lane in self.lanes}
            await self._wait(None if first is None else (self._release(first, first.held[0], left) - now) / SECOND)
        return None

    def close(self) -> None:
        """Stop reading: the caller has left."""
        self._closed = True
        self._scope.cancel()
        self._change.set()

    def _due(self, now: int) -> list[Arrival]:
        due: list[Arrival] = []
        left = {lane: len(lane.held) for lane in self.lanes}
        for _, lane, record in merge(*(lane.rows() for lane in self.lanes), key=itemgetter(0)):
            if now < self._release(lane, record, left):
                break
            left[lane] -= 1
            due.append(Arrival(record, lane))
        return due

    def _release(self, lane: Lane, record: LogRecord, left: Mapping[Lane, int]) -> int:
        """Return when a record stops waiting for older ones; *left* counts the undelivered records of each lane."""
        if sum(one.failure is None for one in self.lanes) == 1:  # no other stream can bring an older one
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
            await self._change.wait()
            tasks.cancel_scope.cancel()

    async def _elapse(self, seconds: float, scope: anyio.CancelScope) -> None:
        await self.clock.asleep(seconds)
        scope.cancel()

    async def _follow(self, lane: Lane) -> None:
        try:
            await self._poll(lane)
        finally:
            lane.iteration.stop()

    async def _poll(self, lane: Lane) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                brought = await lane.next(self.clock)
                self._change.set()
                if brought:
                    await lane.taken.wait()
                pause = _FIRST_PAUSE
            except Exception as error:  # noqa: BLE001  # a caller's hook may raise anything, too
                lane.expects_more = False
                self._change.set()
                lasting = not isinstance(error, LogferryError) or isinstance(error, _REFUSED)
                # A refused request that never succeeded is a mistake of the caller; one that succeeded before is most likely trouble
                # of the service.
                if lasting or (isinstance(error, BadRequestError) and not lane.has_read):
                    lane.failure = self._tell(lane, error, None) or error
                else:
                    lane.failure = self._tell(lane, error, pause)
                if lane.failure is not None:
                    return
                await self.clock.asleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _tell(self, lane: Lane, error: Exception, delay: float | None) -> Exception | None:
        """Report a failure; an error of the hook ends the stream, too."""
        plan = lane.iteration.plan
        if self.told is None:
            # Other errors without their text, which can hold secrets.
            _LOGGER.warning("%s", error if isinstance(error, LogferryError) else f"unexpected {type(error).__name__}")
            return None
        try:
            self.told(FailureEvent(stream=plan.stream, account=plan.runtime.account, error=error, delay=delay))
        except Exception as broken:  # noqa: BLE001  # a caller's hook may raise anything
            return broken
        return None
