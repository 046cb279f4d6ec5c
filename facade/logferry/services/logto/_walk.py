"""
The walk through Logto's audit logs.

The service pages by number, newest first, without a tie-break, so pages shift while logs arrive or go (measured on
1.36.0 and 1.42.0).  Hence the next page is asked for by time: the logs up to that of the oldest one met, which so comes
again, with all that share its time; those that were met are left out.  Nothing that arrives or goes can shift that.  A
moment with more logs than a page holds is read in a window of its own, see ``_crowd``.

Servers before 1.40 ignore bounds of time silently, which shows when newer logs come than were asked for.  There, rows
are counted, and pages overlap, which takes care of those that arrive; where a page does not begin with what was met, some
have gone, and the walk steps back until it does.

The window is pinned, and filtered here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from attrs import define

from logferry.extend import (
    STUCK,
    Batch,
    Doubts,
    Evidence,
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
        del page  # so that there are never two pages in memory
        if trouble is not None:
            raise trouble
        here = following


def _next_page(
    filters: AuditLogFilters, window: Window, here: WalkPosition, page_size: int, doubts: Doubts
) -> SubFlow[tuple[WalkPosition, Page]]:
    """The page at the walk's position, and where that turns out to be."""
    while True:
        number, size = here.page(page_size)
        asking = partial(ask, filters, here.bounds(window), number, size, is_capped=here.crowd is None)
        page = yield from believed(asking, _evidence, doubts)
        corrected = here.corrected(page, window.until)
        if corrected is None:
            return here, page
        here = corrected


def _evidence(page: Page) -> Evidence:
    return page.evidence


def _batch(here: WalkPosition, page: Page, new: Sequence[int], following: WalkPosition, window: Window) -> Batch:
    """
    What of a page is within the window and new, for the caller.

    Args:
        here: Where the walk was.
        page: The page.
        new: Indexes of its logs that had not been met.
        following: Where the walk is behind it.
        window: The window.
    """
    keys = page.keys
    new, remarks = to_deliver(page.items, [identity for _, identity in keys], page.times, new, window)
    is_whole = len(new) == len(keys)
    fresh = keys if is_whole else [keys[index] for index in new]
    times = page.times if is_whole else known_times([time for time, _ in fresh])

    def position(delivered: int) -> Position:
        """At the same page, until all of it has been delivered."""
        return (following if delivered == len(fresh) else here.within(fresh[:delivered])).to_json()

    return Batch(
        page.items if is_whole else [page.items[index] for index in new],
        position,
        page.response,
        following.total,
        issues=_issues(here, page, following, window.since),
        remarks=remarks,
        times=times,
        # A server that ignores bounds of time cannot be asked for a part of the window.
        sent=None if following.counting else page.times,
    )


def _issues(here: WalkPosition, page: Page, following: WalkPosition, since: int | None) -> tuple[str, ...]:
    """
    What may be missing, where a page is short, or more logs have one time than a page can show.

    Where those are read in a window of their own, the server's count tells.  Where rows are counted, each row that a page
    goes on by has to be a log that was not met before: else the server has turned round the order of logs of one time, or
    some have come or gone.
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
    Sees to it that a walk ends.

    Attributes:
        furthest: The furthest row so far.
        setbacks: How many pages in a row lay too low, without anything new.
        idle: How many pages in a row have brought the walk no nearer to its end.
        previous: The keys of the last page.
    """

    furthest: int
    setbacks: int = 0
    idle: int = 0
    previous: Sequence[Key] = ()

    def trouble(
        self, here: WalkPosition, page: Page, new: int, following: WalkPosition, *, is_setback: bool
    ) -> PagingError | None:
        """
        Note a page, and tell why the walk cannot go on behind it, if it cannot.

        Args:
            here: Where it was.
            page: The page.
            new: How many of its logs had not been met.
            following: Where the walk is behind it.
            is_setback: Whether the walk had to step back for it.
        """
        self.setbacks = 0 if new or following.row > self.furthest else self.setbacks + is_setback
        self.furthest = max(self.furthest, following.row)
        is_idle = page.keys == self.previous or not here.has_advanced(page, new, following)
        self.idle, self.previous = self.idle + 1 if is_idle else 0, page.keys
        if following.ended or STUCK not in {self.idle, self.setbacks}:
            return None
        error = PagingError(
            "the server sends nothing new any more",
            hint="Go on from the checkpoint, with a larger page_size if logs arrive faster than pages",
        )
        return about_response(error, page.response)
