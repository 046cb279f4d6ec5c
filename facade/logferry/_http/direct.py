"""
The default transport: sends requests with httpcore, the library below httpx.

httpx's own transport bounds each read, so a response that drips never ends.  httpcore takes the network from outside, and
there each read is bounded by the time that is left for the whole exchange.  For tasks, the sender bounds from outside.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from functools import lru_cache
from time import monotonic
from typing import Any, ClassVar, Final, cast

import httpcore
import httpx
from attrs import frozen

from logferry._http.transports import AsyncReceived, Bounds, Incoming, Outgoing, Received

_LIMITS: Final[Mapping[str, Any]] = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}
"""The limits of httpx; the defaults of httpcore are lower than threads can need."""


@frozen
class _Left:
    """A bound of one read, within that of the whole exchange; httpcore passes it to the network unchanged."""

    seconds: float
    end: float

    def seconds_or(self, late: type[httpcore.TimeoutException]) -> float:
        """How long a step may take, in seconds; the error of this kind where no time is left."""
        seconds = min(self.seconds, self.end - monotonic())
        if seconds <= 0:
            raise late("the whole exchange took too long")
        return seconds


def _left(timeout: Any, late: type[httpcore.TimeoutException]) -> Any:
    return timeout.seconds_or(late) if isinstance(timeout, _Left) else timeout


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes keep within the bound of their exchange."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: Any = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Opens connections within the bound of their exchange."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))


@frozen
class DirectTransport:
    """For threads."""

    pool: httpcore.ConnectionPool

    @classmethod
    def of(cls, verification: ssl.SSLContext | None, proxy: str | None) -> DirectTransport:
        """Make a transport; *verification* is ``None`` if nothing is encrypted, *proxy* is a URL."""
        given: dict[str, Any] = {**_LIMITS, "ssl_context": verification, "network_backend": _Network()}
        if proxy is None:
            return cls(httpcore.ConnectionPool(**given))
        return cls(httpcore.HTTPProxy(**given, **_proxy_arguments(proxy)))

    def send(self, outgoing: Outgoing) -> Received:
        """Send, and wait for the head of the response."""
        with _ERRORS_OF_HTTPX:
            response = self.pool.handle_request(_request(outgoing, _timeouts(outgoing.bounds)))
        return Incoming(response.status, response.headers, _chunks(response), response.close)

    def close(self) -> None:
        """Close the connections."""
        self.pool.close()


@frozen
class AsyncDirectTransport:
    """The same for the tasks of an event loop."""

    bounds_the_whole: ClassVar[bool] = False
    pool: httpcore.AsyncConnectionPool

    @classmethod
    def of(cls, verification: ssl.SSLContext | None, proxy: str | None) -> AsyncDirectTransport:
        """Make a transport; see ``DirectTransport``."""
        given: dict[str, Any] = {**_LIMITS, "ssl_context": verification}
        if proxy is None:
            return cls(httpcore.AsyncConnectionPool(**given))
        return cls(httpcore.AsyncHTTPProxy(**given, **_proxy_arguments(proxy)))

    async def send(self, outgoing: Outgoing) -> AsyncReceived:
        """Send, and wait for the head of the response."""
        with _ERRORS_OF_HTTPX:
            response = await self.pool.handle_async_request(_request(outgoing, outgoing.bounds.within()))
        return Incoming(response.status, response.headers, _async_chunks(response), response.aclose)

    async def close(self) -> None:
        """Close the connections."""
        await self.pool.aclose()


def _proxy_arguments(url: str) -> dict[str, Any]:
    proxy = httpx.Proxy(url)
    return {"proxy_url": _address(str(proxy.url))[0], "proxy_auth": proxy.raw_auth}


def _timeouts(bounds: Bounds) -> dict[str, Any]:
    within, end = bounds.within(), monotonic() + bounds.whole
    # The pool bounds the wait for a free connection by itself.
    return {"pool": within.pop("pool"), **{phase: _Left(seconds, end) for phase, seconds in within.items()}}


def _request(outgoing: Outgoing, timeouts: Mapping[str, Any]) -> httpcore.Request:
    # httpx parses each character of a URL, so the query, which is quoted already, is not passed to it.
    address, question, query = outgoing.url.partition("?")
    parts, host = _address(address)
    url = httpcore.URL(
        scheme=parts.scheme, host=parts.host, port=parts.port, target=parts.target + (question + query).encode("ascii")
    )
    headers = [(b"Host", host), *outgoing.headers]
    if outgoing.content is not None:
        headers.append((b"Content-Length", b"%d" % len(outgoing.content)))
    return httpcore.Request(
        outgoing.method, url, headers=headers, content=outgoing.content, extensions={"timeout": timeouts}
    )


@lru_cache(maxsize=128)
def _address(url: str) -> tuple[httpcore.URL, bytes]:
    """Return a URL for httpcore, and its ``Host`` header."""
    parts = httpx.URL(url)
    address = httpcore.URL(scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path)
    return address, parts.netloc


def _chunks(response: httpcore.Response) -> Iterator[bytes]:
    with _ERRORS_OF_HTTPX:
        yield from cast("Iterable[bytes]", response.stream)


async def _async_chunks(response: httpcore.Response) -> AsyncIterator[bytes]:
    with _ERRORS_OF_HTTPX:
        async for chunk in cast("AsyncIterable[bytes]", response.stream):
            yield chunk


class _ErrorsOfHttpx:
    """Raises errors of httpcore as those of httpx, which the sender knows; both have the same names."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        for kind in type(error).__mro__:
            if kind.__module__ == "httpcore":
                raise getattr(httpx, kind.__name__)(str(error)) from error


_ERRORS_OF_HTTPX: Final = _ErrorsOfHttpx()
