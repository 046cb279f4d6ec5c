"""The in-process adapter: an httpx transport, blocking and async, that calls a fake."""

from collections.abc import AsyncIterator, Iterator

import httpx

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._recorder import Recorder

__all__ = ["InProcessTransport"]


class _Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that ends in an error of httpx."""

    def __init__(self, answer: FakeResponse) -> None:
        self._body = answer.body
        self._error: httpx.TransportError = httpx.ReadError("[Errno 104] Connection reset by peer")
        if answer.end == "cut":
            counts = f"received {len(answer.body)} bytes, expected {answer.header('Content-Length')}"
            self._error = httpx.RemoteProtocolError(
                f"peer closed connection without sending complete message body ({counts})"
            )

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise self._error


class InProcessTransport(Recorder, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    Responds to the requests of `httpx.Client` and `httpx.AsyncClient` without a network.

    Its arguments and attributes are those of `Recorder`.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a blocking client."""
        return self._respond(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to an async client."""
        return self._respond(request, await request.aread())

    def _respond(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        answer = self.answer(FakeRequest(request.method, request.url.raw_path.decode("ascii"), headers, body))
        if answer.delay:
            patience = request.extensions.get("timeout", {}).get("read")
            if patience is not None and answer.delay > patience:
                self.pass_time(patience)
                raise httpx.ReadTimeout("The read operation timed out")
            self.pass_time(answer.delay)
        return httpx.Response(
            answer.status,
            headers=list(answer.headers),
            # With `content`, httpx would add its own headers.
            stream=httpx.ByteStream(answer.body) if answer.end == "complete" else _Broken(answer),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason.encode("ascii")},
        )
