"""A request with a JSON body is sent as the generated builder made it."""

from __future__ import annotations

import httpx
import pytest

import logferry
from logferry._http.messages import Pairs
from logferry_clients.logto.types import Request


@pytest.mark.parametrize(
    ("headers", "media_type"),
    [((), "application/json"), ((("Content-Type", "application/vnd.acorn+json"),), "application/vnd.acorn+json")],
)
def test_a_json_body_is_sent(headers: Pairs, media_type: str) -> None:
    """The body is JSON, of the media type that the request names, or else of the usual one; credentials are added."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"ok": True})

    request = Request("POST", "/api/events", (), headers, None, {"cursor": "a\u00e9", "limit": 5}, parse=dict)
    with logferry.Logto(
        endpoint="https://acme.logto.app", access_token="hush", transport=httpx.MockTransport(answer)
    ) as logto:
        assert logto.send(request) == {"ok": True}
    (one,) = sent
    assert one.read() == '{"cursor":"aé","limit":5}'.encode()
    assert one.headers.get_list("Content-Type") == [media_type]
    assert one.headers["Authorization"] == "Bearer hush"
