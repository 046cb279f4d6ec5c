"""
An iteration: one pass of a caller over a stream, with its position, its counts, and how it goes on after an error.

Four words, from the outside in: an *iteration* is what a caller drives; a *flow* is any generator of steps that performs no
I/O; the *reading* is the flow that fetches a window, in partitions where requests overlap; a *walk* is a service's own flow
through one partition, page after page.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from operator import length_hint
from typing import Any, Generic, TypeVar

from attrs import evolve

from logferry._errors import InvalidRequestError, LogferryError, ResponseShapeError, ShortTraceback
from logferry._flow.drivers import aadvance, advance
from logferry._flow.steps import Batch, Flow, Position
from logferry._forks import keep
from logferry._http.in_flight import InFlight
from logferry._http.responses import about_response
from logferry._streams.checkpoint import Checkpoint
from logferry._streams.pipeline import Pipeline
from logferry._streams.plan import Plan, Stats

T = TypeVar("T")


def used_at_once(where: str) -> InvalidRequestError:
    """Error for a call made while another thread or task is using the iterator."""
    return InvalidRequestError(
        f"{where}: the iterator is in use by another thread or task",
        hint="Give each thread or task an iterator of its own, or take from this one under a lock",
    )


class Iteration(Generic[T]):
    """
    One pass over a stream: iterators request batches from it, as *make* makes them.

    The number of delivered items is always known: views take items from the list iterator that ``deliver`` returns, and its
    length hint is the number that remains.  So delivering an item costs no bookkeeping.

    Only one thread or task may use it at a time; a concurrent call raises, and the first one is not disturbed.  *converting*
    is true while an item is being converted.
    """

    def __init__(self, plan: Plan, make: Callable[[Iteration[T], Batch], T]) -> None:
        self.plan = plan
        self._make = make
        self._done = Stats()
        self._pipeline = Pipeline(plan.stream, plan.runtime, self._done)
        self._start: Checkpoint | None = None
        self._position: Callable[[], Position] | None = None
        self._flow: Flow | None = None
        self._reader = plan.reader
        self._in_flight = InFlight(plan.runtime.sender)
        self._ended = False
        self._batch: Batch | None = None
        self._todo: list[Any] = []
        self._left: Any = iter(())
        self._process = os.getpid()
        self._in_use = False
        self.converting = False

    @property
    def stats(self) -> Stats:
        """Counts of what has been read and delivered so far."""
        return evolve(self._done, items=self._done.items + self.delivered)

    @property
    def checkpoint(self) -> str:
        """Resumes after the last delivered item; JSON text."""
        return self._reached().to_text()

    @property
    def delivered(self) -> int:
        """How many items of the current batch have been delivered."""
        return len(self._todo) - length_hint(self._left)

    def places(self) -> Callable[[int], str]:
        """Checkpoints of the current batch, by number of delivered items; stays valid after the iteration moves on."""
        start = self._start or self.plan.beginning()
        position = None if self._batch is None else self._batch.position
        return lambda delivered: (start if position is None else evolve(start, position=position(delivered))).to_text()

    def _reached(self) -> Checkpoint:
        start = self._start or self.plan.beginning()
        position = self._position if self._batch is None else partial(self._batch.position, self.delivered)
        return start if position is None else evolve(start, position=position())

    def next_batch(self) -> T | None:
        """The next batch, or the one that an error interrupted, blocking the thread; ``None`` at the end."""
        # No call between check and assignment, so CPython cannot switch threads or raise KeyboardInterrupt there.
        if self._in_use or self.converting:
            raise used_at_once(self.plan.stream)
        self._in_use = True
        try:
            self._request()
            return None if self._batch is None else self._make(self, self._batch)
        finally:
            self._in_use = False

    async def anext_batch(self) -> T | None:
        """The same, blocking only the task."""
        if self._in_use or self.converting:
            raise used_at_once(self.plan.stream)
        self._in_use = True
        try:
            await self._arequest()
            return None if self._batch is None else self._make(self, self._batch)
        finally:
            self._in_use = False

    def _request(self) -> None:
        """Receive the next batch, unless items of this one are left, or the end is reached."""
        flow = self._begin()
        with ShortTraceback():
            try:
                if flow is not None:
                    self._receive(advance(flow, self._in_flight, self.plan.runtime.clock))
            except BaseException as error:
                self._break_off(error)
                raise

    async def _arequest(self) -> None:
        flow = self._begin()
        with ShortTraceback():
            try:
                if flow is not None:
                    self._receive(await aadvance(flow, self._in_flight, self.plan.runtime.clock))
            except BaseException as error:
                self._break_off(error)
                raise

    def deliver(self) -> Iterator[Any]:
        """Return an iterator over the undelivered items of the batch; taking an item delivers it."""
        left: Iterator[Any] = self._left
        return left

    def hold(self, items: deque[Any]) -> None:
        """Replace the iterator by *items*, the undelivered tail of the batch; removing an item delivers it."""
        self._left = items

    def take_back(self, error: BaseException, *, delivered: int) -> None:
        """Only the first *delivered* items of the batch have been delivered; converting a further one raised *error*."""
        self.rewind(delivered)
        self._describe(error)

    def rewind(self, delivered: int) -> None:
        """
        Only the first *delivered* items of the batch have been delivered.

        Iterators that ``deliver`` returned earlier are exhausted; their holder must fetch the batch again.
        """
        old, self._left = self._left, iter(self._todo)
        self._left.__setstate__(delivered)
        old.__setstate__(len(self._todo))

    def report(self, issues: tuple[str, ...], item: Any, *, delivered: bool) -> None:
        """
        Count and report an item in which something did not decode.

        Raises:
            ResponseShapeError: ``strict`` is set.
        """
        if self.plan.strict:
            error = ResponseShapeError(
                f"an item does not have the documented shape: {'; '.join(issues)}",
                hint="Resume from the checkpoint without strict: it keeps the item, and lists what did not decode",
            )
            raise error if self._batch is None else about_response(error, self._batch.response)
        self._pipeline.report_issues(issues, item, delivered=delivered)
        self._done.issues += 1

    def _leave_parent(self) -> None:
        """In a forked child, leave the requests in flight to the parent and continue from the last position."""
        if self._process != os.getpid():
            self._process = os.getpid()
            keep(self._flow, self._in_flight)
            self._flow, self._in_flight = None, InFlight(self.plan.runtime.sender)

    def _begin(self) -> Flow | None:
        """The current flow or a new one; ``None`` at the end, and where items are left."""
        if length_hint(self._left):
            return None
        self._leave_parent()
        if self._batch is not None:
            # Most pages are never resumed from, so the position is computed lazily, when the checkpoint is read.
            self._position = partial(self._batch.position, self.delivered)
            self._done.items += self.delivered
            self._batch, self._todo, self._left = None, [], iter(())
        if self._ended or self._wanted() == 0:
            return None
        if self._start is None:
            self._start = self.plan.beginning()
        if self._flow is None:
            self._flow = self._pipeline.around(self._reading())
        return self._flow

    def _reading(self) -> Flow:
        """Read on from the last position, halving the page size when a response is too large."""
        while True:
            reached = self._reached()
            try:
                yield from self._reader.read(reached.window, reached.position, max_items=self._wanted())
            except ResponseShapeError as error:
                # Token requests (POST) are not paged.
                if not error.is_too_large or error.method != "GET":
                    raise
                smaller = self._reader.smaller()
                if smaller is None:
                    error.hint = "No smaller page can be requested: exclude its time with since and until"
                    raise
                self._reader = smaller
                self._pipeline.count_retry(1, 0.0, error)
                self._in_flight.abandon()
            else:
                return

    def _receive(self, batch: Batch | None) -> None:
        if batch is None:
            self._ended = True
            self._in_flight.abandon()
            return
        self._done.pages += 1
        self._batch, self._todo = batch, batch.items[: self._wanted()]
        self._left = iter(self._todo)
        self._pipeline.report_page(batch, items=len(self._todo))

    def _wanted(self) -> int | None:
        """How many items more the caller wants; ``None`` for all."""
        return None if self.plan.max_items is None else self.plan.max_items - self._done.items

    def _break_off(self, error: BaseException) -> None:
        """After an error the next call starts a new flow at the last position."""
        self.stop()
        self._describe(error)

    def stop(self) -> None:
        """Abandon the requests in flight; the next call continues from the last position."""
        self._leave_parent()
        flow, self._flow = self._flow, None
        if flow is not None:
            flow.close()
        self._in_flight.abandon()

    def _describe(self, error: BaseException) -> None:
        if isinstance(error, LogferryError):
            runtime = self.plan.runtime
            error.service, error.account, error.stream = runtime.service, runtime.account, self.plan.stream
            error.checkpoint = self.checkpoint
            error.hint = error.hint and runtime.worded(error.hint)
