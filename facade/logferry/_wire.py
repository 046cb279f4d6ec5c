"""HTTP: the only module that knows httpx.  It sends what a step says and returns the answer as data."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, cast
from urllib.parse import quote, urlencode
from weakref import WeakSet

import httpx
from attrs import define, field, frozen

from logferry._body import ENCODINGS, Body
from logferry._clock import Clock
from logferry._errors import (
    ConfigurationError,
    ConnectionFailedError,
    InvalidRequestError,
    LogferryError,
    RequestTimeoutError,
    ResponseShapeError,
)
from logferry._fast import BOUNDS, FAST, AsyncFastTransport, Bounds, FastTransport
from logferry._redaction import printable, public_url, without_credentials
from logferry._steps import Reply, Send
from logferry._underway import Running, launch_thread
from logferry._version import __version__

if TYPE_CHECKING:  # blocking programs load neither anyio nor asyncio
    from anyio.lowlevel import EventLoopToken

    from logferry._options import Timeouts, WireOptions

_PATIENCE = 1.0
"""So many seconds a client that is closed waits for requests under way."""

_USER_AGENT = f"logferry/{__version__} python-httpx/{httpx.__version__}"


@define
class Pool:
    """
    The connections of one client, shared by all its views: one httpx client for threads, one per event loop for tasks.

    Both are made when first needed, so that a program pays only for the kind that it uses.
    """

    options: WireOptions
    _blocking: httpx.Client | None = None
    _tasks: dict[EventLoopToken, httpx.AsyncClient] = field(factory=dict["EventLoopToken", httpx.AsyncClient])
    launch: Callable[[Callable[[], None]], Running] = launch_thread
    _running: WeakSet[Any] = field(factory=WeakSet[Any])
    _closed: bool = False
    _lock: Lock = field(factory=Lock)

    def blocking(self) -> httpx.Client:
        """The client for threads."""
        with self._lock:
            self._ensure_open()
            if self._blocking is None:
                with _settings_errors():
                    self._blocking = httpx.Client(**self._arguments(httpx.BaseTransport))
            return self._blocking

    def tasks(self) -> httpx.AsyncClient:
        """The client for the tasks of the running event loop."""
        loop = _current_loop()
        with self._lock:
            self._ensure_open()
            if loop not in self._tasks:
                # Nobody can close connections of a loop that has ended; they go with it.
                self._tasks = {one: client for one, client in self._tasks.items() if not _has_ended(one)}
                with _settings_errors():
                    self._tasks[loop] = httpx.AsyncClient(**self._arguments(httpx.AsyncBaseTransport))
            return self._tasks[loop]

    def begin(self, work: Callable[[], None]) -> Running:
        """Begin work that uses the connections, in a thread of its own."""
        running = self.launch(work)
        with self._lock:
            self._running.add(running)
        return running

    def close(self) -> None:
        """
        Close the connections of threads; those of tasks, if any, are dropped.

        Requests that nobody waits for any more are given a moment to end.
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
        client = self._tasks.pop(_current_loop(), None)
        if client is not None:
            await client.aclose()

    def _ensure_open(self) -> None:
        if self._closed:
            raise InvalidRequestError("the client is closed", hint="Use it inside its with block")

    def _arguments(self, kind: type[Any]) -> dict[str, Any]:
        options = self.options
        headers = {"User-Agent": _USER_AGENT, "Accept": "application/json", "Accept-Encoding": ENCODINGS}
        if options.transport == FAST:
            make = FastTransport if kind is httpx.BaseTransport else AsyncFastTransport
            return {"headers": headers, "transport": make(options), "follow_redirects": False}
        if options.transport is not None and not isinstance(options.transport, kind):
            raise ConfigurationError(
                f"transport: {type(options.transport).__name__} is no httpx.{kind.__name__}",
                hint="Iterate with 'for' where the transport is blocking, with 'async for' where it is asynchronous",
            )
        return {
            "headers": headers,
            "verify": _verification(options.verify),
            "proxy": options.proxy,
            "transport": options.transport,
            "follow_redirects": False,
            # Plain http stays on this machine: a proxy that the environment names for all else would read the credentials.
            "trust_env": not options.is_loopback_http,
        }


def checked_transport(transport: object) -> Any:
    """
    A transport that httpx takes, ``"fast"``, or ``None``.

    Raises:
        ConfigurationError: It is none.
    """
    if transport in (None, FAST) or isinstance(transport, httpx.BaseTransport | httpx.AsyncBaseTransport):
        return transport
    raise ConfigurationError(
        f"transport: {type(transport).__name__} is no httpx transport",
        hint="Give an httpx.BaseTransport or httpx.AsyncBaseTransport, 'fast', or leave it out",
    )


def _current_loop() -> EventLoopToken:
    from anyio.lowlevel import current_token  # noqa: PLC0415

    return current_token()


def _has_ended(loop: EventLoopToken) -> bool:
    import asyncio  # noqa: PLC0415

    native = loop.native_token
    return isinstance(native, asyncio.AbstractEventLoop) and native.is_closed()


@contextmanager
def _settings_errors() -> Generator[None]:
    """What httpx has against the proxies and certificates that arguments and environment name."""
    try:
        yield
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        # Not chained: it can show a piece of the proxy's password.
        raise ConfigurationError(
            f"connections cannot be made ({type(error).__name__})",
            hint="Check proxy=, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY (http and https only) and SSL_CERT_FILE, SSL_CERT_DIR",
        ) from None


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


@frozen
class HttpWire:
    """Sends requests through a pool's connections, each attempt within the timeouts."""

    pool: Pool
    clock: Clock
    timeouts: Timeouts

    def launch(self, work: Callable[[], None]) -> Running:
        """Begin work beside the running thread."""
        return self.pool.begin(work)

    def perform(self, send: Send[Any]) -> Reply[Any]:
        """Send, and read the whole answer, blocking the thread."""
        client = self.pool.blocking()
        request = self._request(client, send)
        with _failures(request):
            response = client.send(request, stream=True)
            try:
                body, end = self._body(response), self._end(send)
                for chunk in cast("httpx.SyncByteStream", response.stream):
                    body.add(chunk)
                    self._require_before(end)
                content = body.complete(_announced(response))
            finally:
                response.close()
        return self._reply(send, response, content)

    async def aperform(self, send: Send[Any]) -> Reply[Any]:
        """Send, and read the whole answer, blocking only the task."""
        client = self.pool.tasks()
        request = self._request(client, send)
        with _failures(request):
            response = await client.send(request, stream=True)
            try:
                body, end = self._body(response), self._end(send)
                async for chunk in cast("httpx.AsyncByteStream", response.stream):
                    body.add(chunk)
                    self._require_before(end)
                content = body.complete(_announced(response))
            finally:
                await response.aclose()
        return self._reply(send, response, content)

    def _body(self, response: httpx.Response) -> Body:
        return Body(response.headers.get("content-encoding", ""), limit=self.pool.options.body_limit)

    def _end(self, send: Send[Any]) -> int | None:
        """When the whole answer must be there: nobody else bounds one that drips."""
        return None if send.timeout is None else self.clock.now() + round(send.timeout * 1e9)

    def _require_before(self, end: int | None) -> None:
        if end is not None and self.clock.now() > end:
            raise RequestTimeoutError("the answer took longer than the deadline allows")

    def _request(self, client: httpx.Client | httpx.AsyncClient, send: Send[Any]) -> httpx.Request:
        asked = send.request
        headers: list[tuple[bytes, bytes]] = []
        for name, value in (*asked.headers, *send.headers):
            if not (value.isascii() and value.isprintable()):
                raise InvalidRequestError(
                    f"the header {name} holds a character that cannot be sent", hint="Check the credentials"
                )
            headers.append((name.encode("ascii"), value.encode("ascii")))
        content: bytes | None = None
        if asked.form is not None:
            headers.append((b"Content-Type", b"application/x-www-form-urlencoded"))
            content = urlencode(asked.form).encode("ascii")
        read, connect = self.timeouts.read, self.timeouts.connect
        if send.timeout is not None:
            read, connect = min(read, send.timeout), min(connect, send.timeout)
        url = f"{self.pool.options.base_url}{asked.path}"
        try:
            # Built from its parts rather than by the client, which would merge URLs and headers for each request anew:
            # that is a third of the time that httpx takes for a request (profiled).
            return httpx.Request(
                asked.method,
                f"{url}?{urlencode(asked.params, quote_via=quote)}" if asked.params else url,
                headers=[*client.headers.raw, *headers],
                content=content,
                extensions={
                    "timeout": {"connect": connect, "read": read, "write": read, "pool": connect},
                    BOUNDS: Bounds(self.timeouts.connect, self.timeouts.read, send.timeout),
                },
            )
        except (ValueError, httpx.InvalidURL) as error:
            raise InvalidRequestError(
                "the request holds a character that cannot be sent", hint="Check the filters"
            ).about(method=asked.method, url=asked.path) from error

    def _reply(self, send: Send[Any], response: httpx.Response, content: bytes) -> Reply[Any]:
        if response.status_code != HTTPStatus.OK:
            # What a refusal says ends up in an error, and some repeat what they were sent.
            content = without_credentials(content, send.headers)
        return Reply(
            request=send.request,
            url=str(response.request.url),
            status=response.status_code,
            headers=response.headers.raw,
            content=content,
            received_unix_nano=self.clock.now(),
        )


@contextmanager
def _failures(request: httpx.Request) -> Generator[None]:
    """Failures to get an answer, as logferry's own errors."""
    try:
        yield
    except LogferryError as error:
        error.about(method=request.method, url=public_url(str(request.url)), attempts=1)
        raise
    except httpx.TimeoutException as error:
        phase = "to connect" if isinstance(error, httpx.ConnectTimeout) else "to answer"
        _fail(
            request,
            RequestTimeoutError(f"{_host(request)} took too long {phase}", hint="Try again, or set a longer timeout"),
            error,
        )
    except httpx.DecodingError as error:
        _fail(request, ResponseShapeError("the answer's compression is damaged"), error)
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
        _fail(request, InvalidRequestError(f"the request cannot be sent ({type(error).__name__})"), error)
    except (httpx.ConnectError, httpx.ProxyError) as error:
        _fail(
            request,
            ConnectionFailedError(
                f"cannot connect to {_host(request)}: {printable(str(error)) or type(error).__name__}",
                hint="Check the address and the network",
            ),
            error,
        )
    except UnicodeError as error:
        _fail(request, InvalidRequestError(f"{_host(request)} is no name of a host"), error)
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        _fail(
            request,
            ConnectionFailedError(
                f"the connection to {_host(request)} broke: {printable(str(error)) or type(error).__name__}"
            ),
            error,
        )


def _announced(response: httpx.Response) -> str | None:
    """How long the body must be; an answer to say that there is nothing may announce what there would be."""
    return response.headers.get("content-length") if response.status_code == HTTPStatus.OK else None


def _host(request: httpx.Request) -> str:
    return request.url.netloc.decode("ascii")


def _fail(
    request: httpx.Request,
    failure: ConnectionFailedError | ResponseShapeError | InvalidRequestError,
    cause: Exception,
) -> NoReturn:
    raise failure.about(method=request.method, url=public_url(str(request.url)), attempts=1) from cause
