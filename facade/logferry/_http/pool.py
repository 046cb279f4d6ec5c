"""The connections of a client."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import httpx
from attrs import define, field

from logferry._errors import ConfigurationError, InvalidRequestError
from logferry._forks import keep, renew_in_children
from logferry._http.options import FAST, WireOptions
from logferry._http.proxies import proxy_of
from logferry._http.pyreqwest import AsyncFastTransport, FastTransport, require_fast
from logferry._http.transports import AsyncHttpxTransport, AsyncTransport, HttpxTransport, Transport

if TYPE_CHECKING:  # blocking programs load neither anyio nor asyncio
    from anyio.lowlevel import EventLoopToken

T = TypeVar("T")

_PATIENCE = 1.0
"""Seconds that closing a client waits for requests in flight."""


class Running(Protocol):
    """Work that has been started."""

    def join(self) -> None:
        """Wait for its end, blocking the thread."""
        ...


def _in_thread(work: Callable[[], None]) -> Thread:
    """Start work in a thread that does not keep the program from ending."""
    thread = Thread(target=work, name="logferry request", daemon=True)
    thread.start()
    return thread


@define(eq=False)
class Pool:
    """
    The connections of one client, shared by all its views: one transport for threads, one per event loop for tasks.

    Both are made when first needed, so that a program pays only for the kind that it uses.  A child process that is forked
    makes its own.
    """

    options: WireOptions
    _blocking: Transport | None = None
    _tasks: dict[EventLoopToken, AsyncTransport] = field(factory=dict["EventLoopToken", AsyncTransport])
    launch: Callable[[Callable[[], None]], Running] = _in_thread
    _running: WeakSet[Any] = field(factory=WeakSet[Any])
    _closed: bool = False
    _shared: bool = False
    _lock: Lock = field(factory=Lock)

    def __attrs_post_init__(self) -> None:
        if self.options.transport == FAST:
            require_fast(self.options)
        renew_in_children(self)

    def renew(self) -> None:
        """Start without connections in a child process; the existing ones belong to the parent."""
        keep(self._blocking, self._tasks, self._running)
        given = self.options.transport not in (None, FAST)
        self._shared = self._shared or (given and (self._blocking is not None or bool(self._tasks)))
        self._blocking, self._tasks, self._running, self._lock = None, {}, WeakSet(), Lock()

    def blocking(self) -> Transport:
        """Return the transport for threads."""
        with self._lock:
            self._ensure_open()
            if self._blocking is None:
                with _settings_errors():
                    self._blocking = _blocking_transport(self.options)
            return self._blocking

    def tasks(self) -> AsyncTransport:
        """Return the transport for tasks of the running event loop."""
        loop = _current_loop()
        with self._lock:
            self._ensure_open()
            if loop not in self._tasks:
                # The connections of a closed loop cannot be closed; the garbage collector frees them.
                self._tasks = {one: transport for one, transport in self._tasks.items() if not _has_ended(one)}
                with _settings_errors():
                    self._tasks[loop] = _tasks_transport(self.options)
            return self._tasks[loop]

    def start(self, work: Callable[[], None]) -> Running:
        """Start work that uses the connections, in a thread of its own."""
        running = self.launch(work)
        with self._lock:
            self._running.add(running)
        return running

    def close(self) -> None:
        """
        Close the connections of threads; those of tasks, if any, are dropped.

        Waits up to one second for abandoned requests to end.
        """
        self._closed = True
        end = monotonic() + _PATIENCE
        for thread in [one for one in tuple(self._running) if isinstance(one, Thread)]:
            thread.join(max(0.0, end - monotonic()))
        if self._blocking is not None:
            self._blocking.close()

    async def aclose(self) -> None:
        """Close the connections of threads and of the running event loop."""
        self.close()
        transport = self._tasks.pop(_current_loop(), None)
        if transport is not None:
            await transport.close()

    def _ensure_open(self) -> None:
        if self._closed:
            raise InvalidRequestError("the client is closed", hint="Use it inside its with block")
        if self._shared:
            raise ConfigurationError(
                "transport: the one given was used before this process was forked, and two processes cannot share connections",
                hint="Make a client with a transport of its own in each process, or leave transport out",
            )


def _blocking_transport(options: WireOptions) -> Transport:
    if options.transport == FAST:
        return FastTransport(options)
    if options.transport is not None:
        return HttpxTransport(_of_kind(options.transport, httpx.BaseTransport))
    from logferry._http.direct import DirectTransport  # noqa: PLC0415  # with httpcore, which only connections need

    return DirectTransport.of(*_usual(options))


def _tasks_transport(options: WireOptions) -> AsyncTransport:
    if options.transport == FAST:
        return AsyncFastTransport(options)
    if options.transport is not None:
        return AsyncHttpxTransport(_of_kind(options.transport, httpx.AsyncBaseTransport))
    from logferry._http.direct import AsyncDirectTransport  # noqa: PLC0415  # see above

    return AsyncDirectTransport.of(*_usual(options))


def _of_kind(transport: object, kind: type[T]) -> T:
    if isinstance(transport, kind):
        return transport
    raise ConfigurationError(
        f"transport: {type(transport).__name__} is no httpx.{kind.__name__}",
        hint="Iterate with 'for' where the transport is blocking, with 'async for' where it is asynchronous",
    )


def _usual(options: WireOptions) -> tuple[ssl.SSLContext | None, str | None]:
    """Return the TLS context of the default transport, ``None`` if nothing is encrypted, and its proxy."""
    proxy = proxy_of(options)
    if options.verify is None and urlsplit(options.base_url).scheme == "http":
        return None, proxy  # loading the authorities takes longer than loading httpx
    return httpx.create_ssl_context(verify=_verification(options.verify)), proxy


def _verification(verify: str | ssl.SSLContext | None) -> ssl.SSLContext | bool:
    if verify is None:
        return True
    if isinstance(verify, ssl.SSLContext):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"verify: cannot read a CA bundle from {verify!r}", hint="Name a file with certificates in PEM format"
        ) from error


def _current_loop() -> EventLoopToken:
    from anyio.lowlevel import current_token  # noqa: PLC0415

    return current_token()


def _has_ended(loop: EventLoopToken) -> bool:
    import asyncio  # noqa: PLC0415

    native = loop.native_token
    return isinstance(native, asyncio.AbstractEventLoop) and native.is_closed()


@contextmanager
def _settings_errors() -> Generator[None]:
    """Raise errors about the proxies and certificates that are configured as a ``ConfigurationError``."""
    try:
        yield
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        # Not chained: the error can show a part of the proxy's password.
        raise ConfigurationError(
            f"connections cannot be made ({type(error).__name__})",
            hint="Check proxy=, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY (http and https only) and SSL_CERT_FILE, SSL_CERT_DIR",
        ) from None
