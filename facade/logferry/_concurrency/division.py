"""
Where a window is cut into parts that are read at once.

Pages tell it: in which order a stream comes, how dense its items lie, and how far neighbours are out of order.  A part is as
long as fills a page, mostly, so that it takes one request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from logferry._paging.delivered import PLAUSIBLE
from logferry._time.window import Window

Extent: TypeAlias = tuple[int, int]
"""The earliest and the latest of some times."""

_FILLED: Final = 0.9
"""So much of a page a part is meant to fill at first: one that holds a little more than a page costs a second request."""

_LEAST_FILLED: Final = 0.6
_MOST_FILLED: Final = 0.92
_MORE: Final = 0.005
"""So much more a part is meant to fill after one that a page held; twenty times as much less after one that it did not."""

_FEWEST: Final = 16
"""So many items a part is meant to have at least, however small pages are: of fewer, too many parts would have none."""

_SHORTEST: Final = 10
"""So many times the resolution of the service's filter a part is long at least."""

_GROWTH: Final = 4.0
"""So many times longer or shorter than a part the next ones are at most."""

_ORDERLY: Final = 8
"""Neighbours on a page may be out of order by so manieth a part of the time that the page spans."""


@frozen(kw_only=True)
class Division:
    """
    How a stream's window is divided.

    Attributes:
        resolution: How finely the service's filter by time compares, in nanoseconds.
        narrows: Whether what the stream's walk says of a place also holds in a window that ends earlier, seen from where the
            walk began.  It does not where the service's cursors belong to the window that was asked for; then what such a
            walk has delivered is listed again by the parts, and told by identity.
    """

    resolution: int
    narrows: bool = True


@frozen(kw_only=True)
class Course:
    """
    How a stream runs through time, as far as its pages have shown.

    Attributes:
        newest_first: Which parts come first.
        length: How long the window is that a part is read in, in nanoseconds.
        disorder: By how much items may be out of order, in nanoseconds.
        resolution: What cuts are whole multiples of, in nanoseconds.
        page: How many items a page has.
        filled: How much of a page a part is meant to fill.
    """

    newest_first: bool
    length: int
    disorder: int
    resolution: int
    page: int
    filled: float = _FILLED

    def to_json(self) -> list[Any]:
        """As JSON values."""
        return [self.newest_first, self.length, self.disorder, self.resolution, self.page, self.filled]

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> Course:
        """What `to_json` has made."""
        newest_first, length, disorder, resolution, page, filled = values
        return cls(
            newest_first=bool(newest_first),
            length=max(1, int(length)),
            disorder=int(disorder),
            resolution=max(1, int(resolution)),
            page=max(1, int(page)),
            filled=min(_MOST_FILLED, max(_LEAST_FILLED, float(filled))),
        )

    def of_pages(self, size: int) -> Course:
        """The course for pages of that size, if it is one of larger pages."""
        if self.page <= size:
            return self
        return evolve(self, page=size, length=max(self.length * size // self.page, _SHORTEST * self.resolution))

    def cut(self, window: Window, met: Extent | None = None) -> tuple[Window, Window] | None:
        """
        A window as a part and the rest behind it; ``None`` where it is not worth while.

        Args:
            window: The window.
            met: The times that have been met in it already: they stay in the part, which goes on for a page behind them.
        """
        since, until, grain = window.since, window.until, self.resolution
        length = max(self.length - self._margin, self.length // 2)
        if self.newest_first:
            cut = ((until if met is None else met[0]) - length) // grain * grain
            if cut < PLAUSIBLE or (since is not None and cut - since < length // 2):
                return None
            return Window(cut, until), Window(since, cut)
        begin = (since or 0) if met is None else met[1]
        cut = -(-(begin + length) // grain) * grain
        return None if until - cut < length // 2 else (Window(since, cut), Window(cut, until))

    def asked(self, part: Window, whole: Window) -> Window:
        """
        The window in which a part is read: a little of the one behind, to see which of it comes earlier.

        Args:
            part: The part.
            whole: All that is wanted.
        """
        margin = self._margin
        if not margin:
            return part
        if self.newest_first:
            if part.since is None or part.since == whole.since:
                return part
            first = part.since - margin
            return Window(first if whole.since is None else max(whole.since, first), part.until)
        return Window(part.since, min(whole.until, part.until + margin))

    def joined(self, parts: Sequence[Window]) -> Window:
        """Parts that follow each other, as one."""
        first, last = parts[0], parts[-1]
        return Window(last.since, first.until) if self.newest_first else Window(first.since, last.until)

    def after(self, part: Window, items: int) -> Course:
        """The course once a part has been read that has so many items."""
        if part.since is None or not items:
            return self
        change = min(_GROWTH, max(1 / _GROWTH, self.target / items))
        length = (self.length + round((part.until - part.since) * change)) // 2
        filled = self.filled + (_MORE if items <= self.page else -20 * _MORE)
        return evolve(
            self,
            length=max(length, _SHORTEST * self.resolution),
            filled=min(_MOST_FILLED, max(_LEAST_FILLED, filled)),
        )

    def by(self, times: Sequence[int]) -> Course | None:
        """The course where a page has items of these times, in their order; ``None`` where it says nothing of that."""
        span = max(times, default=0) - min(times, default=0)
        if not span:  # all of one time: that says nothing of how dense others are
            return None
        length = max(_SHORTEST * self.resolution, round(span / len(times) * self.target))
        return evolve(self, length=length)

    @property
    def _margin(self) -> int:
        return 2 * self.disorder

    @property
    def target(self) -> float:
        """How many items a part is meant to have."""
        return max(self.filled * self.page, _FEWEST)


def course(order: str, times: Sequence[int], page: int, division: Division) -> Course | None:
    """
    The course of a stream as a page shows it; ``None`` where it shows none by which a window can be divided.

    Args:
        order: The stream's order, see ``StreamDefinition``.
        times: Those of the page's items, in their order.
        page: How many items a page has.
        division: How the stream is divided.
    """
    span = max(times, default=0) - min(times, default=0)
    falling, rising = (0, 0) if order in _KNOWN else (_disorder(times[::-1]), _disorder(times))
    newest_first = falling < rising if order not in _KNOWN else order == "newest first"
    # Services that list by arrival have neighbours out of order, but not far.
    disorder = min(falling, rising)
    if not span or disorder * _ORDERLY > span:
        return None
    begun = Course(
        newest_first=newest_first, length=1, disorder=disorder, resolution=division.resolution, page=max(1, page)
    )
    return begun.by(times)


_KNOWN: Final = ("newest first", "oldest first")


def _disorder(times: Sequence[int]) -> int:
    """By how much a time lies before an earlier one at most, which in rising times it does not."""
    most, latest = 0, times[0] if times else 0
    for time in times:
        latest = max(latest, time)
        most = max(most, latest - time)
    return most


def joined(extent: Extent | None, times: Sequence[int]) -> Extent | None:
    """The extent of these times and of others."""
    if not times:
        return extent
    known = [*times, *(extent or ())]
    return min(known), max(known)
