"""
The streams of the logs of calls, messages, faxes and conferences: the same list four times, and one definition of it.

The documentation of the first three speaks of days as the bounds of creation, so their requests have days: a server that
reads the day alone leaves nothing out then.  The walk filters the window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from logferry.extend import (
    LAST,
    SECOND,
    Flow,
    Incremental,
    Position,
    Repaired,
    Request,
    StreamDefinition,
    Window,
    is_object,
    rfc3339,
)
from logferry.services.signalwire._items import is_discarded
from logferry.services.signalwire._links import LARGEST_PAGE, PageAddress
from logferry.services.signalwire._lists import created_after, created_before, link_walk
from logferry.services.signalwire._streams import VideoLogFilters as LogFilters
from logferry.services.signalwire._usage_records import CONFERENCE, FAX, MESSAGE, VOICE, Kind, normalizer_of
from logferry_clients.signalwire.api.conference_logs import list_conference_logs
from logferry_clients.signalwire.api.fax_logs import list_fax_logs
from logferry_clients.signalwire.api.message_logs import list_message_logs
from logferry_clients.signalwire.api.voice_logs import list_voice_logs
from logferry_clients.signalwire.models.conference_log import (
    ConferenceLog,
    ConferenceLogJson,
    fits_conference_log,
    repair_conference_log,
)
from logferry_clients.signalwire.models.discarded_log import (
    DiscardedLog,
    DiscardedLogJson,
    fits_discarded_log,
    repair_discarded_log,
)
from logferry_clients.signalwire.models.fax_log import FaxLog, FaxLogJson, fits_fax_log, repair_fax_log
from logferry_clients.signalwire.models.fax_log_status import FaxLogStatus
from logferry_clients.signalwire.models.message_log import (
    MessageLog,
    MessageLogJson,
    fits_message_log,
    repair_message_log,
)
from logferry_clients.signalwire.models.message_log_status import MessageLogStatus
from logferry_clients.signalwire.models.video_log_status import VideoLogStatus
from logferry_clients.signalwire.models.voice_log import VoiceLog, VoiceLogJson, fits_voice_log, repair_voice_log
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
_CONFERENCE_PENDING: Final[tuple[VideoLogStatus, ...]] = ("in-progress",)


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
    kind: Kind,
    summary: str,
    *,
    build: _ListRequest,
    fits: Callable[[object], bool],
    repair: Callable[[object], Repaired[J]],
    entry: Callable[[Any], E],
    pending: tuple[str, ...],
    over: str,
    by_day: bool = True,
    final_after: int | None = None,
) -> StreamDefinition[E | DiscardedLog, J, LogFilters]:
    """
    Define the stream of a kind of log.

    Args:
        kind: The kind.
        summary: What the stream holds.
        build: Makes the request of a page.
        fits: Whether an item that is not deleted has its shape.
        repair: Makes an item fit, deleted or not.
        entry: Its typed model.
        pending: The statuses in which a log still changes.
        over: When it no longer changes, in words.
        by_day: Whether the bounds of creation are days.
        final_after: The age after which a log no longer changes, in nanoseconds; ``None`` for no such age.
    """
    normalizer = normalizer_of(kind)

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
        if not is_object(item) or item.get("status") not in pending:
            return True
        created = normalizer.time(item)
        return final_after is not None and created is not None and created + final_after <= now

    def item_entry(item: Any) -> E | DiscardedLog:
        return DiscardedLog.from_dict(item) if is_discarded(item) else entry(item)

    return StreamDefinition(
        name=f"signalwire.{kind.name}_logs",
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
        fits=lambda item: fits_discarded_log(item) if is_discarded(item) else fits(item),
        repair=repair,
        entry=item_entry,
        normalizer=normalizer,
        attributes_home="logferry.services.signalwire._attributes:ATTRIBUTES",
        incremental=Incremental(is_final=is_final),
    )


def _days(window: Window) -> tuple[str | None, str | None]:
    """The day before the window, and the one after it; ``None`` for no bound."""
    after = None if window.since is None or window.since < _DAY else rfc3339(window.since - _DAY)[:10]
    return after, rfc3339(window.until + _DAY)[:10] if window.until + _DAY < LAST else None


def _repair_voice(item: object) -> Repaired[VoiceLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_voice_log(item)


def _repair_message(item: object) -> Repaired[MessageLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_message_log(item)


def _repair_fax(item: object) -> Repaired[FaxLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_fax_log(item)


def _repair_conference(item: object) -> Repaired[ConferenceLogJson | DiscardedLogJson]:
    return repair_discarded_log(item) if is_discarded(item) else repair_conference_log(item)


VOICE_LOGS: Final = _stream(
    VOICE,
    "calls and their legs",
    build=list_voice_logs.request,
    fits=fits_voice_log,
    repair=_repair_voice,
    entry=VoiceLog.from_dict,
    pending=_VOICE_PENDING,
    over="its call is over",
)
MESSAGE_LOGS: Final = _stream(
    MESSAGE,
    "text messages, without their texts",
    build=list_message_logs.request,
    fits=fits_message_log,
    repair=_repair_message,
    entry=MessageLog.from_dict,
    pending=_MESSAGE_PENDING,
    over="its delivery is known, or three days have passed",
    final_after=_UNREPORTED,
)
FAX_LOGS: Final = _stream(
    FAX,
    "faxes",
    build=list_fax_logs.request,
    fits=fits_fax_log,
    repair=_repair_fax,
    entry=FaxLog.from_dict,
    pending=_FAX_PENDING,
    over="its fax is over",
)
CONFERENCE_LOGS: Final = _stream(
    CONFERENCE,
    "conferences of calls, and video sessions",
    build=list_conference_logs.request,
    fits=fits_conference_log,
    repair=_repair_conference,
    entry=ConferenceLog.from_dict,
    pending=_CONFERENCE_PENDING,
    over="it is over",
    by_day=False,
)
