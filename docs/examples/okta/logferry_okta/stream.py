"""The stream of the System Log: its filters, and its walks from page to page."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from logferry import extend
from logferry.extend import CursorPage, Flow, Position, StreamDefinition, SubFlow, Window
from logferry_okta.generated.api.system_log import list_log_events
from logferry_okta.generated.models import log_event
from logferry_okta.generated.models.error_body import ErrorBodyKey
from logferry_okta.records import NORMALIZER

_RETENTION: Final = 90 * 86_400 * extend.SECOND
_UUID: Final[log_event.LogEventKey] = "uuid"
_CODE: Final[ErrorBodyKey] = "errorCode"
_SUMMARY: Final[ErrorBodyKey] = "errorSummary"
_HINTS: Final = {401: "Check OKTA_API_TOKEN", 403: "The token's administrator must be allowed to read the System Log"}


@frozen(kw_only=True)
class SystemLogFilters:
    """Filters of the System Log; what they match, Okta decides."""

    filter_: str | None = extend.filter_field(
        "filter", 'an expression of SCIM, such as eventType eq "user.session.start"'
    )
    q: str | None = extend.filter_field("q", "words that an event has in some field")


def _walk(filters: SystemLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the events of a window by bounded requests: the last page names no next one."""

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        since = max(0, (yield from extend.now()) - 2 * _RETENTION) if window.since is None else window.since
        return (yield from _ask(filters, page_size, since, window.until, cursor))

    return extend.cursor_walk(ask, window, position)


def _forward(filters: SystemLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield what was stored since a position by polling requests: each page names a next one."""

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        return (yield from _ask(filters, page_size, window.since or 0, None, cursor))

    return extend.forward_walk(ask, position)


def _ask(
    filters: SystemLogFilters, page_size: int, since: int, until: int | None, cursor: str | None
) -> SubFlow[CursorPage]:
    response = yield from extend.fetch(
        list_log_events.request,
        since=_moment(since) if cursor is None else None,  # a cursor knows where it is
        until=None if until is None else _moment(until + extend.MILLISECOND - 1),
        after=cursor,
        filter_=filters.filter_,
        q=filters.q,
        limit=page_size,
    )
    items = extend.decoded(response, _refusal)
    if not extend.is_array(items):
        raise extend.wrong_shape(response, "an array of events")
    query, remarks = extend.link_query(response, extend.header_link(response))
    return CursorPage(
        response=response,
        items=items,
        keys=extend.keys_of(items, _UUID),
        times=NORMALIZER.times(items),
        cursor=query.get("after"),
        size=page_size,
        remarks=remarks,
    )


def _moment(nanoseconds: int) -> str:
    return f"{extend.rfc3339(nanoseconds // extend.MILLISECOND * extend.MILLISECOND)[:-7]}Z"


def _refusal(status: int, body: Mapping[str, Any]) -> extend.Refusal:
    code = extend.text_in(body.get(_CODE))
    return extend.Refusal(code=code, message=extend.text_in(body.get(_SUMMARY)), hint=_HINTS.get(status))


SYSTEM_LOG: Final[StreamDefinition[log_event.LogEvent, log_event.LogEventJson, SystemLogFilters]] = StreamDefinition(
    name="okta.system_log",
    summary="what happened in an organization: sign-ins, changes, policies",
    paging="Link header",
    order="oldest first",
    time_filter="server",
    promise="each event once, by uuid; followed and synced in the order of storing, so that late ones come too",
    filters=SystemLogFilters,
    page_size=1000,
    largest_page_size=1000,
    walk=_walk,
    forward=extend.Forward(walk=_forward),
    fits=log_event.fits_log_event,
    repair=log_event.repair_log_event,
    entry=log_event.LogEvent.from_dict,
    normalizer=NORMALIZER,
    attributes_home="logferry_okta.records:ATTRIBUTES",
    incremental=extend.Incremental(retention=_RETENTION),
)
