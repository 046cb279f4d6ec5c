"""
The stream of a project's logs.

The service pages by cursors, which are ids of entries, so entries that arrive do not shift the pages.  The order of ids
is not that of timestamps.  Every request has both dates, since the documentation calls them both required and optional
with a default; the walk filters the window again.  A walk ends at a page without a next cursor, never at a short page.
Responses of version 2.0 (other names of the cursors, HAL) are supported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, get_args
from urllib.parse import parse_qs, urlsplit

from attrs import evolve, frozen

from logferry.extend import (
    MILLISECOND,
    SECOND,
    CursorPage,
    Flow,
    Incremental,
    PagingError,
    Position,
    Response,
    Send,
    StreamDefinition,
    SubFlow,
    Window,
    cursor_walk,
    decoded,
    exchange,
    filter_field,
    is_array,
    is_object,
    keys_of,
    printable,
    rfc3339,
    wrong_shape,
)
from logferry.services.cognigy._account import api_refusal
from logferry.services.cognigy._records import NORMALIZER
from logferry_clients.cognigy.api.logs import list_log_entries
from logferry_clients.cognigy.models.embedded_entries import EmbeddedEntriesKey
from logferry_clients.cognigy.models.log_entry import (
    LogEntry,
    LogEntryJson,
    LogEntryKey,
    fits_log_entry,
    repair_log_entry,
)
from logferry_clients.cognigy.models.log_entry_page import LogEntryPage, LogEntryPageKey
from logferry_clients.cognigy.models.log_level import LogLevel
from logferry_clients.cognigy.models.page_link import PageLinkKey
from logferry_clients.cognigy.models.page_links import PageLinksKey
from logferry_clients.cognigy.types import Request

_LEVELS: Final[tuple[LogLevel, ...]] = get_args(LogLevel)
"""The levels that a query can name."""

_ID: Final[LogEntryKey] = "_id"
_TYPE: Final[LogEntryKey] = "type"
_ITEMS: Final[LogEntryPageKey] = "items"
_TOTAL: Final[LogEntryPageKey] = "total"
_EMBEDDED: Final[LogEntryPageKey] = "_embedded"
_LINKS: Final[LogEntryPageKey] = "_links"
_CURSORS: Final[tuple[LogEntryPageKey, ...]] = ("nextCursor", "next")
_ENTRIES: Final[EmbeddedEntriesKey] = "logEntry"
_NEXT: Final[PageLinksKey] = "next"
_HREF: Final[PageLinkKey] = "href"

_LARGEST_PAGE: Final = 100
"""The maximum page size."""

_RETENTION: Final = 86_400 * SECOND
"""The default retention of an installation (documentation of the Logs page)."""

_SHOWN: Final = 200
"""Number of characters of a link that errors show."""

_BRACKETS: Final = {"type": "type[]"}
"""The parameters whose names differ in installations that want levels as the vendor's own client writes them."""


def _shown_level(item: Any) -> str | None:
    """The level of an entry; ``None`` without one, or for one that a query cannot name."""
    level = item.get(_TYPE) if is_object(item) else None
    return next((one for one in _LEVELS if one == level), None)


@frozen(kw_only=True)
class ProjectLogFilters:
    """Filters of a project's logs; the project is a filter, since an account can read several."""

    project_id: str | None = filter_field("projectId", "the project; default: the account's")
    filter_: str | None = filter_field("filter", "only entries with this in their type, message or trace id")
    type_: Sequence[LogLevel] | None = filter_field(  # a function that makes a field
        "type", "only entries of these levels, such as error,warn", choices=_LEVELS, several=True, shown=_shown_level
    )
    # Entries show these at most as a copy in their free `meta`, whose names are not documented.
    user_id: str | None = filter_field("userId", "only entries of this user")
    flow_name: str | None = filter_field("flowName", "only entries of the flow with this name")


def walk(
    filters: ProjectLogFilters,
    page_size: int,
    window: Window,
    position: Position | None,
    *,
    type_brackets: bool = False,
) -> Flow:
    """Yield the window's entries in the service's order; *type_brackets* is the option of the client."""

    def ask(cursor: str | None) -> SubFlow[CursorPage]:
        request = _request(filters, page_size, window, cursor)
        if type_brackets:
            request = evolve(
                request, params=tuple((_BRACKETS.get(name, name), value) for name, value in request.params)
            )
        response: Response[Any] = yield from exchange(Send(request))
        return _page(response, page_size)

    return cursor_walk(ask, window, position)


def _request(filters: ProjectLogFilters, page_size: int, window: Window, cursor: str | None) -> Request[LogEntryPage]:
    return list_log_entries.request(
        project_id=filters.project_id or "",
        filter_=filters.filter_,
        type_=None if filters.type_ is None else [*filters.type_],
        user_id=filters.user_id,
        flow_name=filters.flow_name,
        # The documentation does not say whether the bounds are inclusive, so the request has one more millisecond on
        # both sides.  A window without a beginning starts at the epoch, since each installation sets its own retention.
        start_date=_date(0 if window.since is None else max(0, window.since // MILLISECOND - 1)),
        end_date=_date(-(-window.until // MILLISECOND) + 1),
        limit=page_size,
        next_=cursor,
    )


def _date(milliseconds: int) -> str:
    """The format of the documentation's example: milliseconds and ``Z``."""
    return f"{rfc3339(milliseconds * MILLISECOND)[:-7]}Z"


def _page(response: Response[Any], size: int) -> CursorPage:
    body = decoded(response, api_refusal)
    items, total = _items(response, body), body.get(_TOTAL) if is_object(body) else None
    cursor: str | None = None
    trouble: PagingError | None = None
    remarks: tuple[str, ...] = ()
    try:
        cursor, remarks = _next_cursor(response, body if is_object(body) else {})
    except PagingError as error:
        trouble = error
    return CursorPage(
        response=response,
        items=items,
        keys=keys_of(items, _ID),
        times=NORMALIZER.times(items),
        cursor=cursor,
        size=size,
        total=total if type(total) is int else None,
        remarks=remarks,
        trouble=trouble,
    )


def _items(response: Response[Any], body: object) -> list[Any]:
    if is_object(body):
        embedded = body.get(_EMBEDDED)
        items = body.get(_ITEMS, embedded.get(_ENTRIES, []) if is_object(embedded) else None)
        if is_array(items):
            return items
    raise wrong_shape(response, "a page of log entries")


def _next_cursor(response: Response[Any], fields: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """
    The cursor of the next page, under either name or from the HAL link, and issues with it.

    Raises:
        PagingError: There is a value, but it is not a cursor.
    """
    cursor = next((fields[name] for name in _CURSORS if fields.get(name)), None)
    if isinstance(cursor, str):
        return cursor, ()
    if cursor is not None:
        raise PagingError("the cursor of the next page is no text", hint="The service may have changed")
    links = fields.get(_LINKS)
    link = links.get(_NEXT) if is_object(links) else None
    href = link.get(_HREF) if is_object(link) else None
    return _cursor_of_link(response, href) if href else (None, ())


def _cursor_of_link(response: Response[Any], href: object) -> tuple[str | None, tuple[str, ...]]:
    """
    The cursor in a link, and issues with the link; the request uses nothing else of it.

    Links come with the scheme http and an empty ``previous``, and a gateway may add a prefix to the path, so only a
    link to another host or endpoint is an issue.  An empty cursor is the end, a missing one is an error.
    """
    shown = printable(repr(href).partition("?")[0])[:_SHOWN]  # the query string may hold a secret
    try:
        link = urlsplit(href) if isinstance(href, str) else None
        cursor = parse_qs(link.query, keep_blank_values=True)["next"][0] if link is not None else None
        host = link.hostname if link is not None else None
    except (ValueError, KeyError):  # not a URL, or no cursor in it
        link = cursor = host = None
    if link is None or cursor is None:
        raise PagingError(f"the link to the next page has no cursor: {shown}", hint="Check COGNIGY_BASE_URL")
    if host in (None, urlsplit(response.url).hostname) and link.path.endswith(response.request.path):
        return cursor or None, ()
    return cursor or None, (f"_links.next: it leads elsewhere, so only its cursor is used: {shown}",)


PROJECT_LOGS: Final[StreamDefinition[LogEntry, LogEntryJson, ProjectLogFilters]] = StreamDefinition(
    name="cognigy.project_logs",
    summary="what the flows, endpoints and integrations of a project reported",
    paging="id cursor",
    order="as sent",
    time_filter="server",
    resolution=MILLISECOND,
    promise=(
        "each entry once, by id, also while others come and go; the service keeps entries for a short time (24 hours unless "
        "configured otherwise), and what it removes before its page is read is not there"
    ),
    filters=ProjectLogFilters,
    needs_one_of=("project_id",),
    tenant_filter="project_id",
    page_size=_LARGEST_PAGE,
    largest_page_size=_LARGEST_PAGE,
    walk=walk,
    fits=fits_log_entry,
    repair=repair_log_entry,
    entry=LogEntry.from_dict,
    normalizer=NORMALIZER,
    attributes_home="logferry.services.cognigy._attributes:ATTRIBUTES",
    incremental=Incremental(retention=_RETENTION),
)

PROJECT_LOGS_WITH_BRACKETS: Final = evolve(PROJECT_LOGS, walk=partial(walk, type_brackets=True))
"""The same for installations that want levels as ``type[]=error``."""
