"""
Reads several partitions of a window at once, for streams whose service filters by time.

The first five pages are read one by one.  If more remains and responses take 10 ms or longer, the window is split one page
past the position, and further partitions of about one page are requested at the same time.  Each partition is read by the
stream's own walk, and partitions are delivered in the stream's direction.

Where the service sorts by time, a partition is requested with an open end: from its beginning to the end of the whole window.
It is over once a page reaches past the beginning of the next partition, so a gap leaves no partition empty, and only the last
one must detect the end of the window.  Streams in another order (``as sent``) are requested with both ends, and each
partition is read to its own end.

A position is that of the partition being delivered.  Prefetched pages are not part of it and are requested again after
resuming.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from attrs import evolve, frozen

from logferry._concurrency.budget import Budget
from logferry._concurrency.density import StreamOrder, direction_of
from logferry._concurrency.partition import Partition, without_known
from logferry._concurrency.partitions import Partitions
from logferry._concurrency.position import PartitionPosition, is_partitioned, remembered
from logferry._errors import LogferryError
from logferry._flow.steps import Batch, Flow, Now, Peek, Position, Receive, SubFlow
from logferry._http.messages import Response
from logferry._time.window import Window

_SMALL: Final = 1024 * 1024
"""
Prefetched responses are decoded early until they total more than this many bytes; further ones stay undecoded, which takes
less memory.
"""

_OK: Final = 200


@frozen(kw_only=True)
class Reader:
    """
    How a stream is read; for ``order`` and ``resolution`` see ``StreamDefinition``.

    Attributes:
        walk: The stream's own walk, after its page size.
        page_size: How many items a request asks for.
        concurrency: How many requests may be in flight, at least 1.
        sift: Leaves out items of a flow; ``None`` for none.
        forward: The stream's walk from a cursor forward, after its page size; ``None`` without one.
    """

    walk: Callable[[int, Window, Position | None], Flow]
    order: StreamOrder
    resolution: int | None
    page_size: int
    concurrency: int = 1
    sift: Callable[[Flow], Flow] | None = None
    forward: Callable[[int, Window, Position | None], Flow] | None = None

    def smaller(self) -> Reader | None:
        """The same with pages of half the size; ``None`` where they are of one item."""
        return None if self.page_size == 1 else evolve(self, page_size=self.page_size // 2)

    def read(self, window: Window, position: Position | None, *, max_items: int | None = None) -> Flow:
        """Yield every item of *window* once, from a position that a batch gave; *max_items* is ``None`` for all."""
        flow = self._read(window, position, max_items)
        return flow if self.sift is None else self.sift(flow)

    def _read(self, window: Window, position: Position | None, max_items: int | None) -> Flow:
        if is_partitioned(position):
            return _Reading(self, PartitionPosition.from_json(position), max_items).flow()
        # Without time order, delivered items may have any time, so the rest cannot be partitioned.
        is_unknown = position is not None and direction_of(self.order) is None
        if self.resolution is None or self.concurrency == 1 or is_unknown:
            return self.walk(self.page_size, window, position)
        return _Reading(self, PartitionPosition(window=window, position=position), max_items).flow()


class _Reading:
    """One reading of a window, in partitions."""

    def __init__(self, reader: Reader, place: PartitionPosition, max_items: int | None) -> None:
        self._reader = reader
        self._place = place
        self._left = Partitions.of(
            place, order=reader.order, resolution=reader.resolution, divides=reader.concurrency > 1
        )
        self._budget = Budget(
            concurrency=reader.concurrency, page_size=reader.page_size, max_items=max_items, total=place.total
        )
        self._timeless = place.timeless
        self._largest = 0

    def flow(self) -> Flow:
        """Deliver the partitions, one after the other."""
        parts = self._left.parts
        try:
            while parts:
                head = parts[0]
                if head.batch is not None:
                    yield self._delivered(head, head.batch)
                elif self._left.is_over(head):
                    parts.pop(0).drop()
                else:
                    begun: int = yield Now()
                    yield from self._send()
                    if head.ticket is not None:
                        yield from self._receive(head)
                    ended: int = yield Now()
                    self._budget.waited += ended - begun
        finally:
            for part in parts:
                part.drop()

    def _send(self) -> SubFlow[None]:
        """Send pending requests in partition order, within the budget."""
        yield from self._look()
        index = 0
        while index < len(self._left.parts):
            part = self._left.parts[index]
            if index and self._room() <= 0:
                return
            part.waits = part.waits and index > 0
            if not part.waits:
                self._go_on(part)
            if part.wish is not None and not part.waits:
                wish, part.wish = part.wish, None
                part.is_ahead = index > 0
                self._budget.sent += 1
                answer: object
                try:
                    answer = yield wish
                except LogferryError as error:
                    answer = error
                self._advance(part, answer)
            if self._left.sorts and self._room() > 0:
                self._left.cut(part, self._budget.page_size)
            index += 1

    def _go_on(self, part: Partition) -> None:
        """Start a walk, or advance it past its page, in a narrower window where its partition has both ends."""
        cuts = not self._left.sorts and self._ahead() > 0
        if part.flow is None and not part.ended:  # its walk has not begun
            # After an empty partition the gap's length is unknown; request the whole rest to see where items resume.
            if cuts and not self._left.pauses:
                self._left.cut(part, self._budget.page_size)
            self._begin(part)
        elif part.rests and not self._left.is_over(part):
            self._advance(part, None)
            if cuts and part.wish is not None and self._left.cut(part, self._budget.page_size):
                self._begin(part)

    def _begin(self, part: Partition) -> None:
        try:
            part.begin(partial(self._reader.walk, self._reader.page_size), self._left.asked(part))
        except LogferryError as error:
            self._fail(part, error)
        else:
            self._advance(part, None)

    def _look(self) -> SubFlow[None]:
        """Process, without waiting, responses already received for later partitions; their walks may need another request."""
        for part in self._left.parts[1:]:
            if part.ticket is not None and part.batch is None:
                outcome: object = yield Peek(part.ticket)
                if isinstance(outcome, Response) and outcome.status == _OK:
                    yield from self._receive(part)
            if self._held > _SMALL:
                break
        for ticket in [*self._left.abandoned]:
            if (yield Peek(ticket)) is not None:
                self._left.abandoned.remove(ticket)

    def _receive(self, part: Partition) -> SubFlow[None]:
        ticket, part.ticket = part.ticket, None
        assert ticket is not None  # noqa: S101  # callers check the ticket
        outcome: object
        try:
            outcome = yield Receive(ticket)
        except LogferryError as error:
            outcome = error
        self._advance(part, outcome)
        # Do not repeat a request for a later partition: an earlier one may prove to be the last.
        if part in self._left.parts[1:] and part.wish is not None and part.batch is None:
            part.waits = True

    def _room(self) -> int:
        """How many requests more may be sent ahead."""
        waiting = sum(part.batch is not None for part in self._left.parts[1:])
        # While held responses are small, as many again may wait decoded, so one slow request does not stall the rest.
        free = self._reader.concurrency if self._held <= _SMALL else 0
        return self._ahead() - self._left.in_flight(behind=True) - max(0, waiting - free)

    def _ahead(self) -> int:
        """How many requests may be in flight beside that of the first partition."""
        if not self._left.divides:
            return 0
        return self._budget.ahead(self._left.in_flight(), sum(part.found for part in self._left.parts))

    @property
    def _held(self) -> int:
        """Total bytes of the responses that are decoded and not yet delivered."""
        return sum(len(part.batch.response.content) for part in self._left.parts if part.batch is not None)

    def _advance(self, part: Partition, answer: object) -> None:
        is_first = part.further is None
        try:
            batch = part.advance(answer)
        except LogferryError as error:
            self._fail(part, error)
            return
        if batch is None:
            if part.ended:
                self._left.end(part)
        elif batch.sent is not None and self._left.fits(part, batch):
            if len(self._left.parts) == 1:
                self._largest = max(self._largest, len(batch.sent))
                self._budget.page_size = min(self._reader.page_size, self._largest or self._reader.page_size)
            self._left.learn(part, batch.sent)
        else:
            self._left.read_alone(part, again=is_first)

    def _fail(self, part: Partition, error: LogferryError) -> None:
        """A failed prefetch is retried when its partition is first; a second error is raised."""
        if part is self._left.parts[0] and not part.is_ahead:
            raise error
        part.is_ahead = False
        part.drop()
        part.waits = True

    def _delivered(self, head: Partition, batch: Batch) -> Batch:
        """Return the page of a partition as a page of the whole window."""
        head.batch = None
        if self._place.total is None and head.asked == self._place.window:
            self._budget.total = batch.total
        place = PartitionPosition(
            window=head.asked or head.window,
            rest=self._left.rest,
            span=head.span,
            total=self._budget.total,
            timeless=self._timeless,
        )
        timeless: Sequence[tuple[int, str]] = ()
        batch = self._left.own(head, batch)
        if not self._left.sorts and batch.times is not None and not batch.times.whole:
            batch, timeless = without_known(batch, batch.times, self._timeless)
            self._timeless = remembered(self._timeless, timeless)
        self._budget.deliver(len(batch.items))
        return evolve(batch, total=place.total, position=partial(place.within, batch.position, timeless))
