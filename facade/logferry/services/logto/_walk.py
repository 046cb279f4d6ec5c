"""
The walk through Logto's audit logs.

The service pages by number, newest first, without a tie-break, so pages shift while logs arrive or go (measured on
1.36.0 and 1.42.0).  The next request therefore ends at the oldest time read, inclusive; logs of that time come again
and known ones are dropped, so insertions and deletions shift nothing.  A timestamp shared by more logs than fit on a
page (a *crowd*) is read in a window of its own, see ``_crowd``.

Servers before 1.40 silently ignore time bounds; a response with logs newer than requested reveals them.  There, pages
are requested by row number and overlap, to absorb new rows; a page without a known log means that rows were deleted, so
the walk steps back until a page has one.

``until`` is fixed at the start; items outside the window are dropped here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter

from attrs import define

from logferry.extend import (
    STUCK,
    Batch,
    Doubts,
    Flow,
    Key,
    PagingError,
    Position,
    SubFlow,
    Window,
    about_response,
    believed,
    disagreement,
    known_times,
    rfc3339,
    shortage,
    to_deliver,
)
from logferry.services.logto._position import WalkPosition
from logferry.services.logto._query import AuditLogFilters, Page, ask


def walk(filters: AuditLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's audit logs, newest first."""
    here = WalkPosition() if position is None else WalkPosition.from_json(position)
    doubts, progress = Doubts(window.looks_twice), _Progress(here.row)
    while not here.ended:
        here = here.narrowed(page_size)
        row = here.row
        here, page = yield from _next_page(filters, window, here, page_size, doubts)
        new = here.new(page.keys)
        following = here.after(page, len(new), window.since)
        trouble = progress.trouble(here, page, len(new), following, is_setback=here.row < row)
        yield _batch(here, page, new, following, window)
        del page  # at most one page in memory
        if trouble is not None:
            raise trouble
        here = following


def _next_page(
    filters: AuditLogFilters, window: Window, here: WalkPosition, page_size: int, doubts: Doubts
) -> SubFlow[tuple[WalkPosition, Page]]:
    """Fetch the page at the position, correcting the position where the response shows that it is wrong."""
    while True:
        number, size = here.page(page_size)
        asking = partial(ask, filters, here.bounds(window), number, size, is_capped=here.crowd is None)
        page = yield from believed(asking, attrgetter("evidence"), doubts)
        corrected = here.corrected(page, window.until)
        if corrected is None:
            return here, page
        here = corrected


def _batch(here: WalkPosition, page: Page, new: Sequence[int], following: WalkPosition, window: Window) -> Batch:
    """The logs of a page that are new, by their indexes, and within the window; *following* is the position behind it."""
    keys = page.keys
    new, remarks = to_deliver(page.items, [identity for _, identity in keys], page.times, new, window)
    is_whole = len(new) == len(keys)
    fresh = keys if is_whole else [keys[index] for index in new]
    times = page.times if is_whole else known_times([time for time, _ in fresh])

    def position(delivered: int) -> Position:
        """The position after this many logs; it stays at the same page until all have been delivered."""
        return (following if delivered == len(fresh) else here.within(fresh[:delivered])).to_json()

    return Batch(
        page.items if is_whole else [page.items[index] for index in new],
        position,
        page.response,
        following.total,
        issues=_issues(here, page, following, window.since),
        remarks=remarks,
        times=times,
        # A server that ignores time bounds cannot read a part of the window.
        sent=None if following.counting else page.times,
    )


def _issues(here: WalkPosition, page: Page, following: WalkPosition, since: int | None) -> tuple[str, ...]:
    """
    Return what may be missing: where a page is short, or more logs share a time than fit on a page.

    For a crowd with a window of its own, the server's count decides.  With pages by row number, each row advanced over
    must be a new log; otherwise the server reordered ties, or rows were added or removed.
    """
    if here.crowd is not None:
        crowd = here.crowd.after(page.keys)
        return () if following.crowd is not None or crowd.has_all(page.total) else (crowd.doubt(page.total),)
    found = shortage(page.evidence)
    mark = here.delivered.mark
    is_steady = following.total == here.total and following.row - here.row == following.met - here.met
    is_crowded = here.counting and not is_steady and here.is_crowded
    if is_crowded and mark is not None and any(time == mark for time, _ in page.keys):
        found = (*found, f"createdAt: more logs at {rfc3339(mark)} than a page holds; some may be missing")
    is_end = following.ended and not following.delivered.is_past(since)
    return (*found, *disagreement(following.met, following.least)) if is_end else found


@define
class _Progress:
    """
    Detects a walk that makes no progress.

    Attributes:
        furthest: The furthest row so far.
        setbacks: How many consecutive pages started too far down the list and brought nothing new.
        idle: How many consecutive pages made no progress.
        previous: The keys of the last page.
    """

    furthest: int
    setbacks: int = 0
    idle: int = 0
    previous: Sequence[Key] = ()

    def trouble(
        self, here: WalkPosition, page: Page, new: int, following: WalkPosition, *, is_setback: bool
    ) -> PagingError | None:
        """Record a page with this number of new logs, for which the walk may have stepped back; the error if it is stuck."""
        self.setbacks = 0 if new or following.row > self.furthest else self.setbacks + is_setback
        self.furthest = max(self.furthest, following.row)
        is_idle = page.keys == self.previous or not here.has_advanced(page, new, following)
        self.idle, self.previous = self.idle + 1 if is_idle else 0, page.keys
        if following.ended or STUCK not in {self.idle, self.setbacks}:
            return None
        error = PagingError(
            "the server sends nothing new",
            hint="Go on from the checkpoint, with a larger page_size if logs arrive faster than pages",
        )
        return about_response(error, page.response)
