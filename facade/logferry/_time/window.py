"""The window of time that an iteration reads, pinned when it begins."""

from __future__ import annotations

from attrs import field, frozen

from logferry._errors import InvalidRequestError
from logferry._time.page_times import PageTimes
from logferry._time.timestamps import Time, moment, rfc3339


@frozen
class Window:
    """
    The half-open interval ``[since, until)``.

    Attributes:
        since: First nanosecond within, since the epoch, UTC; ``None`` for all that the service still has.
        until: First nanosecond after it.
        looks_twice: Whether an end that no count confirms or denies is requested once more.  A poll of a follow requests once, since
            the next one reads the same again; so does a part of a window, whose empty pages are doubted elsewhere.
    """

    since: int | None
    until: int
    looks_twice: bool = field(default=True, eq=False)

    def has(self, time: int) -> bool:
        """Whether the moment lies within."""
        return time < self.until and (self.since is None or time >= self.since)

    def has_all(self, times: PageTimes) -> bool:
        """Whether all moments of a page lie within, as those of most pages do; ``None`` is no moment."""
        span = times.span()
        return span is None or (self.has(span[0]) and self.has(span[1]))

    def __str__(self) -> str:
        return f"[{'...' if self.since is None else rfc3339(self.since)}, {rfc3339(self.until)})"


def window(since: Time | None, until: Time | None, *, now: int) -> Window:
    """
    The window that a caller asks for: since ``None`` for all that the service still has, until ``None`` for now.

    Raises:
        InvalidRequestError: One of them is no time, or *since* lies after *until*.
    """
    first = None if since is None else moment(since, now=now, name="since")
    last = now if until is None else moment(until, now=now, name="until")
    if first is not None and first > last:
        raise InvalidRequestError(f"since ({rfc3339(first)}) lies after until ({rfc3339(last)})")
    return Window(first, last)
