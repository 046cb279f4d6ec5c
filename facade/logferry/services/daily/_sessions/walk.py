"""
Walks through the rows of a session, logs or metrics: oldest first, millisecond by millisecond.

Rows have no id, and several can have the same time.  Each request starts at the millisecond at which the last page
ended, and `Position` counts the rows that come again, so rows that arrive or disappear before it shift nothing.  A page
is one view of the session, so its count of equal rows is right.

Only if more rows have one time than the service sends at once, or than one response can hold, pages follow each other
by offset.  A row that arrives or disappears meanwhile shifts those pages.  The walk cannot always detect that, so an
issue says that rows may be missing.

The documentation does not say whether the time bounds are inclusive: the request has one more millisecond on both
sides, and the walk filters the window.  A service that ignores the bounds sends the rows before the border every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from logferry.extend import (
    MILLISECOND,
    STUCK,
    Batch,
    Flow,
    PagingError,
    ResponseShapeError,
    Send,
    SubFlow,
    Window,
    about_response,
    exchange,
)
from logferry.extend import Position as SavedPosition
from logferry.services.daily._sessions.position import Position
from logferry.services.daily._sessions.query import Page, Query

_EQUAL: Final = 100
"""This many equal pages in a row are an error: the service ignores the offset."""

_SPARE: Final = 2
"""Extra rows of a request by offset, so that a response which lacks one row does not look like the end."""

_CROWDED: Final = ("time: rows that one response cannot hold together were read by offset, and some may be missing",)


def _batch(position: Position, page: Page, window: Window, issues: tuple[str, ...]) -> tuple[Batch, Position]:
    """The new rows of a page that lie within the window, and the position after the page."""
    seen = position.look(page.rows)
    new, items, times = seen.new, page.rows.items, page.rows.times
    within: Sequence[int] = range(len(new))
    if not window.has_all(times):
        within = [order for order in within if (time := times[new[order]]) is None or window.has(time)]
    if isinstance(new, range) and len(within) == len(new):  # nearly always
        items, times = items[new.start :], times[new.start :]
    else:
        kept = [new[order] for order in within]
        items, times = [items[index] for index in kept], times.at(kept)

    def resume(delivered: int) -> SavedPosition:
        end = new[within[delivered]] if delivered < len(within) else None
        return position.after(seen, end).to_json()

    def ordinals() -> dict[int, int]:
        numbers = position.ordinals(seen)
        return {order: numbers[index] for order, index in enumerate(within) if index in numbers} if numbers else {}

    sent = None if seen.passed else page.rows.times
    batch = Batch(items, resume, page.response, issues=issues, times=times, ordinals=ordinals, sent=sent)
    return batch, position.after(seen)


@frozen
class Walk:
    """A walk through the rows of a session."""

    query: Query

    def flow(self, resumed: SavedPosition | None) -> Flow:
        """Yield the window's rows, oldest first; ``None`` is the start."""
        position = Position() if resumed is None else Position.from_json(resumed)
        furthest, idle, capped = (-1, 0), 0, -1
        following: Page | None = None
        small = ended = False
        while not ended:
            issues: tuple[str, ...] = ()
            try:
                if small:
                    page, issues, ended = yield from self._in_small_pages(position)
                else:
                    page = following or (yield from self._page(position))
                    following = None
                    # Rows that change with every response are always new, but do not advance the walk.
                    reached = position.tick or -1, len(page.rows)
                    furthest, idle = (reached, 0) if reached > furthest else (furthest, idle + 1)
                    if idle >= STUCK or not position.look(page.rows).new:
                        page, issues, ended = yield from self._behind(position, page)
                    if not (ended or issues or page.is_full or page.sent == capped):
                        page, following, capped = yield from self._confirmed(position, page)
            except ResponseShapeError as error:
                # If no rows come again, only a smaller page can help.
                if small or not (error.is_too_large and position.delivered):
                    raise
                small = True
                continue
            batch, position = _batch(position, page, self.query.window, issues)
            yield batch

    def _page(self, position: Position, limit: int | None = None) -> SubFlow[Page]:
        """The page at a position; an unexpectedly empty page is requested once more."""
        page = yield from self._ask(position, limit=limit)
        if not page.sent and (position.delivered or self.query.window.looks_twice):
            page = yield from self._ask(position, limit=limit)
        return page

    def _confirmed(self, position: Position, page: Page) -> SubFlow[tuple[Page, Page | None, int]]:
        """
        Check a page with fewer rows than its limit: if rows follow it, request it once more.

        Returns:
            The page, or a better one; the next page, if it is known; and the service's maximum number of rows.
        """
        seen = position.look(page.rows)
        following = yield from self._page(position.after(seen))
        if not position.after(seen).look(following.rows).new:
            return page, following, -1
        again = yield from self._ask(position, limit=page.limit)
        if len(position.look(again.rows).new) > len(seen.new):
            return again, None, again.sent
        return page, following, again.sent

    def _behind(self, position: Position, page: Page) -> SubFlow[tuple[Page, tuple[str, ...], bool]]:
        """
        Read on after a page that has nothing new: the session has ended, or the service left rows out.

        Returns:
            The page or a longer one, what may be missing, and whether the walk has ended.
        """
        for _ in range(STUCK):
            if not page.sent:
                return page, (), True
            found = yield from self._next(position, page, page)
            if found is not None and not len(found.rows):
                return page, (), True
            known = _reached(page)
            page = yield from self._page(position, limit=2 * self.query.limit(position))
            if position.look(page.rows).new and _reached(page) > known:
                return page, (), False
            crowd = None if found is None else (yield from self._crowd(position, page))
            if crowd is not None:
                return crowd
        raise _stuck(page)

    def _in_small_pages(self, position: Position) -> SubFlow[tuple[Page, tuple[str, ...], bool]]:
        """The rows behind a position, as of ``_behind``; each request asks for one page at most."""
        page = yield from self._page(position, limit=self.query.page_size)
        for _ in range(STUCK):
            crowd = yield from self._crowd(position, page, small=True)
            if crowd is not None:
                return crowd
            page = yield from self._page(position, limit=self.query.page_size)
        raise _stuck(page)

    def _crowd(
        self, position: Position, page: Page, *, small: bool = False
    ) -> SubFlow[tuple[Page, tuple[str, ...], bool] | None]:
        """
        The rows of a page and of the next ones by offset, up to the first row later than all that have been delivered.

        The result is that of ``_behind``; ``None`` if the rows changed while they were read.  *small*: one response
        cannot hold more rows than a page.
        """
        whole, last, equal = page, page, 0
        issues: tuple[str, ...] = ()
        while _reached(last)[0] <= (position.latest or -1):
            found = yield from self._next(position, whole, page, small=small)
            if found is None:
                return None
            if not len(found.rows):
                return whole, issues, True
            equal = equal + 1 if found.rows.items == last.rows.items else 0
            if equal == _EQUAL:
                raise _stuck(found)
            whole, last, issues = whole.joined(found), found, _CROWDED
        return whole, issues, False

    def _next(self, position: Position, whole: Page, first: Page, *, small: bool = False) -> SubFlow[Page | None]:
        """
        The rows behind the *whole* so far, by offset; ``None`` if they do not join it.

        The request overlaps by one row, which shows that nothing has shifted.  A small page of one row cannot overlap,
        so a second request reads the row before it.
        """
        limit = self.query.page_size if small else self.query.limit(position) + _SPARE
        overlap = int(min(limit, len(first.rows)) > 1)
        size = len(whole.rows)
        found = yield from self._ask(position, size - overlap, limit)
        if (small or not overlap) and len(found.rows) <= overlap:
            # An emptied or shortened response would look like the end.
            found = yield from self._ask(position, size - overlap, limit)
        joint = found if overlap else None
        if small and size and not overlap:
            joint = yield from self._ask(position, size - 1, limit)
        if joint is not None and not (len(joint.rows) and joint.rows.identity(0) == whole.rows.identity(size - 1)):
            return None
        return evolve(found, rows=found.rows.behind(overlap))

    def _ask(self, position: Position, offset: int = 0, limit: int | None = None) -> SubFlow[Page]:
        limit = limit or self.query.limit(position)
        response = yield from exchange(Send(self.query.request(self.query.start(position), limit, offset)))
        return self.query.page(response, limit)


def _reached(page: Page) -> tuple[int, int]:
    """The latest millisecond of a page, and its number of rows."""
    span = page.rows.times.span()
    return (-1 if span is None else span[1] // MILLISECOND), len(page.rows)


def _stuck(page: Page) -> PagingError:
    error = PagingError(
        "the service repeats a page, or changes it at each request", hint="Resume from the checkpoint later"
    )
    return about_response(error, page.response)
