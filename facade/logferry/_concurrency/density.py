"""Estimates the density of a stream's items in time, and cuts its window into partitions that fill a page."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from attrs import evolve, frozen

from logferry._paging.delivered import PLAUSIBLE
from logferry._time.page_times import PageTimes
from logferry._time.window import Window

StreamOrder: TypeAlias = Literal["newest first", "oldest first", "as sent"]
"""The order in which a service sends items: by time, or in another one."""

_WEIGHT: Final = 1 / 8
"""Weight of the latest page in the estimate."""

_SAFETY: Final = 1.5
"""The length of a partition is the estimate minus this many mean deviations: a partition larger than a page costs another request."""

_LEAST_FILLED: Final = 0.5
_MOST_FILLED: Final = 0.97
"""Bounds of the share of a page that a partition is meant to fill."""

_FEWEST: Final = 16
"""The least number of items that a partition is meant to hold; with smaller pages it takes several."""

_SHORTEST: Final = 10
"""The least length of a partition, in units of the resolution of the service's filter."""

_LEAP: Final = 2.0
"""An interval that differs by more than this factor is no deviation: the density has changed, or a page has a pause."""


@frozen
class Direction:
    """The direction in which a stream is read through time."""

    newest_first: bool

    def opened(self, window: Window, whole: Window) -> Window:
        """The window from the beginning of a partition to the end of all."""
        return Window(whole.since, window.until) if self.newest_first else Window(window.since, whole.until)

    def joined(self, first: Window, last: Window) -> Window:
        """The window from the beginning of one partition to the end of another."""
        return Window(last.since, first.until) if self.newest_first else Window(first.since, last.until)

    def has_passed(self, time: int, window: Window) -> bool:
        """Whether a moment lies behind the end of a window."""
        return (window.since is not None and time < window.since) if self.newest_first else time >= window.until

    def furthest(self, span: tuple[int, int]) -> int:
        """The further one of two moments."""
        return span[0] if self.newest_first else span[1]

    def sorts(self, times: PageTimes) -> bool:
        """Whether all times of a page are known and in order."""
        if not self.newest_first:
            return times.in_order()
        return times.whole and times.moments == sorted(times.moments, reverse=True)


@frozen(kw_only=True)
class Density:
    """
    How dense items lie, estimated from pages as TCP estimates round trips (RFC 6298): a smoothed mean and its deviation.

    ``interval`` is the mean time between two items, ``deviation`` that of a page from it, both in nanoseconds.  Cuts are
    multiples of ``resolution``.
    """

    direction: Direction
    resolution: int
    interval: float
    deviation: float

    @classmethod
    def of(cls, times: PageTimes, resolution: int, direction: Direction) -> Density | None:
        """The density that a first page shows by the times of its items; ``None`` where it shows none."""
        interval = _interval(times)
        if interval is None:
            return None
        return cls(direction=direction, resolution=resolution, interval=interval, deviation=interval / 10)

    def after(self, times: PageTimes) -> Density:
        """The density once another page has been seen."""
        interval = _interval(times)
        if interval is None:
            return self
        if not self.interval / _LEAP <= interval <= self.interval * _LEAP:
            return evolve(self, interval=interval, deviation=interval / 10)
        return evolve(
            self,
            interval=self.interval + _WEIGHT * (interval - self.interval),
            deviation=self.deviation + _WEIGHT * (abs(interval - self.interval) - self.deviation),
        )

    def length(self, page_size: int) -> int:
        """Return the length of a partition, in nanoseconds, that a page of this size mostly holds."""
        filled = min(_MOST_FILLED, max(_LEAST_FILLED, 1 - _SAFETY * self.deviation / self.interval))
        return max(_SHORTEST * self.resolution, round(max(filled * page_size, _FEWEST) * self.interval))

    def cut(self, window: Window, begin: int | None, page_size: int) -> tuple[Window, Window] | None:
        """
        Cut a window into a partition and the rest behind it; ``None`` if the rest would be too short.

        The partition ends a page behind *begin*, where the next request begins; ``None`` for the beginning of the window.
        """
        length, grain = self.length(page_size), self.resolution
        if self.direction.newest_first:
            cut = ((window.until if begin is None else begin) - length) // grain * grain
            least = PLAUSIBLE if window.since is None else window.since + length // 2
            return None if cut < least else (Window(cut, window.until), Window(window.since, cut))
        begin = window.since if begin is None else begin
        if begin is None:
            return None
        cut = -(-(begin + length) // grain) * grain
        return None if window.until - cut < length // 2 else (Window(window.since, cut), Window(cut, window.until))


def direction_of(order: StreamOrder, times: PageTimes | None = None) -> Direction | None:
    """The direction of a stream by its order, or by the times of a page; ``None`` if neither shows it."""
    if order in {"newest first", "oldest first"}:
        return Direction(order == "newest first")
    first, last = (times[0], times[-1]) if times else (None, None)
    return None if first is None or last is None or first == last else Direction(first > last)


def _interval(times: PageTimes) -> float | None:
    """Return the mean time between two items of a page, without a pause in one of its halves; ``None`` if there is none."""
    count = len(times)
    middle = count // 2
    if not middle:
        return None
    first, between, last = times[0], times[middle], times[-1]
    if first is None or between is None or last is None:
        return None
    halves = abs(between - first) / middle, abs(last - between) / max(1, count - 1 - middle)
    shorter, longer = sorted(halves)
    interval = shorter if shorter and longer > _LEAP * shorter else abs(last - first) / (count - 1)
    return interval or None
