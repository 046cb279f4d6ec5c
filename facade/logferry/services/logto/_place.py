"""Where a walk through the audit logs is: below which time, at which row, and what has been delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from logferry._steps import Position
from logferry._times import MILLISECOND
from logferry._trail import Key, Trail, plausible

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
        met: How many rows have been met, from the newest on.
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
        given: dict[str, Any] = {"trail": Trail(**position["trail"])}
        return cls(**(position | given))

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
            gone = self.total - total
            return evolve(self, row=max(0, self.row - gone), met=max(0, self.met - gone), total=total)
        return None

    def doubts(self, keys: Sequence[Key], *, first: int, total: int | None) -> bool:
        """
        Whether a page can be an old answer: it has nothing new, though it lies beyond what was met, or is the last.

        Args:
            keys: The keys of the page's logs.
            first: The row of the first of them.
            total: How many rows the server counts.
        """
        if not keys or not all(map(self.trail.knows, keys)):
            return False
        end = first + len(keys)
        arrived = 0 if total is None or self.total is None else max(0, total - self.total)
        return (self.counting and end > self.met + arrived) or (total is not None and end >= total)

    def following(self, keys: Sequence[Key], *, first: int, total: int | None, stays: bool) -> Place:
        """
        Where the walk is behind a page, but for the trail.

        Args:
            keys: The keys of the page's logs; at least one.
            first: The row of the first of them.
            total: How many rows the server counts.
            stays: Whether logs of the edge's time can still be had by asking for more at once.
        """
        unknown = sum(not self.trail.knows(key) for key in keys)
        if self.counting:
            # Rows that have arrived since the last page have moved what was delivered further down.
            arrived = 0 if total is None or self.total is None else max(0, total - self.total)
            met, end = self.met + arrived, first + len(keys)
            return evolve(self, row=max(end, self.row + arrived), total=total, met=max(met, end))
        place = evolve(self, met=self.met + unknown)
        oldest = min(plausible(keys), default=None)
        if self.edge is None:
            place = evolve(place, total=total)
        if oldest is not None and (self.edge is None or oldest < self.edge):
            return evolve(place, edge=oldest, row=0)
        # All of one time: the largest page may show them whole; else rows are all that there is to count.
        return place if stays else evolve(place, row=first + len(keys))

    def within(self, delivered: Sequence[Key]) -> Place:
        """Where the walk is once these of the page's logs have been delivered: the rest of the page comes again."""
        trail = self.trail.after(delivered)
        lower = trail.mark is not None and (self.edge is None or trail.mark < self.edge)
        partial = evolve(self, met=self.met + len(delivered), trail=trail)
        return partial if self.counting or not lower else evolve(partial, edge=trail.mark, row=0)
