"""
How the rows of a session are walked through, its logs and its metrics alike: oldest first, millisecond by millisecond.

Rows have no id, and several have the same time.  Each page is asked for from the millisecond on at which the last one ended,
and `Position` counts the rows that come again, so that rows which come or go in front shift nothing.  A page is one view of
the session, so its count of equal rows is right.

Only where more rows have one time than the service sends at once, or than one response can hold, pages follow each other by
offset.  A row that comes or goes meanwhile shifts those pages, which the walk cannot always see, so an issue says that some may
be missing.

Whether the bounds of time are themselves within is not documented: a millisecond more is asked for on both sides, and the
window is filtered here.  A service that ignores the bounds sends the rows before the border again every time.
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
    about_response,
    exchange,
    known_times,
)
from logferry.extend import Position as SavedPosition
from logferry.services.daily._sessions.position import Position, Seen
from logferry.services.daily._sessions.query import Page, Query

_EQUAL: Final = 100
"""Equal pages in a row are an error from this many on: the service does not turn pages."""

_SPARE: Final = 2
"""Rows requested by offset beyond a page, so that a response which lacks one row does not look like the end."""

_CROWDED: Final = ("time: rows that one response cannot hold together were read by offset, and some may be missing",)


@frozen
class _Portion:
    """
    What a page adds to a walk.

    Attributes:
        position: Where the walk was.
        page: The page.
        seen: How it looks from there.
        within: Which of ``seen.new`` are within the window, by their indexes there.
        issues: What may be missing.
    """

    position: Position
    page: Page
    seen: Seen
    within: Sequence[int]
    issues: tuple[str, ...]

    def resume(self, delivered: int) -> SavedPosition:
        """Where to resume once the first rows of the batch have been delivered, this many."""
        end = self.seen.new[self.within[delivered]] if delivered < len(self.within) else None
        return self.position.after(self.seen, end).to_json()

    def batch(self) -> Batch:
        """The batch for the caller."""
        rows, new = self.page.rows, self.seen.new
        items, times = rows.items, rows.times
        if isinstance(new, range) and len(self.within) == len(new):  # as nearly always
            items, times = items[new.start :], times[new.start :]
        else:
            kept = [new[index] for index in self.within]
            items, times = [items[index] for index in kept], known_times([times[index] for index in kept])
        return Batch(
            items,
            self.resume,
            self.page.response,
            issues=self.issues,
            times=times,
            ordinals=self._ordinals,
            sent=None if self.seen.passed else rows.times,
        )

    def _ordinals(self) -> dict[int, int]:
        numbers = self.position.ordinals(self.seen)
        return {order: numbers[index] for order, index in enumerate(self.within) if index in numbers} if numbers else {}


@frozen
class Walk:
    """
    A walk through the rows of a session.

    Attributes:
        query: Which rows.
    """

    query: Query

    def flow(self, resumed: SavedPosition | None) -> Flow:
        """
        Yield the window's rows, oldest first.

        Args:
            resumed: Where to resume; ``None`` for the start.
        """
        position = Position() if resumed is None else Position.from_json(resumed)
        furthest, idle, capped = (-1, 0), 0, -1
        following: Page | None = None
        ended = False
        while not ended:
            issues: tuple[str, ...] = ()
            try:
                page = following or (yield from self._page(position))
                following = None
                # Rows that are others whenever they are looked at are new for ever, but lead nowhere.
                reached = position.tick or -1, len(page.rows)
                furthest, idle = (reached, 0) if reached > furthest else (furthest, idle + 1)
                if idle >= STUCK or not position.look(page.rows).new:
                    page, issues, ended = yield from self._behind(position, page)
                if not (ended or issues or page.is_full or page.sent == capped):
                    page, following, capped = yield from self._confirmed(position, page)
            except ResponseShapeError as error:
                # Without rows that come again, only a smaller page can be asked for.
                if not (error.is_too_large and position.delivered):
                    raise
                yield from self._small(position)
                return
            portion = self._portion(position, page, issues)
            yield portion.batch()
            position = position.after(portion.seen)

    def _small(self, position: Position) -> Flow:
        """The same, where a page and the rows that come again are too much for one response: they follow each other by offset."""
        ended = False
        while not ended:
            page, issues, ended = yield from self._in_small_pages(position)
            portion = self._portion(position, page, issues)
            yield portion.batch()
            position = position.after(portion.seen)

    def _portion(self, position: Position, page: Page, issues: tuple[str, ...]) -> _Portion:
        seen, window = position.look(page.rows), self.query.window
        within: Sequence[int] = range(len(seen.new))
        if not window.has_all(page.rows.times):
            times = [page.rows.times[index] for index in seen.new]
            within = [index for index, time in enumerate(times) if time is None or window.has(time)]
        return _Portion(position, page, seen, within, issues)

    def _page(self, position: Position, limit: int | None = None) -> SubFlow[Page]:
        """The page at a position; an empty one is asked for once more, unless nothing contradicts it."""
        page = yield from self._ask(position, limit=limit)
        if not page.sent and (position.delivered or self.query.window.looks_twice):
            page = yield from self._ask(position, limit=limit)
        return page

    def _confirmed(self, position: Position, page: Page) -> SubFlow[tuple[Page, Page | None, int]]:
        """
        Doubt a page with less rows than were asked for: where something is behind it, it is asked for once more.

        Returns:
            The page, or a better one; the page behind it, where that is known; and how many rows the service sends at most.
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
        What is behind a page that has nothing new: nothing, or what the service left out of it.

        Returns:
            The page or a longer one, what may be missing, and whether the walk has ended.

        Raises:
            PagingError: The service does not turn pages.
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
        """
        The rows at a position, where each request asks for a page at most, and for one row that it has in common with the last.

        Returns:
            See ``_behind``.

        Raises:
            PagingError: The rows change all the time.
        """
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
        The rows of a page and of those behind it by offset, up to the first one later than all that have been delivered.

        Args:
            position: Where the walk is.
            page: The page.
            small: Whether more than a page is too much for one response.

        Returns:
            See ``_behind``; ``None`` where the rows changed while they were read.
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
                error = PagingError("the service does not turn pages", hint="Go on from the checkpoint later")
                raise about_response(error, found.response)
            whole, last, issues = whole.joined(found), found, _CROWDED
        return whole, issues, False

    def _next(self, position: Position, whole: Page, first: Page, *, small: bool = False) -> SubFlow[Page | None]:
        """
        The rows behind some by offset; ``None`` where they do not join.

        One row more is asked for, which shows that nothing has shifted; a small page of one row has no room for it, so that
        row is asked for afterwards.

        Args:
            position: Where the walk is.
            whole: The rows.
            first: The page that they begin with.
            small: See ``_crowd``.
        """
        limit = self.query.page_size if small else self.query.limit(position) + _SPARE
        overlap = int(min(limit, len(first.rows)) > 1)
        size = len(whole.rows)
        found = yield from self._ask(position, size - overlap, limit)
        if small and len(found.rows) <= overlap:  # it may lack a row
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
    """The latest millisecond of a page, and how many rows it has."""
    span = page.rows.times.span()
    return (-1 if span is None else span[1] // MILLISECOND), len(page.rows)


def _stuck(page: Page) -> PagingError:
    error = PagingError(
        "the service does not turn pages, or changes them all the time", hint="Go on from the checkpoint later"
    )
    return about_response(error, page.response)
