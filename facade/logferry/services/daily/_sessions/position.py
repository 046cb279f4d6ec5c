"""
The position of a walk through rows that have no id, and of which several can have the same time or be equal.

A position has a border, in milliseconds.  Earlier rows have been delivered; the rows from just before the border on
come again.  The position counts the delivered ones of these by digest: of equal rows, as many as one response had.

Nearly all responses are *regular*: ordered by time, with no row before the border.  Then each row belongs to its
own time, only the few rows around the border can have been delivered, and the others need no digest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

from attrs import evolve, field, frozen

from logferry.extend import MILLISECOND
from logferry.extend import Position as SavedPosition
from logferry.services.daily._sessions.rows import Rows

_OVERLAP: Final = 2
_DISORDERED: Final = 10
"""Minimum number of rows that come again in unordered responses, so that one wrong time does not move the border."""

_TIMELESS: Final = 1000
"""Maximum number of different rows without a readable time that are counted."""


@frozen
class Delivered:
    """Equal rows that have been delivered, and the latest millisecond that they can belong to, ``None`` if unknown."""

    tick: int | None
    count: int


@frozen
class Seen:
    """
    The rows of a response, compared with a position.

    Attributes:
        new: Indices of those that have not been delivered, ascending.
        near: Number of first rows that can equal delivered ones.
        passed: Number of rows earlier than the border, which the request excluded.
        stands: The millisecond each row belongs to, ``None`` if unknown; ``None`` as a whole for a regular response.
        bounds: The latest millisecond each row can belong to: one without a time lies between its neighbours that have
            one.
    """

    rows: Rows
    new: Sequence[int]
    near: int
    passed: int = 0
    stands: Sequence[int | None] | None = None
    bounds: Sequence[int | None] = ()

    def border(self, end: int) -> int | None:
        """The border after the rows before an index, ``None`` if unknown: an unordered response has one at its end."""
        if self.stands is None:
            return self.rows.tick(max(0, end - _OVERLAP)) if end else None
        known = [tick for tick in self.stands if tick is not None] if end == len(self.rows) else []
        return min(known[-_DISORDERED:], default=None)

    def timeless(self, end: int) -> list[str]:
        """The digests of new rows without a readable time, before an index."""
        if self.stands is None:
            return []
        new = self.new[: bisect_left(self.new, end)]
        return [self.rows.identity(index) for index in new if self.rows.tick(index) is None]

    def counted(self, border: int | None, end: int) -> dict[str, Delivered]:
        """The rows before an index that come again for a border, counted by digest."""
        is_known = self.stands is None and border is not None
        begin = self.rows.times.earlier(((border or 0) - 1) * MILLISECOND) if is_known else self.passed
        counts = dict[str, Delivered]()
        for index in range(begin, end):
            bound = self.rows.tick(index) if self.stands is None else self.bounds[index]
            if _comes_again(bound, border):
                one = counts.get(self.rows.identity(index), Delivered(bound, 0))
                latest = bound if one.tick is None or bound is None else max(one.tick, bound)
                counts[self.rows.identity(index)] = Delivered(latest, one.count + 1)
        return counts


@frozen
class Position:
    """
    The position of a walk.

    Attributes:
        tick: The border, in milliseconds; ``None`` for the start of the window.
        delivered: The delivered rows from just before the border on, by digest.
        passed: Number of earlier rows in each response of a service that ignores time bounds.
        timeless: Number of all delivered rows without a readable time, by digest.
    """

    tick: int | None = None
    delivered: Mapping[str, Delivered] = field(factory=dict[str, Delivered])
    passed: int = 0
    timeless: Mapping[str, int] = field(factory=dict[str, int])

    def to_json(self) -> SavedPosition:
        """The position as a JSON value."""
        delivered = {identity: [one.tick, one.count] for identity, one in self.delivered.items()}
        return {"tick": self.tick, "met": delivered, "passed": self.passed, "timeless": self.timeless}

    @classmethod
    def from_json(cls, position: SavedPosition) -> Position:
        """Parse a position; an older one has no ``passed``, and has all rows if the service ignores bounds."""
        tick: int | None = position["tick"]
        met = {identity: Delivered(*one) for identity, one in position["met"].items()}
        passed = [identity for identity, one in met.items() if not _comes_again(one.tick, tick)]
        before = sum(met.pop(identity).count for identity in passed)
        return cls(tick, met, position.get("passed", before), position.get("timeless", {}))

    @property
    def start(self) -> int | None:
        """
        The first millisecond to request; ``None`` for the start of the window.

        It is one before the border: the documentation does not say whether a bound is inclusive.
        """
        return None if self.tick is None else self.tick - 1

    @property
    def latest(self) -> int | None:
        """The latest millisecond that a delivered row can belong to."""
        return max((one.tick for one in self.delivered.values() if one.tick is not None), default=None)

    def look(self, rows: Rows) -> Seen:
        """Find the rows of a response that have not been delivered."""
        first = rows.tick(0) if len(rows) else None
        if rows.times.in_order() and (self.start is None or first is None or first >= self.start):
            latest = self.latest
            near = 0 if latest is None else rows.times.earlier((latest + 1) * MILLISECOND)
            new, others = self._new(rows, range(near)), range(near, len(rows))
            return Seen(rows, [*new, *others] if new else others, near)
        stands, bounds, passed = self._stands(rows)
        new = self._new(rows, range(passed, len(rows)))
        return Seen(rows, new, len(rows), passed, stands, bounds)

    def _new(self, rows: Rows, indexes: Sequence[int]) -> list[int]:
        """The rows that occur more often than they have been delivered."""
        left = {identity: one.count for identity, one in self.delivered.items()}
        new: list[int] = []
        for index in indexes:
            if left and left.get(rows.identity(index)):
                left[rows.identity(index)] -= 1
            else:
                new.append(index)
        return new

    def _stands(self, rows: Rows) -> tuple[list[int | None], list[int | None], int]:
        """
        The ``stands`` and ``bounds`` of `Seen`, and the number of first rows that are earlier than the border.

        A row without a readable time, or from before the border, belongs to the millisecond of the row before it.
        """
        ticks = [rows.tick(index) for index in range(len(rows))]
        stands: list[int | None] = []
        stand: int | None = None
        passed = 0
        for index, tick in enumerate(ticks):
            if tick is not None and (self.start is None or tick >= self.start):
                stand = tick
            elif tick is not None and stand is None:
                passed = index + 1
            stands.append(stand)
        bounds: list[int | None] = []
        behind: int | None = None
        for tick, stand in zip(reversed(ticks), reversed(stands), strict=True):
            behind = behind if tick is None else tick
            bounds.append(stand if tick is not None or behind is None else max(behind, stand or 0))
        return stands, bounds[::-1], passed

    def after(self, seen: Seen, end: int | None = None) -> Position:
        """The position after the first rows of a response, up to an index, or after all of them."""
        until = len(seen.rows) if end is None else end
        tick = max((tick for tick in (self.tick, seen.border(until)) if tick is not None), default=None)
        timeless = Counter(self.timeless)
        timeless.update(seen.timeless(until))
        delivered = seen.counted(tick, until)
        for identity, one in self.delivered.items():
            now = delivered.get(identity, one)
            # Equal rows without a time can lie apart, so some of them come again and others do not.
            if _comes_again(one.tick, tick) and not (end is None and identity in timeless):
                delivered[identity] = evolve(now, count=max(now.count, one.count))
        passed = (
            sum(stand is None or not _comes_again(stand, tick) for stand in seen.stands or ()) if seen.passed else 0
        )
        return Position(tick, delivered, passed, dict([*timeless.items()][-_TIMELESS:]))

    def ordinals(self, seen: Seen) -> dict[int, int]:
        """The number of equal rows before each new row, by its index in ``new``; zeros are left out."""
        counts = Counter({identity: one.count for identity, one in self.delivered.items()} | dict(self.timeless))
        numbers: dict[int, int] = {}
        for order, index in enumerate(takewhile(lambda index: index < seen.near, seen.new)):
            identity = seen.rows.identity(index)
            if counts[identity]:
                numbers[order] = counts[identity]
            counts[identity] += 1
        if seen.stands is None:
            # The rows behind are later than all delivered ones, and adjacent in both `new` and the response.
            behind = len(seen.rows) - len(seen.new)
            numbers |= {index - behind: count for index, count in seen.rows.repeats().items() if index >= seen.near}
        return numbers


def _comes_again(bound: int | None, border: int | None) -> bool:
    """Whether a row that belongs to a millisecond up to the bound comes again."""
    return border is None or bound is None or bound >= border - 1
