"""
The stream of meeting sessions: participants, times and room.  Its ids are the queries of the logs of calls.

Daily lists them by their start, newest first, and pages by id.  Its bounds are whole seconds of the start: the request
has one more second on both sides, and the walk filters the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from logferry.extend import (
    SECOND,
    Flow,
    Incremental,
    Position,
    Request,
    Sessions,
    StreamDefinition,
    Window,
    filter_field,
    flag,
    is_object,
    shown_at,
)
from logferry.services.daily._lists import list_walk
from logferry.services.daily._meeting_records import MEETING_NORMALIZER
from logferry_clients.daily.api.meetings import list_meetings
from logferry_clients.daily.models.meeting import Meeting, MeetingJson, fits_meeting, repair_meeting
from logferry_clients.daily.models.meeting_page import MeetingPage, MeetingPageKey

_DATA: Final[MeetingPageKey] = "data"

_SETTLING: Final = 1800 * SECOND
"""A session's logs arrive at most this long after its end."""

_LARGEST_PAGE: Final = 100
"""The maximum page size."""


@frozen(kw_only=True)
class MeetingFilters:
    """Filters of meetings."""

    room: str | None = filter_field(
        "room", "only meetings in the room of this name", shown=shown_at("room"), any_case=True
    )
    ongoing: bool | None = filter_field(  # makes an attrs field
        "ongoing", "only ongoing meetings (true), or only finished ones (false)", parse=flag, shown=shown_at("ongoing")
    )


def _walk(filters: MeetingFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the meetings that began within the window, newest first."""

    def request(after: str | None, limit: int) -> Request[MeetingPage]:
        return list_meetings.request(
            room=filters.room,
            ongoing=filters.ongoing,
            timeframe_start=None if window.since is None else max(0, window.since // SECOND - 1),
            timeframe_end=-(-window.until // SECOND) + 1,
            starting_after=after,
            limit=limit,
        )

    return list_walk(request, MEETING_NORMALIZER, page_size, window, position, array=_DATA, largest_page=_LARGEST_PAGE)


def _is_over(item: Any, now: int) -> bool:
    """Whether a meeting ended before a moment, so that no more logs arrive: clients send them until the end."""
    fields = item if is_object(item) else {}
    begin, duration = MEETING_NORMALIZER.time(item), fields.get("duration")
    if begin is None or type(duration) is not int:
        return fields.get("ongoing") is not True
    return fields.get("ongoing") is not True and begin + duration * SECOND + _SETTLING <= now


def _question(item: Any) -> Mapping[str, str] | None:
    identity = item.get("id") if is_object(item) else None
    return {"mtg_session_id": identity} if isinstance(identity, str) and identity else None


SESSIONS: Final = Incremental(
    settling=_SETTLING,
    resumable=False,
    sessions=Sessions(
        stream="daily.meetings",
        filters=("room",),
        question=_question,
        begin=MEETING_NORMALIZER.time,
        is_over=_is_over,
    ),
)
"""How the streams of a call are synced: session by session, again until each has been over for a while."""

MEETINGS: Final[StreamDefinition[Meeting, MeetingJson, MeetingFilters]] = StreamDefinition(
    name="daily.meetings",
    summary="meeting sessions with their participants, times and room",
    paging="id cursor",
    order="newest first",
    time_filter="server",
    promise=(
        "each meeting once, by id, also while others come and go, as it was when its page was read: a meeting changes until it "
        "is over"
    ),
    filters=MeetingFilters,
    page_size=_LARGEST_PAGE,
    largest_page_size=_LARGEST_PAGE,
    walk=_walk,
    fits=fits_meeting,
    repair=repair_meeting,
    entry=Meeting.from_dict,
    normalizer=MEETING_NORMALIZER,
    attributes_home="logferry.services.daily._attributes:ATTRIBUTES",
    incremental=Incremental(settling=_SETTLING, is_final=_is_over),
)
