"""
Where a walk is among rows that have no id, and several of which have the same time or are equal.

Rows are told apart by counting: of equal ones, as many have come as one answer has shown at most.  What an answer shows
was there at one moment, so neither a row that is read twice counts twice, nor are two equal lines one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from logferry._steps import Position
from logferry._times import MILLISECOND

_OVERLAP: Final = 10
"""So many rows are read again at least, so that one whose time is wrong does not move the place."""

_TIMELESS: Final = 1000
"""So many rows that stand behind none with a time are remembered."""

Row: TypeAlias = tuple[int | None, str]
"""A row's time in nanoseconds (``None`` where it cannot be read) and its digest."""


def _tick(row: Row) -> int | None:
    return None if row[0] is None else row[0] // MILLISECOND


@frozen
class Met:
    """
    Equal rows that have been met.

    Attributes:
        tick: The latest millisecond that they were seen to stand at; ``None`` where no row before them had a time.
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
        ticks: Where each stands, in milliseconds; ``None`` where nothing tells.
        unmet: Indexes of those that have not been met.
    """

    rows: Sequence[Row]
    ticks: Sequence[int | None]
    unmet: Sequence[int]


@frozen
class Place:
    """
    Where a walk is.

    Attributes:
        tick: The millisecond from which on rows are still to be looked at; ``None`` for the window's beginning.
        met: The rows that have been met from right before it on, by their digests.
        bounded: Whether the service keeps to the time that it is asked for; ``None`` as long as that has not shown.
        most: How many rows the largest answer had.
        enough: An answer of fewer rows than this, and than were asked for, has met no limit, so there is nothing behind it.
            Zero where none is known to have met none.
        ended: Whether there is nothing more.
    """

    tick: int | None = None
    met: Mapping[str, Met] = field(factory=dict[str, Met])
    bounded: bool | None = None
    most: int = 0
    enough: int = 0
    ended: bool = False

    def to_json(self) -> Position:
        """The place as a JSON value."""
        met = {identity: [one.tick, one.count] for identity, one in self.met.items()}
        return {
            "tick": self.tick,
            "met": met,
            "bounded": self.bounded,
            "most": self.most,
            "enough": self.enough,
            "ended": self.ended,
        }

    @classmethod
    def from_json(cls, position: Position) -> Place:
        """The place that ``to_json`` gave."""
        return cls(**(position | {"met": {identity: Met(*one) for identity, one in position["met"].items()}}))

    def elsewhere(self) -> Place:
        """Where a walk through another window begins, with what is known of the service."""
        return Place(bounded=self.bounded, enough=self.most)

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

    def precedes(self, rows: Sequence[Row]) -> bool:
        """
        Whether rows begin before what was asked for.

        Two of them have to, since the time of one can be wrong.
        """
        ticks = [tick for tick in map(_tick, rows) if tick is not None][:2]
        return self.first is not None and bool(ticks) and max(ticks) < self.first

    def joins(self, rows: Sequence[Row]) -> bool:
        """Whether rows begin with some that have been met, as they do unless all of those have gone; no rows do not."""
        return self.first is None or not self.repeated() or (bool(rows) and rows[0][1] in self.met)

    def before(self, rows: Sequence[Row]) -> int:
        """How many rows stand before the place, without those that share its time."""
        ticks = self.look(rows).ticks
        return sum(tick is None or (self.first is not None and tick <= self.first) for tick in ticks)

    def look(self, rows: Sequence[Row]) -> Seen:
        """Tell the rows of one moment that have not been met from those that have."""
        left = {identity: one.count for identity, one in self.met.items()}
        ticks: list[int | None] = []
        unmet: list[int] = []
        last, passed = None, False
        for index, row in enumerate(rows):
            tick = _tick(row)
            if tick is not None and (self.tick is None or tick >= self.tick - 1):
                last = tick
            # Leading rows with earlier times have been read, or came late; one with no time among them stands there too.
            passed = last is None and (passed or tick is not None)
            ticks.append(last)
            if left.get(row[1]):
                left[row[1]] -= 1
            elif not passed:
                unmet.append(index)
        return Seen(rows, ticks, unmet)

    def after(self, seen: Seen, unmet: int) -> Place:
        """The place once the first *unmet* of the unmet rows have been met as well."""
        met = dict(self.met)
        for row, tick in zip(seen.rows, seen.ticks, strict=True):
            one = met.get(row[1])
            if one is not None and tick is not None and (one.tick is None or one.tick < tick):
                met[row[1]] = evolve(one, tick=tick)
        for index in seen.unmet[:unmet]:
            _, identity = seen.rows[index]
            one = met.get(identity, Met(None, 0))
            met[identity] = Met(seen.ticks[index] if one.tick is None else one.tick, one.count + 1)
        return evolve(self, met=met)

    def beyond(self, seen: Seen, *, whole: bool) -> Place:
        """
        The place once all rows of an answer have been met.

        Args:
            seen: The rows.
            whole: Whether there were as many as were asked for; else the service may have a limit of its own.
        """
        place = self.after(seen, len(seen.unmet))
        known = [tick for tick in seen.ticks if tick is not None]
        last = known[-(_OVERLAP if whole else max(1, min(_OVERLAP, len(known) // 2))) :]
        tick = max((tick for tick in (self.tick, min(last, default=None)) if tick is not None), default=None)
        met = place.met
        if tick is not None and self.bounded:
            met = {identity: one for identity, one in met.items() if one.tick is None or one.tick >= tick - 1}
            for identity in [identity for identity, one in met.items() if one.tick is None][:-_TIMELESS]:
                del met[identity]
        return evolve(place, tick=tick, met=met, most=max(place.most, len(seen.rows)))

    def ordinals(self, seen: Seen) -> list[int]:
        """For each of the unmet rows, how many equal ones came before."""
        counts = {identity: one.count for identity, one in self.met.items()}
        numbers: list[int] = []
        for index in seen.unmet:
            identity = seen.rows[index][1]
            numbers.append(counts.get(identity, 0))
            counts[identity] = numbers[-1] + 1
        return numbers
