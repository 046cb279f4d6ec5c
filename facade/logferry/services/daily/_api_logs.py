"""
The stream of the REST API's log: requests to the API, or webhook deliveries.

Daily lists them newest first and pages by id.  It does not filter by time: the walk filters the window, and ends once
it is past ``since``.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import define, evolve, field, frozen

from logferry.extend import (
    SECOND,
    CursorPage,
    Flow,
    Incremental,
    PageTimes,
    Position,
    Response,
    StreamDefinition,
    SubFlow,
    Window,
    cursor_walk,
    decoded,
    fetch,
    filter_field,
    is_array,
    shown_at,
    wrong_shape,
)
from logferry.services.daily._account import refusal
from logferry.services.daily._lists import ListPages, starting_after
from logferry.services.daily._records import API_LOG_NORMALIZER
from logferry_clients.daily.api.logs import list_api_logs
from logferry_clients.daily.models.api_log import ApiLog, ApiLogJson, fits_api_log, repair_api_log
from logferry_clients.daily.models.list_api_logs_source import LIST_API_LOGS_SOURCE_VALUES, ListApiLogsSource

_PAGE: Final = 100
"""The maximum page size of Daily's other lists; that of this list is not documented."""

_PAST: Final = 50
"""The walk ends after this many logs in a row before the window; a few logs can be listed late, with an older time."""

_NEAR: Final = 5 * SECOND
"""A log at most this far before the window counts as near, in nanoseconds: neighbours can be out of order."""


@frozen(kw_only=True)
class ApiLogFilters:
    """Filters of the REST API's log."""

    source: ListApiLogsSource | None = filter_field(  # noqa: RUF009  # makes an attrs field
        "source",
        "api (the service's default) or webhook",
        choices=sorted(LIST_API_LOGS_SOURCE_VALUES),
        shown=shown_at("source"),
        any_case=True,
    )
    # The comparison is not documented.
    url: str | None = filter_field("url", "only logs of this route of the API, or of this address of a webhook server")


def _walk(filters: ApiLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's logs, newest first."""
    past, pages = _Past(window), ListPages()

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        identity, met = starting_after(cursor)
        response = yield from fetch(
            list_api_logs.request,
            starting_after=identity,
            limit=page_size + met,
            source=filters.source,
            url_query=filters.url,
        )
        page = _page(response, pages, cursor, page_size + met)
        if past.after(page.times, cursor) < _PAST:
            return page
        return evolve(page, cursor=None, trouble=None, is_past=True)

    return cursor_walk(ask, window, position)


def _page(response: Response[Any], pages: ListPages, asked: Position | None, size: int) -> CursorPage:
    items = decoded(response, refusal)
    if not is_array(items):
        raise wrong_shape(response, "an array of logs")
    return pages.page(response, items, API_LOG_NORMALIZER.times(items), asked=asked, size=size)


@define
class _Past:
    """Counts the logs in a row that lie before the window, page by page."""

    _window: Window
    _cursor: Position | None = field(default=None, init=False)
    _before: int = field(default=0, init=False)
    _count: int = field(default=0, init=False)

    def after(self, times: PageTimes, cursor: Position | None) -> int:
        """The count at the end of a page; a repeated page is counted once."""
        if cursor != self._cursor:
            self._cursor, self._before = cursor, self._count
        self._count = _past(times, self._window, self._before)
        return self._count


def _past(times: PageTimes, window: Window, past: int) -> int:
    """
    The number of logs in a row, at the end of a page, that lie before the window and not near it.

    Args:
        times: The times of the page.
        window: The window.
        past: The number at the end of the page before.
    """
    span, first = times.span(), None if window.since is None else window.since - _NEAR
    if first is None or span is None or span[0] >= first:  # the usual case
        return past if not len(times) else 0
    for time in times:
        past = past + 1 if time is not None and time < first else 0
    return past


API_LOGS: Final[StreamDefinition[ApiLog, ApiLogJson, ApiLogFilters]] = StreamDefinition(
    name="daily.api_logs",
    summary="requests to the REST API, or webhooks that were delivered",
    paging="id cursor",
    order="newest first",
    time_filter="client",
    promise="each log once, by id, also while others come and go",
    filters=ApiLogFilters,
    page_size=_PAGE,
    walk=_walk,
    fits=fits_api_log,
    repair=repair_api_log,
    entry=ApiLog.from_dict,
    normalizer=API_LOG_NORMALIZER,
    attributes_home="logferry.services.daily._attributes:ATTRIBUTES",
    incremental=Incremental(windowed=False, questions=({"source": "api"}, {"source": "webhook"})),
)
