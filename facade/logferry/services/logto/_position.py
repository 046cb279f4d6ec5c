"""The position of a walk through the audit logs: its upper time, its row, and the logs that were received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import asdict, evolve, field, frozen

from logferry.extend import (
    MILLISECOND,
    Delivered,
    Key,
    Position,
    Window,
    plausible,
)
from logferry.services.logto._crowd import Crowd
from logferry.services.logto._query import Page
from logferry.services.logto._rows import LARGEST_PAGE, is_crowded, page_from

_REACH: Final = MILLISECOND
"""The next request ends this far above the oldest received log: see ``WalkPosition.bounds``."""


@frozen(kw_only=True)
class WalkPosition:
    """
    The position of a walk.

    Attributes:
        delivered: The received logs, within the window or not; requests end at its mark.  While a crowd is read, those
            from before it.
        row: The next row, counted from the newest log below the mark.
        total: The server's count of the logs of the query, or ``None`` without one.
        counting: Whether the server ignores time bounds, as releases before 1.40 do; rows are then counted from the
            newest log of all.
        crowd: The moment that is read in a window of its own, since its logs filled the largest page; the row is
            counted in that window.
        met: Number of received logs.
        least: The lowest count of the server so far, if rows are counted; ``None`` without one.
        ended: Whether the walk has ended.
    """

    delivered: Delivered = field(factory=lambda: Delivered(_REACH))
    row: int = 0
    total: int | None = None
    counting: bool = False
    crowd: Crowd | None = None
    met: int = 0
    least: int | None = None
    ended: bool = False

    def to_json(self) -> Position:
        """The position as a JSON value."""
        own = asdict(self, recurse=False, filter=lambda one, _: one.name != "delivered")
        return {**self.delivered.to_json(), **own, "crowd": None if self.crowd is None else self.crowd.to_json()}

    @classmethod
    def from_json(cls, position: Position) -> WalkPosition:
        """Parse a position of ``to_json``, also of an earlier release."""
        given = dict(_of_earlier_release(position) if "trail" in position else position)
        delivered = Delivered(_REACH, given.pop("mark"), given.pop("border"))
        crowd = given.pop("crowd")
        return cls(**given, delivered=delivered, crowd=None if crowd is None else Crowd(**crowd))

    def bounds(self, window: Window) -> tuple[int | None, int]:
        """
        The bounds of a request, in nanoseconds since the epoch, whole milliseconds.

        Bounds are inclusive since 1.42 and exclusive before, so the request has one more millisecond on both sides.
        """
        end = -(-window.until // MILLISECOND) * MILLISECOND
        if self.crowd is not None:
            return self.crowd.bounds(window, end)
        begin = None if window.since is None else max(0, window.since // MILLISECOND - 1) * MILLISECOND
        mark = None if self.counting else self.delivered.mark
        # The server refuses an end before the start; a window that begins within the last millisecond would have one.
        return begin, max(end if mark is None else min(end, mark + _REACH), begin or 0)

    def narrowed(self, wanted: int) -> WalkPosition:
        """The same position, with a crowd if more than *wanted* logs of the border would come again."""
        mark = self.delivered.mark
        if self.counting or self.crowd is not None or mark is None or len(self.delivered.border) <= wanted:
            return self
        return evolve(self, row=0, crowd=Crowd(mark))

    def page(self, wanted: int) -> tuple[int, int]:
        """
        The page to request, counted from 0, and its size: *wanted* new logs, and some that come again.

        By time, the logs at the border come again; in the window of a crowd, up to half a page.  By row, all logs with
        the time of the last one come again: the server does not order equal times, so none may stay behind the end of a
        page.
        """
        if not self.counting:
            again = wanted if self.crowd is not None else len(self.delivered.border)
            size = min(LARGEST_PAGE, wanted + again)
            return self.row // size, size
        if self.is_crowded:
            return page_from(max(0, self.row - 1), LARGEST_PAGE, self.row)
        return page_from(self._first_again, wanted, self.row)

    @property
    def is_crowded(self) -> bool:
        """Whether the logs with the time of the last one, and one more, do not fit on a page."""
        return is_crowded(self._first_again, self.row)

    @property
    def _first_again(self) -> int:
        """The first row that must come again."""
        return max(0, self.row - 1 - len(self.delivered.border))

    def new(self, keys: Sequence[Key]) -> list[int]:
        """Indices of the logs of a page that have not been received, each log once."""
        found = self.delivered.new(keys)
        return found if self.crowd is None else [index for index in found if keys[index][1] not in self.crowd.met]

    def corrected(self, page: Page, until: int) -> WalkPosition | None:
        """The position to request instead, if a page shows that the walk is not where it expects to be."""
        keys = page.keys
        if not self.counting:
            begin, end = page.bounds
            span = page.times.span()
            is_below = self.crowd is not None and begin is not None and min(plausible(keys), default=begin) < begin
            return self._counted() if is_below or (span is not None and span[1] > end) else None
        # When rows are removed, later rows move up past the position: a page without any received log lies too low.
        # Logs of a crowded time are accepted instead, since their order can change.
        mark = self.delivered.mark if self.is_crowded else None
        joins = any(
            self.delivered.knows(key) or (key[0] is not None and (key[0] >= until or key[0] == mark)) for key in keys
        )
        return None if joins or page.row == 0 else evolve(self, row=max(0, page.row - LARGEST_PAGE // 2))

    def _counted(self) -> WalkPosition:
        """The same position for a server that ignores time bounds."""
        delivered = self.delivered if self.crowd is None else self.delivered.after(self.crowd.keys)
        return evolve(self, delivered=delivered, row=self.met, counting=True, crowd=None)

    def after(self, page: Page, new: int, since: int | None) -> WalkPosition:
        """The position after a page with this number of logs that had not been received."""
        following = self._behind(page, new)
        # Before and after a crowd, the remaining logs are older than it.
        crowd = following.crowd
        is_past = following.delivered.is_past(since) if crowd is None else since is not None and crowd.time < since
        # Of a page that repeats a log, the count can mean another one.
        is_last = page.is_last and self.crowd is None and not (new and page.has_repeats)
        return evolve(following, ended=True) if is_past or is_last else following

    def _behind(self, page: Page, new: int) -> WalkPosition:
        if self.crowd is not None:
            return self._through(self.crowd.after(page.keys), page, self.met + new)
        if not page.keys:
            return self
        following = evolve(self, met=self.met + new, delivered=self.delivered.after(page.keys))
        behind = page.row + len(page.keys)
        if self.counting:
            # Rows that arrived since the last page have moved the received ones down.
            arrived = 0 if new or page.total is None or self.total is None else max(0, page.total - self.total)
            least = min((count for count in (self.least, page.total) if count is not None), default=None)
            return evolve(following, row=max(behind, self.row + arrived), total=page.total, least=least)
        if self.delivered.mark is None:
            following = evolve(following, total=page.total)
        if following.delivered.mark != self.delivered.mark:
            return evolve(following, row=0)
        if page.size < LARGEST_PAGE:  # the next page is larger by the received logs
            return following
        # All logs of the page have one time: they are read in a window of their own.
        oldest = min(plausible(page.keys), default=None)
        return evolve(following, row=behind) if oldest is None else evolve(following, row=0, crowd=Crowd(oldest))

    def _through(self, crowd: Crowd, page: Page, met: int) -> WalkPosition:
        """The position after a page of a crowd; ``crowd`` already includes the page."""
        # Advance by the size, not by the number of logs: a short page must not be requested again.
        row = page.row + page.size
        if page.keys and (page.total is None or row < page.total):
            return evolve(self, row=row, crowd=crowd, met=met)
        again = None if crowd.has_all(page.total) else crowd.again()
        if again is not None:
            return evolve(self, row=0, crowd=again, met=met)
        delivered = self.delivered.after(crowd.keys, down_to=crowd.edge)
        return evolve(self, delivered=delivered, row=0, crowd=None, met=met)

    def within(self, delivered: Sequence[Key]) -> WalkPosition:
        """The position after these logs of a page have been delivered; the rest of the page comes again."""
        met = self.met + len(delivered)
        if self.crowd is not None:
            return evolve(self, met=met, crowd=self.crowd.after(delivered))
        partial = evolve(self, met=met, delivered=self.delivered.after(delivered))
        is_same = self.counting or partial.delivered.mark == self.delivered.mark
        return partial if is_same else evolve(partial, row=0)

    def has_advanced(self, page: Page, new: int, following: WalkPosition) -> bool:
        """Whether a page with this number of new logs, after which the walk is at *following*, has advanced it."""
        if new:
            return True
        if self.counting:
            return page.total is not None and (following.row > self.row or page.total > (self.total or 0))
        places = [(one.delivered.mark, one.row, one.crowd) for one in (self, following)]
        return places[0] != places[1]


def _of_earlier_release(position: dict[str, Any]) -> dict[str, Any]:
    """Convert a position of an earlier release, which had the logs of the last five seconds and two separate times."""
    trail, crowd = position["trail"], position.get("crowd")
    times = trail["recent"]
    mark = min((time for time in (position["edge"], trail["mark"]) if time is not None), default=None)
    edge = None if mark is None else mark + _REACH
    moment = None if crowd is None else {**crowd, "met": {one: times.get(one) for one in crowd["met"]}}
    return {
        "mark": mark,
        "border": {one: time for one, time in times.items() if time is None or edge is None or time <= edge},
        "crowd": moment,
        "ended": position["ended"] or position["past"],
        **{name: position[name] for name in ("row", "total", "counting", "met", "least")},
    }
