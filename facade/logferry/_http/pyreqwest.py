"""
``transport="fast"``: sends requests with pyreqwest, which is written in Rust.

pyreqwest's own httpx transport adds all timeouts up to one for the whole exchange, decompresses without a bound and
follows redirects, so this transport uses pyreqwest's client directly.  It returns what httpx's default transport returns: the
same bytes, still compressed, and the same exceptions.
"""

from __future__ import annotations

import atexit
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from errno import ECONNREFUSED
from functools import cache, partial
from time import monotonic, sleep
from typing import Any, ClassVar, Final, TypeVar

import httpx

from logferry._errors import ConfigurationError
from logferry._extras import require
from logferry._http.options import WireOptions
from logferry._http.proxies import proxy_of
from logferry._http.transports import AsyncReceived, Incoming, Outgoing, Received
from logferry._redaction import Sealed

C = TypeVar("C")


def require_fast(options: WireOptions) -> None:
    """Raise a ConfigurationError if pyreqwest is missing, or does not support these options."""
    require("pyreqwest", "transport: 'fast'")
    if options.verify is not None:
        # pyreqwest can trust further authorities, but not these alone.
        raise ConfigurationError("transport: 'fast' takes no verify", hint="Leave one of the two out")


class _Clients(dict[tuple[float, float], C]):
    """Clients by timeouts, since pyreqwest sets them for a whole client; most programs use one pair."""

    def __init__(self, builder: Callable[[], Any], proxy: str | None) -> None:
        super().__init__()
        self._builder = builder
        self._proxy = proxy

    def __missing__(self, timeouts: tuple[float, float]) -> C:
        from pyreqwest.proxy import ProxyBuilder  # noqa: PLC0415  # an extra, imported where it is used

        connect, read = (timedelta(seconds=seconds) for seconds in timeouts)
        builder = self._builder().connect_timeout(connect).read_timeout(read).pool_timeout(connect)
        builder = builder.follow_redirects(enable=False).referer(enable=False)
        builder = builder.gzip(enable=False).deflate(enable=False).brotli(enable=False).zstd(enable=False)
        # Never the proxies that it finds in the environment: it ignores those that it cannot read.
        builder = builder.no_proxy() if self._proxy is None else builder.proxy(ProxyBuilder.all(self._proxy))
        try:
            client: C = builder.build()
        except RuntimeError as error:
            # Its threads do not survive a fork, which it knows (measured on 0.15.1).
            raise ConfigurationError(
                "transport: 'fast' cannot be used in a process that was forked from one that had used it",
                hint="Start processes with the method 'spawn' or 'forkserver', or leave transport out",
            ) from error
        self[timeouts] = client
        return client


class FastTransport:
    """For threads."""

    def __init__(self, options: WireOptions) -> None:
        from pyreqwest.client import SyncClientBuilder  # noqa: PLC0415

        self._clients = _Clients[Any](SyncClientBuilder, proxy_of(options))

    def send(self, outgoing: Outgoing) -> Received:
        """Send, and wait for the head of the response."""
        with _ERRORS_OF_HTTPX:
            exchange = Sealed(_prepared(self._clients, outgoing).build_streamed())
            response = exchange.inner.__enter__()
        return Incoming(
            response.status, _headers(response), _chunks(response.body_reader), partial(exchange.inner.__exit__, *_NONE)
        )

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()


class AsyncFastTransport:
    """For the tasks of an event loop of asyncio; another one is a ConfigurationError."""

    bounds_the_whole: ClassVar[bool] = True

    def __init__(self, options: WireOptions) -> None:
        import asyncio  # noqa: PLC0415  # blocking programs need not load it

        try:
            asyncio.get_running_loop()
        except RuntimeError as error:
            raise ConfigurationError("transport: 'fast' needs asyncio", hint="Leave transport out") from error
        from pyreqwest.client import ClientBuilder  # noqa: PLC0415

        _settle_at_exit()
        self._clients = _Clients[Any](ClientBuilder, proxy_of(options))

    async def send(self, outgoing: Outgoing) -> AsyncReceived:
        """Send, and wait for the head of the response."""
        with _ERRORS_OF_HTTPX:
            exchange = Sealed(_prepared(self._clients, outgoing).build_streamed())
            response = await _cancellable(exchange.inner.__aenter__())
        close = partial(exchange.inner.__aexit__, *_NONE)
        return Incoming(response.status, _headers(response), _async_chunks(response.body_reader), close)

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()


@cache
def _settle_at_exit() -> None:
    """
    Let pyreqwest's thread leave Python before the interpreter ends.

    It reports a response to an event loop from its own thread, which may still be in ``call_soon_threadsafe`` when the
    program ends.  CPython then ends that thread, Rust unwinds it, and the process aborts with "Fatal Python error:
    PyGILState_Release" (0.15.1 on 3.11).
    """
    atexit.register(_settle)


def _settle() -> None:
    end = monotonic() + _PATIENCE
    sleep(_POLL)  # a thread that waits to enter does so now
    while _is_entered_from_outside() and monotonic() < end:
        sleep(_POLL)


def _is_entered_from_outside() -> bool:
    """Whether a thread runs Python that Python has not started."""
    # Python gives such a name to a foreign thread that has called ``threading.current_thread``.
    own = {one.ident for one in threading.enumerate() if not one.name.startswith("Dummy-")}
    running = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented
    return any(ident not in own for ident in running)


_PATIENCE: Final = 1.0
"""Seconds; a thread that is not pyreqwest's can stay longer."""
_POLL: Final = 0.001

_NONE: Final = (None, None, None)
"""What a context is left with where nothing has failed."""


def _chunks(reader: Any) -> Iterator[bytes]:
    with _ERRORS_OF_HTTPX:
        while (chunk := reader.read_chunk()) is not None:
            yield bytes(chunk)


async def _async_chunks(reader: Any) -> AsyncIterator[bytes]:
    with _ERRORS_OF_HTTPX:
        while (chunk := await _cancellable(reader.read_chunk())) is not None:
            yield bytes(chunk)


async def _cancellable(waiting: Awaitable[Any]) -> Any:
    """Wait; where a cancel scope of anyio ends it, by that scope's own exception, which pyreqwest does not pass on."""
    import asyncio  # noqa: PLC0415  # see above

    from anyio.lowlevel import checkpoint_if_cancelled  # noqa: PLC0415

    try:
        return await waiting
    except asyncio.CancelledError:
        await checkpoint_if_cancelled()
        raise


def _prepared(clients: _Clients[Any], outgoing: Outgoing) -> Any:
    connect, read, whole = outgoing.bounds
    request = clients[connect, read].request(outgoing.method, outgoing.url)
    request = request.headers([(name.decode("ascii"), value.decode("ascii")) for name, value in outgoing.headers])
    if outgoing.content:
        request = request.body_bytes(outgoing.content)
    return request.timeout(timedelta(seconds=max(whole, 0.001)))


def _headers(response: Any) -> list[tuple[bytes, bytes]]:
    try:
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in response.headers.items()]
    except ValueError:
        # A value is not ASCII; pyreqwest does not return it (0.15.1), but its presence has to be seen.
        return [(name.encode("ascii"), _header(response, name)) for name in dict.fromkeys(response.headers)]


def _header(response: Any, name: str) -> bytes:
    try:
        return ", ".join(response.headers.getall(name)).encode("ascii")
    except ValueError:
        return b"?"


class _ErrorsOfHttpx:
    """Raises errors of pyreqwest as those of httpx, which the sender knows; a generator's context would take longer."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is None:
            return
        from pyreqwest import exceptions  # noqa: PLC0415

        if not isinstance(error, exceptions.PyreqwestError):
            return
        causes = _causes(error)
        kind: type[httpx.TransportError] = httpx.ReadError
        if isinstance(error, exceptions.RequestTimeoutError):
            # pyreqwest takes each timeout before the head has come for one of connecting (measured on 0.15.1).
            kind = httpx.ConnectTimeout if any("(Connect)" in cause for cause in causes) else httpx.ReadTimeout
        elif isinstance(error, exceptions.ConnectError):
            kind = httpx.ConnectError
        elif isinstance(error, exceptions.BuilderError):
            kind = httpx.LocalProtocolError
        # Not chained, and of its words the last cause alone: the first one shows the address and the query.
        raise kind(causes[-1]) from _known(causes[-1])


def _known(text: str) -> Exception | None:
    """Return Python's exception for this failure, if the sender distinguishes it."""
    if _REFUSED in text:
        return ConnectionRefusedError(text)
    return ssl.SSLCertVerificationError(text) if "certificate" in text.lower() else None


_REFUSED: Final = f"(os error {ECONNREFUSED})"
"""Rust's words for a refused connection."""

_ERRORS_OF_HTTPX: Final = _ErrorsOfHttpx()


def _causes(error: Any) -> list[str]:
    """Return the causes of an error, from the outermost to the innermost."""
    details: Any = getattr(error, "details", None) or {}
    return [str(cause["message"]) for cause in details.get("causes") or ()] or [type(error).__name__]
