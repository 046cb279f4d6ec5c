"""The transports of requests and responses, and the caller's own transport as one."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast

import httpx
from attrs import field, frozen

Chunks = TypeVar("Chunks")
Closed = TypeVar("Closed")


class Bounds(NamedTuple):
    """Seconds until a connection stands, until the next bytes arrive, and for the whole exchange."""

    connect: float
    read: float
    whole: float

    def within(self) -> dict[str, float]:
        """The bounds of each phase, none longer than the whole, by httpx's names."""
        connect, read = min(self.connect, self.whole), min(self.read, self.whole)
        return {"connect": connect, "read": read, "write": read, "pool": connect}


@frozen
class Outgoing:
    """A request as it goes over the wire: the URL quoted, with its query; the headers in order, without ``Host``."""

    method: str
    url: str
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    content: bytes | None = field(repr=False)
    bounds: Bounds


class Incoming(NamedTuple, Generic[Chunks, Closed]):
    """
    A response whose head has arrived; its body arrives in chunks, still compressed.

    ``close`` returns the connection to the pool, or closes it where the body has not been read.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    chunks: Chunks
    close: Callable[[], Closed]


Received: TypeAlias = Incoming[Iterable[bytes], None]
AsyncReceived: TypeAlias = Incoming[AsyncIterable[bytes], Awaitable[None]]


class Transport(Protocol):
    """Sends requests of threads, each within the bounds as far as it can; fails with exceptions of httpx."""

    def send(self, outgoing: Outgoing) -> Received:
        """Send, and wait for the head of the response."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AsyncTransport(Protocol):
    """Sends requests of the tasks of an event loop; fails with exceptions of httpx."""

    bounds_the_whole: ClassVar[bool]
    """Whether it keeps within ``Bounds.whole`` by itself; else the sender cancels it."""

    async def send(self, outgoing: Outgoing) -> AsyncReceived:
        """Send, and wait for the head of the response."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


@frozen
class HttpxTransport:
    """
    A transport of httpx that the caller gave, called without httpx's client.

    The client would merge URLs, look for cookies and follow redirects, none of which is wanted here, and take as long for
    that as its transport does for the request (profiled).
    """

    transport: httpx.BaseTransport

    def send(self, outgoing: Outgoing) -> Received:
        """Send, and wait for the head of the response."""
        response = self.transport.handle_request(_request(outgoing))
        chunks = cast("httpx.SyncByteStream", response.stream)
        return Incoming(response.status_code, response.headers.raw, chunks, response.close)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


@frozen
class AsyncHttpxTransport:
    """The same for the tasks of an event loop."""

    bounds_the_whole: ClassVar[bool] = False
    transport: httpx.AsyncBaseTransport

    async def send(self, outgoing: Outgoing) -> AsyncReceived:
        """Send, and wait for the head of the response."""
        response = await self.transport.handle_async_request(_request(outgoing))
        chunks = cast("httpx.AsyncByteStream", response.stream)
        return Incoming(response.status_code, response.headers.raw, chunks, response.aclose)

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.aclose()


def _request(outgoing: Outgoing) -> httpx.Request:
    extensions: dict[str, Any] = {"timeout": outgoing.bounds.within()}
    return httpx.Request(
        outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.content, extensions=extensions
    )
