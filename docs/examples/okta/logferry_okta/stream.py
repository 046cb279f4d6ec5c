"""The stream of the System Log: its filters, and its walks from page to page."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from attrs import frozen

from logferry.extend import (
    MILLISECOND,
    SECOND,
    CursorPage,
    Flow,
    Forward,
    Incremental,
    Position,
    Refusal,
    Response,
    StreamDefinition,
    SubFlow,
    Window,
    cursor_walk,
    decoded,
    fetch,
    filter_field,
    forward_walk,
    header_link,
    is_array,
    keys_of,
    link_query,
    now,
    rfc3339,
    text_in,
    wrong_shape,
)
from logferry_okta.generated.api.system_log import list_log_events
from logferry_okta.generated.models.error_body import ErrorBodyKey
from logferry_okta.generated.models.log_event import (
    LogEvent,
    LogEventJson,
    LogEventKey,
    fits_log_event,
    repair_log_event,
)
from logferry_okta.records import NORMALIZER

_RETENTION: Final = 90 * 86_400 * SECOND
_UUID: Final[LogEventKey] = "uuid"
_CODE: Final[ErrorBodyKey] = "errorCode"
_SUMMARY: Final[ErrorBodyKey] = "errorSummary"
_HINTS: Final = {
    HTTPStatus.UNAUTHORIZED: "Check OKTA_API_TOKEN: it must be an API token of this organization",
    HTTPStatus.FORBIDDEN: "The administrator whose token it is must be allowed to read the System Log",
}


@frozen(kw_only=True)
class SystemLogFilters:
    """Filters of the System Log; what they match, Okta decides."""

    filter_: str | None = filter_field("filter", 'an expression of SCIM, such as eventType eq "user.session.start"')
    q: str | None = filter_field("q", "words that an event has in some field")


def _refusal(status: int, body: Mapping[str, Any]) -> Refusal:
    hint = _HINTS.get(HTTPStatus(status)) if status in _HINTS else None
    return Refusal(code=text_in(body.get(_CODE)), message=text_in(body.get(_SUMMARY)), hint=hint)


def _walk(filters: SystemLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the events of a window by bounded requests, whose last page names no next one."""

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        since = max(0, (yield from now()) - 2 * _RETENTION) if window.since is None else window.since
        response = yield from fetch(
            list_log_events.request,
            since=_moment(since // MILLISECOND) if cursor is None else None,  # a cursor knows where it is
            until=_moment(-(-window.until // MILLISECOND)),
            after=cursor,
            filter_=filters.filter_,
            q=filters.q,
            limit=page_size,
        )
        return _page(response, page_size)

    return cursor_walk(ask, window, position)


def _forward(filters: SystemLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield what was stored after a position by polling requests, whose pages always name a next one."""

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        response = yield from fetch(
            list_log_events.request,
            since=_moment((window.since or 0) // MILLISECOND) if cursor is None else None,
            after=cursor,
            filter_=filters.filter_,
            q=filters.q,
            limit=page_size,
        )
        return _page(response, page_size)

    return forward_walk(ask, position)


def _moment(milliseconds: int) -> str:
    return f"{rfc3339(milliseconds * MILLISECOND)[:-7]}Z"


def _page(response: Response[Any], size: int) -> CursorPage:
    items = decoded(response, _refusal)
    if not is_array(items):
        raise wrong_shape(response, "an array of events")
    link = header_link(response)
    query, remarks = ({}, ()) if link is None else link_query(response, link)
    return CursorPage(
        response=response,
        items=items,
        keys=keys_of(items, _UUID),
        times=NORMALIZER.times(items),
        cursor=query.get("after"),
        size=size,
        remarks=remarks,
    )


SYSTEM_LOG: Final[StreamDefinition[LogEvent, LogEventJson, SystemLogFilters]] = StreamDefinition(
    name="okta.system_log",
    summary="what happened in an organization: sign-ins, changes, policies",
    paging="Link header",
    order="oldest first",
    time_filter="server",
    promise="each event once, by uuid; followed and synced by the time at which events are stored, so that late ones come too",
    filters=SystemLogFilters,
    page_size=1000,
    largest_page_size=1000,
    walk=_walk,
    forward=Forward(walk=_forward),
    fits=fits_log_event,
    repair=repair_log_event,
    entry=LogEvent.from_dict,
    normalizer=NORMALIZER,
    attributes_home="logferry_okta.records:ATTRIBUTES",
    incremental=Incremental(retention=_RETENTION),
)
