"""
Walks forward from a cursor: what came after it, and after what came, until nothing more is there.

The position behind the last page is where the next walk begins.  So a poll that brings nothing new is one request, however much
was read before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve, frozen

from logferry._errors import BadRequestError, LogferryError, PagingError
from logferry._flow.layers import layer
from logferry._flow.steps import Batch, Flow, Position, SubFlow
from logferry._http.messages import Response
from logferry._http.responses import about_response
from logferry._paging.cursor import Ask
from logferry._paging.cursor_position import CursorPage, CursorPosition
from logferry._paging.loop_guard import LoopGuard, is_lost


@frozen
class Beginning:
    """
    How a walk forward begins where the service cannot list what came since a moment.

    Attributes:
        walk: Starts the stream's own walk through the window, at a position.
        cursor: Gives the cursor behind the newest items, from the items of the first batch; ``None`` where they have none, so that
            the next walk begins again.
    """

    walk: Callable[[Position | None], Flow]
    cursor: Callable[[Sequence[Any]], Position | None]


def forward_walk(ask: Ask, position: Position | None, *, beginning: Beginning | None = None) -> Flow:
    """
    Yield what came after a position, in the service's order, each item once; end at a page without items.

    Each page is a batch, also the last one, whose position is where the walk goes on at a later time.

    Args:
        ask: Asks for the page of a cursor; ``None`` for the first page.  ``CursorPage.cursor`` is what comes after the page, also
            where nothing has come yet; ``None`` leaves the walk where it is.
        position: Where to go on; ``None`` for the start.
        beginning: How it begins; by default it asks for the first page.
    """
    if beginning is not None and (position is None or "first" in position):
        yield from _begun(beginning, None if position is None else position["first"])
        return
    here = CursorPosition() if position is None else CursorPosition.from_json(position)
    guard = LoopGuard()
    while True:
        page = yield from ask(here.cursor)
        found = here.fresh(page) or range(0)
        following = evolve(here.after(page, len(found)), ended=False)
        if page.cursor is None:
            following = evolve(following, cursor=here.cursor)
        trouble = page.trouble or (_stuck(guard, page, len(found)) if page.keys else None)
        batch = _batch(page, found, here, following)
        has_ended = not page.keys or page.cursor is None
        del page
        yield batch
        if trouble is not None:
            raise trouble if trouble.url is not None else about_response(trouble, batch.response)
        if has_ended:
            return
        here = following


def _begun(beginning: Beginning, position: Position | None) -> Flow:
    """Walk through the window; the position of the last batch, which is empty, has the cursor."""
    response: Response[Any] | None = None
    newest: Sequence[Any] = ()

    def marked(batch: Batch) -> SubFlow[object]:
        nonlocal response, newest
        newest = batch.items if response is None and position is None else newest
        response = batch.response

        def within(delivered: int) -> Position:
            return {"first": batch.position(delivered)}

        return (yield evolve(batch, position=within))

    yield from layer(beginning.walk(position), {Batch: marked})
    cursor = beginning.cursor(newest)
    if response is not None:
        end = None if cursor is None else CursorPosition(cursor=cursor).to_json()
        yield Batch([], lambda _delivered: end, response)


def has_lost_cursor(error: LogferryError) -> bool:
    """Whether a walk forward ended because the service does not know its cursor any more, or leads it astray."""
    return isinstance(error, PagingError) or (isinstance(error, BadRequestError) and is_lost(error))


def _stuck(guard: LoopGuard, page: CursorPage, new: int) -> PagingError | None:
    if page.cursor is None:
        return None
    try:
        guard.advance(page.cursor, items=len(page.keys), new=new)
    except PagingError as error:
        return error
    return None


def _batch(page: CursorPage, found: Sequence[int], here: CursorPosition, following: CursorPosition) -> Batch:
    keys = [page.keys[index] for index in found]

    def position(delivered: int) -> Any:
        return following.to_json() if delivered == len(keys) else here.within(keys[:delivered]).to_json()

    whole = len(found) == len(page.items)
    return Batch(
        page.items if whole else [page.items[index] for index in found],
        position,
        page.response,
        remarks=page.remarks,
        times=page.times if whole else page.times.at(found),
    )
