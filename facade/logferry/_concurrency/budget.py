"""Bounds the requests in flight, so that few are wasted."""

from __future__ import annotations

from typing import Final

from attrs import define

from logferry._time.timestamps import MILLISECOND

_SLOW: Final = 10 * MILLISECOND
"""
Several requests are in flight only where a response takes at least this long, in nanoseconds: threads and tasks would cost
more than nearer services take (measured: as much CPU again as the page).
"""

_PROVEN: Final = 5
"""After this many pages a walk has shown that there is more, and whether the service keeps to bounds of time."""

_WASTED: Final = 1 / 3
"""Requests that may be wasted for each page of items received."""

_FADING: Final = 1 / 4
"""The largest page approaches each smaller one by this share of the difference."""


@define(kw_only=True)
class Budget:
    """
    Counts the requests and pages of a reading, and bounds the requests in flight.

    Attributes:
        page_size: How many items a page holds; the service can have a limit of its own.
        max_items: How many items the caller wants, or ``None`` for all.
        total: How many items the service counts, or ``None`` where it does not say.
        pages: How many pages have been delivered, with how many items.
        largest: How many items the largest page of late had.
        waited: Time spent waiting for responses, in nanoseconds.
        is_slow: Whether several requests at once pay; once they do, they shorten that time.
    """

    concurrency: int
    page_size: int
    max_items: int | None
    total: int | None = None
    sent: int = 0
    pages: int = 0
    items: int = 0
    largest: float = 0.0
    waited: int = 0
    is_slow: bool = False

    def deliver(self, items: int) -> None:
        """Count a page that is delivered, with this many items."""
        self.pages += 1
        self.items += items
        self.largest = max(items, self.largest + _FADING * (items - self.largest))

    def ahead(self, in_flight: int, found: int) -> int:
        """
        Return how many requests may be in flight beside that of the first partition.

        Half of the requests *in_flight* count as wasted, since their responses are unknown; *found* items wait to be delivered.
        """
        self.is_slow = self.is_slow or (self.pages >= _PROVEN and self.waited >= _SLOW * self.pages)
        # If many items have one time, a walk requests more and more at once, but each partition would begin with one page.
        if not self.is_slow or int(self.largest) > self.page_size:
            return 0
        useful = min(self.items / self.page_size, self.pages) + found / self.page_size
        wasted = max(0.0, self.sent - in_flight - useful)
        allowed = min(self.concurrency, int(2 * (_WASTED * useful - wasted)))
        known = [count - self.items - found for count in (self.max_items, self.total) if count is not None]
        return max(0, min([allowed, *(-(-count // self.page_size) for count in known)]) - 1)
