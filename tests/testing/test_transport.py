import httpx
import pytest

from logferry.testing import FakeRequest, FakeResponse, InProcessTransport, LogtoFake, VirtualClock

BASE_URL = "https://acme.logto.app"
FAKE = LogtoFake(records=50)
AUTHORIZATION = {"Authorization": f"Bearer {FAKE.access_token()}"}


def get_blocking(transport: InProcessTransport, target: str) -> httpx.Response:
    """Send a request with a blocking client."""
    with httpx.Client(transport=transport, base_url=BASE_URL, headers=AUTHORIZATION) as client:
        return client.get(target)


def test_a_blocking_client_gets_the_answer() -> None:
    """A blocking client gets the answer of the fake, line by line."""
    transport = InProcessTransport(FAKE)
    with httpx.Client(transport=transport, base_url=BASE_URL, headers=AUTHORIZATION) as client:
        response = client.get("/api/logs", params={"page": 2})
    assert [item["id"] for item in response.json()] == list(FAKE.truth()[20:40])
    assert len(response.headers.get_list("Link")) == 4
    assert (b"Total-Number", b"50") in response.headers.raw
    assert (response.http_version, response.reason_phrase) == ("HTTP/1.1", "OK")
    assert transport.requests[0].target == "/api/logs?page=2"
    assert transport.requests[0].header("host") == "acme.logto.app"


@pytest.mark.anyio
async def test_an_async_client_gets_the_answer() -> None:
    """An async client gets exactly what a blocking one gets."""
    transport = InProcessTransport(FAKE)
    blocking = get_blocking(transport, "/api/logs")
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=AUTHORIZATION) as client:
        response = await client.get("/api/logs")
    assert (response.headers.raw, response.content) == (blocking.headers.raw, blocking.content)
    assert transport.count == 2


def test_the_body_is_passed_on() -> None:
    """The fake gets the body of the request."""
    form = {"grant_type": "client_credentials", "resource": "https://default.logto.app/api", "scope": "all"}
    with httpx.Client(transport=InProcessTransport(FAKE), base_url=BASE_URL) as client:
        response = client.post("/oidc/token", data=form, auth=(FAKE.app_id, FAKE.app_secret))
    assert (response.status_code, response.json()["scope"]) == (200, "all")


def test_the_clock_sets_the_time() -> None:
    """The fake gets the time of the clock; without a clock the time stays at the epoch."""
    clock = VirtualClock(FAKE.epoch)
    with (
        httpx.Client(transport=InProcessTransport(FAKE, clock=clock.now), base_url=BASE_URL) as client,
        httpx.Client(transport=InProcessTransport(FAKE), base_url=BASE_URL) as standing,
    ):
        clock.advance(3601)
        assert client.get("/api/logs", headers=AUTHORIZATION).json()["data"]["code"] == "ERR_JWT_EXPIRED"
        assert standing.get("/api/logs", headers=AUTHORIZATION).status_code == 200


def test_a_fault_replaces_the_answer() -> None:
    """A fault replaces the answer or is raised; requests are numbered from 1."""
    faults: dict[int, FakeResponse | Exception] = {
        2: FakeResponse(500, (("Content-Length", "0"),)),
        3: httpx.ReadTimeout("too slow"),
    }
    transport = InProcessTransport(FAKE, faults=lambda _, number: faults.get(number))
    with httpx.Client(transport=transport, base_url=BASE_URL, headers=AUTHORIZATION) as client:
        statuses = [client.get("/api/logs").status_code for _ in range(2)]
        with pytest.raises(httpx.ReadTimeout) as caught:
            client.get("/api/logs")
        statuses.append(client.get("/api/logs").status_code)
    assert statuses == [200, 500, 200]
    assert caught.value.request.url == f"{BASE_URL}/api/logs"
    assert transport.count == 4


def test_faults_see_the_request() -> None:
    """A fault can depend on the request."""

    def fault(request: FakeRequest, _: int) -> FakeResponse | None:
        return FakeResponse(429, (("Retry-After", "1"),)) if request.path == "/oidc/token" else None

    with httpx.Client(transport=InProcessTransport(FAKE, faults=fault), base_url=BASE_URL) as client:
        assert client.post("/oidc/token").headers["Retry-After"] == "1"
        assert client.get("/api/logs", headers=AUTHORIZATION).status_code == 200


def test_recorded_requests_are_bounded() -> None:
    """Only the latest requests are kept, but all are counted."""
    transport = InProcessTransport(FAKE, keep=2)
    with httpx.Client(transport=transport, base_url=BASE_URL, headers=AUTHORIZATION) as client:
        for page in range(1, 6):
            client.get(f"/api/logs?page={page}")
    assert transport.count == 5
    assert [request.query for request in transport.requests] == ["page=4", "page=5"]


def test_violations_are_collected() -> None:
    """Each distinct violation of the spec is collected once, unless the check is disabled."""
    checking, trusting = InProcessTransport(FAKE), InProcessTransport(FAKE, check=False)
    for transport in (checking, trusting):
        with httpx.Client(transport=transport, base_url=BASE_URL, headers=AUTHORIZATION) as client:
            for target in ("/api/logs?page=1", "/api/logs?pageSize=1", "/api/logs?pageSize=1"):
                assert client.get(target).status_code == 200
    assert checking.violations == ["GET /api/logs: unknown query parameter 'pageSize'"]
    assert trusting.violations == []
