"""An ASGI application that serves a fake."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from logferry.testing._http import FakeRequest
from logferry.testing._recorder import Recorder

__all__ = ["Application", "asgi"]

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI 3 application."""


def asgi(recorder: Recorder) -> Application:
    """Return an ASGI application that responds as `recorder` does, with its header lines in order and in case."""

    async def application(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"A fake answers http, not {scope['type']}.")
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = recorder.answer(FakeRequest(scope["method"], target.decode("latin-1"), headers, body))
        if answer.delay:
            await asyncio.sleep(answer.delay)
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": lines})
        # If the end of the body is not announced, the server closes the connection after it.
        more = answer.end != "complete"
        await send({"type": "http.response.body", "body": answer.body, "more_body": more})

    return application
