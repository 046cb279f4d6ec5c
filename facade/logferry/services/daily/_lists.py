"""
Pages of Daily's lists: newest first, requested by the id of the last item on the page before that has an id.

Items that arrive during a walk do not shift the pages.  A short page is not the end, since the service may have a lower
limit; an empty page is.
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
    """The id that a cursor starts after, and the number of delivered items behind that id."""
    if cursor is None or isinstance(cursor, str):
        return cursor, 0
    identity, met = cursor
    return identity, met


@define
class ListPages:
    """
    Makes the pages of one walk, for ``cursor_walk``.

    The next request starts after the last item that has an id.  The items behind that one come again, and are
    recognized by their digests.  If no item of a page has an id, a larger page is requested instead.
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
        Make the page of a response.

        Args:
            response: The response.
            items: Its items.
            times: Their times, in nanoseconds since the epoch; ``None`` for an unreadable one.
            asked: The cursor of the request.
            size: The page size of the request.
            total: The service's count of all items of the query; ``None`` without one.
        """
        behind = next((count for count, item in enumerate(reversed(items)) if _has_id(item)), len(items))
        identity, met = starting_after(asked)
        if behind < len(items):
            identity, met = items[-1 - behind]["id"], 0
        cursor: Position | None = None
        trouble: PagingError | None = None
        if behind > met or behind < len(items):
            cursor = [identity, behind] if behind else identity
        # A page smaller than an earlier one is the last.
        if behind >= (REMEMBERED if cursor else max(1, self._most)):
            trouble = PagingError("no item of a page has an id, so the next page cannot be requested")
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
