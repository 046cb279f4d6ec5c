"""Where a walk through the audit logs is: below which time, at which row, and what has been delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve, field, frozen

from logferry._steps import Position
from logferry._times import MILLISECOND
from logferry._trail import Key, Trail

LARGEST_PAGE: Final = 100
"""The server's limit (measured on 1.36.0 and 1.42.0)."""


@frozen
class Place:
    """
    Where a walk is.

    Attributes:
        edge: The time of the oldest log met, in nanoseconds since the epoch: only logs up to it are asked for.  ``None``
            for the window's end.
        row: The next row to ask for, counted from the newest log up to the edge.
        total: How many logs the server counts for the question, or ``None`` where it does not say.
        counting: Whether the server ignores bounds of time, as releases before 1.40 do, so that rows are counted from
            the newest log of all.
        met: How many rows have been met.
        trail: What has been delivered.
        ended: Whether there is nothing more.
    """

    edge: int | None = None
    row: int = 0
    total: int | None = None
    counting: bool = False
    met: int = 0
    trail: Trail = field(factory=Trail)
    ended: bool = False

    def to_json(self) -> Position:
        """The place as a JSON value."""
        return {
            "edge": self.edge,
            "row": self.row,
            "total": self.total,
            "counting": self.counting,
            "met": self.met,
            "trail": self.trail.to_json(),
            "ended": self.ended,
        }

    @classmethod
    def from_json(cls, position: Position) -> Place:
        """The place that ``to_json`` gave."""
        return cls(**{**position, "trail": Trail(**position["trail"])})

    def size(self, wanted: int) -> int:
        """How many logs to ask for, so that as many as *wanted* come beside those of the edge, which come again."""
        if self.edge is None:
            return wanted
        edge = (self.edge, self.edge + MILLISECOND)
        return min(LARGEST_PAGE, wanted + sum(time in edge for time in self.trail.recent.values()))

    def bound(self, until: int) -> int:
        """
        Up to when logs are asked for, in nanoseconds since the epoch, whole milliseconds.

        Bounds are inclusive since 1.42 and exclusive before, so it is one millisecond more than has to come.

        Args:
            until: The end of the window, itself outside.
        """
        end = -(-until // MILLISECOND) * MILLISECOND
        return end if self.edge is None else min(end, self.edge + MILLISECOND)

    def corrected(self, keys: Sequence[Key], total: int | None, *, bound: int) -> Place | None:
        """
        The place to ask for instead, where a page shows that this one is not where the walk believes it to be.

        Args:
            keys: The keys of the page's logs.
            total: How many rows the server counts.
            bound: Up to when logs were asked for.
        """
        if not self.counting and any(time is not None and time > bound for time, _ in keys):
            # The server ignores bounds.
            return evolve(self, edge=None, row=self.met, counting=True)
        if self.counting and total is not None and self.total is not None and total < self.total:
            # Rows that are removed above the place move others up, past it; no more of them than the total has lost.
            return evolve(self, row=max(0, self.row - (self.total - total)), total=total)
        return None

    def following(self, keys: Sequence[Key], *, first: int, asked: int, total: int | None) -> Place:
        """
        Where the walk is behind a page, but for the trail.

        Args:
            keys: The keys of the page's logs; at least one.
            first: The row of the first of them.
            asked: How many were asked for.
            total: How many rows the server counts.
        """
        place = evolve(self, met=self.met + sum(not self.trail.knows(key) for key in keys))
        if self.counting:
            # Rows that have arrived since the last page have moved what was delivered further down.
            arrived = 0 if total is None or self.total is None else max(0, total - self.total)
            return evolve(place, row=max(first + len(keys), self.row + arrived), total=total)
        oldest = min((time for time, _ in keys if time is not None), default=None)
        if self.edge is None:
            place = evolve(place, total=total)
        if oldest is not None and (self.edge is None or oldest < self.edge):
            return evolve(place, edge=oldest, row=0)
        # All of one time: the largest page may show them whole; else rows are all that there is to count.
        counts = asked == LARGEST_PAGE or place.met == self.met
        return evolve(place, row=first + len(keys)) if counts else place

    def within(self, delivered: Sequence[Key]) -> Place:
        """Where the walk is once these of the page's logs have been delivered: the rest of the page comes again."""
        trail = self.trail.after(delivered)
        lower = trail.mark is not None and (self.edge is None or trail.mark < self.edge)
        if self.counting or not lower:
            return evolve(self, trail=trail)
        return evolve(self, edge=trail.mark, row=0, met=self.met + len(delivered), trail=trail)
