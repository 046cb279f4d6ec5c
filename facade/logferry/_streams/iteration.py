"""One walk through a stream: where it is, what it has done, and how it goes on after an error."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from operator import length_hint
from typing import Any, TypeVar

from attrs import evolve

from logferry._errors import InvalidRequestError, LogferryError, ResponseShapeError, ShortTraceback
from logferry._flow.drivers import aadvance, advance
from logferry._flow.steps import Batch, Flow, Position
from logferry._forks import keep
from logferry._http.in_flight import InFlight
from logferry._http.responses import about_response
from logferry._streams.checkpoint import Checkpoint
from logferry._streams.pipeline import Pipeline
from logferry._streams.plan import Plan
from logferry._streams.runtime import Stats

T = TypeVar("T")


def used_at_once(where: str) -> InvalidRequestError:
    """What the second user of an iterator gets, while the first one is inside."""
    return InvalidRequestError(
        f"{where}: the iterator is in use by another thread or task",
        hint="Give each thread or task an iterator of its own, or take from this one under a lock",
    )


class Iteration:
    """
    One walk through a stream, driven from outside: a driver asks for batches, a view converts their items.

    It knows at any moment which items have been delivered, because views take them from the list iterator that
    ``deliver`` gives, and such an iterator tells how many it still has.  So delivering an item costs no bookkeeping.

    One caller at a time can be inside; a second one is refused, and the first goes on undisturbed.

    Attributes:
        plan: What is asked.
        converting: Whether an item is on its way from the list iterator to the caller.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
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
        """What it has done so far."""
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
        """The checkpoints of the current batch, by how many of its items have been delivered; good also later."""
        start = self._start or self.plan.beginning()
        position = None if self._batch is None else self._batch.position
        return lambda delivered: (start if position is None else evolve(start, position=position(delivered))).to_text()

    def _reached(self) -> Checkpoint:
        start = self._start or self.plan.beginning()
        position = self._position if self._batch is None else partial(self._batch.position, self.delivered)
        return start if position is None else evolve(start, position=position())

    def next_batch(self, make: Callable[[Batch], T]) -> T | None:
        """
        What *make* makes of the next batch, or of the one that an error has left unfinished, blocking the thread.

        Returns:
            ``None`` at the end.

        Raises:
            InvalidRequestError: Another thread or task is inside.
        """
        # No call stands between the question and the note: neither another thread nor Ctrl-C comes in between.
        if self._in_use or self.converting:
            raise used_at_once(self.plan.stream)
        self._in_use = True
        try:
            batch = self._unfinished() or self._asked()
            return None if batch is None else make(batch)
        finally:
            self._in_use = False

    async def anext_batch(self, make: Callable[[Batch], T]) -> T | None:
        """The same, blocking only the task."""
        if self._in_use or self.converting:
            raise used_at_once(self.plan.stream)
        self._in_use = True
        try:
            batch = self._unfinished() or await self._aasked()
            return None if batch is None else make(batch)
        finally:
            self._in_use = False

    def _asked(self) -> Batch | None:
        flow = self._begin()
        if flow is None:
            return None
        with ShortTraceback():
            try:
                return self._receive(advance(flow, self._in_flight, self.plan.runtime.clock))
            except BaseException as error:
                self._break_off(error)
                raise

    async def _aasked(self) -> Batch | None:
        flow = self._begin()
        if flow is None:
            return None
        with ShortTraceback():
            try:
                return self._receive(await aadvance(flow, self._in_flight, self.plan.runtime.clock))
            except BaseException as error:
                self._break_off(error)
                raise

    def _unfinished(self) -> Batch | None:
        return self._batch if length_hint(self._left) else None

    def deliver(self) -> Iterator[Any]:
        """The items of the batch that have not been delivered yet; taking one delivers it."""
        left: Iterator[Any] = self._left
        return left

    def hold(self, items: deque[Any]) -> None:
        """The last items of the batch are here instead; removing one delivers it."""
        self._left = items

    def take_back(self, error: BaseException, *, delivered: int) -> None:
        """Only the first *delivered* items of the batch have been delivered: the next failed on its way."""
        self.rewind(delivered)
        self._describe(error)

    def rewind(self, delivered: int) -> None:
        """
        Only the first *delivered* items of the batch have been delivered.

        What ``deliver`` gave before gives nothing any more: its taker asks for the batch again.
        """
        old, self._left = self._left, iter(self._todo)
        self._left.__setstate__(delivered)
        old.__setstate__(len(self._todo))

    def report(self, issues: tuple[str, ...], item: Any, *, delivered: bool) -> None:
        """
        Count and report an item in which something did not decode.

        Raises:
            ResponseShapeError: The caller wants to be strict.
        """
        if self.plan.strict:
            error = ResponseShapeError(
                f"an item does not have the documented shape: {'; '.join(issues)}",
                hint="Go on from the checkpoint without strict, which keeps it and lists what did not decode",
            )
            raise error if self._batch is None else about_response(error, self._batch.response)
        self._pipeline.tell_issues(issues, item, delivered=delivered)
        self._done.issues += 1

    def _leave_parent(self) -> None:
        """In a child process that was forked: what is under way is the parent's; go on from the last position."""
        if self._process != os.getpid():
            self._process = os.getpid()
            keep(self._flow, self._in_flight)
            self._flow, self._in_flight = None, InFlight(self.plan.runtime.sender)

    def _begin(self) -> Flow | None:
        """The flow to go on with, or ``None`` where there is nothing more to ask for."""
        self._leave_parent()
        if self._batch is not None:
            # Most pages are never resumed from, so the position is worked out when somebody asks.
            self._position = partial(self._batch.position, self.delivered)
            self._done.items += self.delivered
            self._batch, self._todo, self._left = None, [], iter(())
        if self._ended or self._done.items == self.plan.max_items:
            return None
        if self._start is None:
            self._start = self.plan.beginning()
        if self._flow is None:
            self._flow = self._pipeline.around(self._reading())
        return self._flow

    def _reading(self) -> Flow:
        """The stream's walk, with as many requests under way as there may be; with smaller pages where one is too large."""
        while True:
            reached = self._reached()
            wanted = None if self.plan.max_items is None else self.plan.max_items - self._done.items
            try:
                yield from self._reader.read(reached.window, reached.position, max_items=wanted)
            except ResponseShapeError as error:
                # A token, which is asked for by POST, has no pages.
                if not error.is_too_large or error.method != "GET":
                    raise
                smaller = self._reader.smaller()
                if smaller is None:
                    error.hint = "No smaller page can be asked for: leave its time out with since and until"
                    raise
                self._reader = smaller
                self._pipeline.count_retry(1, 0.0, error)
                self._in_flight.abandon()
            else:
                return

    def _receive(self, batch: Batch | None) -> Batch | None:
        if batch is None:
            self._ended = True
            self._in_flight.abandon()
            return None
        self._done.pages += 1
        wanted = None if self.plan.max_items is None else self.plan.max_items - self._done.items
        self._batch, self._todo = batch, batch.items[:wanted]
        self._left = iter(self._todo)
        self._pipeline.tell_page(batch, items=len(self._todo))
        return batch

    def _break_off(self, error: BaseException) -> None:
        """After an error the next call starts a new flow at the last position."""
        self.stop()
        self._describe(error)

    def stop(self) -> None:
        """Leave nothing in flight; the next call goes on from the last position."""
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
