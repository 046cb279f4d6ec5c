"""Acorn, a made-up service: events, newest first, paged by a cursor in the JSON body."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeAlias, Unpack

from attrs import frozen

from logferry.extend import (
    INFO,
    MILLISECOND,
    Attributes,
    Client,
    ClientOptions,
    Connection,
    CursorPage,
    Flow,
    IdentityFields,
    LogRecord,
    Normalizer,
    Origin,
    Position,
    Rate,
    Refusal,
    ServiceResource,
    Settings,
    Stream,
    StreamDefinition,
    StreamOptions,
    Streams,
    SubFlow,
    TimeField,
    Window,
    bearer,
    cursor_walk,
    decoded,
    fetch,
    filter_field,
    get,
    is_array,
    is_object,
    keys_of,
    make_record,
    mapped,
    shown_at,
    text_in,
    wrong_shape,
)

Event: TypeAlias = dict[str, Any]
_NAMES: Final = {"id": None, "at": None, "text": None, "kind": "acorn.kind", "user": "user.id"}


def _record(item: Event, origin: Origin, time: int) -> LogRecord:
    return make_record(origin, item, time, INFO, None, "acorn.event", text_in(item.get("text")))


def _attributes(item: Event) -> Attributes:
    return mapped(item, _NAMES, prefix="acorn")


NORMALIZER: Final = Normalizer[Event](
    times=TimeField("at", MILLISECOND),
    make=_record,
    identity=IdentityFields("id"),
    attributes=_attributes,
    resource=ServiceResource("acorn"),
    untimed="at: no number of milliseconds",
)


@frozen(kw_only=True)
class EventFilters:
    """Filters of the events."""

    kind: str | None = filter_field(
        "kind", "only events of this kind", choices=("created", "deleted"), shown=shown_at("kind")
    )


def _refusal(_status: int, body: Mapping[str, Any]) -> Refusal:
    return Refusal(code=text_in(body.get("code")), message=text_in(body.get("message")))


def _walk(filters: EventFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    def ask(cursor: Position | None) -> SubFlow[CursorPage]:
        response = yield from fetch(
            get,
            "/events",
            since=None if window.since is None else window.since // MILLISECOND,
            until=-(-window.until // MILLISECOND),
            kind=filters.kind,
            size=page_size,
            cursor=cursor,
        )
        body = decoded(response, _refusal)
        items = body.get("events") if is_object(body) else None
        if not is_object(body) or not is_array(items):
            raise wrong_shape(response, "a page of events")
        return CursorPage(
            response=response,
            items=items,
            keys=keys_of(items, "id"),
            times=NORMALIZER.times(items),
            cursor=body.get("next"),
            size=page_size,
        )

    return cursor_walk(ask, window, position)


EVENTS: Final[StreamDefinition[Event, Event, EventFilters]] = StreamDefinition(
    name="acorn.events",
    summary="what happened to oaks",
    paging="cursor",
    order="newest first",
    time_filter="server",
    promise="each event once, by id",
    filters=EventFilters,
    page_size=100,
    largest_page_size=1000,
    walk=_walk,
    normalizer=NORMALIZER,
)


class Acorn(Client):
    """An Acorn account: its key, and where it is (``ACORN_API_KEY``, ``ACORN_BASE_URL``)."""

    service: ClassVar[str] = "acorn"
    documented_rate: ClassVar[Rate | None] = Rate(requests=50, seconds=10)
    streams: ClassVar[Streams] = Streams(EVENTS)
    authentication: ClassVar[str] = "API key"
    settings: ClassVar[tuple[str, ...]] = ("api_key", "base_url")

    def __init__(
        self, *, api_key: str | None = None, base_url: str | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        settings = Settings(service=self.service, given={"api_key": api_key, "base_url": base_url})
        del api_key  # a traceback with locals would show it
        super().__init__(settings, options)

    def _connect(self, settings: Settings) -> Connection:
        key, address = settings.require("api_key", "base_url")
        url = settings.url("base_url", address, example="https://acorn.example/v1")
        return Connection(base_url=url, authorizer=bearer(key))

    def events(self, *, kind: str | None = None, **options: Unpack[StreamOptions]) -> Stream[Event]:
        """The events of the account, newest first."""
        return self._open(EVENTS, EventFilters(kind=kind), options)
