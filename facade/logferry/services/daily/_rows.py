"""
Where a walk is among rows that have no id, and several of which have the same time or are equal.

A place is told by the rows that were met last, and equal rows by counting them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from logferry._steps import Position
from logferry._times import MILLISECOND

_OVERLAP: Final = 10
"""So many rows are read again at least."""

_REMEMBERED: Final = 200
"""So many different rows are remembered at least, to tell equal ones apart."""

Row: TypeAlias = tuple[int | None, str]
"""A row's time in nanoseconds (``None`` where it cannot be read) and its digest."""


@frozen
class Met:
    """
    How often equal rows have been met, so that each gets a number.

    Equal rows have equal times, so they come close to each other: the latest rows are remembered, and all of the latest
    millisecond.

    Attributes:
        tick: The latest row's time in milliseconds since the epoch, or ``None`` where none has had any.
        counts: How often each row has been met, in the order in which they were met first.
        fixed: How many of the last of them are of the latest millisecond.
    """

    tick: int | None = None
    counts: Mapping[str, int] = field(factory=dict[str, int])
    fixed: int = 0

    def numbered(self, rows: Sequence[Row]) -> tuple[list[int], Met]:
        """For each of the next rows, how many equal ones came before; and the counts after them."""
        tick, counts, fixed = self.tick, dict(self.counts), self.fixed
        numbers: list[int] = []
        for time, identity in rows:
            if time is not None and time // MILLISECOND != tick:
                tick, fixed = time // MILLISECOND, 0
            number = counts.get(identity, 0)
            numbers.append(number)
            counts[identity] = number + 1
            fixed += number == 0
        for identity in list(counts)[: max(0, len(counts) - max(_REMEMBERED, fixed))]:
            del counts[identity]
        return numbers, Met(tick, counts, fixed)

    def to_json(self) -> dict[str, Any]:
        return {"tick": self.tick, "counts": dict(self.counts), "fixed": self.fixed}


@frozen
class Place:
    """
    Where a walk is.

    Attributes:
        offset: How many rows the service has up to the last one met.
        tail: The last rows met, oldest first; the next page has to show them again.
        met: How often equal rows have been met.
        crowded: Whether the tail had to be cut, because the service's pages are too small for all rows of one time.
        ended: Whether there is nothing more.
    """

    offset: int = 0
    tail: tuple[Row, ...] = ()
    met: Met = field(factory=Met)
    crowded: bool = False
    ended: bool = False

    def to_json(self) -> Position:
        return {
            "offset": self.offset,
            "tail": self.tail,
            "met": self.met.to_json(),
            "crowded": self.crowded,
            "ended": self.ended,
        }

    @classmethod
    def from_json(cls, position: Position) -> Place:
        tail = tuple((time, identity) for time, identity in position["tail"])
        given: dict[str, Any] = {"tail": tail, "met": Met(**position["met"])}
        return cls(**(position | given))

    def after(self, new: Sequence[Row], page: Sequence[Row], *, offset: int, whole: bool) -> Place:
        """
        The place once the new rows of a page have been met as well.

        Args:
            new: The new rows.
            page: The page's rows up to the last of them, as the service lists them.
            offset: How many rows the service has up to there.
            whole: Whether the page had as many rows as were asked for; else the service may have a limit of its own.
        """
        # A row that came late stands where the service lists it, not where it was met.
        latest = (*(Counter(self.tail) - Counter(page)).elements(), *page)
        wanted = min(_OVERLAP, len(latest))
        # The order of rows of one time may differ from page to page: all or none of them, and an earlier one.
        while wanted < len(latest):
            time = latest[-wanted][0]
            if time is None or time not in {latest[-wanted - 1][0], latest[-1][0]}:
                break
            wanted += 1
        kept = wanted if whole else min(wanted, len(page) // 2)
        met = self.met.numbered(new)[1]
        tail = latest[len(latest) - kept :]
        return Place(offset, tail, met, crowded=0 < kept < wanted and tail[0][0] == tail[-1][0])
