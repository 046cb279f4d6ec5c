"""
The stream of the REST API's log: requests that were made, or webhooks that were delivered.

Daily lists them newest first and pages by id, so logs that arrive while paging shift nothing.  There is no filter by
time: the window is filtered here, and the walk ends once it is past ``since``.  A limit of the page size is not
documented, so a short page is no end; an empty one is.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve, field, frozen

from logferry._answers import decoded, wrong_shape
from logferry._cursors import Restarts, SeenCursors, is_lost
from logferry._definition import StreamDefinition, filter_field
from logferry._errors import BadRequestError, PagingError
from logferry._identity import digest
from logferry._json import is_array, is_object
from logferry._steps import Batch, Flow, Position, Reply, fetch
from logferry._times import text_to_nano
from logferry._trail import Key, Trail
from logferry._window import Window
from logferry.services.daily._account import REQUEST_ID_HEADER, refusal
from logferry.services.daily._filters import one_of
from logferry.services.daily._records import API_LOG_NORMALIZER
from logferry_clients.daily.api.logs import list_api_logs
from logferry_clients.daily.models.api_log import ApiLog, ApiLogJson, fits_api_log, repair_api_log
from logferry_clients.daily.models.list_api_logs_source import LIST_API_LOGS_SOURCE_VALUES, ListApiLogsSource

_PAGE: Final = 100
"""The limit of Daily's other lists; this one's is not documented."""

_source: Final = one_of(LIST_API_LOGS_SOURCE_VALUES)


@frozen(kw_only=True)
class ApiLogFilters:
    """Filters of the REST API's log."""

    source: ListApiLogsSource | None = filter_field(  # noqa: RUF009  # it makes an attrs field
        "source", "api (the service's default) or webhook", parse=_source
    )
    url: str | None = filter_field("url", "only logs of this route of the API, or of this address of a webhook server")


@frozen
class _Place:
    """Where a walk is: the id that the next page comes after, and what has been delivered."""

    after: str | None = None
    trail: Trail = field(factory=Trail)
    ended: bool = False

    def to_json(self) -> Position:
        return {"after": self.after, "trail": self.trail.to_json(), "ended": self.ended}

    @classmethod
    def from_json(cls, position: Position) -> _Place:
        return cls(position["after"], Trail(**position["trail"]), position["ended"])


@frozen
class _Turn:
    """
    What a page adds to a walk.

    Attributes:
        place: Where the walk was.
        fresh: The keys of the page's items that are within the window and have not been delivered.
        cursor: The id that the next page comes after.
        ended: Whether there is nothing more.
    """

    place: _Place
    fresh: list[Key]
    cursor: str | None
    ended: bool

    def after(self) -> _Place:
        """Where the walk is once the page has been delivered."""
        return _Place(self.cursor, self.place.trail.after(self.fresh), self.ended)

    def position(self, delivered: int) -> Position:
        """Where to resume once the first *delivered* fresh items have been."""
        if delivered == len(self.fresh):
            return self.after().to_json()
        return _Place(self.place.after, self.place.trail.after(self.fresh[:delivered])).to_json()


def _walk(filters: ApiLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's logs, newest first."""
    place = _Place() if position is None else _Place.from_json(position)
    seen, restarts = SeenCursors(), Restarts()
    while not place.ended:
        reply = yield from fetch(
            list_api_logs.request,
            starting_after=place.after,
            limit=page_size,
            source=filters.source,
            url_query=filters.url,
        )
        try:
            items = _array(reply)
        except BadRequestError as error:
            if place.after is None or not is_lost(error):
                raise
            # From the newest log again: the trail knows what has been passed.
            restarts.next(error)
            place, seen = evolve(place, after=None), SeenCursors()
            continue
        keys = [_key(item) for item in items]
        indexes = place.trail.fresh(keys, window)
        turn = _Turn(
            place=place,
            fresh=[keys[index] for index in indexes],
            cursor=next((item["id"] for item in reversed(items) if _has_id(item)), place.after),
            ended=not items or place.trail.is_past(keys, window),
        )
        new = sum(not place.trail.knows(key) for key in keys)
        restarts.got(new)
        yield Batch([items[index] for index in indexes], turn.position, reply)
        place = turn.after()
        if not place.ended:
            if place.after is None or not _has_id(items[-1]):
                raise PagingError("the last log of a page has no id, so the next page cannot be asked for")
            # What has been passed comes again after a new beginning, which is bounded by itself.
            seen.advance(place.after, items=len(items), new=new or restarts.count)


def _array(reply: Reply[Any]) -> list[Any]:
    body = decoded(reply, refusal, request_id_header=REQUEST_ID_HEADER)
    if not is_array(body):
        raise wrong_shape(reply, "an array of logs", request_id_header=REQUEST_ID_HEADER)
    return body


def _has_id(item: Any) -> bool:
    identity = item.get("id") if is_object(item) else None
    return isinstance(identity, str) and identity != ""


def _key(item: Any) -> Key:
    time = text_to_nano(item.get("createdAt")) if is_object(item) else None
    return time, item["id"] if _has_id(item) else digest(item)


API_LOGS: Final[StreamDefinition[ApiLog, ApiLogJson, ApiLogFilters]] = StreamDefinition(
    name="daily.api_logs",
    summary="requests to the REST API, or webhooks that were delivered",
    paging="id cursor",
    order="newest first",
    time_filter="client",
    promise="each log once, by id, also while new ones arrive",
    filters=ApiLogFilters,
    page_size=_PAGE,
    walk=_walk,
    fits=fits_api_log,
    repair=repair_api_log,
    entry=ApiLog.from_dict,
    normalizer=API_LOG_NORMALIZER,
)
