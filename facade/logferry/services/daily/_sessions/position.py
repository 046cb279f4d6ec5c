"""
Where a walk is among rows that have no id, and several of which have the same time or are equal.

A position is a border, in milliseconds: earlier rows have been delivered, those from right before it on come again.  Of these
the position counts the delivered ones by digest: of equal rows, as many have been delivered as one response has shown.

Nearly all responses are *regular*: in order of time, with no row from before the border.  Each row of those stands at its own
time, so only the few around the border can have been delivered, and no digest is made of the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from logferry.extend import MILLISECOND
from logferry.extend import Position as SavedPosition
from logferry.services.daily._sessions.rows import Rows

_OVERLAP: Final = 2
_DISORDERED: Final = 10
"""Rows that come again at least, so that one whose time is wrong does not move the border; more where rows are out of order."""

_TIMELESS: Final = 1000
"""Different rows without a readable time that are counted at most."""


@frozen
class Delivered:
    """
    Equal rows that have been delivered.

    Attributes:
        tick: The latest millisecond that they can stand at; ``None`` where nothing tells.
        count: How many there are.
    """

    tick: int | None
    count: int


@frozen
class Seen:
    """
    A response's rows, as they look from a position.

    Attributes:
        rows: The rows.
        new: Indexes of those that have not been delivered, in order.
        near: How many rows, from the first on, can equal delivered ones.
        passed: How many rows are earlier than the border, though the service was asked for none of them.
        stands: Where each row stands, in milliseconds, ``None`` where nothing tells; or ``None`` where the rows are regular.
        bounds: Until where each can stand: one without a time lies between those around it that have one.
    """

    rows: Rows
    new: Sequence[int]
    near: int
    passed: int = 0
    stands: Sequence[int | None] | None = None
    bounds: Sequence[int | None] = ()

    def bound(self, index: int) -> int | None:
        """Until where a row can stand, in milliseconds; ``None`` where nothing tells."""
        return self.rows.tick(index) if self.stands is None else self.bounds[index]

    def border(self, end: int) -> int | None:
        """
        The border behind the rows before an index; ``None`` where nothing tells.

        Of rows out of order nothing does before the last one.
        """
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
        """The rows before an index that come again where the border is at a millisecond, by their digests."""
        is_known = self.stands is None and border is not None
        begin = self.rows.times.earlier(((border or 0) - 1) * MILLISECOND) if is_known else self.passed
        counts = dict[str, Delivered]()
        for index in range(begin, end):
            bound = self.bound(index)
            if _comes_again(bound, border):
                one = counts.get(self.rows.identity(index), Delivered(bound, 0))
                latest = bound if one.tick is None or bound is None else max(one.tick, bound)
                counts[self.rows.identity(index)] = Delivered(latest, one.count + 1)
        return counts


@frozen
class Position:
    """
    Where a walk is.

    Attributes:
        tick: The border, in milliseconds; ``None`` for the window's beginning.
        delivered: The rows from right before it on that have been delivered, by their digests.
        passed: How many earlier rows the service sends all the same, since it ignores the time that it is asked for.
        timeless: How many rows without a readable time have been delivered in all, by their digests.
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
        """The position that ``to_json`` gave; an older one has no ``passed``, and kept all rows where they came every time."""
        tick: int | None = position["tick"]
        met = {identity: Delivered(*one) for identity, one in position["met"].items()}
        passed = [identity for identity, one in met.items() if not _comes_again(one.tick, tick)]
        before = sum(met.pop(identity).count for identity in passed)
        return cls(tick, met, position.get("passed", before), position.get("timeless", {}))

    @property
    def start(self) -> int | None:
        """
        The first millisecond to ask for; ``None`` for the window's beginning.

        It is one before the border: whether a bound is itself within is not documented.
        """
        return None if self.tick is None else self.tick - 1

    @property
    def latest(self) -> int | None:
        """The latest millisecond at which a delivered row can stand."""
        return max((one.tick for one in self.delivered.values() if one.tick is not None), default=None)

    def look(self, rows: Rows) -> Seen:
        """Tell the rows of one response that have not been delivered from those that have."""
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
        """Which of the rows come more often than they have been delivered."""
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
        Where rows stand and until where they can, see ``Seen``; and how many, from the first on, are earlier than the border.

        A row with no readable time, or one from before the border, stands where the row before it does.
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
        """
        The position behind rows of a response.

        Args:
            seen: The rows, as they look from here.
            end: How many of them have been dealt with; ``None`` for all.
        """
        until = len(seen.rows) if end is None else end
        tick = max((tick for tick in (self.tick, seen.border(until)) if tick is not None), default=None)
        timeless = dict(self.timeless)
        for identity in seen.timeless(until):
            timeless[identity] = timeless.get(identity, 0) + 1
        delivered = seen.counted(tick, until)
        for identity, one in self.delivered.items():
            now = delivered.get(identity, one)
            # Equal rows without a time stand apart: some of them come again, others do not.
            if _comes_again(one.tick, tick) and not (end is None and identity in timeless):
                delivered[identity] = evolve(now, count=max(now.count, one.count))
        passed = (
            sum(stand is None or not _comes_again(stand, tick) for stand in seen.stands or ()) if seen.passed else 0
        )
        return Position(tick, delivered, passed, dict([*timeless.items()][-_TIMELESS:]))

    def ordinals(self, seen: Seen) -> dict[int, int]:
        """How many equal rows came before a new one, by its index in ``new``; without those that have none."""
        counts = {identity: one.count for identity, one in self.delivered.items()} | dict(self.timeless)
        numbers: dict[int, int] = {}
        for order, index in enumerate(seen.new):
            if index >= seen.near:
                break
            identity = seen.rows.identity(index)
            if count := counts.get(identity, 0):
                numbers[order] = count
            counts[identity] = count + 1
        if seen.stands is None:
            # Those that follow are later than all delivered ones, and stand together in `new` as in the response.
            behind = len(seen.rows) - len(seen.new)
            numbers |= {index - behind: count for index, count in seen.rows.repeats().items() if index >= seen.near}
        return numbers


def _comes_again(bound: int | None, border: int | None) -> bool:
    """Whether the service sends a row again, which can stand until a millisecond."""
    return border is None or bound is None or bound >= border - 1
