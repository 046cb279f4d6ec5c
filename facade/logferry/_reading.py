"""
Reading several parts of a window at once, for streams whose service filters by time.

A walk goes on alone for a few pages, until it has shown that there is more, and that waiting for it is what takes time.  Then
its window is cut a page behind the place where it is, and what is left is read in parts of about a page each, several of
them under way.  Each part is walked by the stream's own walk, from its beginning to its end, so it keeps the walk's promise;
the parts are delivered in the stream's own order.  A part that turns out to hold more than a page is cut again, and behind
one that is empty the whole rest is asked for in one.

Answers are kept as they came until it is nearly their turn, so memory is bounded by the pages under way.  A place is that of
the part being delivered, and what is left behind it; what was fetched ahead is asked for again by whoever resumes.

Where a place in a walk does not hold in a narrower window, a walk cannot go on in a part of its own.  Its window is then read
afresh, from the beginning and in parts, and what it has delivered is known by identity and left out.  So whatever the order
is that the service sends in, nothing is lost that the walk had not come to yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from attrs import evolve, frozen

from logferry._demand import Demand
from logferry._division import Course, Division, Extent, course
from logferry._doubt import Answers, Verdict, is_doubtful_end
from logferry._errors import LogferryError
from logferry._json import is_object
from logferry._parts import Part, Place, WalkWindow
from logferry._steps import Batch, Flow, Marks, Now, Peek, Position, Receive, Reply, SubFlow, Ticket
from logferry._taken import Reached, Taken, remembered
from logferry._times import MILLISECOND
from logferry._window import Window

_PROVEN: Final = 10
"""After so many pages a walk has shown that there is more, and that the service honours bounds of time."""

_SLOW: Final = 10 * MILLISECOND
"""
So long a page takes at least, in nanoseconds, if several are to be under way: threads and tasks would cost more than nearer
services take (measured: as much CPU again as the page).
"""

_WORTH_WHILE: Final = 3
"""So many pages for each request that may be under way have to be left, where the service counts them."""

_IN_VAIN: Final = 12
"""
So many requests more than two for each page of items may have been sent, those counted that read again what has come, where a
window is read afresh: where items lie so unevenly that many parts are empty, parts cost more than they gain.
"""

_TIMELESS: Final = 1000
"""So many items without a readable time are remembered: they are in every window, so every part may have them."""

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
        division: How its window is divided; ``None`` where it cannot be.
        page_size: How many items are asked for at once.
        concurrency: How many requests may be under way.
    """

    walk: WalkWindow
    order: str
    division: Division | None
    page_size: int
    concurrency: int = 1

    def read(self, window: Window, position: Position | None, *, max_items: int | None = None) -> Flow:
        """
        Yield every item of *window* once.

        Args:
            window: Which items.
            position: Where to resume, as a batch gave it; ``None`` for the start.
            max_items: How many items are wanted, or ``None`` for all.
        """
        if is_divided(position):
            return _Reading(self, Place.from_json(position), max_items).flow()
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
        self._course = place.course
        self._met = dict(place.met)
        self._total = place.total
        self._demand = Demand(max_items=max_items)
        self._largest = self._waited = 0
        self._divides = reader.division is not None and reader.concurrency > 1
        self._believes = False
        self._answers = Answers(follow_others=place.course is not None and place.position is not None)
        self._parts = _parts_of(place)
        windows = [part.window for part in self._parts]
        self._whole = windows[0] if place.course is None else place.course.joined(windows)
        self._abandoned: list[Ticket[Any]] = []
        self._reached = Reached(place.to_json)
        self._left_off: Callable[[], Position] | None = None

    def flow(self) -> Flow:
        """Deliver the parts, one after the other."""
        try:
            while self._parts:
                head = self._parts[0]
                if head.batch is not None:
                    yield self._taken(head, head.batch)
                elif head.ended:
                    self._retire(head)
                else:
                    begun: int = yield Now()
                    yield from self._send()
                    if head.ticket is not None:
                        yield from self._receive(head)
                    ended: int = yield Now()
                    self._waited += ended - begun
        finally:
            for part in self._parts:
                part.drop()

    def _retire(self, head: Part) -> None:
        """Go on to the next part, knowing from one that has been read as a whole how long parts shall be."""
        if self._course is not None and head.measures:
            self._course = self._course.after(head.window, head.items)
            if not head.items:
                # Where nothing is, nobody knows for how long: the next page of all that is left will show.
                self._join_behind(0)
        del self._parts[0]
        self._met = {
            identity: time for identity, time in self._met.items() if time is None or not head.window.has(time)
        }

    # What the parts want is sent, the first ones first, as far as there is room.

    def _send(self) -> SubFlow[None]:
        yield from self._look_ahead()
        index = 0
        while index < len(self._parts):
            part = self._parts[index]
            if index and (part.alone or (part.is_fresh and self._room() <= 0)):
                return
            part = self._gone_on(index, part)
            if part.wish is not None and (index == 0 or self._room() > 0):
                wish, part.wish = part.wish, None
                self._demand.sent += 1
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
            self._split(index, part)
            self._begin(part)
        elif part.resting:
            self._advance(part, None)
            if part.wish is not None:
                self._narrow(index, part)
        return self._parts[index]

    def _look_ahead(self) -> SubFlow[None]:
        """Look at the answers of the next parts, if they are there: they may want another request."""
        for part in self._parts[1:]:
            if part.ticket is not None and part.batch is None:
                outcome: object = yield Peek(part.ticket)
                if isinstance(outcome, Reply) and outcome.status == _OK:
                    yield from self._receive(part)
            if part.is_fresh or self._held > _SMALL:
                break
        for ticket in [*self._abandoned]:
            if (yield Peek(ticket)) is not None:
                self._abandoned.remove(ticket)

    def _room(self) -> int:
        """How many requests more may be sent ahead."""
        most = 1 if self._course is None or not self._divides else self._reader.concurrency
        allowed = self._demand.requests(most, self._page_size)
        under_way = sum(part.ticket is not None for part in self._parts) + len(self._abandoned)
        waiting = sum(part.batch is not None for part in self._parts)
        # What is small may wait beside as many requests under way: one that takes longer does not hold up the others.
        free = self._reader.concurrency if self._held <= _SMALL else 0
        return allowed - under_way - max(0, waiting - free)

    @property
    def _held(self) -> int:
        """How many bytes the answers have that have been looked at, and wait for their turn."""
        return sum(len(part.batch.reply.content) for part in self._parts if part.batch is not None)

    def _begin(self, part: Part) -> None:
        asked = part.window if self._course is None else self._course.asked(part.window, self._whole)
        try:
            part.begin(self._reader.walk, asked)
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
        if part is self._parts[0]:
            raise error
        part.wait()

    def _find(self, part: Part, batch: Batch) -> None:
        marks = None if batch.marks is None else batch.marks()
        verdict = self._judged(part, marks)
        if verdict is Verdict.DOUBTED:
            if part is self._parts[0]:
                self._begin(part)
            else:
                part.wait()
            return
        if verdict is Verdict.BOUNDLESS:
            self._read_alone(part)
            if part not in self._parts:
                return
        elif marks is not None and self._course is None:
            self._largest = max(self._largest, len(marks.sent))
        part.find(batch, marks)

    @property
    def _page_size(self) -> int:
        """How many items a page has: the service may have a limit of its own."""
        if self._course is not None:
            return self._course.page
        return min(self._reader.page_size, self._largest or self._reader.page_size)

    @property
    def _doubts(self) -> bool:
        """
        Whether an answer can be that to another question.

        As long as nothing else has been asked, in earlier iterations either, it cannot.
        """
        return self._course is not None and not self._believes

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
            page_size=self._page_size,
            is_met=self._demand.is_met,
        )

    def _read_alone(self, part: Part) -> None:
        """From now on, one request after the other, and what comes is believed."""
        self._divides, self._believes = False, True
        if self._left_off is None:
            self._join_behind(self._parts.index(part))
            return
        # All that has come since was known, so the walk before it goes on where it was.
        place = Place.from_json(self._left_off())
        self._abandon(self._parts)
        self._parts, self._course, self._met = _parts_of(place), place.course, dict(place.met)
        self._left_off = None

    # Dividing.

    def _split(self, index: int, part: Part) -> None:
        """Let a part that has not begun be as long as parts are meant to be; the rest becomes another part."""
        if not self._divides or self._course is None or not part.measures or part.uncut or part.alone:
            return
        if self._demand.listed is None or self._demand.listed > (index + 1) * self._course.target:
            self._cut(index, part, self._course.cut(part.window))

    def _narrow(self, index: int, part: Part) -> None:
        """Cut a part that goes on a page behind where it is, if it pays; what is behind becomes another part."""
        division = self._reader.division
        if not self._divides or division is None or not self._is_proven(part):
            return
        if not part.times or part.extent is None or not (division.narrows or part.is_known):
            return
        if not division.narrows and not self._affords(part):
            return
        least = self._page_size * (1 if self._course is not None else _WORTH_WHILE * self._reader.concurrency)
        # What is read afresh has to pay for what is read twice.
        left = self._demand.listed if division.narrows else self._demand.wanted
        if left is not None and left <= least:
            return
        if self._course is None:
            found = course(self._reader.order, part.times, self._page_size, division)
            self._divides = found is not None
        else:
            found = self._course.by(part.times)
        pieces = None if found is None else found.cut(part.window, part.extent)
        if found is None or pieces is None:
            return
        self._course = found
        if not division.narrows:
            self._read_afresh(index, part, found, part.extent)
            return
        self._cut(index, part, pieces)
        part.measures = False
        self._begin(part)

    def _is_proven(self, part: Part) -> bool:
        """Whether a part goes on, and it takes time to wait for its pages."""
        if self._course is not None:
            return part.pages > 0
        return part.pages >= _PROVEN and self._waited >= _SLOW * part.pages

    def _affords(self, part: Part) -> bool:
        """Whether a part may be read afresh, which costs what has been read of it, and what is asked in vain."""
        return self._demand.sent + part.pages <= 2 * self._demand.items // self._page_size + _IN_VAIN

    def _read_afresh(self, index: int, part: Part, found: Course, extent: Extent) -> None:
        """Put parts in the place of one: they list again what has been delivered of it, which is left out."""
        self._met = remembered(self._met, part.taken_keys(), _TIMELESS)
        part.drop()
        # Nobody knows how much of its beginning is empty: the first one reaches from there to a page behind its first item.
        first = extent[1] if found.newest_first else extent[0]
        self._parts[index] = fresh = Part(part.window, measures=False)
        self._cut(index, fresh, found.cut(part.window, (first, first)))
        if index == 0:
            self._left_off = self._reached.walked
            self._reached.afresh = self._place(fresh)
        self._begin(fresh)

    def _cut(self, index: int, part: Part, pieces: tuple[Window, Window] | None) -> None:
        if pieces is not None:
            part.window, rest = pieces
            self._parts.insert(index + 1, Part(rest))

    def _join_behind(self, index: int) -> None:
        """Make one part of those behind another."""
        behind = self._parts[index + 1 :]
        if self._course is None or not behind:
            return
        self._abandon(behind)
        rest = self._course.joined([part.window for part in behind])
        self._parts[index + 1 :] = [Part(rest, uncut=True)]

    def _abandon(self, parts: Sequence[Part]) -> None:
        """Have nothing more to do with parts; their requests are under way until they are answered."""
        self._abandoned += [part.ticket for part in parts if part.ticket is not None]
        for part in parts:
            part.drop()

    # Delivering.

    def _taken(self, head: Part, batch: Batch) -> Batch:
        """The batch of a part as one of the whole window."""
        if self._course is None:
            self._total = self._demand.expected = batch.total
        place = self._place(head)
        if head.marks is None:
            taken = Taken(batch, range(len(batch.items)))
        else:
            taken = Taken.of(batch, head.marks, head.window, self._met)
        whole = taken.whole(place, head.before, _TIMELESS)
        if taken.again:
            self._met = remembered(self._met, [key for _, key in taken.again], _TIMELESS)
        head.take(taken.kept, most=2 * _PROVEN if self._course is None else 1)
        self._demand.took(len(whole.items))
        self._left_off = None if whole.items else self._left_off
        self._reached = Reached(partial(whole.position, len(whole.items)))
        return evolve(whole, position=partial(self._reached.position, whole.position, len(whole.items)))

    def _place(self, head: Part) -> Place:
        """Where the reading is, but for the walk of the part being delivered."""
        return Place(
            part=head.window,
            extent=head.extent,
            left=self._left(),
            course=self._course,
            met=self._met,
            total=self._total,
        )

    def _left(self) -> Window | None:
        """What is left behind the part being delivered."""
        behind = [part.window for part in self._parts[1:]]
        return self._course.joined(behind) if self._course is not None and behind else None


def _parts_of(place: Place) -> list[Part]:
    """The parts that are left at a place."""
    head = Part(place.part, place.position, extent=place.extent, measures=False)
    return [head] if place.left is None else [head, Part(place.left)]
