"""
Pages of Daily's lists: newest first, asked for by the id of the last item of the page before that has one.

Items that arrive while paging shift nothing.  A short page is no end, since the service may have a limit of its own; an
empty one is.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from logferry.extend import (
    REMEMBERED,
    CursorPage,
    PageTimes,
    PagingError,
    Position,
    Response,
    is_object,
    keys_of,
)


def starting_after(cursor: Position | None) -> tuple[str | None, int]:
    """The id that a cursor asks for items behind, and how many of those have been met."""
    if cursor is None or isinstance(cursor, str):
        return cursor, 0
    identity, met = cursor
    return identity, met


@define
class ListPages:
    """
    Makes the pages of one walk, for ``cursor_walk``.

    The next page is asked for by the last item that has an id.  Those without one behind it come again then, and are known
    by their digests.  Where a page has none, a larger one is asked for in its place.
    """

    _most: int = field(default=0, init=False)

    def page(
        self,
        response: Response[Any],
        items: list[Any],
        times: PageTimes,
        *,
        asked: Position | None,
        size: int,
        total: int | None = None,
    ) -> CursorPage:
        """
        The page of an answer.

        Args:
            response: The answer.
            items: Its items.
            times: Of each, in nanoseconds since the epoch; ``None`` where it cannot be read.
            asked: The cursor that it was asked for by.
            size: How many items were asked for.
            total: How many items the service counts for the question, or ``None`` where it does not say.
        """
        behind = next((count for count, item in enumerate(reversed(items)) if _has_id(item)), len(items))
        identity, met = starting_after(asked)
        if behind < len(items):
            identity, met = items[-1 - behind]["id"], 0
        cursor: Position | None = None
        trouble: PagingError | None = None
        if behind > met or behind < len(items):
            cursor = [identity, behind] if behind else identity
        # A page that is smaller than another was is the last.
        if behind >= (REMEMBERED if cursor else max(1, self._most)):
            trouble = PagingError("no item of a page has an id, so the next page cannot be asked for")
            cursor = None
        self._most = max(self._most, len(items))
        return CursorPage(
            response=response,
            items=items,
            keys=keys_of(items, "id"),
            times=times,
            cursor=cursor,
            size=size,
            names_next=False,
            total=total,
            trouble=trouble,
        )


def _has_id(item: Any) -> bool:
    identity = item.get("id") if is_object(item) else None
    return isinstance(identity, str) and identity != ""
