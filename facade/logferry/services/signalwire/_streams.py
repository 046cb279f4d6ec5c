"""
The streams of SignalWire's lists: one definition, made for each kind of log.

The documentation does not say whether the bounds of creation are inclusive, nor how precise they are: a request has one more
second on both sides, or one more day where the documentation speaks of days, so a server that reads the day alone leaves nothing
out.  The walk filters the window.  The documentation does not give the order either, so a walk reads all pages.  The window is
pinned, so no log enters it during the walk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from attrs import frozen

from logferry.extend import (
    LAST,
    SECOND,
    Flow,
    Incremental,
    Normalizer,
    Position,
    Repaired,
    Request,
    StreamDefinition,
    Window,
    filter_field,
    flag,
    is_object,
    rfc3339,
)
from logferry.services.signalwire._items import (
    conference_entry,
    fax_entry,
    is_discarded,
    message_entry,
    repair_conference,
    repair_fax,
    repair_message,
    repair_video,
    repair_voice,
    video_entry,
    voice_entry,
)
from logferry.services.signalwire._links import LARGEST_PAGE, PageAddress
from logferry.services.signalwire._lists import created_after, created_before, link_walk
from logferry.services.signalwire._records import NORMALIZER
from logferry.services.signalwire._usage_records import CONFERENCE, FAX, MESSAGE, VOICE, normalizer_of
from logferry_clients.signalwire.api.conference_logs import list_conference_logs
from logferry_clients.signalwire.api.fax_logs import list_fax_logs
from logferry_clients.signalwire.api.message_logs import list_message_logs
from logferry_clients.signalwire.api.video_logs import list_video_logs
from logferry_clients.signalwire.api.voice_logs import list_voice_logs
from logferry_clients.signalwire.models.conference_log import fits_conference_log
from logferry_clients.signalwire.models.discarded_log import fits_discarded_log
from logferry_clients.signalwire.models.fax_log import fits_fax_log
from logferry_clients.signalwire.models.fax_log_status import FaxLogStatus
from logferry_clients.signalwire.models.message_log import fits_message_log
from logferry_clients.signalwire.models.message_log_status import MessageLogStatus
from logferry_clients.signalwire.models.video_log import VideoLogKey, fits_video_log
from logferry_clients.signalwire.models.video_log_status import VideoLogStatus
from logferry_clients.signalwire.models.voice_log import fits_voice_log
from logferry_clients.signalwire.models.voice_log_status import VoiceLogStatus

E = TypeVar("E")
J = TypeVar("J")

_DAY: Final = 86_400 * SECOND

_UNREPORTED: Final = 3 * _DAY
"""A message that still waits for a report of its delivery after this time gets none: carriers need not send one."""

_VOICE_PENDING: Final[tuple[VoiceLogStatus, ...]] = (
    "queued", "initiated", "ringing", "in-progress", "answered", "created", "ending", "joined",
)  # fmt: skip
_MESSAGE_PENDING: Final[tuple[MessageLogStatus, ...]] = ("queued", "initiated", "sent")
_FAX_PENDING: Final[tuple[FaxLogStatus, ...]] = ("queued", "initiated", "ringing", "in-progress")
_SESSION_PENDING: Final[tuple[VideoLogStatus, ...]] = ("in-progress",)

# The keys come from the generated types: both type checkers reject a key that the spec does not have.
_STATUS: Final[VideoLogKey] = "status"


def _shown_deleted(item: Any) -> bool | None:
    """The value of the filter for deleted logs that an item shows; a log that is not deleted matches both values."""
    return True if is_discarded(item) else None


@frozen(kw_only=True)
class LogFilters:
    """Filters of all lists."""

    include_deleted: bool | None = filter_field(
        "include_deleted", "also the remains of deleted logs: true or false", parse=flag, shown=_shown_deleted
    )


class _ListRequest(Protocol):
    """The builder of a list's request."""

    def __call__(
        self,
        *,
        include_deleted: bool | None,
        created_before: str | None,
        created_after: str | None,
        page_number: int | None,
        page_size: int | None,
        page_token: str | None,
    ) -> Request[Any]: ...


def _stream(
    kind: str,
    summary: str,
    normalizer: Normalizer[Any],
    *,
    build: _ListRequest,
    fits: Callable[[object], bool],
    repair: Callable[[object], Repaired[J]],
    entry: Callable[[Any], E],
    pending: tuple[str, ...],
    over: str,
    by_day: bool = True,
    final_after: int | None = None,
) -> StreamDefinition[E, J, LogFilters]:
    """
    Define the stream of a kind of log.

    Args:
        kind: The kind, as in the stream's name.
        summary: What the stream holds.
        normalizer: Makes its records.
        build: Makes the request of a page.
        fits: Whether an item that is not deleted has its shape.
        repair: Makes an item fit, deleted or not.
        entry: The typed model of an item, deleted or not.
        pending: The statuses in which a log still changes.
        over: When it no longer changes, in words.
        by_day: Whether the bounds of creation are days.
        final_after: The age after which a log no longer changes, in nanoseconds; ``None`` for no such age.
    """

    def walk(filters: LogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
        bounds = _days(window) if by_day else (created_after(window), created_before(window))

        def request(address: PageAddress, size: int) -> Request[Any]:
            return build(
                include_deleted=filters.include_deleted,
                created_after=bounds[0],
                created_before=bounds[1],
                page_number=address.number,
                page_size=size,
                page_token=address.token,
            )

        return link_walk(request, normalizer, page_size, window, position)

    def is_final(item: Any, now: int) -> bool:
        if not is_object(item) or item.get(_STATUS) not in pending:
            return True
        created = normalizer.time(item)
        return final_after is not None and created is not None and created + final_after <= now

    def fits_item(item: object) -> bool:
        return fits_discarded_log(item) if is_discarded(item) else fits(item)

    return StreamDefinition(
        name=f"signalwire.{kind}_logs",
        summary=summary,
        paging="links.next",
        order="as sent",
        time_filter="server",
        promise=(
            "each log once, by id, also while others come and go, as it was when its page was read: a log changes until "
            f"{over}"
        ),
        filters=LogFilters,
        page_size=LARGEST_PAGE,
        largest_page_size=LARGEST_PAGE,
        walk=walk,
        fits=fits_item,
        repair=repair,
        entry=entry,
        normalizer=normalizer,
        attributes_home="logferry.services.signalwire._attributes:ATTRIBUTES",
        incremental=Incremental(is_final=is_final),
    )


def _days(window: Window) -> tuple[str | None, str | None]:
    """The day before the window, and the one after it; ``None`` for no bound."""
    after = None if window.since is None or window.since < _DAY else rfc3339(window.since - _DAY)[:10]
    return after, rfc3339(window.until + _DAY)[:10] if window.until + _DAY < LAST else None


VIDEO_LOGS: Final = _stream(
    "video",
    "sessions in video rooms and video conferences",
    NORMALIZER,
    build=list_video_logs.request,
    fits=fits_video_log,
    repair=repair_video,
    entry=video_entry,
    pending=_SESSION_PENDING,
    over="its session is over",
    by_day=False,
)
VOICE_LOGS: Final = _stream(
    VOICE.name,
    "calls and their legs",
    normalizer_of(VOICE),
    build=list_voice_logs.request,
    fits=fits_voice_log,
    repair=repair_voice,
    entry=voice_entry,
    pending=_VOICE_PENDING,
    over="its call is over",
)
MESSAGE_LOGS: Final = _stream(
    MESSAGE.name,
    "text messages, without their texts",
    normalizer_of(MESSAGE),
    build=list_message_logs.request,
    fits=fits_message_log,
    repair=repair_message,
    entry=message_entry,
    pending=_MESSAGE_PENDING,
    over="its delivery is known, or three days have passed",
    final_after=_UNREPORTED,
)
FAX_LOGS: Final = _stream(
    FAX.name,
    "faxes",
    normalizer_of(FAX),
    build=list_fax_logs.request,
    fits=fits_fax_log,
    repair=repair_fax,
    entry=fax_entry,
    pending=_FAX_PENDING,
    over="its fax is over",
)
CONFERENCE_LOGS: Final = _stream(
    CONFERENCE.name,
    "conferences of calls, and video sessions",
    normalizer_of(CONFERENCE),
    build=list_conference_logs.request,
    fits=fits_conference_log,
    repair=repair_conference,
    entry=conference_entry,
    pending=_SESSION_PENDING,
    over="it is over",
    by_day=False,
)
