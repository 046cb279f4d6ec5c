"""
The stream of SignalWire's video logs.

A page names the next one in ``links.next``; only a page without one is the last, even if a page is empty.  ``_links``
parses the link; if the link is not usable, the walk ends in an error after the page was delivered.  The walk itself is
``cursor_walk``.

The documentation does not say whether the time bounds are inclusive, nor how precise they are: the request has one more
second on both sides, and the walk filters the window.  It does not give the order either, so a walk reads all pages.
The window is pinned, so no log enters it during the walk.  A page token belongs to one list: it is not valid for
another window, nor for another page size.  If the page size shrinks, the walk searches its position from the start.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve, frozen

from logferry.extend import (
    LAST,
    SECOND,
    CursorPage,
    Flow,
    Incremental,
    PagingError,
    Position,
    Response,
    StreamDefinition,
    SubFlow,
    Window,
    cursor_at,
    cursor_walk,
    decoded,
    fetch,
    filter_field,
    flag,
    is_array,
    is_object,
    keys_of,
    restarted,
    rfc3339,
    wrong_shape,
)
from logferry.services.signalwire._account import api_refusal
from logferry.services.signalwire._items import VideoItemJson, fits_item, is_discarded, item_entry, repair_item
from logferry.services.signalwire._links import LARGEST_PAGE, PageAddress, next_page
from logferry.services.signalwire._records import NORMALIZER
from logferry_clients.signalwire.api.video_logs import list_video_logs
from logferry_clients.signalwire.models.discarded_log import DiscardedLog
from logferry_clients.signalwire.models.page_links import PageLinksKey
from logferry_clients.signalwire.models.video_log import VideoLog, VideoLogKey
from logferry_clients.signalwire.models.video_log_page import VideoLogPageKey
from logferry_clients.signalwire.models.video_log_status import VideoLogStatus

# Keys come from the generated types: both type checkers reject a key that the spec does not have.
_LINKS: Final[VideoLogPageKey] = "links"
_DATA: Final[VideoLogPageKey] = "data"
_NEXT: Final[PageLinksKey] = "next"
_ID: Final[VideoLogKey] = "id"
_STATUS: Final[VideoLogKey] = "status"
_IN_PROGRESS: Final[tuple[VideoLogStatus, ...]] = ("in-progress",)


def _shown_deleted(item: Any) -> bool | None:
    """The value of the filter for deleted logs that an item shows; a log that is not deleted matches both values."""
    return True if is_discarded(item) else None


@frozen(kw_only=True)
class VideoLogFilters:
    """Filters of the video logs."""

    include_deleted: bool | None = filter_field(
        "include_deleted", "also the remains of deleted logs: true or false", parse=flag, shown=_shown_deleted
    )


def walk(filters: VideoLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's video logs, in the service's order."""
    if (PageAddress.of(cursor_at(position)).size or 0) > page_size:
        position = restarted(position)

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        address = PageAddress.of(cursor)
        response = yield from fetch(
            list_video_logs.request,
            include_deleted=filters.include_deleted,
            created_before=_created_before(window),
            created_after=_created_after(window),
            page_number=address.number,
            page_size=address.size or page_size,
            page_token=address.token,
        )
        size = address.size or page_size
        return _page(response, evolve(address, size=size), size)

    return cursor_walk(ask, window, position)


def _page(response: Response[Any], address: PageAddress, size: int) -> CursorPage:
    body = decoded(response, api_refusal)
    items = body.get(_DATA) if is_object(body) else None
    links = body.get(_LINKS) if is_object(body) else None
    # A page without links does not show whether it is the last.
    if not (is_array(items) and is_object(links)):
        raise wrong_shape(response, "a page of video logs with its links")
    following: PageAddress | None = None
    trouble: PagingError | None = None
    remarks: tuple[str, ...] = ()
    try:
        following, remarks = next_page(links.get(_NEXT), asked=response.url, current=address)
    except PagingError as error:
        trouble = error
    return CursorPage(
        response=response,
        items=items,
        keys=keys_of(items, _ID),
        times=NORMALIZER.times(items),
        cursor=None if following is None else following.to_json(),
        size=size,
        remarks=remarks,
        trouble=trouble,
    )


def _created_after(window: Window) -> str | None:
    if window.since is None or window.since < SECOND:
        return None
    return _whole_second(window.since // SECOND - 1)


def _created_before(window: Window) -> str | None:
    second = -(-window.until // SECOND) + 1
    return _whole_second(second) if second * SECOND < LAST else None


def _whole_second(second: int) -> str:
    return rfc3339(second * SECOND).partition(".")[0] + "Z"


def _is_final(item: Any, _now: int) -> bool:
    """Whether a log is final: its session is over."""
    return not is_object(item) or item.get(_STATUS) not in _IN_PROGRESS


VIDEO_LOGS: Final[StreamDefinition[VideoLog | DiscardedLog, VideoItemJson, VideoLogFilters]] = StreamDefinition(
    name="signalwire.video_logs",
    summary="sessions in video rooms and video conferences",
    paging="links.next",
    order="as sent",
    time_filter="server",
    promise=(
        "each log once, by id, also while others come and go, as it was when its page was read: a log changes until its "
        "session is over"
    ),
    filters=VideoLogFilters,
    page_size=LARGEST_PAGE,
    largest_page_size=LARGEST_PAGE,
    walk=walk,
    fits=fits_item,
    repair=repair_item,
    entry=item_entry,
    normalizer=NORMALIZER,
    attributes_home="logferry.services.signalwire._attributes:ATTRIBUTES",
    incremental=Incremental(is_final=_is_final),
)
