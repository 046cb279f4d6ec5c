"""
The walk through SignalWire's lists.

A page names the next one in ``links.next``; only a page without one is the last, even if a page is empty.  ``_links``
parses the link; if the link is not usable, the walk ends in an error after the page was delivered.

A page token belongs to one list: it is not valid for another window, nor for another page size.  If the page size
shrinks, the walk searches its position from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import evolve

from logferry.extend import (
    LAST,
    SECOND,
    CursorPage,
    Flow,
    Normalizer,
    PagingError,
    Position,
    Request,
    SubFlow,
    Window,
    cursor_at,
    cursor_walk,
    decoded,
    fetch,
    is_array,
    is_object,
    keys_of,
    restarted,
    rfc3339,
    wrong_shape,
)
from logferry.services.signalwire._account import api_refusal
from logferry.services.signalwire._links import PageAddress, next_page
from logferry_clients.signalwire.models.page_links import PageLinksKey
from logferry_clients.signalwire.models.video_log_page import VideoLogPageKey

_LINKS: Final[VideoLogPageKey] = "links"
_DATA: Final[VideoLogPageKey] = "data"
_NEXT: Final[PageLinksKey] = "next"


def link_walk(
    request: Callable[[PageAddress, int], Request[Any]],
    normalizer: Normalizer[Any],
    page_size: int,
    window: Window,
    position: Position | None,
) -> Flow:
    """Yield the window's items of a list, in the service's order; *request* takes an address and a page size."""
    if (PageAddress.of(cursor_at(position)).size or 0) > page_size:
        position = restarted(position)

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        address = PageAddress.of(cursor)
        size = address.size or page_size
        response = yield from fetch(request, address, size)
        body = decoded(response, api_refusal)
        items = body.get(_DATA) if is_object(body) else None
        links = body.get(_LINKS) if is_object(body) else None
        # A page without links does not show whether it is the last.
        if not (is_array(items) and is_object(links)):
            raise wrong_shape(response, "a page of logs with its links")
        following: PageAddress | None = None
        trouble: PagingError | None = None
        remarks: tuple[str, ...] = ()
        try:
            following, remarks = next_page(links.get(_NEXT), asked=response.url, current=evolve(address, size=size))
        except PagingError as error:
            trouble = error
        return CursorPage(
            response=response,
            items=items,
            keys=keys_of(items, "id"),
            times=normalizer.times(items),
            cursor=None if following is None else following.to_json(),
            size=size,
            remarks=remarks,
            trouble=trouble,
        )

    return cursor_walk(ask, window, position)


def created_after(window: Window) -> str | None:
    """The parameter of this name: a second before the window; ``None`` for no bound."""
    if window.since is None or window.since < SECOND:
        return None
    return _whole_second(window.since // SECOND - 1)


def created_before(window: Window) -> str | None:
    """The parameter of this name: a second after the window; ``None`` for no bound."""
    second = -(-window.until // SECOND) + 1
    return _whole_second(second) if second * SECOND < LAST else None


def _whole_second(second: int) -> str:
    return rfc3339(second * SECOND).partition(".")[0] + "Z"
