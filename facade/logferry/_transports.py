"""What sends a request and hands over the answer as it arrives: one of httpx's transports, the caller's or the usual one."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, cast

import httpx
from attrs import field, frozen


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

    def within(self) -> dict[str, float]:
        """The bounds of each phase, none longer than the whole, by httpx's names."""
        connect, read = self.connect, self.read
        if self.whole is not None:
            connect, read = min(connect, self.whole), min(read, self.whole)
        return {"connect": connect, "read": read, "write": read, "pool": connect}


@frozen
class Outgoing:
    """
    A request as it goes over the wire.

    Attributes:
        method: Its method.
        url: The whole URL, quoted, query included.
        headers: Its headers but ``Host``, in order.
        content: Its body, or ``None``.
        bounds: How long it may take.
    """

    method: str
    url: str
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    content: bytes | None = field(repr=False)
    bounds: Bounds


class Incoming(NamedTuple):
    """
    An answer whose head has arrived.

    Attributes:
        status: The HTTP status.
        headers: As received, in order.
        chunks: The body as it arrives, still compressed.
        close: Gives the connection back, or up where the body has not been read.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    chunks: Iterable[bytes]
    close: Callable[[], None]


class AsyncIncoming(NamedTuple):
    """The same for the tasks of an event loop."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    chunks: AsyncIterable[bytes]
    close: Callable[[], Awaitable[None]]


class Transport(Protocol):
    """Sends requests of threads; fails with exceptions of httpx."""

    def send(self, outgoing: Outgoing) -> Incoming:
        """Send, and wait for the head of the answer."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AsyncTransport(Protocol):
    """Sends requests of the tasks of an event loop; fails with exceptions of httpx."""

    async def send(self, outgoing: Outgoing) -> AsyncIncoming:
        """Send, and wait for the head of the answer."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


@frozen
class HttpxTransport:
    """
    One of httpx's transports, asked without httpx's client.

    The client would merge URLs, look for cookies and follow redirects, none of which is wanted here, and take as long for
    that as its transport does for the request (profiled).

    Attributes:
        transport: The transport.
        takes_target: Whether it understands the ``target`` extension, see ``_request``.
    """

    transport: httpx.BaseTransport
    takes_target: bool

    def send(self, outgoing: Outgoing) -> Incoming:
        """Send, and wait for the head of the answer."""
        response = self.transport.handle_request(_request(outgoing, takes_target=self.takes_target))
        chunks = cast("httpx.SyncByteStream", response.stream)
        return Incoming(response.status_code, response.headers.raw, chunks, response.close)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


@frozen
class AsyncHttpxTransport:
    """The same for the tasks of an event loop."""

    transport: httpx.AsyncBaseTransport
    takes_target: bool

    async def send(self, outgoing: Outgoing) -> AsyncIncoming:
        """Send, and wait for the head of the answer."""
        response = await self.transport.handle_async_request(_request(outgoing, takes_target=self.takes_target))
        chunks = cast("httpx.AsyncByteStream", response.stream)
        return AsyncIncoming(response.status_code, response.headers.raw, chunks, response.aclose)

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.aclose()


def _request(outgoing: Outgoing, *, takes_target: bool) -> httpx.Request:
    extensions: dict[str, Any] = {"timeout": outgoing.bounds.within()}
    url: httpx.URL | str = outgoing.url
    if takes_target:
        # httpx looks at each character of a URL, so the query, which is quoted already, goes past it to httpcore.
        address, question, query = outgoing.url.partition("?")
        url = _address(address)
        extensions["target"] = url.raw_path + (question + query).encode("ascii")
    return httpx.Request(
        outgoing.method, url, headers=outgoing.headers, content=outgoing.content, extensions=extensions
    )


@lru_cache(maxsize=128)
def _address(url: str) -> httpx.URL:
    return httpx.URL(url)
