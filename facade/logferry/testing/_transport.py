"""The in-process adapter: an httpx transport, blocking and async, that asks a fake."""

import httpx

from logferry.testing._http import FakeRequest
from logferry.testing._recorder import Recorder

__all__ = ["InProcessTransport"]


class InProcessTransport(Recorder, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    Answers the requests of `httpx.Client` and `httpx.AsyncClient` without a network.

    What it takes and keeps is that of `Recorder`.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a blocking client."""
        return self._respond(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer an async client."""
        return self._respond(request, await request.aread())

    def _respond(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        answer = self.answer(FakeRequest(request.method, request.url.raw_path.decode("ascii"), headers, body))
        return httpx.Response(
            answer.status,
            headers=list(answer.headers),
            stream=httpx.ByteStream(answer.body),  # with `content`, httpx would add headers of its own
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason.encode("ascii")},
        )
