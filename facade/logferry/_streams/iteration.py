"""One walk through a stream: where it is, what it has done, and how it goes on after an error."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from operator import length_hint
from typing import Any, TypeVar

from attrs import define, evolve, field, frozen

from logferry._concurrency.reader import Reader
from logferry._config.arguments import CallOptions
from logferry._config.hooks import IssueEvent, PageEvent, RequestEvent, RetryEvent
from logferry._errors import (
    CheckpointError,
    InvalidRequestError,
    LogferryError,
    ResponseShapeError,
    ShortTraceback,
)
from logferry._flow.auth import Authorizer
from logferry._flow.drivers import aadvance, advance
from logferry._flow.layers import authorized, bounded, paced, retried
from logferry._flow.steps import Batch, Flow, Position
from logferry._forks import keep
from logferry._http.in_flight import InFlight
from logferry._http.messages import Request, Response
from logferry._http.rate_limiter import RateLimiter
from logferry._http.responses import about_response
from logferry._http.retry import lacks_json
from logferry._http.sender import Sender
from logferry._redaction import short
from logferry._streams.checkpoint import Checkpoint, is_follow
from logferry._streams.definition import StreamDefinition
from logferry._time.clock import Clock
from logferry._time.timestamps import Time
from logferry._time.window import window

T = TypeVar("T")


@define
class Stats:
    """
    What an iteration has done so far.

    Attributes:
        pages: Pages received.
        items: Items delivered.
        retries: Requests sent again.
        issues: Items in which something did not decode.
        doubts: Issues that are about no item: of items that may be missing, or of a service that does not do as it is asked.
    """

    pages: int = 0
    items: int = 0
    retries: int = 0
    issues: int = 0
    doubts: int = 0


@frozen(kw_only=True, repr=False)
class Runtime:
    """
    What the streams of a client share.

    Attributes:
        service: The service's name.
        account: The account's name.
        tenant: Whose logs they are, where the items do not say; ``None`` where nobody knows.
        server_address: Host name of the service.
        sender: Sends requests.
        clock: Tells the time.
        authorizer: Knows the account's credentials.
        rate_limiter: When the account may make its requests.
        options: How requests are made.
        chance: Gives random numbers, 0 <= chance < 1, for the jitter of retries.
        worded: Says a hint that names settings in the words of whoever wrote them.
    """

    service: str
    account: str
    tenant: str | None
    server_address: str
    sender: Sender
    clock: Clock
    authorizer: Authorizer
    rate_limiter: RateLimiter
    options: CallOptions
    chance: Callable[[], float]
    worded: Callable[[str], str]

    def __repr__(self) -> str:
        return f"<Runtime {self.service} account={self.account!r}>"


@define(kw_only=True, repr=False)
class Plan:
    """
    What a caller asked of a stream.

    Attributes:
        stream: The stream's name.
        definition: The stream.
        reader: Reads the stream's window, filters and page size included.
        filters: The filters that were given, by their Python names.
        since: See ``Time``; ``None`` for all that the service still has.
        until: See ``Time``; ``None`` for the moment at which an iteration begins.
        max_items: How many items at most; ``None`` for all.
        resume: Where to begin; ``None`` for the start.
        strict: Raise for an item that does not decode.
        runtime: What the streams of a client share.
        following: Whether the flow is that of a follow, which has no end.
        latest: The latest iteration.
    """

    stream: str
    definition: StreamDefinition[Any, Any, Any] = field(repr=False)
    reader: Reader
    filters: Mapping[str, Any]
    since: Time | None
    until: Time | None
    max_items: int | None
    resume: Checkpoint | None
    strict: bool
    runtime: Runtime
    following: bool = False
    latest: Iteration = field(init=False)

    def __attrs_post_init__(self) -> None:
        Iteration(self)

    def __str__(self) -> str:
        given = {**self.filters, "since": self.since, "until": self.until}
        told = [self.stream, *(f"{name}={short(value)}" for name, value in given.items() if value is not None)]
        return " ".join(told)

    def __repr__(self) -> str:
        return f"<Plan {self}>"

    def iteration(self) -> Iteration:
        """
        A walk that begins now.

        Raises:
            CheckpointError: The checkpoint is that of the other kind: of a follow, or of a walk that ends.
        """
        position = None if self.resume is None else self.resume.position
        if position is not None and is_follow(position) != self.following:
            raise CheckpointError(
                f"the checkpoint belongs to {self.stream} {'without ' if self.following else 'with '}follow()",
                hint=f"Resume it {'without' if self.following else 'with'} follow(), or start again without it",
            )
        return Iteration(self)

    def beginning(self) -> Checkpoint:
        """Where an iteration that begins now begins."""
        if self.resume is not None:
            return self.resume
        return Checkpoint(
            stream=self.stream,
            filters=self.filters,
            asked=(asked(self.since), asked(self.until)),
            window=window(self.since, self.until, now=self.runtime.clock.now()),
            position=None,
        )


def asked(time: Time | None) -> str | None:
    """What a caller gave as a time, as text."""
    if isinstance(time, timedelta):
        return f"{time.total_seconds()!r} seconds"
    return time if time is None or isinstance(time, str) else time.isoformat()


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
        plan.latest = self

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
        self._report_issues(issues, item, delivered=delivered)
        self._done.issues += 1

    def _report_issues(self, issues: tuple[str, ...], item: Any, *, delivered: bool, is_doubt: bool = False) -> None:
        runtime = self.plan.runtime
        if runtime.options.hooks.on_issue is not None:
            runtime.options.hooks.on_issue(
                IssueEvent(
                    stream=self.plan.stream,
                    account=runtime.account,
                    issues=issues,
                    item=item,
                    delivered=delivered,
                    is_doubt=is_doubt,
                )
            )

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
            self._flow = self._layered(self._reading())
        return self._flow

    def _reading(self) -> Flow:
        """The stream's walk, with as many requests under way as there may be; with smaller pages where one is too large."""
        while True:
            place = self._reached()
            wanted = None if self.plan.max_items is None else self.plan.max_items - self._done.items
            try:
                yield from self._reader.read(place.window, place.position, max_items=wanted)
            except ResponseShapeError as error:
                # A token, which is asked for by POST, has no pages.
                if not error.is_too_large or error.method != "GET":
                    raise
                smaller = self._reader.smaller()
                if smaller is None:
                    error.hint = "A page of one item is too large: leave its time out with since and until"
                    raise
                self._reader = smaller
                self._count_retry(1, 0.0, error)
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
        runtime = self.plan.runtime
        if doubts := (*batch.issues, *batch.remarks):
            # It is not about the shape of an item, so it never raises, strict or not.
            self._report_issues(doubts, None, delivered=True, is_doubt=True)
            self._done.doubts += len(doubts)
        if runtime.options.hooks.on_page is not None:
            runtime.options.hooks.on_page(
                PageEvent(
                    stream=self.plan.stream,
                    account=runtime.account,
                    items=len(self._todo),
                    total=batch.total,
                    request_id=batch.response.request_id,
                    attempts=batch.response.attempts,
                )
            )
        return batch

    def _break_off(self, error: BaseException) -> None:
        """Whatever happened in the flow, the next call starts a fresh one from the last place."""
        self.stop()
        self._describe(error)

    def stop(self) -> None:
        """Leave nothing under way; the next call goes on from the last place."""
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

    def _layered(self, flow: Flow) -> Flow:
        runtime = self.plan.runtime
        options = runtime.options
        flow = authorized(flow, runtime.authorizer)
        flow = retried(flow, options.retries, chance=runtime.chance, on_retry=self._count_retry)
        flow = paced(
            flow,
            runtime.rate_limiter,
            options.rate,
            longest_retry_after=options.retries.longest_retry_after,
            on_request=None if options.hooks.on_request is None else self._tell_request,
        )
        return flow if options.deadline is None else bounded(flow, options.deadline)

    def _count_retry(self, attempt: int, delay: float, outcome: Response[Any] | LogferryError) -> None:
        self._done.retries += 1
        runtime = self.plan.runtime
        if runtime.options.hooks.on_retry is not None:
            reason = f"HTTP {outcome.status}" if isinstance(outcome, Response) else outcome.message
            if isinstance(outcome, Response) and lacks_json(outcome):
                reason = f"{reason} without JSON"
            runtime.options.hooks.on_retry(
                RetryEvent(
                    stream=self.plan.stream, account=runtime.account, attempt=attempt, delay=delay, reason=reason
                )
            )

    def _tell_request(self, request: Request[Any]) -> None:
        runtime = self.plan.runtime
        if runtime.options.hooks.on_request is not None:
            runtime.options.hooks.on_request(
                RequestEvent(
                    stream=self.plan.stream,
                    account=runtime.account,
                    method=request.method,
                    path=request.path,
                    params=request.params,
                )
            )
