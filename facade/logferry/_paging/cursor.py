"""
Walks through streams that page by cursor, in whatever order the service sends.

Cursors are the service's own and can go wrong in every way: come twice, lead nowhere, expire, be refused after a row has
been removed.  So a walk knows the items of the last pages.  They show what a page repeats, and where a walk that has to
begin again from the start of its window was: what comes before them has been delivered, and is not delivered again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from attrs import evolve

from logferry._errors import BadRequestError, PagingError
from logferry._flow.steps import Batch, Flow, Position, SubFlow
from logferry._http.responses import about_response
from logferry._paging.cursor_position import REMEMBERED, CursorPage, CursorPosition
from logferry._paging.end import Doubts, Evidence, believed, disagreement
from logferry._paging.loop_guard import HINT, LoopGuard, is_lost
from logferry._paging.repeats import to_deliver
from logferry._time.window import Window

Ask: TypeAlias = Callable[[Position | None], SubFlow[CursorPage]]
"""Asks for the page of a cursor; ``None`` for the first one."""


def cursor_at(position: Position | None) -> Position | None:
    """The cursor that a walk asks for at a position; ``None`` at its start."""
    return None if position is None else CursorPosition.from_json(position).cursor


def restarted(position: Position) -> Position:
    """The same position of a walk, to be looked for from the start."""
    return CursorPosition.from_json(position).again().to_json()


def cursor_walk(ask: Ask, window: Window, position: Position | None) -> Flow:
    """
    Yield the window's items in the service's order.

    It is for cursors that stay valid while items are added and removed, such as an id, a token or a link.  With an offset or a
    page number it misses an item without an issue when one that was read is removed: pages must overlap then, as in
    ``logferry.services.logto``.

    Args:
        ask: Asks for a page.
        window: Which items; one whose time cannot be read is in every window.
        position: Where to resume; ``None`` for the start.
    """
    here = (CursorPosition() if position is None else CursorPosition.from_json(position)).within_window(window)
    guard, proven, doubts = LoopGuard(), here, Doubts(window.looks_twice)
    while not here.ended:
        try:
            page = yield from believed(partial(ask, here.cursor), partial(_evidence, here), doubts)
        except (BadRequestError, PagingError) as error:
            if here.cursor is None or not is_lost(error):
                raise
            guard.restart(error)
            here = here.again()
            continue
        found = here.fresh(page)
        if guard.has_page(page.keys) and here.back is None:
            found = range(0)
        trouble = page.trouble or _guarded(guard, page, here, found)
        if trouble is not None and trouble.url is None:
            about_response(trouble, page.response)
        if found is None:
            here = _searched_on(here, page, trouble)
            continue
        fresh, repeats = to_deliver(page.items, page.keys, page.times, found, window)
        # All of a page, as nearly always, in order: an index less for each item.
        keys = page.keys if len(fresh) == len(page.keys) else [page.keys[index] for index in fresh]
        following = here.after(page, len(found))
        if trouble is not None:  # the same page again, or the first of a row of empty ones
            following = here.within(keys) if page.keys else proven
        proven = following if page.keys else proven
        is_end = following.ended and not page.is_past
        issues = disagreement(following.met, following.least) if is_end else ()
        batch = _batch(page, fresh, keys, here, following, issues=issues, remarks=(*page.remarks, *repeats))
        guard.deliver(len(found))
        del page  # so that there are never two pages in memory
        yield batch
        del batch
        if trouble is not None:
            raise trouble
        here = following


def _evidence(here: CursorPosition, page: CursorPage) -> Evidence:
    goes_on = page.cursor is not None or page.is_past
    met = here.met if goes_on else here.after(page, len(here.fresh(page) or ())).met - len(page.keys)
    total = here.counted(page.total)
    if not goes_on and here.least is not None:
        total = here.least  # a count that falls together with the end agrees with nothing
    return Evidence(
        items=len(page.keys),
        size=page.size,
        goes_on=goes_on,
        met=met,
        total=total,
        names_next=page.names_next,
        fails=page.trouble is not None,
    )


def _guarded(
    guard: LoopGuard, page: CursorPage, here: CursorPosition, found: Sequence[int] | None
) -> PagingError | None:
    """Why the walk cannot go on behind a page, if it cannot."""
    if page.cursor is None:
        return None
    # On the way back everything has been met, but no more than there was.
    if here.back is not None and here.back > 2 * here.met + REMEMBERED:
        return PagingError("the service has lost the place, and sends what was read without an end", hint=HINT)
    new = len(page.keys) if found is None or here.back is not None else len(found)
    try:
        guard.advance(page.cursor, items=len(page.keys), new=new)
    except PagingError as error:
        return error
    return None


def _searched_on(here: CursorPosition, page: CursorPage, trouble: PagingError | None) -> CursorPosition:
    if trouble is not None:
        raise trouble
    if page.cursor is None:
        lost = PagingError(
            "the service has lost the place, and nothing of what was read last is there any more",
            hint="Read the window again without the checkpoint",
        )
        raise about_response(lost, page.response)
    return evolve(here, cursor=page.cursor, back=(here.back or 0) + len(page.keys))


def _batch(
    page: CursorPage,
    fresh: Sequence[int],
    keys: Sequence[str],
    here: CursorPosition,
    following: CursorPosition,
    *,
    issues: tuple[str, ...],
    remarks: tuple[str, ...],
) -> Batch:
    def position(delivered: int) -> Position:
        return following.to_json() if delivered == len(keys) else here.within(keys[:delivered]).to_json()

    items, times = page.items, page.times
    if len(fresh) < len(items):  # seldom
        items, times = [items[index] for index in fresh], times.at(fresh)
    return Batch(items, position, page.response, page.total, issues, remarks, times=times, sent=page.times)
