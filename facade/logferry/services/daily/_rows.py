"""
Where a walk is among rows that have no id, and several of which have the same time or are equal.

A place is told by the rows that were met last, and equal rows by counting them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from logferry._steps import Position
from logferry._times import MILLISECOND

_OVERLAP: Final = 10
"""So many rows are read again at least, or half a page where that is fewer."""

_REMEMBERED: Final = 1000
"""So many different rows without a time are remembered, to tell equal ones apart."""

Row: TypeAlias = tuple[int | None, str]
"""A row's time in nanoseconds (``None`` where it cannot be read) and its digest."""


@frozen
class Met:
    """
    How often equal rows have been met, so that each gets a number.

    Equal rows have equal times, so the counts of the latest millisecond do, and of rows without a time.

    Attributes:
        tick: The latest row's time in milliseconds since the epoch, or ``None`` where none has had any.
        counts: How often each row of that millisecond has been met.
        timeless: How often each row without a time has been met, as far as remembered.
    """

    tick: int | None = None
    counts: Mapping[str, int] = field(factory=dict[str, int])
    timeless: Mapping[str, int] = field(factory=dict[str, int])

    def numbered(self, rows: Sequence[Row]) -> tuple[list[int], Met]:
        """For each of the next rows, how many equal ones came before; and the counts after them."""
        tick, counts, timeless = self.tick, dict(self.counts), dict(self.timeless)
        numbers: list[int] = []
        for time, identity in rows:
            if time is not None and time // MILLISECOND != tick:
                tick = time // MILLISECOND
                counts.clear()
            equal = timeless if time is None else counts
            numbers.append(equal.get(identity, 0))
            equal[identity] = numbers[-1] + 1
            if len(timeless) > _REMEMBERED:
                del timeless[next(iter(timeless))]
        return numbers, Met(tick, counts, timeless)

    def to_json(self) -> dict[str, Any]:
        return {"tick": self.tick, "counts": dict(self.counts), "timeless": dict(self.timeless)}


@frozen
class Place:
    """
    Where a walk is.

    Attributes:
        offset: How many rows the service has up to the last one met.
        tail: The last rows met, oldest first; the next page has to show them again.
        met: How often equal rows have been met.
        ended: Whether there is nothing more.
    """

    offset: int = 0
    tail: tuple[Row, ...] = ()
    met: Met = field(factory=Met)
    ended: bool = False

    def to_json(self) -> Position:
        return {"offset": self.offset, "tail": self.tail, "met": self.met.to_json(), "ended": self.ended}

    @classmethod
    def from_json(cls, position: Position) -> Place:
        tail = tuple((time, identity) for time, identity in position["tail"])
        return cls(position["offset"], tail, Met(**position["met"]), position["ended"])

    def after(self, rows: Sequence[Row], *, offset: int, room: int) -> Place:
        """
        The place once the next rows have been met as well.

        Args:
            rows: The rows.
            offset: How many rows the service has up to them.
            room: How many rows the next page may show again.
        """
        latest = (*self.tail, *rows)
        wanted = min(_OVERLAP, len(latest))
        # The order of rows of one time may differ from page to page: all or none of them, and an earlier one.
        while wanted < len(latest):
            time = latest[-wanted][0]
            if time is None or time not in {latest[-wanted - 1][0], latest[-1][0]}:
                break
            wanted += 1
        wanted = min(wanted, room)
        return Place(offset, latest[len(latest) - wanted :], self.met.numbered(rows)[1])
