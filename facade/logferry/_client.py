"""What the clients of all services have in common: options, connections, and opening a stream."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack
from urllib.parse import urlsplit

from attrs import AttrsInstance, evolve, field, frozen

from logferry._config.arguments import (
    CallChanges,
    CallOptions,
    ClientOptions,
    StreamOptions,
    changed_options,
    refuse_unknown,
)
from logferry._config.settings import Settings, worded
from logferry._errors import ConfigurationError, InvalidRequestError, ShortTraceback, suggestion
from logferry._flow.auth import Authorizer
from logferry._http.options import WireOptions, is_loopback
from logferry._http.pool import Pool
from logferry._http.rate import Rate
from logferry._http.rate_limiter import RateLimiter
from logferry._http.responses import ReadRefusal, Refusal
from logferry._redaction import hide_secrets
from logferry._streams.lazy import Streams
from logferry._time.clock import SystemClock

if TYPE_CHECKING:
    from logferry._http.messages import Request
    from logferry._streams.definition import StreamDefinition
    from logferry._streams.plan import Runtime
    from logferry._streams.views import Stream

E = TypeVar("E")
F = TypeVar("F", bound=AttrsInstance)
R = TypeVar("R")


@frozen(kw_only=True)
class Connection:
    """
    How a client reaches its account.

    Attributes:
        base_url: Origin and path in front of every request's path, checked.
        authorizer: Knows the account's credentials.
        tenant: Whose logs they are, where the items do not say; ``None`` where that is unknown.
        read_refusal: Reads the service's error bodies for ``send``; ``None`` if errors have the status alone.
    """

    base_url: str
    authorizer: Authorizer
    tenant: str | None = None
    read_refusal: ReadRefusal | None = field(default=None, repr=False)


class Client(ABC):
    """
    A client of one service's account.  Immutable, safe to share between threads and tasks.

    Use it in a ``with`` or ``async with`` block, or call ``close()`` or ``aclose()`` when done.
    """

    service: ClassVar[str]
    """The service's name, such as ``"logto"``."""
    request_id_header: ClassVar[str] = "x-request-id"
    """The response header that names the request, in lower case; most services have this one, few document it."""
    documented_rate: ClassVar[Rate | None] = None
    """How many requests the service documents to take from an account; ``None`` where it sets no limit for reading."""
    streams: ClassVar[Streams] = Streams()
    """
    The streams that the client can open: a tuple of ``StreamDefinition``.

    Each needs a method that opens it, called as the part of the stream's name after the dot: ``stream()`` calls it.
    """
    authentication: ClassVar[str] = ""
    """How the service knows who asks, in a few words."""
    settings: ClassVar[tuple[str, ...]] = ()
    """The settings that usually make an account; each is an argument, and an environment variable."""
    optional_settings: ClassVar[tuple[str, ...]] = ()
    """The settings that have a default, or stand for others."""
    address: ClassVar[str] = "base_url"
    """The setting that says where the service is."""

    def __init__(self, settings: Settings, options: ClientOptions) -> None:
        hide_secrets(options)
        names = (*self.settings, *self.optional_settings)
        refuse_unknown(options, names, ClientOptions)
        self._worded = partial(
            worded, variables={settings.variable(name): name for name in names}, source=settings.source
        )
        with ShortTraceback():
            try:
                connection = self._connect(evolve(settings, allow_insecure=options.get("allow_insecure", False)))
            except ConfigurationError as error:
                error.hint = error.hint and self._worded(error.hint)
                raise
        self._base_url = connection.base_url
        self._authorizer = connection.authorizer
        self._tenant = connection.tenant
        self._read_refusal = connection.read_refusal
        self._account = options.get("account") or self.service
        self._clock = options.get("clock") or SystemClock()
        # The limits are those of the vendors' installations; on this machine there is none.
        rate = None if self.is_loopback else self.documented_rate
        self._options = changed_options(CallOptions(rate=rate), options)
        self._rate_limiter = RateLimiter()
        self._pool = Pool(
            WireOptions(
                base_url=connection.base_url,
                proxy=options.get("proxy"),
                verify=options.get("verify"),
                transport=options.get("transport"),
                request_id_header=self.request_id_header,
            )
        )

    @abstractmethod
    def _connect(self, settings: Settings) -> Connection:
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

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server that gets the credentials."""
        parts = urlsplit(self._base_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def is_loopback(self) -> bool:
        """Whether that server is on this machine."""
        return is_loopback(urlsplit(self._base_url).hostname or "")

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
        if not hasattr(self, "_pool"):  # a traceback can show a client whose settings were refused
            return f"<{type(self).__name__}, not made>"
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
            raise InvalidRequestError(
                f"{self.service} has no stream {name!r}", hint=suggestion(name, [one.name for one in self.streams])
            )
        known = {spelling: one for one in definition.filter_list for spelling in (one.name, one.wire_name)}
        given: dict[str, Any] = {}
        for spelling, value in (filters or {}).items():
            if spelling not in known:
                names = [one.name for one in definition.filter_list]
                raise InvalidRequestError(
                    f"{name} has no filter {spelling!r}",
                    hint=suggestion(spelling, names) if names else "It has no filters",
                )
            try:
                given[known[spelling].name] = known[spelling].read(value)
            except ValueError as error:
                raise InvalidRequestError(f"{name}: {spelling} cannot be {value!r}: {error}") from error
        opened: Stream[Any] = getattr(self, definition.method)(**given, **options)
        return opened

    def send(self, request: Request[R]) -> R:
        """
        Send a request that is not a stream's, and return the parsed response.

        It has the credentials, retries, pace, timeouts and errors of the account's streams; its events for hooks have an
        empty ``stream``.  For example ``logto.send(get_audit_log.request(id="..."))``, with ``get_audit_log`` of the
        generated client.

        Args:
            request: The request, as a builder of the generated client makes it.

        Raises:
            LogferryError: The request failed, or the response is not as documented.
        """
        from logferry._streams.one_request import send  # noqa: PLC0415  # as in _runtime

        return send(request, self._runtime(), self._read_refusal or _nothing)

    async def asend(self, request: Request[R]) -> R:
        """The same as ``send``, blocking only the task."""
        from logferry._streams.one_request import asend  # noqa: PLC0415  # as in _runtime

        return await asend(request, self._runtime(), self._read_refusal or _nothing)

    def _open(self, definition: StreamDefinition[E, Any, F], filters: F, options: StreamOptions) -> Stream[E]:
        """A stream of this account, checked before anything is sent."""
        from logferry._streams.open import opened  # noqa: PLC0415  # as in _runtime

        return opened(definition, filters, options, self._runtime())

    def _runtime(self) -> Runtime:
        # With the first request, since a program may have clients that it asks nothing of.
        from logferry._http.sender import Sender  # noqa: PLC0415
        from logferry._streams.plan import Runtime  # noqa: PLC0415

        return Runtime(
            service=self.service,
            account=self._account,
            tenant=self._tenant,
            server_address=urlsplit(self._base_url).hostname or "",
            sender=Sender(self._pool, self._clock, self._options.timeouts),
            clock=self._clock,
            authorizer=self._authorizer,
            rate_limiter=self._rate_limiter,
            options=self._options,
            chance=random.random,
            worded=self._worded,
        )


def _nothing(_status: int, _body: Mapping[str, Any]) -> Refusal:
    return Refusal()
