"""What the clients of all services have in common: options, connections, and opening a stream."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import Any, ClassVar, Self, TypeVar, Unpack
from urllib.parse import urlsplit

from attrs import AttrsInstance, asdict, evolve, frozen

from logferry._arguments import (
    CallChanges,
    ClientOptions,
    StreamOptions,
    changed_options,
    checked_authorities,
    checked_proxy,
    refuse_unknown,
    require_count,
)
from logferry._checkpoint import Checkpoint, is_follow, read_checkpoint
from logferry._clock import SystemClock
from logferry._definition import StreamDefinition
from logferry._errors import CheckpointError, ConfigurationError, InvalidRequestError
from logferry._fast import FAST, require_fast
from logferry._iteration import Plan, Runtime, asked
from logferry._layers import Authorizer
from logferry._options import CallOptions, WireOptions, is_loopback
from logferry._pace import Pace
from logferry._pool import Pool, checked_transport
from logferry._rate import Rate
from logferry._reading import Reader, is_divided
from logferry._settings import Settings, worded
from logferry._steps import Flow, Position
from logferry._stream import Stream
from logferry._window import Window, window
from logferry._wire import HttpWire

E = TypeVar("E")
F = TypeVar("F", bound=AttrsInstance)


@frozen(kw_only=True)
class Connection:
    """
    How a client reaches its account.

    Attributes:
        base_url: Origin and path in front of every request's path, checked.
        authorizer: Knows the account's credentials.
        tenant: Whose logs they are, where the items do not say; ``None`` where nobody knows.
    """

    base_url: str
    authorizer: Authorizer
    tenant: str | None = None


class Client(ABC):
    """
    A client of one service's account.  Immutable, safe to share between threads and tasks.

    Use it in a ``with`` or ``async with`` block, or call ``close()`` or ``aclose()`` when done.
    """

    service: ClassVar[str]
    """The service's name, such as ``"logto"``."""
    request_id_header: ClassVar[str] = "x-request-id"
    """Where the service names a request, in lower case."""
    documented_rate: ClassVar[Rate | None] = None
    """How many requests the service documents to take from an account; ``None`` where it sets no limit for reading."""
    streams: ClassVar[tuple[StreamDefinition[Any, Any, Any], ...]] = ()
    """The streams that the client can open."""
    authentication: ClassVar[str] = ""
    """How the service knows who asks, in a few words."""
    settings: ClassVar[tuple[str, ...]] = ()
    """The settings that usually make an account; each is an argument, and an environment variable."""
    optional_settings: ClassVar[tuple[str, ...]] = ()
    """The settings that have a default, or stand for others."""

    def __init__(self, settings: Settings, options: ClientOptions) -> None:
        names = (*self.settings, *self.optional_settings)
        refuse_unknown(options, names, ClientOptions)
        self._worded = partial(
            worded, variables={settings.variable(name): name for name in names}, source=settings.source
        )
        try:
            connection = self._connect(settings, allow_insecure=options.get("allow_insecure", False))
        except ConfigurationError as error:
            error.hint = error.hint and self._worded(error.hint)
            raise
        self._base_url = connection.base_url
        self._authorizer = connection.authorizer
        self._tenant = connection.tenant
        self._account = options.get("account") or self.service
        self._clock = options.get("clock") or SystemClock()
        # The limits are those of the vendors' installations; on this machine there is none.
        host = urlsplit(connection.base_url).hostname or ""
        rate = None if is_loopback(host) else self.documented_rate
        self._options = changed_options(CallOptions(rate=rate), options)
        self._pace = Pace()
        wire = WireOptions(
            base_url=connection.base_url,
            proxy=checked_proxy(options.get("proxy")),
            verify=checked_authorities(options.get("verify")),
            transport=checked_transport(options.get("transport")),
        )
        if wire.transport == FAST:
            require_fast(wire)
        self._pool = Pool(wire)

    @abstractmethod
    def _connect(self, settings: Settings, *, allow_insecure: bool) -> Connection:
        """
        Read the settings; what the client's streams need of them it keeps.

        Raises:
            ConfigurationError: A setting is missing or wrong.
        """

    @classmethod
    def from_env(cls, **options: Unpack[ClientOptions]) -> Self:
        """
        The account that the environment describes.

        Raises:
            ConfigurationError: A setting is missing or wrong.
        """
        return cls.from_settings(Settings(service=cls.service), **options)

    @classmethod
    def from_settings(cls, settings: Settings, **options: Unpack[ClientOptions]) -> Self:
        """The account of these settings, whose names and types each service's own constructor spells out."""
        # Here a setting is none of the arguments; in the constructor, which takes them, it is what may have been meant.
        refuse_unknown(options, (), ClientOptions)
        client = cls.__new__(cls)
        Client.__init__(client, settings, options)
        return client

    @property
    def account(self) -> str:
        """The account's name."""
        return self._account

    def with_options(self, **changes: Unpack[CallChanges]) -> Self:
        """A view of this client that shares its connections, its token and its pace, with other options."""
        refuse_unknown(changes, (), CallChanges)
        view = copy(self)
        view._options = changed_options(self._options, changes)  # noqa: SLF001  # a view is made here only
        return view

    def close(self) -> None:
        """Close the connections, of all views."""
        self._pool.close()

    async def aclose(self) -> None:
        """Close the connections, of all views."""
        await self._pool.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} account={self._account!r} {self._base_url}>"

    def stream(
        self, name: str, *, filters: Mapping[str, str] | None = None, **options: Unpack[StreamOptions]
    ) -> Stream[Any]:
        """
        Open a stream by name, for programs that take it from a user; else its own method is better typed.

        Args:
            name: The stream's name, such as ``"logto.audit_logs"``.
            filters: Values by the filter's name in Python or on the wire.
            options: What every stream takes.

        Raises:
            InvalidRequestError: There is no such stream or filter, or the call cannot be right.
        """
        definition = next((one for one in self.streams if one.name == name), None)
        if definition is None:
            names = ", ".join(one.name for one in self.streams)
            raise InvalidRequestError(f"{self.service} has no stream {name!r}", hint=f"It has: {names}")
        known = {spelling: one for one in definition.filter_list for spelling in (one.name, one.wire_name)}
        given: dict[str, Any] = {}
        for spelling, value in (filters or {}).items():
            if spelling not in known:
                names = ", ".join(one.name for one in definition.filter_list) or "none"
                raise InvalidRequestError(f"{name} has no filter {spelling!r}", hint=f"Its filters: {names}")
            try:
                given[known[spelling].name] = known[spelling].parse(value)
            except ValueError as error:
                raise InvalidRequestError(f"{name}: {spelling} cannot be {value!r}: {error}") from error
        opened: Stream[Any] = getattr(self, definition.method)(**given, **options)
        return opened

    def _open(self, definition: StreamDefinition[E, Any, F], filters: F, options: StreamOptions) -> Stream[E]:
        """A stream of this account, checked before anything is sent."""
        refuse_unknown(options, (one.name for one in definition.filter_list), StreamOptions)
        given = _given(filters)
        for name, value in given.items():
            if isinstance(value, str) and (not value or not value.isprintable()):
                raise InvalidRequestError(
                    f"{definition.name}: {name} is empty, or holds a character that cannot be sent",
                    hint="Leave it out for no filter",
                )
        since, until, resume = options.get("since"), options.get("until"), options.get("resume")
        page_size, max_items = options.get("page_size"), options.get("max_items")
        largest = definition.largest_page_size
        if page_size is not None:
            require_count("page_size", page_size, InvalidRequestError)
        if page_size is not None and (page_size < 1 or (largest is not None and page_size > largest)):
            bounds = "at least 1" if largest is None else f"from 1 to {largest}"
            raise InvalidRequestError(f"{definition.name}: page_size is {page_size}, it must be {bounds}")
        if max_items is not None:
            require_count("max_items", max_items, InvalidRequestError)
        checkpoint = None
        if resume is None:
            window(since, until, now=self._clock.now())
        else:
            checkpoint = read_checkpoint(resume)
            checkpoint.belongs_to(stream=definition.name, filters=given, asked=(asked(since), asked(until)))
            filters = _opened(definition, checkpoint)
        if definition.needs_one_of and not any(name in _given(filters) for name in definition.needs_one_of):
            raise InvalidRequestError(
                f"{definition.name} needs {' or '.join(definition.needs_one_of)}",
                hint=_how_to_find(definition),
            )
        runtime = self._runtime()
        if definition.tenant_filter:
            runtime = evolve(runtime, tenant=_given(filters).get(definition.tenant_filter))
        return Stream(
            definition,
            Plan(
                stream=definition.name,
                definition=definition,
                reader=self._reader(definition, filters, page_size),
                filters=_given(filters),
                since=since,
                until=until,
                max_items=max_items,
                resume=checkpoint,
                strict=options.get("strict", False),
                runtime=runtime,
            ),
        )

    def _reader(self, definition: StreamDefinition[E, Any, F], filters: F, page_size: int | None) -> Reader:
        size, concurrency, ahead = page_size or definition.page_size, self._options.concurrency, definition.ahead
        return Reader(
            walk=partial(definition.walk, filters, size),
            order=definition.order,
            ahead=None if ahead is None else partial(ahead, filters, size, concurrency=concurrency),
            division=definition.division,
            page_size=size,
            concurrency=concurrency,
        )

    def _runtime(self) -> Runtime:
        return Runtime(
            service=self.service,
            account=self._account,
            tenant=self._tenant,
            server_address=urlsplit(self._base_url).hostname or "",
            request_id_header=self.request_id_header,
            wire=HttpWire(self._pool, self._clock, self._options.timeouts),
            clock=self._clock,
            authorizer=self._authorizer,
            pace=self._pace,
            options=self._options,
            chance=random.random,
            worded=self._worded,
        )


def _opened(definition: StreamDefinition[Any, Any, F], checkpoint: Checkpoint) -> F:
    """
    The filters of a checkpoint whose place the stream's flow understands.

    A digest keeps damage away, not a checkpoint that was made up or comes from another release.
    """
    try:
        filters = definition.filters(**checkpoint.filters)
        walk: Callable[[Window, Position | None], Flow] = partial(definition.walk, filters, definition.page_size)
        if is_follow(checkpoint.position):
            from logferry._follow import Follow  # noqa: PLC0415  # most programs follow nothing

            walk = Follow(walk=walk, definition=definition)
        if is_divided(checkpoint.position):
            one_by_one = Reader(walk=walk, order=definition.order, division=definition.division, page_size=1)
            walk = one_by_one.read
        flow = walk(checkpoint.window, checkpoint.position)
        # Its first step sends nothing: a driver would.
        next(flow, None)
        flow.close()
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise CheckpointError("the checkpoint is damaged", hint="Start again without it") from error
    return filters


def _given(filters: AttrsInstance) -> dict[str, Any]:
    return {name: value for name, value in asdict(filters).items() if value is not None}


def _how_to_find(definition: StreamDefinition[Any, Any, Any]) -> str:
    sessions = definition.incremental.sessions
    found = "" if sessions is None else f"; {sessions.stream} lists what there is"
    return f"The service asks for one of them (in the shell: --filter {definition.needs_one_of[0]}=...){found}"
