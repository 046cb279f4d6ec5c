"""
Where a walk is among rows that have no id, and several of which have the same time or are equal.

Rows are told apart by counting: of equal ones, as many have come as one answer has shown at most.  What an answer shows
was there at one moment, so neither a row that is read twice counts twice, nor are two equal lines one.

Nearly all answers are *regular*: in order of time, with no row from before the place.  Each row of those stands at its own
time, so only the few around the place can have been met, and no digest is made of the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from attrs import evolve, field, frozen

from logferry.extend import MILLISECOND, Position
from logferry.services.daily._rows import Rows

_OVERLAP: Final = 10
"""So many rows are read again at least, so that one whose time is wrong does not move the place."""

_TIMELESS: Final = 1000
"""So many rows that stand behind none with a time are remembered."""


@frozen
class Met:
    """
    Equal rows that have been met.

    Attributes:
        tick: The latest millisecond that they were seen to stand at, no earlier than their own; ``None`` where no row
            before them had a time.
        count: How many there are.
    """

    tick: int | None
    count: int


@frozen
class Seen:
    """
    An answer's rows, as they look from a place.

    Attributes:
        rows: The rows.
        unmet: Indexes of those that have not been met, in order.
        near: So many rows, from the first on, can equal some that have been met.
        stands: Where each stands, in milliseconds, ``None`` where nothing tells; or ``None`` where the rows are regular.
        bounds: Until where each can stand: one without a time lies between those around it that have one.
    """

    rows: Rows
    unmet: Sequence[int]
    near: int
    stands: Sequence[int | None] | None = None
    bounds: Sequence[int | None] = ()

    def bound(self, index: int) -> int | None:
        """Until where a row can stand, in milliseconds; ``None`` where nothing tells."""
        return self.rows.tick(index) if self.stands is None else self.bounds[index]

    def tick(self, index: int) -> int | None:
        """Where a row stands, in milliseconds; ``None`` where nothing tells."""
        return self.rows.tick(index) if self.stands is None else self.stands[index]

    def ticks(self) -> list[int | None]:
        """Where each row stands."""
        return [self.tick(index) for index in range(len(self.rows))]

    def last(self, most: int) -> list[int]:
        """Where the last rows stand of those that stand at a known time, so many at most."""
        if self.stands is None:
            return [time // MILLISECOND for time in self.rows.times[-most:] if time is not None]
        return [tick for tick in self.stands if tick is not None][-most:]

    def known(self) -> int:
        """How many rows stand at a known time."""
        return len(self.rows) if self.stands is None else sum(tick is not None for tick in self.stands)

    def latest(self) -> int:
        """The latest millisecond at which a row stands; -1 where none does."""
        known = self.last(1) if self.stands is None else (tick for tick in self.stands if tick is not None)
        return max(known, default=-1)

    def edge(self, *, whole: bool) -> int | None:
        """
        The millisecond from which on rows are to be looked at again; ``None`` where none stands at a known time.

        Args:
            whole: See ``Place.beyond``.
        """
        return min(self.last(_OVERLAP if whole else max(1, min(_OVERLAP, self.known() // 2))), default=None)

    def since(self, tick: int) -> Sequence[int]:
        """Indexes of those unmet that stand at a millisecond or later; of rows that are not regular, of all unmet."""
        if self.stands is not None:
            return self.unmet
        return self.unmet[bisect_left(self.unmet, self.rows.times.earlier(tick * MILLISECOND)) :]


@frozen
class Place:
    """
    Where a walk is.

    Attributes:
        tick: The millisecond from which on rows are still to be looked at; ``None`` for the window's beginning.
        met: The rows that have been met from right before it on, by their digests.
        bounded: Whether the service keeps to the time that it is asked for; ``None`` as long as that has not shown.
        ended: Whether there is nothing more.
    """

    tick: int | None = None
    met: Mapping[str, Met] = field(factory=dict[str, Met])
    bounded: bool | None = None
    ended: bool = False

    def to_json(self) -> Position:
        """The place as a JSON value."""
        met = {identity: [one.tick, one.count] for identity, one in self.met.items()}
        return {"tick": self.tick, "met": met, "bounded": self.bounded, "ended": self.ended}

    @classmethod
    def from_json(cls, position: Position) -> Place:
        """The place that ``to_json`` gave."""
        return cls(**(position | {"met": {identity: Met(*one) for identity, one in position["met"].items()}}))

    @property
    def first(self) -> int | None:
        """
        The first millisecond to ask for; ``None`` for the window's beginning.

        It is one before the place: whether a bound is itself within is not documented.
        """
        return None if self.tick is None or self.bounded is False else self.tick - 1

    @property
    def latest(self) -> int | None:
        """The latest millisecond at which a row has been met."""
        return max((one.tick for one in self.met.values() if one.tick is not None), default=None)

    def repeated(self) -> int:
        """How many of the rows that have been met come again."""
        return sum(
            one.count for one in self.met.values() if self.first is None or one.tick is None or one.tick >= self.first
        )

    def precedes(self, rows: Rows) -> bool:
        """
        Whether rows begin before what was asked for.

        Two of them have to, since the time of one can be wrong.
        """
        if self.first is None:
            return False
        ticks = list(islice((tick for tick in map(rows.tick, range(len(rows))) if tick is not None), 2))
        return bool(ticks) and max(ticks) < self.first

    def joins(self, rows: Rows) -> bool:
        """Whether rows begin with some that have been met, as they do unless all of those have gone; no rows do not."""
        return self.first is None or not self.repeated() or (len(rows) > 0 and rows.identity(0) in self.met)

    def before(self, rows: Rows) -> int:
        """How many rows stand before the place, without those that share its time."""
        return sum(tick is None or (self.first is not None and tick <= self.first) for tick in self.look(rows).ticks())

    def look(self, rows: Rows) -> Seen:
        """Tell the rows of one moment that have not been met from those that have."""
        if self._is_regular(rows):
            near = self._near(rows)
            left = self._unmet(rows, range(near))
            others = range(near, len(rows))
            return Seen(rows, [*left, *others] if left else others, near)
        stands: list[int | None] = []
        last, passed = None, set[int]()
        for index in range(len(rows)):
            tick = rows.tick(index)
            if tick is not None and (self.tick is None or tick >= self.tick - 1):
                last = tick
            # Leading rows with earlier times have been read, or came late; one with no time among them stands there too.
            if last is None and (passed or tick is not None):
                passed.add(index)
            stands.append(last)
        unmet = [index for index in self._unmet(rows, range(len(rows))) if index not in passed]
        return Seen(rows, unmet, len(rows), stands, _bounds(rows, stands))

    def _unmet(self, rows: Rows, indexes: Sequence[int]) -> list[int]:
        """Which of the rows come more often than they have been met."""
        left = {identity: one.count for identity, one in self.met.items()}
        unmet: list[int] = []
        for index in indexes:
            if left and left.get(rows.identity(index)):
                left[rows.identity(index)] -= 1
            else:
                unmet.append(index)
        return unmet

    def goes_on(self, rows: Rows) -> bool:
        """Whether rows are regular, and begin with some that have been met."""
        return len(rows) > 0 and self._is_regular(rows) and self.joins(rows)

    def leads_on(self, rows: Rows) -> bool:
        """Whether rows are regular, begin with the earliest that have been met, and lead beyond all that have been."""
        latest, last = self.latest, rows.tick(len(rows) - 1) if len(rows) else None
        if latest is None or last is None or last <= latest:
            return False
        return self._is_regular(rows) and rows.identity(0) in self.met and not self.is_passed_by(rows)

    def is_passed_by(self, rows: Rows) -> bool:
        """Whether rows begin later than some that come again: of those equal to the first ones, some may be missing."""
        first, begin = self.first, rows.tick(0) if len(rows) else None
        if first is None or begin is None:
            return False
        return any(one.tick is not None and first <= one.tick < begin for one in self.met.values())

    def _is_regular(self, rows: Rows) -> bool:
        """Whether rows are in order of time, and none is from before the place."""
        if not rows.times.in_order():
            return False
        begin = rows.tick(0) if len(rows) else None
        return self.tick is None or begin is None or begin >= self.tick - 1

    def _near(self, rows: Rows) -> int:
        """How many regular rows are not later than all that have been met."""
        edge = max((tick for tick in (self.tick, self.latest) if tick is not None), default=None)
        return rows.times.earlier((edge + 1) * MILLISECOND) if self.met and edge is not None else 0

    def after(self, seen: Seen, unmet: Sequence[int]) -> Place:
        """The place once these unmet rows have been met as well."""
        met = dict(self.met)
        for index in range(seen.near if met else 0):
            identity, tick = seen.rows.identity(index), seen.bound(index)
            one = met.get(identity)
            if one is not None and tick is not None and (one.tick is None or one.tick < tick):
                met[identity] = evolve(one, tick=tick)
        for index in unmet:
            identity = seen.rows.identity(index)
            one = met.get(identity, Met(None, 0))
            met[identity] = Met(seen.bound(index) if one.tick is None else one.tick, one.count + 1)
        return evolve(self, met=met)

    def beyond(self, seen: Seen, *, whole: bool, lean: bool = False) -> Place:
        """
        The place once all rows of an answer have been met.

        Args:
            seen: The rows.
            whole: Whether there were as many as were asked for; else the service may have a limit of its own.
            lean: Forget what does not come again if the service keeps to the time that it is asked for, though that has
                not shown yet.
        """
        tick = max((tick for tick in (self.tick, seen.edge(whole=whole)) if tick is not None), default=None)
        if tick is None or not (self.bounded or lean):
            return evolve(self.after(seen, seen.unmet), tick=tick)
        met = self.after(seen, seen.since(tick - 1)).met
        met = {identity: one for identity, one in met.items() if one.tick is None or one.tick >= tick - 1}
        for identity in [identity for identity, one in met.items() if one.tick is None][:-_TIMELESS]:
            del met[identity]
        return evolve(self, tick=tick, met=met)

    def ordinals(self, seen: Seen) -> dict[int, int]:
        """How many equal rows came before an unmet one, by its index in ``unmet``; without those that have none."""
        counts = {identity: one.count for identity, one in self.met.items()}
        numbers: dict[int, int] = {}
        for order, index in enumerate(seen.unmet):
            if index >= seen.near:
                break
            identity = seen.rows.identity(index)
            if count := counts.get(identity, 0):
                numbers[order] = count
            counts[identity] = count + 1
        if seen.stands is None:
            # Those that follow are later than all that have been met, and stand together in `unmet` as in the answer.
            behind = len(seen.rows) - len(seen.unmet)
            numbers |= {index - behind: count for index, count in seen.rows.repeats().items() if index >= seen.near}
        return numbers


def _bounds(rows: Rows, stands: Sequence[int | None]) -> list[int | None]:
    """Until where rows can stand: see ``Seen``."""
    bounds: list[int | None] = []
    behind: int | None = None
    for index in range(len(rows) - 1, -1, -1):
        tick, stand = rows.tick(index), stands[index]
        behind = tick if tick is not None else behind
        bounds.append(stand if tick is not None or stand is None or behind is None else max(stand, behind))
    return bounds[::-1]
