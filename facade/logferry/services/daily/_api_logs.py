"""
The stream of the REST API's log: requests to the API, or webhook deliveries.

Daily lists them newest first and pages by id.  It does not filter by time: the walk filters the window, and ends once
it is past ``since``.  A follow asks for what is listed above the newest log, and walks through the settling time every five minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from attrs import define, field, frozen

from logferry.extend import (
    SECOND,
    Beginning,
    CursorPage,
    Flow,
    Forward,
    Incremental,
    PageTimes,
    PagingError,
    Position,
    Request,
    StreamDefinition,
    SubFlow,
    Window,
    about_response,
    decoded,
    fetch,
    filter_field,
    forward_walk,
    is_array,
    is_object,
    keys_of,
    shown_at,
    text_in,
    wrong_shape,
)
from logferry.services.daily._account import refusal
from logferry.services.daily._lists import list_walk
from logferry.services.daily._records import API_LOG_NORMALIZER
from logferry_clients.daily.api.logs import list_api_logs
from logferry_clients.daily.models.api_log import ApiLog, ApiLogJson, ApiLogKey, fits_api_log, repair_api_log
from logferry_clients.daily.models.list_api_logs_source import LIST_API_LOGS_SOURCE_VALUES, ListApiLogsSource

_PAGE: Final = 100
"""The maximum page size of Daily's other lists; that of this list is not documented."""

_ID: Final[ApiLogKey] = "id"

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

    def request(after: str | None, limit: int) -> Request[list[ApiLog]]:
        return list_api_logs.request(starting_after=after, limit=limit, source=filters.source, url_query=filters.url)

    return list_walk(request, API_LOG_NORMALIZER, page_size, window, position, is_past=_Past(window))


def _forward(filters: ApiLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """
    Yield the logs that are listed above the newest one that is known.

    The request is for what is above the second newest log, so that the newest one is in the response: without it, the service does
    not know the id any more, or has left something out.
    """

    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        second, newest = cursor or (None, None)
        response = yield from fetch(
            list_api_logs.request,
            ending_before=second,
            limit=page_size,
            source=filters.source,
            url_query=filters.url,
        )
        logs = decoded(response, refusal)
        if not is_array(logs):
            raise wrong_shape(response, "an array")
        ids = _ids(logs)
        if newest not in ids:
            raise about_response(PagingError("the newest log that was read is not listed any more"), response)
        items = [log for log, identity in zip(logs, ids, strict=True) if identity != newest]
        return CursorPage(
            response=response,
            items=items,
            keys=keys_of(items, "id"),
            times=API_LOG_NORMALIZER.times(items),
            cursor=_newest(logs) if ids[0] != newest else None,
            size=page_size,
        )

    return forward_walk(ask, position, beginning=Beginning(partial(_walk, filters, page_size, window), _newest))


def _newest(logs: Sequence[Any]) -> Position | None:
    """The ids of the second newest log and of the newest one; ``None`` if there are none."""
    newest, second = [*_ids(logs[:2]), None, None][:2]
    return [second, newest] if newest and second else None


def _ids(logs: Sequence[Any]) -> list[str | None]:
    return [text_in(log.get(_ID)) if is_object(log) else None for log in logs]


@define
class _Past:
    """Counts the logs in a row that lie before the window and not near it, page by page."""

    _window: Window
    _cursor: Position | None = field(default=None, init=False)
    _before: int = field(default=0, init=False)
    _count: int = field(default=0, init=False)

    def __call__(self, times: PageTimes, cursor: Position | None) -> bool:
        """Whether the walk ends at a page; one that is requested again is counted once."""
        if cursor != self._cursor:
            self._cursor, self._before = cursor, self._count
        self._count = self._before
        since, span = self._window.since, times.span()
        if since is None or span is None or span[0] >= since - _NEAR:  # the usual case
            self._count = 0 if len(times) else self._before
        else:
            for time in times:
                self._count = self._count + 1 if time is not None and time < since - _NEAR else 0
        return self._count >= _PAST


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
    # Logs of one second are in the order of their ids, so a new one can be listed below the newest.
    forward=Forward(walk=_forward, catches_late=False),
    fits=fits_api_log,
    repair=repair_api_log,
    entry=ApiLog.from_dict,
    normalizer=API_LOG_NORMALIZER,
    attributes_home="logferry.services.daily._attributes:ATTRIBUTES",
    incremental=Incremental(windowed=False, questions=({"source": "api"}, {"source": "webhook"})),
)
