"""Tokens: fetched once for all requests, renewed early, and never lost by a cancellation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import httpx
import pytest
from tests.conftest import PATIENCE

import logferry
from logferry.testing import (
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    LogtoFake,
    Recorder,
    VirtualClock,
    failing,
    serve,
)

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

FAKE = LogtoFake(records=30)
UNTIL = "2027-01-01"
JSON = ("Content-Type", "application/json")


class Suspending(httpx.AsyncBaseTransport):
    """Lets other tasks run while a request is in flight; the token request can be made to wait for ever."""

    def __init__(self, *, faults: Faults | None = None, hang_first_token: bool = False) -> None:
        self.inner = InProcessTransport(FAKE, faults=faults)
        self.hanging = anyio.Event()
        self._hang = hang_first_token

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer after a wait."""
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        if self._hang and request.url.path == "/oidc/token":
            self._hang = False
            self.hanging.set()
            await anyio.sleep_forever()
        return await self.inner.handle_async_request(request)


def tokens(transport: Recorder) -> int:
    """Return how often a token was requested."""
    return sum(request.path == "/oidc/token" for request in transport.requests)


def pages(transport: Recorder) -> int:
    """Return how often logs were requested."""
    return sum(request.path == "/api/logs" for request in transport.requests)


def test_one_token_serves_eight_threads(client: Make) -> None:
    """Threads that need a token at the same time wait for the request in flight."""
    asked: set[int] = set()
    all_asked = threading.Event()

    class Clock(VirtualClock):
        """Records who reads the time, which happens before each token request."""

        def now(self) -> int:
            asked.add(threading.get_ident())
            if len(asked) == 8:
                all_asked.set()
            return super().now()

    def fault(request: FakeRequest, _number: int) -> None:
        if request.path == "/oidc/token":
            assert all_asked.wait(PATIENCE)

    transport = InProcessTransport(FAKE, faults=fault)
    with client(transport=transport, clock=Clock(FAKE.epoch)) as logto, ThreadPoolExecutor(8) as threads:
        pulls = [threads.submit(logto.audit_logs(until=UNTIL).to_list) for _ in range(8)]
        found = [len(pull.result()) for pull in pulls]
    assert found == [30] * 8
    assert (tokens(transport), pages(transport)) == (1, 8)


def test_one_token_serves_twenty_tasks(client: Make) -> None:
    """Tasks that need a token at the same time wait for the request in flight, and do not block the loop."""

    async def ask() -> tuple[list[int], Recorder]:
        transport, found = Suspending(), list[int]()
        async with client(transport=transport, clock=VirtualClock(FAKE.epoch)) as logto:

            async def one() -> None:
                found.append(len(await logto.audit_logs(until=UNTIL).ato_list()))

            async with anyio.create_task_group() as group:
                for _ in range(20):
                    group.start_soon(one)
        return found, transport.inner

    found, transport = anyio.run(ask)
    assert found == [30] * 20
    assert (tokens(transport), pages(transport)) == (1, 20)


def test_a_cancelled_token_request_does_not_block_other_tasks(client: Make) -> None:
    """After a task is cancelled during a token request, other tasks get their token."""

    async def ask() -> int:
        transport = Suspending(hang_first_token=True)
        async with client(transport=transport, clock=VirtualClock(FAKE.epoch)) as logto:
            async with anyio.create_task_group() as group:
                group.start_soon(logto.audit_logs(until=UNTIL).ato_list)
                await transport.hanging.wait()
                group.cancel_scope.cancel()
            with anyio.fail_after(PATIENCE):
                return len(await logto.audit_logs(until=UNTIL).ato_list())

    assert anyio.run(ask) == 30


def test_an_interrupted_token_request_does_not_block_other_threads(client: Make) -> None:
    """After Ctrl-C during a token request, other threads get their token."""
    interrupted: list[bool] = []

    def fault(request: FakeRequest, _number: int) -> None:
        if request.path == "/oidc/token" and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt

    with client(FAKE, faults=fault) as logto:
        iterator = iter(logto.audit_logs(until=UNTIL))
        with pytest.raises(KeyboardInterrupt):
            next(iterator)
        assert len(list(iterator)) == 30
        assert len(list(logto.audit_logs(until=UNTIL))) == 30


def test_a_token_is_renewed_a_minute_before_it_expires(client: Make, walk: Walk) -> None:
    """With more than a minute left a token is used; after that a new one is fetched."""
    clock = VirtualClock(FAKE.epoch)
    transport = InProcessTransport(FAKE, clock=clock.now)
    with client(transport=transport, clock=clock) as logto:
        seen: list[int] = []
        for seconds in (0, 3600 - 61, 1, 1):
            clock.advance(seconds)
            next(walk(logto.audit_logs(until=UNTIL)))
            seen.append(tokens(transport))
    assert seen == [1, 1, 2, 2]


def test_views_share_the_token(client: Make, walk: Walk) -> None:
    """A client with other options uses the existing token."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto:
        next(walk(logto.audit_logs(until=UNTIL)))
        next(walk(logto.with_options(timeout=1, retries=0).audit_logs(until=UNTIL)))
    assert tokens(transport) == 1


def test_a_refused_token_is_renewed_once(client: Make, walk: Walk) -> None:
    """A 401 during a pull costs a new token and a replay, but no log."""
    clock = VirtualClock(FAKE.epoch)
    refusals = [FakeResponse(401, (JSON,), b'{"code":"auth.unauthorized"}')]

    def fault(_request: FakeRequest, number: int) -> FakeResponse | None:
        if number == 3 and refusals:  # the second page; the first request is for the token
            clock.advance(1)  # so that the service issues another token
            return refusals.pop()
        return None

    transport = InProcessTransport(FAKE, faults=fault, clock=clock.now)
    with client(transport=transport, clock=clock) as logto:
        found = [entry.id for entry in walk(logto.audit_logs(until=FAKE_END, page_size=10))]
    assert found == list(FAKE.truth())
    assert (tokens(transport), pages(transport)) == (2, 4)
    assert clock.naps == ()


FAKE_END = "2026-01-01T00:00:00.001Z"
"""A time just after the newest log of the fake."""


def test_a_second_refused_token_is_an_error(client: Make, walk: Walk) -> None:
    """The second 401 raises an AuthenticationError without further attempts."""
    clock = VirtualClock(FAKE.epoch)

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        clock.advance(1)
        return FakeResponse(401, (JSON,), b"{}") if request.path == "/api/logs" else None

    transport = InProcessTransport(FAKE, faults=fault, clock=clock.now)
    with client(transport=transport, clock=clock) as logto, pytest.raises(logferry.AuthenticationError) as caught:
        next(walk(logto.audit_logs()))
    assert (tokens(transport), pages(transport)) == (2, 2)
    assert (caught.value.status, clock.naps) == (401, ())


def test_a_static_token_is_never_renewed(client: Make, walk: Walk) -> None:
    """A static token cannot be renewed: one request, one AuthenticationError."""
    transport = InProcessTransport(FAKE)
    with (
        client(transport=transport, app_id=None, app_secret=None, access_token="a.b.c") as logto,
        pytest.raises(logferry.AuthenticationError),
    ):
        next(walk(logto.audit_logs()))
    assert transport.count == 1


@pytest.mark.parametrize(
    "failure", [FakeResponse(503), FakeResponse(429), httpx.ReadTimeout("slow"), httpx.ConnectError("refused")], ids=str
)
def test_a_token_request_is_retried(client: Make, walk: Walk, failure: FakeResponse | Exception) -> None:
    """A repeated token request has no side effect, so transient failures are retried."""
    clock = VirtualClock(FAKE.epoch)
    with client(FAKE, faults=failing(failure, path="/oidc/token", times=3), clock=clock) as logto:
        stream = logto.audit_logs(until=UNTIL)
        assert len(list(walk(stream))) == 30
    assert stream.stats.retries == len(clock.naps) == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (FakeResponse(500), logferry.ServiceError),
        (FakeResponse(429, (("Retry-After", "3600"),)), logferry.RateLimitError),
        (FakeResponse(401, (JSON,), b'{"error":"invalid_client"}'), logferry.AuthenticationError),
        (FakeResponse(400, (JSON,), b'{"error":"invalid_target"}'), logferry.AuthenticationError),
        (FakeResponse(400, (JSON,), b'{"error":"invalid_scope"}'), logferry.BadRequestError),
        (FakeResponse(404, (), b"<html></html>"), logferry.BadRequestError),
        (FakeResponse(302, (("Location", "https://elsewhere.example"),)), logferry.ResponseShapeError),
        (FakeResponse(200, (("Content-Type", "text/html"),), b"<!doctype html>"), logferry.ResponseShapeError),
        (FakeResponse(200, (JSON,), b"[]"), logferry.ResponseShapeError),
        (FakeResponse(200, (JSON,), b"{}"), logferry.ResponseShapeError),
        (
            FakeResponse(200, (JSON,), b'{"access_token":5,"expires_in":1,"token_type":"Bearer"}'),
            logferry.ResponseShapeError,
        ),
        (
            FakeResponse(200, (JSON,), b'{"access_token":"x","expires_in":"soon","token_type":"Bearer"}'),
            logferry.ResponseShapeError,
        ),
    ],
)
def test_a_failing_token_endpoint_is_an_error(
    client: Make, walk: Walk, answer: FakeResponse, kind: type[logferry.LogferryError]
) -> None:
    """With any answer of the token endpoint, no logs are requested, and the error names the failed request."""
    transport = InProcessTransport(FAKE, faults=failing(answer, path="/oidc/token"), check=False)
    with client(transport=transport, clock=VirtualClock(FAKE.epoch)) as logto:
        iterator = walk(logto.audit_logs(until=UNTIL))
        with pytest.raises(kind) as caught:
            next(iterator)
    assert type(caught.value) is kind
    assert (caught.value.method, caught.value.url) == ("POST", "https://default.logto.app/oidc/token")
    assert caught.value.checkpoint
    assert pages(transport) == 0
    assert FAKE.app_secret not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"access_token":"hush","token_type":"Bearer"}', "expires_in"),
        (b'{"access_token":"hush","token_type":"Bearer","expires_in":"soon"}', "expires_in"),
        (b'{"access_token":"hush","expires_in":3600}', "token_type"),
        (b'{"access_token":"","token_type":"Bearer","expires_in":3600}', "access_token is empty"),
        (b'{"access_token":" ","token_type":"Bearer","expires_in":3600}', "access_token is empty"),
        (b'["hush"]', "not an access token"),
    ],
)
def test_the_error_names_the_defect_of_an_invalid_token(client: Make, walk: Walk, body: bytes, words: str) -> None:
    """The error names the field that is missing, empty or of another type, and shows no value."""
    transport = InProcessTransport(
        FAKE, faults=failing(FakeResponse(200, (JSON,), body), path="/oidc/token"), check=False
    )
    with (
        client(transport=transport, clock=VirtualClock(FAKE.epoch)) as logto,
        pytest.raises(logferry.ResponseShapeError, match=words) as caught,
    ):
        next(walk(logto.audit_logs(until=UNTIL)))
    assert pages(transport) == 0
    assert "hush" not in str(caught.value)


def test_the_iterator_continues_after_a_failed_token_request(client: Make, walk: Walk) -> None:
    """The next call requests a token again."""
    with client(FAKE, faults=failing(FakeResponse(500), path="/oidc/token", times=1), retries=0) as logto:
        iterator = walk(logto.audit_logs(until=UNTIL))
        with pytest.raises(logferry.ServiceError):
            next(iterator)
        assert len(list(iterator)) == 30


@pytest.mark.parametrize("token", ["made-up\\nsecret-token", "made-up\\u0000secret-token", "made-up-secret-t\u00f6ken"])
def test_an_error_does_not_show_an_unsendable_token(token: str) -> None:
    """A token that is invalid in a header raises an error of logferry without the token."""
    body = f'{{"access_token":"{token}","expires_in":3600,"token_type":"Bearer"}}'.encode()
    recorder = Recorder(FAKE, faults=failing(FakeResponse(200, (JSON,), body), path="/oidc/token"), check=False)
    with (
        serve(recorder) as url,
        logferry.Logto(endpoint=url, app_id=FAKE.app_id, app_secret=FAKE.app_secret) as logto,
        pytest.raises(logferry.LogferryError) as caught,
    ):
        logto.audit_logs().to_list()
    assert "made-up" not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
