"""
The walk through Daily's lists: newest first, requested by the id of the last item on the page before that has an id.

Items that arrive during a walk do not shift the pages.  A short page is not the end, since the service may have a lower
limit; an empty page is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import evolve

from logferry.extend import (
    REMEMBERED,
    CursorPage,
    Flow,
    Normalizer,
    PageTimes,
    PagingError,
    Position,
    Request,
    SubFlow,
    Window,
    cursor_walk,
    decoded,
    fetch,
    is_array,
    is_object,
    keys_of,
    wrong_shape,
)
from logferry.services.daily._account import refusal
from logferry_clients.daily.models.meeting_page import MeetingPageKey

_TOTAL: Final[MeetingPageKey] = "total_count"


def list_walk(
    request: Callable[[str | None, int], Request[Any]],
    normalizer: Normalizer[Any],
    page_size: int,
    window: Window,
    position: Position | None,
    *,
    array: str | None = None,
    largest_page: int | None = None,
    is_past: Callable[[PageTimes, Position | None], bool] = lambda _times, _cursor: False,
) -> Flow:
    """
    Yield the window's items of a list.

    The next request starts after the last item that has an id.  The items behind that one come again, and are
    recognized by their digests.  If no item of a page has an id, a larger page is requested instead.

    Args:
        request: Makes the request for the items after an id, and their number.
        normalizer: Reads the times of the items.
        page_size: Number of new items per request.
        window: The window.
        position: Where to resume; ``None`` for the start.
        array: The field with the items; ``None`` if the response is the array.
        largest_page: The service's maximum page size, if it is known.
        is_past: Whether the walk ends at a page with these times, at this cursor: the rest lies before the window.
    """
    most = 0

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        nonlocal most
        identity, met = cursor if is_array(cursor) else (cursor, 0)
        size = page_size + met if largest_page is None else min(page_size + met, largest_page)
        response = yield from fetch(request, identity, size)
        body = decoded(response, refusal)
        fields = body if is_object(body) else {}
        items, total = body if array is None else fields.get(array), fields.get(_TOTAL)
        if not is_array(items):
            raise wrong_shape(response, f"an object with an array {array}" if array else "an array")
        behind = next((count for count, item in enumerate(reversed(items)) if _has_id(item)), len(items))
        if behind < len(items):
            identity, met = items[-1 - behind]["id"], 0
        following: Position | None = None
        trouble: PagingError | None = None
        if behind > met or behind < len(items):
            following = [identity, behind] if behind else identity
        # A page smaller than an earlier one is the last.
        if behind >= (REMEMBERED if following else max(1, most)):
            trouble = PagingError("no item of a page has an id, so the next page cannot be requested")
            following = None
        most = max(most, len(items))
        page = CursorPage(
            response=response,
            items=items,
            keys=keys_of(items, "id"),
            times=normalizer.times(items),
            cursor=following,
            size=size,
            names_next=False,
            total=total if type(total) is int else None,
            trouble=trouble,
        )
        return evolve(page, cursor=None, trouble=None, is_past=True) if is_past(page.times, cursor) else page

    return cursor_walk(ask, window, position)


def _has_id(item: Any) -> bool:
    identity = item.get("id") if is_object(item) else None
    return isinstance(identity, str) and identity != ""
