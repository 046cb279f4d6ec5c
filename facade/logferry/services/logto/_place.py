"""Where a walk through the audit logs is: below which time, at which row, and what has been delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from logferry.extend import (
    MILLISECOND,
    PLAUSIBLE,
    Key,
    Position,
    Trail,
    Window,
    last_plausible,
    plausible,
)
from logferry.services.logto._crowd import Crowd

LARGEST_PAGE: Final = 100
"""The server's limit (measured on 1.36.0 and 1.42.0)."""

_TAIL: Final = LARGEST_PAGE
"""So many of the last logs met are remembered, within the window or not."""


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
        wide: Whether the largest page is asked for, since the logs of the edge's time have filled a smaller one.
        crowd: The moment that is read in a window of its own, since its logs have filled the largest page; the row is
            counted there.
        met: How many logs have been met.
        least: How many logs the server has counted at the least, where rows are counted; ``None`` where it does not say.
        tail: The identities of the last ones met.
        trail: What has been delivered.
        past: Whether the last page ended before the window, so that all of the window lies above the place.
        ended: Whether there is nothing more.
    """

    edge: int | None = None
    row: int = 0
    total: int | None = None
    counting: bool = False
    wide: bool = False
    crowd: Crowd | None = None
    met: int = 0
    least: int | None = None
    tail: tuple[str, ...] = ()
    trail: Trail = field(factory=Trail)
    past: bool = False
    ended: bool = False

    def to_json(self) -> Position:
        """The place as a JSON value."""
        return {
            "edge": self.edge,
            "row": self.row,
            "total": self.total,
            "counting": self.counting,
            "wide": self.wide,
            "crowd": None if self.crowd is None else self.crowd.to_json(),
            "met": self.met,
            "least": self.least,
            "tail": list(self.tail),
            "trail": self.trail.to_json(),
            "past": self.past,
            "ended": self.ended,
        }

    @classmethod
    def from_json(cls, position: Position) -> Place:
        """The place that ``to_json`` gave."""
        given: dict[str, Any] = {"tail": tuple(position["tail"]), "trail": Trail(**position["trail"])}
        if position.get("crowd") is not None:
            given["crowd"] = Crowd.from_json(position["crowd"])
        return cls(**(position | given))

    def knows(self, key: Key) -> bool:
        """Whether the log was met, or passed."""
        return key[1] in self.tail or self.trail.knows(key)

    @property
    def joins_by_time(self) -> bool:
        """Whether the first page from here on begins with logs that were met."""
        return not self.counting and self.crowd is None and self._again(self.edge) > 0

    def bounds(self, window: Window) -> tuple[int | None, int]:
        """
        From when on and up to when logs are asked for, in nanoseconds since the epoch, whole milliseconds.

        Bounds are inclusive since 1.42 and exclusive before, so it is one millisecond more on either side than has to come.
        """
        end = -(-window.until // MILLISECOND) * MILLISECOND
        if self.crowd is not None:
            return self.crowd.bounds(window, end)
        begin = None if window.since is None else max(0, window.since // MILLISECOND - 1) * MILLISECOND
        # An old answer can have led the walk out of the window, and a server refuses what ends before it begins.
        return begin, max(end if self.edge is None else min(end, self.edge + MILLISECOND), window.since or 0)

    def pages(self, wanted: int) -> tuple[int, int]:
        """
        The page to ask for, counted from 0, and its size: *wanted* new logs, beside some that come again.

        By time, those of the edge come again.  Where rows are counted, at least the last one does, and all of its time:
        the server leaves the order of equal times open, so none of them may stay behind the border of a page.
        """
        if not self.counting:
            size = (
                LARGEST_PAGE
                if self.wide or self.crowd is not None
                else min(LARGEST_PAGE, wanted + self._again(self.edge))
            )
            return self.row // size, size
        if self.is_crowded:
            return self._page_from(max(0, self.row - 1), LARGEST_PAGE)
        return self._page_from(self._first_again, wanted)

    @property
    def is_crowded(self) -> bool:
        """Whether too many logs have the time of the last one for a page to show all of them, and one more."""
        page, size = self._page_from(self._first_again, 1)
        return (page + 1) * size <= self.row

    @property
    def _first_again(self) -> int:
        """The row from which on logs have to come again."""
        return max(0, self.row - 1 - self._again(self.trail.mark))

    def _page_from(self, first: int, wanted: int) -> tuple[int, int]:
        """The smallest page that has this row and as many as are wanted from the place on, or as many as there can be."""
        sizes = range(1, LARGEST_PAGE + 1)
        size = max(sizes, key=lambda size: (min(first // size * size + size - self.row, wanted), -size))
        return first // size, size

    def _again(self, edge: int | None) -> int:
        """How many of the logs that were delivered have the time of an edge, or a millisecond more."""
        times = () if edge is None else (edge, edge + MILLISECOND)
        return sum(time in times for time in self.trail.recent.values())

    def corrected(self, keys: Sequence[Key], *, first: int, asked: tuple[int | None, int], until: int) -> Place | None:
        """
        The place to ask for instead, where a page shows that this one is not where the walk believes it to be.

        Args:
            keys: The keys of the page's logs.
            first: The row of the first of them.
            asked: From when on and up to when logs were asked for.
            until: The end of the window, itself outside.
        """
        if not self.counting:
            begin, end = None if self.crowd is None else asked[0], asked[1]
            ignored = any(
                time is not None and (time > end or (begin is not None and PLAUSIBLE <= time < begin))
                for time, _ in keys
            )
            return evolve(self, edge=None, row=self.met, counting=True, crowd=None) if ignored else None
        # Rows that go move others up, past the place: a page has to have something that was met, or lies too low.  Of a
        # time that no page shows whole, it can have others than it had before.
        mark = self.trail.mark if self.is_crowded else None
        joins = any(
            self.knows(key) or (key[0] is not None and key[0] >= until) or (mark is not None and key[0] == mark)
            for key in keys
        )
        return None if joins or self.past or first == 0 else evolve(self, row=max(0, first - LARGEST_PAGE // 2))

    def following(self, keys: Sequence[Key], *, first: int, asked: int, total: int | None, since: int | None) -> Place:
        """
        Where the walk is behind a page, but for the trail.

        Args:
            keys: The keys of the page's logs; at least one, unless a crowd is read.
            first: The row of the first of them.
            asked: How many were asked for.
            total: How many rows the server counts.
            since: The beginning of the window, or ``None``.
        """
        unknown = self.trail.unknown(keys, but={*self.tail})
        page = {identity: None for _, identity in keys}
        tail = (*(identity for identity in self.tail if identity not in page), *page)[-_TAIL:]
        last = None if since is None else last_plausible(keys)
        past = since is not None and last is not None and last < since
        place = evolve(self, met=self.met + unknown, tail=tail, past=past)
        if self.counting:
            # Rows that have arrived since the last page have moved what was met further down.
            arrived = 0 if unknown or total is None or self.total is None else max(0, total - self.total)
            least = min((count for count in (self.least, total) if count is not None), default=None)
            return evolve(place, row=max(first + len(keys), self.row + arrived), total=total, least=least)
        if self.crowd is not None:
            # A page that comes short of what the server has is no reason to ask for the same one again.
            return place.through(self.crowd.after(keys), row=first + asked if keys else None, total=total)
        oldest = min(plausible(keys), default=None)
        if self.edge is None:
            place = evolve(place, total=total)
        if oldest is not None and (self.edge is None or oldest < self.edge):
            return evolve(place, edge=oldest, row=0, wide=False)
        # All of one time: the largest page may show them whole; else they are read in a window of their own.
        if asked < LARGEST_PAGE:
            return evolve(place, wide=True)
        if oldest is not None:
            return evolve(place, row=0, crowd=Crowd(oldest))
        return evolve(place, row=first + len(keys))

    def through(self, crowd: Crowd, *, row: int | None, total: int | None) -> Place:
        """
        Where the walk is behind a page of a crowd.

        Args:
            crowd: The crowd once the page has been met.
            row: The next row in its window, or ``None`` behind the last page.
            total: How many rows the server counts in its window.
        """
        if row is not None and (total is None or row < total):
            return evolve(self, row=row, crowd=crowd)
        again = None if crowd.has_all(total) else crowd.again()
        if again is not None:
            return evolve(self, row=0, crowd=again)
        return evolve(self, edge=crowd.edge, row=0, wide=False, crowd=None)

    def within(self, delivered: Sequence[Key]) -> Place:
        """Where the walk is once these of the page's logs have been delivered: the rest of the page comes again."""
        trail = self.trail.after(delivered)
        lower = trail.mark is not None and (self.edge is None or trail.mark < self.edge)
        partial = evolve(self, met=self.met + len(delivered), trail=trail)
        return (
            partial if self.counting or self.crowd is not None or not lower else evolve(partial, edge=trail.mark, row=0)
        )
