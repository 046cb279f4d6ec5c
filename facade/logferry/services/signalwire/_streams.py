"""
The stream of SignalWire's video logs.

The documentation does not say whether the time bounds are inclusive, nor how precise they are: the request has one more
second on both sides, and the walk filters the window.  It does not give the order either, so a walk reads all pages.
The window is pinned, so no log enters it during the walk.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen

from logferry.extend import (
    Flow,
    Incremental,
    Position,
    Request,
    StreamDefinition,
    Window,
    filter_field,
    flag,
    is_object,
)
from logferry.services.signalwire._items import VideoItemJson, fits_item, is_discarded, item_entry, repair_item
from logferry.services.signalwire._links import LARGEST_PAGE, PageAddress
from logferry.services.signalwire._lists import created_after, created_before, link_walk
from logferry.services.signalwire._records import NORMALIZER
from logferry_clients.signalwire.api.video_logs import list_video_logs
from logferry_clients.signalwire.models.discarded_log import DiscardedLog
from logferry_clients.signalwire.models.video_log import VideoLog, VideoLogKey
from logferry_clients.signalwire.models.video_log_page import VideoLogPage
from logferry_clients.signalwire.models.video_log_status import VideoLogStatus

# Keys come from the generated types: both type checkers reject a key that the spec does not have.
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


def _walk(filters: VideoLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's video logs, in the service's order."""

    def request(address: PageAddress, size: int) -> Request[VideoLogPage]:
        return list_video_logs.request(
            include_deleted=filters.include_deleted,
            created_before=created_before(window),
            created_after=created_after(window),
            page_number=address.number,
            page_size=size,
            page_token=address.token,
        )

    return link_walk(request, NORMALIZER, page_size, window, position)


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
    walk=_walk,
    fits=fits_item,
    repair=repair_item,
    entry=item_entry,
    normalizer=NORMALIZER,
    attributes_home="logferry.services.signalwire._attributes:ATTRIBUTES",
    incremental=Incremental(is_final=_is_final),
)
