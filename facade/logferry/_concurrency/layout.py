"""
How a window lies in parts: where it is cut, which part comes next, and what is known of what has been delivered.

Where a place in a walk does not hold in a narrower window, a walk cannot go on in a part of its own.  Its window is then read
afresh, from the beginning and in parts, and what it has delivered is known by identity and left out.  So whatever the order
is that the service sends in, nothing is lost that the walk had not come to yet: each part is walked from its beginning to its
end, each item is in the window of one part, and only what has been delivered is left out.  What is known is bounded, since a
walk is given up after a few pages or never; and it is forgotten part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from attrs import define, evolve, field

from logferry._concurrency.demand import Demand
from logferry._concurrency.division import Course, Division, Extent, course
from logferry._concurrency.partition import Part, Place
from logferry._concurrency.taken import Reached, Taken, remembered
from logferry._flow.steps import Batch, Position
from logferry._http.in_flight import SLOW, Ticket
from logferry._time.window import Window

_PROVEN: Final = 10
"""After so many pages a walk has shown that there is more, and that the service honours bounds of time."""

_WORTH_WHILE: Final = 3
"""So many pages for each request that may be under way have to be left, where the service counts them."""

_IN_VAIN: Final = 12
"""
So many requests more than two for each page of items may have been sent, those counted that are to read again what has come, if
a part is cut: where items lie so unevenly that most parts are empty, the walk goes on alone for as long as makes up for it.
"""

_TIMELESS: Final = 1000
"""So many items without a readable time are remembered: they are in every window, so every part may have them."""


@define(kw_only=True)
class Layout:
    """
    The parts of a window.

    Attributes:
        order: The stream's order, see ``StreamDefinition``.
        division: How its window is divided; ``None`` where it cannot be.
        asked_size: How many items are asked for at once.
        concurrency: How many requests may be under way.
        demand: How many items are wanted, and have come.
        parts: The parts that are left, the one being delivered first.
        whole: All that was left when the reading began.
        course: The stream's course; ``None`` as long as there is one part.
        met: What parts list again, though it has been delivered: identities with their times.
        divides: Whether windows are cut.
        waited: For how long the walk has been waited for, in nanoseconds.
        largest: How many items the largest page had before the window was cut.
        abandoned: Requests of parts that are none any more.
        reached: Where the reading is behind the last batch.
        total: How many items the service counts for the whole question, or ``None``.
        left_off: Where the walk was that has been given up, as long as nothing has come that it had not delivered.
    """

    order: str
    division: Division | None
    asked_size: int
    concurrency: int
    demand: Demand
    parts: list[Part]
    whole: Window
    course: Course | None
    met: dict[str, int | None]
    divides: bool
    reached: Reached
    waited: int = 0
    largest: int = 0
    abandoned: list[Ticket[Any]] = field(factory=list[Ticket[Any]])
    total: int | None = None
    left_off: Callable[[], Position] | None = None

    @classmethod
    def of(
        cls,
        place: Place,
        *,
        order: str,
        division: Division | None,
        page_size: int,
        concurrency: int,
        max_items: int | None,
    ) -> Layout:
        """That of a place; see `Reader` for the others."""
        if place.course is not None:
            place = evolve(place, course=place.course.of_pages(page_size))
        parts = _parts_of(place)
        windows = [part.window for part in parts]
        return cls(
            order=order,
            division=division,
            asked_size=page_size,
            concurrency=concurrency,
            demand=Demand(max_items=max_items),
            parts=parts,
            whole=windows[0] if place.course is None else place.course.joined(windows),
            course=place.course,
            met=dict(place.met),
            divides=division is not None and concurrency > 1,
            reached=Reached(place.to_json),
            total=place.total,
        )

    def asked(self, part: Part) -> Window:
        """The window that a part is read in."""
        if self.course is None:
            return part.window
        return evolve(self.course.asked(part.window, self.whole), looks_twice=False)

    @property
    def page_size(self) -> int:
        """How many items a page has: the service may have a limit of its own."""
        if self.course is not None:
            return self.course.page
        return min(self.asked_size, self.largest or self.asked_size)

    def retire(self, head: Part) -> None:
        """Go on to the next part, knowing from one that has been read as a whole how long parts shall be."""
        if self.course is not None and head.measures:
            self.course = self.course.after(head.window, head.items)
            if not head.items:
                # Where nothing is, nobody knows for how long: the next page of all that is left will show.
                self._join_behind(0)
        del self.parts[0]
        self.met = {identity: time for identity, time in self.met.items() if time is None or not head.window.has(time)}

    def read_alone(self, part: Part) -> None:
        """From now on, one request after the other."""
        self.divides = False
        if self.left_off is None:
            self._join_behind(self.parts.index(part))
            return
        # All that has come since was known, so the walk before it goes on where it was.
        place = Place.from_json(self.left_off())
        self._abandon(self.parts)
        self.parts, self.course, self.met = _parts_of(place), place.course, dict(place.met)
        self.left_off = None

    # Dividing.

    def split(self, index: int, part: Part) -> None:
        """Let a part that has not begun be as long as parts are meant to be; the rest becomes another part."""
        if not self.divides or self.course is None or not part.measures or part.uncut or part.alone:
            return
        if self.demand.listed is None or self.demand.listed > (index + 1) * self.course.target:
            self._cut(index, part, self.course.cut(part.window))

    def narrow(self, index: int, part: Part) -> bool:
        """
        Cut a part that goes on a page behind where it is, if it pays; what is behind becomes another part.

        Returns:
            Whether it has been cut, so that what is in its place has to begin.
        """
        division = self.division
        if division is None or part.extent is None or not (division.narrows or part.is_known):
            return False
        if not self._pays(part, division):
            return False
        if self.course is None:
            found = course(self.order, part.times, self.page_size, division)
            self.divides = found is not None
        else:
            found = self.course.by(part.times)
        pieces = None if found is None else found.cut(part.window, part.extent)
        if found is None or pieces is None:
            return False
        self.course = found
        if not division.narrows:
            self._read_afresh(index, part, found, part.extent)
            return True
        self._cut(index, part, pieces)
        part.measures = False
        return True

    def _pays(self, part: Part, division: Division) -> bool:
        """Whether a part goes on, it takes time to wait for its pages, and enough of them are left."""
        if self.course is None:
            least = _WORTH_WHILE * self.concurrency
            is_proven = part.pages >= _PROVEN and self.waited >= SLOW * part.pages
        else:
            least, is_proven = 1, part.pages > 0
        if not (self.divides and is_proven and part.times and self._affords(part, division)):
            return False
        left = self.demand.listed if division.narrows else self.demand.wanted
        return left is None or left > least * self.page_size

    def _affords(self, part: Part, division: Division) -> bool:
        """Whether what has been asked in vain, and what is to be read twice, is in proportion to what has come."""
        again = 0 if division.narrows else part.pages
        return self.demand.sent + again <= 2 * self.demand.items // self.page_size + _IN_VAIN

    def _read_afresh(self, index: int, part: Part, found: Course, extent: Extent) -> None:
        """Put parts in the place of one: they list again what has been delivered of it, which is left out."""
        self.met = remembered(self.met, part.taken_keys(), _TIMELESS)
        part.drop()
        # Nobody knows how much of its beginning is empty: the first one reaches from there to a page behind its first item.
        first = extent[1] if found.newest_first else extent[0]
        self.parts[index] = fresh = Part(part.window, measures=False)
        self._cut(index, fresh, found.cut(part.window, (first, first)))
        if index == 0:
            self.left_off = self.reached.walked
            self.reached.afresh = self._place(fresh)

    def _cut(self, index: int, part: Part, pieces: tuple[Window, Window] | None) -> None:
        if pieces is not None:
            part.window, rest = pieces
            self.parts.insert(index + 1, Part(rest))

    def _join_behind(self, index: int) -> None:
        """Make one part of those behind another."""
        behind = self.parts[index + 1 :]
        if self.course is None or not behind:
            return
        self._abandon(behind)
        rest = self.course.joined([part.window for part in behind])
        self.parts[index + 1 :] = [Part(rest, uncut=True)]

    def _abandon(self, parts: Sequence[Part]) -> None:
        """Have nothing more to do with parts; their requests are under way until they are answered."""
        self.abandoned += [part.ticket for part in parts if part.ticket is not None]
        for part in parts:
            part.drop()

    # Delivering.

    def taken(self, head: Part, batch: Batch) -> Batch:
        """The batch of a part as one of the whole window."""
        if self.course is None:
            self.total = self.demand.expected = batch.total
        place = self._place(head)
        if head.marks is None:
            taken = Taken(batch, range(len(batch.items)))
        else:
            taken = Taken.of(batch, head.marks, head.window, self.met)
        whole = taken.whole(place, head.before, _TIMELESS)
        if taken.again:
            self.met = remembered(self.met, [key for _, key in taken.again], _TIMELESS)
        head.take(taken.kept, most=2 * _PROVEN if self.course is None else 1)
        self.demand.took(len(whole.items))
        self.left_off = None if whole.items else self.left_off
        self.reached = Reached(partial(whole.position, len(whole.items)))
        return evolve(whole, position=partial(self.reached.position, whole.position, len(whole.items)))

    def _place(self, head: Part) -> Place:
        """Where the reading is, but for the walk of the part being delivered."""
        return Place(
            part=head.window,
            extent=head.extent,
            left=self._left(),
            course=self.course,
            met=self.met,
            total=self.total,
        )

    def _left(self) -> Window | None:
        """What is left behind the part being delivered."""
        behind = [part.window for part in self.parts[1:]]
        return self.course.joined(behind) if self.course is not None and behind else None


def _parts_of(place: Place) -> list[Part]:
    """The parts that are left at a place."""
    head = Part(place.part, place.position, extent=place.extent, measures=False)
    return [head] if place.left is None else [head, Part(place.left)]
