"""Faults in one line."""

from __future__ import annotations

import gzip

import httpx
import pytest

from logferry.testing import (
    Change,
    Fake,
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    LogtoFake,
    Outcome,
    Recorder,
    SignalWireFake,
    VirtualClock,
    cut,
    emptied,
    failing,
    first_of,
    html_page,
    late,
    reset,
    serve,
    stale,
)

BUSY, SLOW = FakeResponse(503), FakeResponse(429, (("Retry-After", "1"),))


def outcomes(faults: Faults, *targets: str) -> list[int]:
    """Return the status of each request's fault, 0 for none."""
    found = [faults(FakeRequest("GET", target), number) for number, target in enumerate(targets, 1)]
    return [one.status if isinstance(one, FakeResponse) else 0 for one in found]


def test_faults_apply_to_all_requests_or_to_numbers() -> None:
    """Without a condition all requests fail; otherwise those with the numbers, every n-th, or the first few."""
    assert outcomes(failing(BUSY), *"/" * 3) == [503, 503, 503]
    assert outcomes(failing(BUSY, at=[2, 4]), *"/" * 5) == [0, 503, 0, 503, 0]
    assert outcomes(failing(BUSY, every=2), *"/" * 5) == [0, 503, 0, 503, 0]
    assert outcomes(failing(BUSY, times=2), *"/" * 4) == [503, 503, 0, 0]
    assert outcomes(failing(BUSY, every=2, times=1), *"/" * 5) == [0, 503, 0, 0, 0]


def test_faults_apply_by_path_and_query() -> None:
    """A fault applies to requests that match both path and query, with any other parameters."""
    targets = ("/logs?page=2", "/token", "/logs?size=5&page=2", "/logs?page=3", "/logs?page=%32")
    assert outcomes(failing(BUSY, path="/token"), *targets) == [0, 503, 0, 0, 0]
    assert outcomes(failing(BUSY, path="/logs", query={"page": "2"}, at=[2, 3]), *targets) == [0, 0, 503, 0, 503]


def test_the_first_outcome_decides() -> None:
    """Joined faults all see every request, and the first outcome is used."""
    assert outcomes(first_of(failing(BUSY, at=[2]), failing(SLOW, at=[2, 3])), *"/" * 4) == [0, 503, 429, 0]


def test_an_exception_is_an_outcome() -> None:
    """An exception is an outcome that the adapters raise."""
    error = TimeoutError("slow")
    assert failing(error)(FakeRequest("GET", "/"), 1) is error


FAKE = SignalWireFake(records=30)
BASE_URL = "https://acme.signalwire.com"


def client(outcome: Outcome, fake: Fake = FAKE, clock: VirtualClock | None = None, at: int = 2) -> httpx.Client:
    """Return a client of a fake where one request, by default the second, has this outcome."""
    faults = failing(outcome, at=[at])
    transport = InProcessTransport(fake, faults=faults, clock=clock)
    authorization = (FAKE.project_id, FAKE.api_token)
    return httpx.Client(transport=transport, base_url=BASE_URL, auth=authorization, timeout=30)


def test_a_truncated_body_is_an_error_of_httpx() -> None:
    """The header has the length of the whole body; the received part can be read before the error."""
    with client(cut) as asking:
        whole = asking.get("/api/video/logs").content
        with asking.stream("GET", "/api/video/logs") as answer:
            received: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                received.extend(answer.iter_raw())
    assert answer.headers["Content-Length"] == str(len(whole))
    assert b"".join(received) == whole[: len(whole) // 2]


@pytest.mark.anyio
async def test_a_reset_within_a_body_is_a_read_error() -> None:
    """An async client gets the same error for a reset within the body as on the network."""
    transport = InProcessTransport(FAKE, faults=failing(reset))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as asking:
        with pytest.raises(httpx.ReadError, match="reset by peer"):
            await asking.get("/api/video/logs")


def test_a_truncated_chunked_body_has_a_length() -> None:
    """A truncated compressed answer in chunks gets a length, so that a client can detect it."""
    fake = LogtoFake(records=50)
    answer = fake.answer(
        FakeRequest(
            "GET", "/api/logs", (("Authorization", f"Bearer {fake.access_token()}"), ("Accept-Encoding", "gzip"))
        ),
        fake.epoch,
    )
    broken = cut(answer)
    assert answer.header("Content-Length") is None
    assert broken.header("Content-Length") == str(len(answer.body)) != str(len(broken.body))
    assert broken.header("Transfer-Encoding") is None


def test_a_login_page_replaces_the_answer() -> None:
    """A login page has status 200, its own type and length, and the other headers of the service."""
    with client(html_page) as asking:
        asking.get("/api/video/logs")
        answer = asking.get("/api/video/logs")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "X-Request-Id" in answer.headers


def test_an_emptied_page_keeps_its_links() -> None:
    """All items are removed, and the links stay."""
    with client(emptied) as asking:
        whole, empty = (asking.get("/api/video/logs?page_size=5").json() for _ in range(2))
    assert len(whole["data"]) == 5
    assert empty == whole | {"data": []}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'[{"id":"a"}]', b"[]"),
        (b'{"items":[1],"nextCursor":"c","total":3}', b'{"items":[],"nextCursor":"c","total":3}'),
        (b'{"_embedded":{"logEntry":[1]},"total":3}', b'{"_embedded":{"logEntry":[]},"total":3}'),
        (b'"text"', b'"text"'),
        (b"no JSON", b"no JSON"),
    ],
)
def test_pages_of_any_shape_can_be_emptied(body: bytes, expected: bytes) -> None:
    """Pages can be arrays, objects with arrays, or HAL, compressed or not."""
    plain = emptied(FakeResponse(200, (("Content-Type", "application/json"),), body))
    packed = emptied(FakeResponse(200, (("Content-Encoding", "gzip"),), gzip.compress(body)))
    assert plain.body == expected
    assert expected in {packed.body, gzip.decompress(packed.body) if packed.header("Content-Encoding") else None}


def test_a_stale_answer_repeats_the_last_one_of_the_path() -> None:
    """With any query the previous page comes again; the first answer stays unchanged."""
    with client(stale, at=3) as asking:
        pages = [asking.get(f"/api/video/logs?page_size={size}").json()["data"] for size in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [1, 2, 2, 4]
    with client(stale, at=1) as asking:
        assert len(asking.get("/api/video/logs?page_size=9").json()["data"]) == 9


def test_a_late_answer_advances_the_clock() -> None:
    """The clock advances by the delay of the answer, or by the timeout of the client, which then raises."""
    clock = VirtualClock(FAKE.epoch)
    with client(late(20), clock=clock, at=1) as asking:
        assert asking.get("/api/video/logs").status_code == 200
    assert clock.now() == FAKE.epoch + 20 * 10**9
    with client(late(40), clock=clock, at=1) as asking, pytest.raises(httpx.ReadTimeout):
        asking.get("/api/video/logs")
    assert clock.now() == FAKE.epoch + 50 * 10**9
    with client(late(40), at=1) as asking:
        assert asking.get("/api/video/logs", timeout=None).status_code == 200


def test_a_function_may_change_the_answer() -> None:
    """Any function from answer to answer can be an outcome."""
    with client(lambda answer: FakeResponse(answer.status, (("Content-Type", "text/plain"),), answer.body)) as asking:
        types = [asking.get("/api/video/logs").headers["Content-Type"] for _ in range(2)]
    assert types == ["application/json; charset=utf-8", "text/plain"]


@pytest.mark.parametrize("change", [cut, reset])
def test_a_body_is_truncated_over_the_loopback(change: Change) -> None:
    """A client of the server finds the connection closed within the body."""
    with serve(Recorder(FAKE, faults=failing(change))) as url, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/api/video/logs", auth=(FAKE.project_id, FAKE.api_token))
