"""
The stream of SignalWire's video logs.

A page names the next one in ``links.next``, and only a page without one is the last, also where a page is empty.  The
link is taken apart, see ``_links``; where it cannot be used, the walk ends in an error, after its page was delivered.

Whether the service's bounds of time are inclusive, and how finely it compares, is not documented: one second more is
asked for on each side, and the window is filtered here.  Nor is the order, so a walk reads all pages.  The window is
pinned, so no log enters it while paging; should a border between pages shift all the same, the keys of the page before
tell which logs have been delivered.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from attrs import field, frozen

from logferry._answers import decoded, wrong_shape
from logferry._cursors import SeenCursors
from logferry._definition import StreamDefinition, filter_field, flag
from logferry._errors import PagingError
from logferry._identity import digest
from logferry._json import is_array, is_object
from logferry._redaction import public_url
from logferry._steps import Batch, Flow, Position, Reply, fetch
from logferry._times import LAST, SECOND, rfc3339, text_to_nano
from logferry._window import Window
from logferry.services.signalwire._account import REQUEST_ID_HEADER, api_refusal
from logferry.services.signalwire._items import VideoItemJson, fits_item, item_entry, repair_item
from logferry.services.signalwire._links import LARGEST_PAGE, PageAddress, next_page
from logferry.services.signalwire._records import NORMALIZER
from logferry_clients.signalwire.api.video_logs import list_video_logs
from logferry_clients.signalwire.models.discarded_log import DiscardedLog
from logferry_clients.signalwire.models.page_links import PageLinksKey
from logferry_clients.signalwire.models.video_log import VideoLog, VideoLogKey
from logferry_clients.signalwire.models.video_log_page import VideoLogPageKey

# Keys are of the generated types, so that both type checkers know one that the spec does not have.
_LINKS: Final[VideoLogPageKey] = "links"
_DATA: Final[VideoLogPageKey] = "data"
_NEXT: Final[PageLinksKey] = "next"
_ID: Final[VideoLogKey] = "id"
_TIME: Final[VideoLogKey] = "created_at"


@frozen(kw_only=True)
class VideoLogFilters:
    """Filters of the video logs."""

    include_deleted: bool | None = filter_field(
        "include_deleted", "also what is left of deleted logs: true or false", parse=flag
    )


@frozen
class _Place:
    """
    Where a walk is.

    Attributes:
        page: What the next page is asked for by.
        recent: Keys of the page before, and of those logs of this page that have been delivered.
        ended: Whether there is no next page.
    """

    page: PageAddress = field(factory=PageAddress)
    recent: tuple[str, ...] = field(default=(), repr=False)
    ended: bool = False

    def to_json(self) -> Position:
        return {"page": self.page.to_json(), "recent": list(self.recent), "ended": self.ended}

    @classmethod
    def from_json(cls, position: Position) -> _Place:
        return cls(PageAddress(**position["page"]), tuple(position["recent"]), position["ended"])


@frozen
class _Turn:
    """
    What a page adds to a walk.

    Attributes:
        place: Where the walk was.
        following: Where it is once the page has been delivered.
        fresh: Keys of the logs that are delivered.
    """

    place: _Place
    following: _Place
    fresh: list[str]

    def position(self, delivered: int) -> Position:
        """Where to resume once the first *delivered* logs have been."""
        if delivered == len(self.fresh):
            return self.following.to_json()
        return _Place(self.place.page, (*self.place.recent, *self.fresh[:delivered])).to_json()


def walk(filters: VideoLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's video logs, in the service's order."""
    place = _Place() if position is None else _Place.from_json(position)
    seen = SeenCursors()
    while not place.ended:
        reply = yield from fetch(
            list_video_logs.request,
            include_deleted=filters.include_deleted,
            created_before=_created_before(window),
            created_after=_created_after(window),
            page_number=place.page.number,
            page_size=place.page.size or page_size,
            page_token=place.page.token,
        )
        items, link = _page(reply)
        keys = [_key(item) for item in items]
        unknown = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
        for key in place.recent:
            unknown.pop(key, None)
        indexes = sorted(index for index in unknown.values() if _is_within(items[index], window))
        fresh = [keys[index] for index in indexes]
        trouble: PagingError | None = None
        try:
            following = _following(link, reply, place.page, keys)
            if not following.ended:
                seen.advance(following.page.cursor, items=len(unknown))
        except PagingError as error:
            trouble = error.about(method=reply.request.method, url=public_url(reply.url))
            following = _Place(place.page, (*place.recent, *fresh))
        batch = Batch([items[index] for index in indexes], _Turn(place, following, fresh).position, reply)
        del items, reply  # so that there are never two pages in memory
        yield batch
        del batch
        if trouble is not None:
            raise trouble
        place = following


def _following(link: Any, reply: Reply[Any], page: PageAddress, keys: list[str]) -> _Place:
    address = next_page(link, asked=reply.url, current=page)
    return _Place(page, ended=True) if address is None else _Place(address, tuple(keys))


def _page(reply: Reply[Any]) -> tuple[list[Any], Any]:
    """The items of a page, and its link to the next one."""
    body = decoded(reply, api_refusal, request_id_header=REQUEST_ID_HEADER)
    if is_object(body):
        items, links = body.get(_DATA), body.get(_LINKS)
        # A page without links does not say whether it is the last.
        if is_array(items) and is_object(links):
            return items, links.get(_NEXT)
    raise wrong_shape(reply, "a page of video logs with its links", request_id_header=REQUEST_ID_HEADER)


def _key(item: Any) -> str:
    """What tells an item from others: short, since checkpoints hold those of up to two pages."""
    identity = item.get(_ID) if is_object(item) else None
    text = identity if isinstance(identity, str) else digest(item)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _is_within(item: Any, window: Window) -> bool:
    """Whether an item was created in the window; one whose time cannot be read is in every window."""
    time = text_to_nano(item.get(_TIME)) if is_object(item) else None
    return time is None or window.has(time)


def _created_after(window: Window) -> str | None:
    if window.since is None or window.since < SECOND:
        return None
    return _whole_second(window.since // SECOND - 1)


def _created_before(window: Window) -> str | None:
    second = -(-window.until // SECOND) + 1
    return _whole_second(second) if second * SECOND < LAST else None


def _whole_second(second: int) -> str:
    return rfc3339(second * SECOND).partition(".")[0] + "Z"


VIDEO_LOGS: Final[StreamDefinition[VideoLog | DiscardedLog, VideoItemJson, VideoLogFilters]] = StreamDefinition(
    name="signalwire.video_logs",
    summary="sessions in video rooms and video conferences",
    paging="links.next",
    order="as sent",
    time_filter="server",
    promise=(
        "each log once, by id, as it was when its page was read: a log changes until its session is over; a next link "
        "that leads elsewhere is an error"
    ),
    filters=VideoLogFilters,
    page_size=LARGEST_PAGE,
    largest_page_size=LARGEST_PAGE,
    walk=walk,
    fits=fits_item,
    repair=repair_item,
    entry=item_entry,
    normalizer=NORMALIZER,
)
