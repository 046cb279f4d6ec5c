"""
Reading several parts of a window at once, for streams whose service filters by time.

A walk goes on alone for a few pages, until it has shown that there is more, and that waiting for it is what takes time.  Then
its window is cut a page behind the place where it is, and what is left is read in parts of about a page each, several of
them under way.  Each part is walked by the stream's own walk, from its beginning to its end, so it keeps the walk's promise;
the parts are delivered in the stream's own order.  A part that turns out to hold more than a page is cut again, and behind
one that is empty the whole rest is asked for in one.

Answers are kept as they came until it is nearly their turn, so memory is bounded by the pages under way.  A place is that of
the part being delivered, and what is left behind it; what was fetched ahead is asked for again by whoever resumes.

Where a place in a walk does not hold in a narrower window, the walk cannot go on in a part: see ``_layout``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from logferry._concurrency.division import Division
from logferry._concurrency.doubt import Answers, Verdict, is_doubtful_end
from logferry._concurrency.layout import Layout
from logferry._concurrency.partition import Part, Place, WalkWindow
from logferry._errors import LogferryError
from logferry._flow.steps import Batch, Flow, Marks, Now, Peek, Position, Receive, SubFlow
from logferry._http.messages import Response
from logferry._json import is_object
from logferry._streams.matching import Check, matching
from logferry._time.window import Window

_SMALL: Final = 1024 * 1024
"""
So many bytes of answers are looked at before their turn, since one may want another request, and do not count as under way.

Others are kept as they came, which takes a fraction of the memory.
"""

_OK: Final = 200


@frozen(kw_only=True)
class Reader:
    """
    How a stream is read.

    Attributes:
        walk: The stream's own walk.
        order: Its order, see ``StreamDefinition``.
        ahead: The same walk, which asks ahead by itself, given how many items are wanted, too; ``None`` where it cannot.
        division: How its window is divided; ``None`` where it cannot be.
        page_size: How many items are asked for at once.
        concurrency: How many requests may be under way.
        checks: What of the caller's filters is checked.
        sized: Makes the same with another page size; ``None`` where it has no other.
    """

    walk: WalkWindow
    order: str
    ahead: Callable[[Window, Position | None, int | None], Flow] | None = None
    division: Division | None
    page_size: int
    concurrency: int = 1
    checks: Sequence[Check] = ()
    sized: Callable[[int], Reader] | None = None

    def smaller(self) -> Reader | None:
        """The same with pages of half the size; ``None`` where they are of one item."""
        return None if self.sized is None or self.page_size == 1 else self.sized(self.page_size // 2)

    def read(self, window: Window, position: Position | None, *, max_items: int | None = None) -> Flow:
        """
        Yield every item of *window* once.

        Args:
            window: Which items.
            position: Where to resume, as a batch gave it; ``None`` for the start.
            max_items: How many items are wanted, or ``None`` for all.
        """
        flow = self._read(window, position, max_items)
        return matching(flow, self.checks) if self.checks else flow

    def _read(self, window: Window, position: Position | None, max_items: int | None) -> Flow:
        if is_divided(position):
            return _Reading(self, Place.from_json(position), max_items).flow()
        if self.ahead is not None and self.concurrency > 1:
            return self.ahead(window, position, max_items)
        # What a walk has delivered is not known from its place, so parts behind it could have some of it, too.
        if self.division is None or self.concurrency == 1 or position is not None:
            return self.walk(window, position)
        return _Reading(self, Place(part=window), max_items).flow()


def is_divided(position: Position | None) -> bool:
    """Whether a position is one in a window that is read in parts."""
    return is_object(position) and "part" in position


class _Reading:
    """One reading of a window, in parts."""

    def __init__(self, reader: Reader, place: Place, max_items: int | None) -> None:
        self._reader = reader
        self._layout = Layout.of(
            place,
            order=reader.order,
            division=reader.division,
            page_size=reader.page_size,
            concurrency=reader.concurrency,
            max_items=max_items,
        )
        self._answers = Answers(follow_others=place.course is not None and place.position is not None)
        self._believes = False

    def flow(self) -> Flow:
        """Deliver the parts, one after the other."""
        try:
            while self._layout.parts:
                head = self._layout.parts[0]
                if head.batch is not None:
                    yield self._layout.taken(head, head.batch)
                elif head.ended:
                    self._layout.retire(head)
                else:
                    begun: int = yield Now()
                    yield from self._send()
                    if head.ticket is not None:
                        yield from self._receive(head)
                    ended: int = yield Now()
                    self._layout.waited += ended - begun
        finally:
            for part in self._layout.parts:
                part.drop()

    def _send(self) -> SubFlow[None]:
        """Send what the parts want, the first ones first, as far as there is room."""
        yield from self._look_ahead()
        index = 0
        while index < len(self._layout.parts):
            part = self._layout.parts[index]
            if index and (part.alone or (part.is_fresh and self._room() <= 0)):
                return
            part = self._gone_on(index, part)
            if part.wish is not None and (index == 0 or self._room() > 0):
                wish, part.wish = part.wish, None
                self._layout.demand.sent += 1
                answer: object
                try:
                    answer = yield wish
                except LogferryError as error:
                    answer = error
                self._advance(part, answer)
            index += 1

    def _gone_on(self, index: int, part: Part) -> Part:
        """A part, or what has taken its place, once it has begun or gone on behind its page, and been cut where that pays."""
        if part.is_fresh:
            self._layout.split(index, part)
            self._begin(part)
        elif part.resting:
            self._advance(part, None)
            if part.wish is not None and self._layout.narrow(index, part):
                self._begin(self._layout.parts[index])
        return self._layout.parts[index]

    def _look_ahead(self) -> SubFlow[None]:
        """Look at the answers of the next parts, if they are there: they may want another request."""
        for part in self._layout.parts[1:]:
            if part.ticket is not None and part.batch is None:
                outcome: object = yield Peek(part.ticket)
                if isinstance(outcome, Response) and outcome.status == _OK:
                    yield from self._receive(part)
            if part.is_fresh or self._held > _SMALL:
                break
        for ticket in [*self._layout.abandoned]:
            if (yield Peek(ticket)) is not None:
                self._layout.abandoned.remove(ticket)

    def _room(self) -> int:
        """How many requests more may be sent ahead."""
        layout, concurrency = self._layout, self._reader.concurrency
        most = 1 if layout.course is None or not layout.divides else concurrency
        allowed = layout.demand.requests(most, layout.page_size)
        under_way = sum(part.ticket is not None for part in layout.parts) + len(layout.abandoned)
        waiting = sum(part.batch is not None for part in layout.parts)
        # What is small may wait beside as many requests under way: one that takes longer does not hold up the others.
        free = concurrency if self._held <= _SMALL else 0
        return allowed - under_way - max(0, waiting - free)

    @property
    def _held(self) -> int:
        """How many bytes the answers have that have been looked at, and wait for their turn."""
        return sum(len(part.batch.response.content) for part in self._layout.parts if part.batch is not None)

    def _begin(self, part: Part) -> None:
        try:
            part.begin(self._reader.walk, self._layout.asked(part))
        except LogferryError as error:
            self._fail(part, error)

    def _receive(self, part: Part) -> SubFlow[None]:
        ticket, part.ticket = part.ticket, None
        assert ticket is not None  # noqa: S101  # whoever calls has looked
        outcome: object
        try:
            outcome = yield Receive(ticket)
        except LogferryError as error:
            outcome = error
        self._advance(part, outcome)

    def _advance(self, part: Part, answer: object) -> None:
        try:
            batch = part.advance(answer)
        except LogferryError as error:
            self._fail(part, error)
            return
        if batch is not None:
            self._find(part, batch)
        elif part.ended:
            part.ends += 1
            if self._doubts and is_doubtful_end(part):
                self._begin(part)

    def _fail(self, part: Part, error: LogferryError) -> None:
        """It is tried again when it is its turn, and then the error is the caller's."""
        if part is self._layout.parts[0]:
            raise error
        part.wait()

    def _find(self, part: Part, batch: Batch) -> None:
        marks = None if batch.marks is None else batch.marks()
        verdict = self._judged(part, marks)
        if verdict is Verdict.DOUBTED:
            if part is self._layout.parts[0]:
                self._begin(part)
            else:
                part.wait()
            return
        if verdict is Verdict.BOUNDLESS:
            self._believes = True
            self._layout.read_alone(part)
            if part not in self._layout.parts:
                return
        elif marks is not None and self._layout.course is None:
            self._layout.largest = max(self._layout.largest, len(marks.sent))
        part.find(batch, marks)

    @property
    def _doubts(self) -> bool:
        """
        Whether an answer can be that to another question.

        As long as nothing else has been asked, in earlier iterations either, it cannot.
        """
        return self._layout.course is not None and not self._believes

    def _judged(self, part: Part, marks: Marks | None) -> Verdict:
        """What is made of a page."""
        division = self._reader.division
        if marks is None:
            return Verdict.BOUNDLESS
        if division is None or not self._doubts:
            return Verdict.BELIEVED
        # So much wider than its window a part is asked for, mostly.
        return self._answers.judged(
            part,
            marks,
            margin=2 * division.resolution,
            page_size=self._layout.page_size,
            is_met=self._layout.demand.is_met,
        )
