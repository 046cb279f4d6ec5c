"""
The parts of a service: what a package needs to bring the logs of another service home.

The built-in services import nothing else of logferry.  A service is a client, its streams, and for each stream a walk and a
normalizer.  Read the names in this order:

1. The client.  ``Client`` is the base of an account's client: the class says what the service is called, which ``Settings`` it
   has and which ``Streams``; ``_connect`` makes a ``Connection`` of the settings, and each stream has a method that calls
   ``_open``.  That method has the name of its stream after the dot: ``events`` opens ``"acorn.events"``.  ``ClientOptions`` and ``StreamOptions`` are what all clients and all streams take.
2. Credentials.  ``bearer``, ``api_key``, ``basic`` and ``client_credentials`` make an ``Authorizer``; another one is any object
   that gives the headers of the next request.
3. The stream.  ``StreamDefinition`` says what the stream promises and holds its parts; ``filter_field`` declares a filter;
   ``Incremental`` says how ``sync`` reads the stream again and again.
4. The walk.  It is a generator without I/O, a ``Flow``: it sends requests by ``fetch`` and yields each ``Batch`` of items with
   the ``Position`` after it.  ``fetch`` takes a function that returns a ``Request``: ``get``, or the builder of a generated
   client.  The service passes the ``Window``, and the walk leaves out what lies outside.  ``cursor_walk`` is the walk of every
   stream whose pages name the next one by a cursor that stays valid while items are added and removed: an id, a token, a link.
   It needs a function that fetches one ``CursorPage``.  It is not for offsets and page numbers: once an item that was read is
   removed, all later ones move up, and the next page begins one item too late, which nothing shows.  Such a stream needs a walk
   whose pages overlap, as the one in ``logferry/services/logto/_walk.py``.  ``header_link`` finds a link in ``Link`` headers, and
   ``link_query`` takes the parameters of a link, in a header or in a body, which is never followed elsewhere.
   ``Forward`` is for a stream that can say what came after a cursor: ``follow``, ``tail`` and ``sync`` read it from there, and
   where nothing is new, a poll is one request.  ``forward_walk`` is such a walk,
   ``Beginning`` how it begins where the service cannot list what came since a moment.
5. The response.  ``decoded`` gives the JSON of a ``Response`` or raises the error that its status stands for, with the
   service's own words for it, a ``Refusal``.
6. The record.  ``Normalizer`` holds the pure functions that make a ``LogRecord`` of an item: ``TimeField`` reads times,
   ``IdentityFields`` the id and the tenant, ``ServiceResource`` makes the resource, ``mapped`` names attributes,
   ``without_secrets`` masks what must not be shown, ``Attribute`` documents one.
7. For walks and items that need more: ``exchange`` and ``Send`` for a request that is changed before it is sent; ``Evidence``,
   ``Doubts`` and ``believed`` decide whether a page is complete or is requested again, ``shortage`` and ``disagreement`` word
   what may be missing; ``Delivered`` knows what a walk from the newest item on has met; ``to_deliver`` chooses the new items of a
   page that are in the window, each id once; ``Sessions`` is for streams that are read session by session.
8. The package.  ``Service`` names client, attributes and fake, each by its place.  A distribution registers it under the entry point
   group ``logferry.services``, as ``acorn = "acorn_logs:SERVICE"``.  Then accounts, all commands, completion, the pytest plugin and
   the suites of ``logferry.testing`` know the service as they know a built-in one.  ``docs/examples/okta`` is such a package, and
   ``logferry spec new`` writes one.
9. The fake.  ``logferry.testing.StreamFake`` is the base of one with a single stream, ``Fake`` the protocol of any.  ``connected``
   there makes a client of it; ``conformance.Trial`` and ``sync_conformance.SyncTrial`` test its streams.

Times are nanoseconds since the epoch, UTC, in an ``int``; ``SECOND`` and ``MILLISECOND`` are the units.  Windows are half-open,
``[since, until)``.  Errors are those of ``logferry``: ``ConfigurationError`` for settings, ``InvalidRequestError`` for a call
that cannot be right, ``PagingError`` for a walk that has lost its place, ``ResponseShapeError`` for a response that is not as
documented, or too large.  Severities are ``TRACE``, ``DEBUG``, ``INFO``, ``WARN``, ``ERROR`` and ``FATAL``.

Names load when they are first used, so that a client costs what it needs.  Put streams into a module of their own and name it
by a text (``Streams("acorn._streams:EVENTS")``) to load them, and the models they use, when one is opened.

A complete service, whose requests need no generated client::

    '''Acorn, a made-up service: events, newest first, paged by a cursor in the JSON body.'''

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
        '''Filters of the events.'''

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
        '''An Acorn account: its key, and where it is (``ACORN_API_KEY``, ``ACORN_BASE_URL``).'''

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
            '''The events of the account, newest first.'''
            return self._open(EVENTS, EventFilters(kind=kind), options)
"""

from typing import TYPE_CHECKING

from logferry._lazy import lazy_names

if TYPE_CHECKING:
    from logferry._accounts.registry import Service
    from logferry._client import Client, Connection
    from logferry._config.arguments import ClientOptions, StreamOptions
    from logferry._config.settings import Settings
    from logferry._errors import (
        AuthenticationError,
        ConfigurationError,
        InvalidRequestError,
        PagingError,
        ResponseShapeError,
    )
    from logferry._flow.auth import Authorizer, api_key, basic, bearer, client_credentials
    from logferry._flow.steps import Batch, Flow, Key, Position, SubFlow, exchange, fetch, now
    from logferry._http.links import header_link, link_query
    from logferry._http.messages import Request, Response, Send, get
    from logferry._http.rate import Rate
    from logferry._http.responses import Refusal, about_response, decoded, is_foreign, wrong_shape
    from logferry._json import digest, dumps, is_array, is_object, loads, text_in
    from logferry._paging.cursor import cursor_at, cursor_walk, restarted
    from logferry._paging.cursor_position import REMEMBERED, CursorPage
    from logferry._paging.delivered import Delivered, plausible
    from logferry._paging.end import Doubts, Evidence, believed, disagreement, shortage
    from logferry._paging.forward import Beginning, forward_walk
    from logferry._paging.keys import keys_of
    from logferry._paging.loop_guard import STUCK
    from logferry._paging.repeats import to_deliver
    from logferry._records.attributes import Attribute, Attributes, mapped, present
    from logferry._records.origin import IdentityFields, Normalizer, Origin, ServiceResource
    from logferry._records.record import LogRecord, make_record
    from logferry._records.severities import DEBUG, ERROR, FATAL, INFO, TRACE, WARN
    from logferry._redaction import REDACTED, is_secret_name, printable, public_url, without_secrets
    from logferry._streams.definition import Forward, Repaired, StreamDefinition, filter_field, flag
    from logferry._streams.incremental import Incremental, Sessions
    from logferry._streams.lazy import Streams
    from logferry._streams.matching import shown_at
    from logferry._streams.views import Stream
    from logferry._time.page_times import PageTimes, TimeField, known_times
    from logferry._time.timestamps import LAST, MILLISECOND, SECOND, number_to_nano, rfc3339, text_to_nano
    from logferry._time.window import Window

_HOMES = {
    "_accounts.registry": "Service",
    "_client": "Client Connection",
    "_config.arguments": "ClientOptions StreamOptions",
    "_config.settings": "Settings",
    "_errors": "AuthenticationError ConfigurationError InvalidRequestError PagingError ResponseShapeError",
    "_flow.auth": "Authorizer api_key basic bearer client_credentials",
    "_flow.steps": "Batch Flow Key Position SubFlow exchange fetch now",
    "_http.links": "header_link link_query",
    "_http.messages": "Request Response Send get",
    "_http.rate": "Rate",
    "_http.responses": "Refusal about_response decoded is_foreign wrong_shape",
    "_json": "digest dumps is_array is_object loads text_in",
    "_paging.cursor": "cursor_at cursor_walk restarted",
    "_paging.cursor_position": "CursorPage REMEMBERED",
    "_paging.delivered": "Delivered plausible",
    "_paging.end": "Doubts Evidence believed disagreement shortage",
    "_paging.forward": "Beginning forward_walk",
    "_paging.keys": "keys_of",
    "_paging.loop_guard": "STUCK",
    "_paging.repeats": "to_deliver",
    "_records.attributes": "Attribute Attributes mapped present",
    "_records.origin": "IdentityFields Normalizer Origin ServiceResource",
    "_records.record": "LogRecord make_record",
    "_records.severities": "DEBUG ERROR FATAL INFO TRACE WARN",
    "_redaction": "REDACTED is_secret_name printable public_url without_secrets",
    "_streams.definition": "Forward Repaired StreamDefinition filter_field flag",
    "_streams.incremental": "Incremental Sessions",
    "_streams.lazy": "Streams",
    "_streams.matching": "shown_at",
    "_streams.views": "Stream",
    "_time.page_times": "PageTimes TimeField known_times",
    "_time.timestamps": "LAST MILLISECOND SECOND number_to_nano rfc3339 text_to_nano",
    "_time.window": "Window",
}

__all__ = [
    "DEBUG", "ERROR", "FATAL", "INFO", "LAST", "MILLISECOND", "REDACTED", "REMEMBERED", "SECOND", "STUCK", "TRACE",
    "WARN", "Attribute", "Attributes", "AuthenticationError", "Authorizer", "Batch", "Beginning", "Client", "ClientOptions",
    "ConfigurationError", "Connection", "CursorPage", "Delivered", "Doubts", "Evidence", "Flow", "Forward",
    "IdentityFields", "Incremental", "InvalidRequestError", "Key", "LogRecord", "Normalizer", "Origin", "PageTimes",
    "PagingError", "Position", "Rate", "Refusal", "Repaired", "Request", "Response", "ResponseShapeError", "Send",
    "Service", "ServiceResource", "Sessions", "Settings", "Stream", "StreamDefinition", "StreamOptions", "Streams",
    "SubFlow", "TimeField", "Window", "about_response", "api_key", "basic", "bearer", "believed", "client_credentials",
    "cursor_at", "cursor_walk", "decoded", "digest", "disagreement", "dumps", "exchange", "fetch", "filter_field",
    "flag", "forward_walk", "get", "header_link", "is_array", "is_foreign", "is_object", "is_secret_name", "keys_of",
    "known_times", "link_query", "loads", "make_record", "mapped", "now", "number_to_nano", "plausible", "present",
    "printable", "public_url", "restarted", "rfc3339", "shortage", "shown_at", "text_in", "text_to_nano", "to_deliver",
    "without_secrets", "wrong_shape",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(globals(), _HOMES)
