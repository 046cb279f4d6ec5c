"""Concurrent requests yield the same records in the same order, waste few requests and leave no thread or task."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import anyio
import httpx
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.concurrency.watching import Counting, threads

import logferry
from logferry.hooks import RequestEvent
from logferry.testing import (
    CognigyFake,
    FakeResponse,
    InProcessTransport,
    LogtoFake,
    VirtualClock,
    connected,
    failing,
)

UNTIL = "2027-01-01"
PAGE = 50
Walk = Callable[[Any], Iterator[Any]]
PROPERTY = settings(derandomize=True, max_examples=5)


def far_away(fake: Any, **options: Any) -> Any:
    """Return client options under which each request takes time, on a virtual clock unless the options have a clock."""
    clock = VirtualClock(fake.epoch + 1_000_000)

    def pass_time(_event: RequestEvent) -> None:
        clock.advance(0.05)

    return {"clock": clock, "on_request": pass_time, **options}


@frozen
class Case:
    """A stream whose window can be partitioned, and the fake that serves it."""

    client: Any
    fake: Any
    stream: str

    def view(self, transport: Any = None, **options: Any) -> Any:
        """Return the raw items of the stream; options of clients go to the client, others to the stream."""
        names = ("concurrency", "retries", "clock", "rate")
        calls: dict[str, Any] = {"rate": None, **{name: options.pop(name) for name in names if name in options}}
        calls = far_away(self.fake, **calls)
        client = connected(self.client, self.fake, transport=transport or InProcessTransport(self.fake), **calls)
        if "resume" not in options:
            options = {"until": UNTIL, "filters": self.fake.questions(self.stream)[0], **options}
        return client.stream(self.stream, **{"page_size": PAGE, **options}).raw()


CASES = {
    "logto": Case(logferry.Logto, LogtoFake(records=2000), "logto.audit_logs"),
    "cognigy": Case(logferry.Cognigy, CognigyFake(records=2000), "cognigy.project_logs"),
}
AS_SENT = {"cognigy.project_logs"}
divisible = pytest.mark.parametrize("name", CASES)


@cache
def one_by_one(name: str) -> tuple[list[Any], int]:
    """Return the items that sequential requests yield, and the number of requests."""
    transport = InProcessTransport(CASES[name].fake)
    return list(CASES[name].view(transport, concurrency=1)), transport.count


def assert_same(name: str, got: list[Any], expected: list[Any], *, page: int = PAGE) -> None:
    """
    Assert that the items are the same, in the same order where the service sorts by time.

    In a stream without an order, items of two partitions can change places near the border, by less than a page.
    """
    if CASES[name].stream not in AS_SENT:
        assert got == expected
        return
    places = {json.dumps(item): place for place, item in enumerate(expected)}
    assert sorted(places[json.dumps(item)] for item in got) == list(range(len(expected)))
    assert max(abs(places[json.dumps(item)] - place) for place, item in enumerate(got)) < page


@divisible
@pytest.mark.parametrize("concurrency", [2, 4, 8])
def test_concurrency_keeps_items_and_order(name: str, concurrency: int, walk: Walk) -> None:
    """Any concurrency yields the items of sequential requests in their order, with at most 1.35 times the requests."""
    transport = InProcessTransport(CASES[name].fake)
    expected, requests = one_by_one(name)
    assert len(expected) > 1500
    assert_same(name, list(walk(CASES[name].view(transport, concurrency=concurrency))), expected)
    assert transport.count <= 1.35 * requests


@divisible
@given(concurrency=st.integers(1, 8), then=st.integers(1, 8), stop=st.integers(0, 2000), page_size=st.integers(40, 100))
@PROPERTY
def test_a_checkpoint_resumes_exactly(name: str, concurrency: int, then: int, stop: int, page_size: int) -> None:
    """A checkpoint from any point of a walk resumes there, with any concurrency before and after."""
    expected, _ = one_by_one(name)
    view = CASES[name].view(concurrency=concurrency, page_size=page_size)
    first = view.to_list(stop)
    rest = CASES[name].view(concurrency=then, page_size=page_size, resume=view.checkpoint)
    assert_same(name, [*first, *rest], expected, page=100)


@divisible
@given(failed=st.sets(st.integers(1, 60), max_size=12), concurrency=st.integers(2, 8))
@PROPERTY
def test_an_error_is_raised_in_order(name: str, failed: set[int], concurrency: int) -> None:
    """An error is raised after all items before it were delivered; then the same iterator continues."""
    case, (expected, _) = CASES[name], one_by_one(name)
    transport = InProcessTransport(case.fake, faults=failing(FakeResponse(503), at=failed))
    view = case.view(transport, concurrency=concurrency, retries=0)
    iterator, got = iter(view), list[Any]()
    while True:
        try:
            got.append(next(iterator))
        except StopIteration:
            break
        except logferry.ServiceError:
            assert name == "cognigy" or got == expected[: len(got)]
    assert_same(name, got, expected)


@divisible
@given(failed=st.sets(st.integers(11, 60), min_size=1, max_size=12), concurrency=st.integers(2, 8))
@PROPERTY
def test_a_broken_connection_ahead_is_retried(name: str, failed: set[int], concurrency: int) -> None:
    """A broken connection for a page requested ahead is retried without an error, as in a sequential walk."""
    case, (expected, _) = CASES[name], one_by_one(name)
    broken = InProcessTransport(case.fake, faults=failing(httpx.ReadError("reset"), at=failed))
    assert_same(name, list(case.view(broken, concurrency=concurrency, retries=15)), expected)


@divisible
def test_a_fast_service_is_read_sequentially(name: str, walk: Walk) -> None:
    """Where pages take no time, the walk sends the same number of requests as a sequential one."""
    case, (expected, requests) = CASES[name], one_by_one(name)
    transport = InProcessTransport(case.fake)
    client = connected(case.client, case.fake, transport=transport, rate=None, concurrency=8)
    filters = case.fake.questions(case.stream)[0]
    view = client.stream(case.stream, filters=filters, until=UNTIL, page_size=PAGE).raw()
    assert list(walk(view)) == expected
    assert transport.count == requests


@divisible
def test_a_window_of_a_few_pages_is_read_sequentially(name: str, walk: Walk) -> None:
    """A caller who takes only a few pages causes the same requests as a sequential walk."""
    for options, taken in (({"max_items": 3 * PAGE}, None), ({}, 3 * PAGE - 1)):
        counts: list[int] = []
        for concurrency in (1, 8):
            transport = InProcessTransport(CASES[name].fake)
            for number, _ in enumerate(walk(CASES[name].view(transport, concurrency=concurrency, **options)), start=1):
                if number == taken:
                    break
            counts.append(transport.count)
        assert counts[0] == counts[1]


@divisible
@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_the_concurrency_is_reached_and_never_exceeded(name: str, concurrency: int) -> None:
    """The number of requests in flight reaches the configured concurrency and never exceeds it."""
    transport = Counting(InProcessTransport(CASES[name].fake))
    assert_same(name, list(CASES[name].view(transport, concurrency=concurrency)), one_by_one(name)[0])
    assert 1 <= transport.most <= concurrency
    assert concurrency == 1 or transport.most > 1


def test_concurrency_respects_the_rate() -> None:
    """No second has more requests than the rate allows, with any concurrency."""
    case, sent = CASES["cognigy"], list[int]()
    clock = VirtualClock(case.fake.epoch + 1_000_000)

    class Timed(InProcessTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(clock.now())
            return super().handle_request(request)

    # Only the rate limiter takes time here.
    got = list(case.view(Timed(case.fake), concurrency=8, rate="5/s", clock=clock))
    assert_same("cognigy", got, one_by_one("cognigy")[0])
    assert len(sent) > one_by_one("cognigy")[1]
    assert all(later - earlier >= 10**9 for earlier, later in zip(sent, sent[5:], strict=False))


def test_an_older_checkpoint_still_resumes(walk: Walk) -> None:
    """A checkpoint from a walk without partitions resumes."""
    case, (expected, _) = CASES["logto"], one_by_one("logto")
    view = case.view(concurrency=1)
    first = view.to_list(70)
    assert "partition" not in json.loads(view.checkpoint)["position"]
    assert [*first, *walk(case.view(concurrency=8, resume=view.checkpoint))] == expected


def test_a_server_that_ignores_bounds_is_read_sequentially(walk: Walk) -> None:
    """An old Logto ignores time bounds; the walk detects this and sends no more requests than a sequential one."""
    case = Case(logferry.Logto, LogtoFake(records=1500, release="1.36.0"), "logto.audit_logs")
    counts: list[int] = []
    for concurrency in (1, 8):
        transport = InProcessTransport(case.fake)
        assert [item["id"] for item in walk(case.view(transport, concurrency=concurrency))] == list(case.fake.truth())
        counts.append(transport.count)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("damage", ["partition", "rest", "span", "timeless"])
def test_a_damaged_position_is_a_checkpoint_error(damage: str) -> None:
    """A forged checkpoint is refused before any request is sent."""
    from attrs import evolve  # noqa: PLC0415

    from logferry._streams.checkpoint import read_checkpoint  # noqa: PLC0415  # only here

    view = CASES["logto"].view(concurrency=4)
    view.to_list(15 * PAGE)
    checkpoint = read_checkpoint(view.checkpoint)
    made_up = evolve(checkpoint, position={**checkpoint.position, damage: 7}).to_text()
    with pytest.raises(logferry.CheckpointError, match="damaged"):
        CASES["logto"].view(resume=made_up)


def test_a_checkpoint_of_an_earlier_version_is_refused() -> None:
    """A checkpoint that an earlier version made within a window names the version, and no request is sent."""
    from attrs import evolve  # noqa: PLC0415

    from logferry._streams.checkpoint import read_checkpoint  # noqa: PLC0415  # only here

    view = CASES["logto"].view(concurrency=1)
    view.to_list(PAGE)
    checkpoint = read_checkpoint(view.checkpoint)
    older: dict[str, Any] = {
        "part": [None, 7],
        "position": None,
        "extent": None,
        "left": None,
        "course": None,
        "met": {},
        "total": 7,
    }
    with pytest.raises(logferry.CheckpointError, match="of an earlier version"):
        CASES["logto"].view(resume=evolve(checkpoint, position=older).to_text())


@pytest.mark.parametrize("end", ["break", "error", "all", "close"])
def test_no_thread_outlives_its_iteration(end: str) -> None:
    """The requests and threads of an iteration end with it, however it ends."""
    fake = LogtoFake(records=2000)
    transport = InProcessTransport(fake, faults=failing(FakeResponse(403), at=[20]) if end == "error" else None)
    with connected(logferry.Logto, fake, transport=transport, **far_away(fake, rate=None, concurrency=8)) as client:
        seen = 0
        try:
            for _item in client.audit_logs(until=UNTIL, page_size=PAGE).raw():
                seen += 1
                if end == "break" and seen == 800:
                    break
                if end == "close" and seen == 800:
                    client.close()
        except logferry.LogferryError:
            assert end in {"error", "close"}
    gc.collect()
    assert threads() == []


def test_sequential_reading_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither concurrency=1 nor a window of a few pages starts a thread."""

    def refuse(_thread: threading.Thread) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for options in ({"concurrency": 1}, {"concurrency": 8, "max_items": 5 * PAGE}):
        assert CASES["logto"].view(**options).to_list()


@pytest.mark.anyio
@pytest.mark.parametrize("end", ["break", "cancel", "close"])
async def test_no_task_outlives_its_iteration(end: str) -> None:
    """The tasks of an iteration end with it, however it ends."""
    fake = LogtoFake(records=2000)
    before = len(anyio.get_running_tasks())
    options = far_away(fake, rate=None, concurrency=8)
    async with connected(logferry.Logto, fake, transport=InProcessTransport(fake), **options) as client:
        seen = 0
        with anyio.CancelScope() as scope:
            async for _item in client.audit_logs(until=UNTIL, page_size=PAGE).raw():
                seen += 1
                if seen == 800 and end == "break":
                    break
                if seen == 800 and end == "cancel":
                    scope.cancel()
                if seen == 800 and end == "close":
                    await client.aclose()
                    break
        assert seen >= 800
    gc.collect()
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
    assert len(anyio.get_running_tasks()) == before


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, "4", None])
def test_an_invalid_concurrency_is_refused(concurrency: Any) -> None:
    """A client and a view both refuse it when it is set."""
    with pytest.raises(logferry.ConfigurationError, match="concurrency is"):
        connected(logferry.Logto, LogtoFake(), concurrency=concurrency)
    with connected(logferry.Logto, LogtoFake()) as client, pytest.raises(logferry.ConfigurationError):
        client.with_options(concurrency=concurrency)


@divisible
def test_a_failed_request_ahead_is_retried_in_its_turn(name: str, walk: Walk) -> None:
    """A failed request ahead raises no error before its turn comes; then it is retried."""
    refused = httpx.ConnectError("[Errno 111] Connection refused")
    transport = InProcessTransport(CASES[name].fake, faults=failing(refused, every=3))
    assert_same(name, list(walk(CASES[name].view(transport, concurrency=8))), one_by_one(name)[0])
