import sys
import threading
from typing import Any

import httpx
import psutil
import pytest

from logferry.testing import (
    FakeResponse,
    InProcessTransport,
    LogtoFake,
    Recorder,
    VirtualClock,
    asgi,
    serve,
    serve_all,
    serve_until_interrupted,
)

FAKE = LogtoFake(records=50)
AUTHORIZATION = {"Authorization": f"Bearer {FAKE.access_token()}"}
REQUESTS = [
    ("GET", "/api/logs?page_size=10&page=2"),
    ("GET", "/api/logs?logKey=no%20such&x=%C3%A9"),
    ("HEAD", "/api/logs"),
    ("OPTIONS", "/api/logs"),
    ("POST", "/api/logs"),
    ("TRACE", "/api/logs"),
    ("GET", "/api/logs/unknown"),
    ("GET", "/api//logs"),
    ("POST", "/oidc/token"),
    ("GET", "/logs"),
]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_served_answers_equal_those_in_process(encoding: str) -> None:
    """Status, header lines and body on the wire are those in process."""
    headers = {**AUTHORIZATION, "Accept-Encoding": encoding}
    with (
        serve(FAKE) as url,
        httpx.Client(base_url=url, headers=headers) as wire,
        httpx.Client(base_url=url, headers=headers, transport=InProcessTransport(FAKE)) as direct,
    ):
        for method, target in REQUESTS:
            served, answered = wire.request(method, target), direct.request(method, target)
            assert (served.status_code, served.headers.raw, served.content) == (
                answered.status_code,
                answered.headers.raw,
                answered.content,
            )


@pytest.mark.anyio
async def test_an_async_client_is_served() -> None:
    """An async client is served as well."""
    with serve(FAKE) as url:
        async with httpx.AsyncClient(base_url=url, headers=AUTHORIZATION) as client:
            response = await client.get("/api/logs")
    assert [item["id"] for item in response.json()] == list(FAKE.truth()[:20])


def test_a_304_is_framed_without_a_body() -> None:
    """An answer without a body is framed as such."""
    with serve(FAKE) as url, httpx.Client(base_url=url, headers=AUTHORIZATION) as client:
        tag = client.get("/api/logs").headers["ETag"]
        again = client.get("/api/logs", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["Total-Number"]) == (304, b"", "50")
        assert client.get("/api/logs").status_code == 200


def test_the_server_stops_cleanly() -> None:
    """After the block no thread, open socket or listener remains, even if a client stays connected."""
    with serve(FAKE):
        pass  # resources that are opened once, such as random sources, are open now
    process = psutil.Process()
    threads, descriptors = threading.active_count(), process.num_fds()
    client = httpx.Client(headers=AUTHORIZATION)
    with serve(FAKE) as url:
        assert client.get(f"{url}/api/logs").status_code == 200
    with pytest.raises(httpx.TransportError):
        client.get(f"{url}/api/logs")
    client.close()
    assert (threading.active_count(), process.num_fds()) == (threads, descriptors)


def test_the_server_stops_after_an_error() -> None:
    """An error in the block is raised, and the server stops."""
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), serve(FAKE):
        _ = 1 / 0
    assert set(threading.enumerate()) <= before


def test_several_fakes_are_served() -> None:
    """Several fakes are served at once, each at its own URL."""
    other = LogtoFake(records=3)
    with serve_all([FAKE, other]) as urls:
        counts = [httpx.get(f"{url}/api/logs", headers=AUTHORIZATION).headers["Total-Number"] for url in urls]
    assert counts == ["50", "3"]


def test_a_recorder_shows_requests() -> None:
    """A recorder around the fake shows the requests to the server, and can make them fail."""
    clock = VirtualClock(FAKE.epoch)
    recorder = Recorder(FAKE, clock=clock.now, faults=lambda _, number: FakeResponse(503) if number == 2 else None)
    with serve(recorder) as url, httpx.Client(base_url=url, headers=AUTHORIZATION) as client:
        statuses = [client.get("/api/logs?x=1").status_code for _ in range(3)]
    assert statuses == [200, 503, 200]
    assert recorder.violations == ["GET /api/logs: unknown query parameter 'x'"]
    assert [request.target for request in recorder.requests] == ["/api/logs?x=1"] * 3


def test_a_port_in_use_is_an_error() -> None:
    """The error is raised at once, and no listener remains."""
    with serve(FAKE) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), serve_all([FAKE, FAKE], ports=[0, port]):
            pytest.fail("two servers on one port")


def test_the_blocking_form_serves_until_ctrl_c() -> None:
    """It prints its URLs, serves until Ctrl-C, and ends without a traceback."""
    seen: list[int] = []

    def ready(urls: tuple[str, ...]) -> None:
        seen.extend(httpx.get(f"{url}/api/logs", headers=AUTHORIZATION).status_code for url in urls)
        raise KeyboardInterrupt

    serve_until_interrupted([FAKE], ready=ready)
    assert seen == [200]


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uvicorn the error names the extra that includes it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ModuleNotFoundError, match=r"logferry\[simulate\]"), serve(FAKE):
        pytest.fail("served without uvicorn")


@pytest.mark.anyio
async def test_the_application_runs_in_another_server() -> None:
    """The application runs under any ASGI server, here the test transport of httpx."""
    transport = httpx.ASGITransport(app=asgi(Recorder(FAKE)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=AUTHORIZATION) as client:
        assert (await client.get("/api/logs")).headers["Total-Number"] == "50"


@pytest.mark.anyio
async def test_the_application_answers_only_http() -> None:
    """Other protocols are refused, so that a server detects the missing lifespan."""

    async def receive() -> dict[str, Any]:
        raise AssertionError

    async def send(_message: Any) -> None:
        raise AssertionError

    with pytest.raises(NotImplementedError, match="lifespan"):
        await asgi(Recorder(FAKE))({"type": "lifespan"}, receive, send)
