"""
``transport="fast"``: an httpx transport that sends with pyreqwest, hence in Rust.

pyreqwest's own httpx transport adds all timeouts up to one for the whole exchange, decompresses without a bound and
follows redirects, so this one is made of its client.  What arrives is what httpx's usual transport would hand over: the
same bytes, still compressed, and the same exceptions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, Final, NamedTuple, TypeVar

import httpx

from logferry._errors import ConfigurationError
from logferry._options import WireOptions

C = TypeVar("C")

FAST: Final = "fast"
"""What ``transport`` is for this one."""

BOUNDS: Final = "logferry.bounds"
"""The extension of a request that has its ``Bounds``."""


class Bounds(NamedTuple):
    """
    How long a request may take, in seconds.

    Attributes:
        connect: Until a connection stands.
        read: Until the next bytes arrive.
        whole: For the whole exchange, or ``None``.
    """

    connect: float
    read: float
    whole: float | None


def require_fast(options: WireOptions) -> None:
    """
    Make sure that there is what it takes.

    Raises:
        ConfigurationError: pyreqwest is missing, or the options are more than it can do.
    """
    if find_spec("pyreqwest") is None:
        raise ConfigurationError("transport: 'fast' needs pyreqwest", hint="pip install 'logferry[fast]'")
    if options.verify is not None:
        # It can trust further authorities, but not only these.
        raise ConfigurationError("transport: 'fast' takes no verify", hint="Leave one of the two out")


class _Clients(dict[tuple[float, float], C]):
    """Clients by their timeouts, which are a client's in pyreqwest; most programs have one pair."""

    def __init__(self, builder: Callable[[], Any], options: WireOptions) -> None:
        super().__init__()
        self._builder = builder
        self._options = options

    def __missing__(self, timeouts: tuple[float, float]) -> C:
        from pyreqwest.proxy import ProxyBuilder  # noqa: PLC0415  # an extra, imported where it is used

        connect, read = (timedelta(seconds=seconds) for seconds in timeouts)
        builder = self._builder().connect_timeout(connect).read_timeout(read).pool_timeout(connect)
        builder = builder.follow_redirects(enable=False).referer(enable=False)
        builder = builder.gzip(enable=False).deflate(enable=False).brotli(enable=False).zstd(enable=False)
        if self._options.proxy is not None:
            builder = builder.proxy(ProxyBuilder.all(self._options.proxy))
        elif self._options.is_loopback_http:
            builder = builder.no_proxy()
        client: C = builder.build()
        self[timeouts] = client
        return client


class FastTransport(httpx.BaseTransport):
    """For threads."""

    def __init__(self, options: WireOptions) -> None:
        from pyreqwest.client import SyncClientBuilder  # noqa: PLC0415

        self._clients = _Clients[Any](SyncClientBuilder, options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and return the head of the answer, with the body to be read."""
        with _errors_of_httpx():
            exchange = _asked(self._clients, request).build_streamed()
            answer = exchange.__enter__()
        return _response(answer, _Body(exchange, answer))

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()


class AsyncFastTransport(httpx.AsyncBaseTransport):
    """
    For the tasks of an event loop.

    Raises:
        ConfigurationError: It is not asyncio's.
    """

    def __init__(self, options: WireOptions) -> None:
        import asyncio  # noqa: PLC0415  # blocking programs need not load it

        try:
            asyncio.get_running_loop()
        except RuntimeError as error:
            raise ConfigurationError("transport: 'fast' needs asyncio", hint="Leave transport out") from error
        from pyreqwest.client import ClientBuilder  # noqa: PLC0415

        self._clients = _Clients[Any](ClientBuilder, options)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and return the head of the answer, with the body to be read."""
        with _errors_of_httpx():
            exchange = _asked(self._clients, request).build_streamed()
            answer = await exchange.__aenter__()
        return _response(answer, _AsyncBody(exchange, answer))

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, exchange: Any, answer: Any) -> None:
        self._exchange = exchange
        self._reader = answer.body_reader

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx():
            while (chunk := self._reader.read()) is not None:
                yield bytes(chunk)

    def close(self) -> None:
        self._exchange.__exit__(None, None, None)


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, exchange: Any, answer: Any) -> None:
        self._exchange = exchange
        self._reader = answer.body_reader

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx():
            while (chunk := await self._reader.read()) is not None:
                yield bytes(chunk)

    async def aclose(self) -> None:
        await self._exchange.__aexit__(None, None, None)


def _asked(clients: _Clients[Any], request: httpx.Request) -> Any:
    bounds: Bounds = request.extensions[BOUNDS]
    asked = clients[bounds.connect, bounds.read].request(request.method, str(request.url))
    asked = asked.headers(request.headers.multi_items())
    if request.content:
        asked = asked.body_bytes(request.content)
    return asked if bounds.whole is None else asked.timeout(timedelta(seconds=max(bounds.whole, 0.001)))


def _response(answer: Any, body: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
    return httpx.Response(answer.status, headers=_headers(answer), stream=body)


def _headers(answer: Any) -> list[tuple[str, str]]:
    try:
        return list(answer.headers.items())
    except ValueError:
        # One of them is no ASCII; pyreqwest does not give it (0.15.1), but that it is there has to be seen.
        return [(name, _header(answer, name)) for name in dict.fromkeys(answer.headers)]


def _header(answer: Any, name: str) -> str:
    try:
        return ", ".join(answer.headers.getall(name))
    except ValueError:
        return "?"


@contextmanager
def _errors_of_httpx() -> Generator[None]:
    """What goes wrong, in the words of httpx, which the wire knows."""
    from pyreqwest import exceptions  # noqa: PLC0415

    try:
        yield
    except exceptions.PyreqwestError as error:
        causes = _causes(error)
        kind: type[httpx.TransportError] = httpx.ReadError
        if isinstance(error, exceptions.RequestTimeoutError):
            # pyreqwest takes each timeout before the head has come for one of connecting (measured on 0.15.1).
            kind = httpx.ConnectTimeout if any("(Connect)" in cause for cause in causes) else httpx.ReadTimeout
        elif isinstance(error, exceptions.ConnectError):
            kind = httpx.ConnectError
        elif isinstance(error, exceptions.BuilderError):
            kind = httpx.LocalProtocolError
        # Not chained, and of its words the last cause alone: the first one shows the address, and what is asked for.
        raise kind(causes[-1]) from None


def _causes(error: Any) -> list[str]:
    """What went wrong, first what the caller saw, last what it came from."""
    details: Any = getattr(error, "details", None) or {}
    return [str(cause["message"]) for cause in details.get("causes") or ()] or [type(error).__name__]
