"""Several requests under way: the same records in the same order, nothing asked in vain, and nothing left behind."""

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
    """Options of a client whose requests take their time, on a clock of their own unless there is one."""
    clock = VirtualClock(fake.epoch + 1_000_000)

    def pass_time(_event: RequestEvent) -> None:
        clock.advance(0.05)

    return {"clock": clock, "on_request": pass_time, **options}


@frozen
class Case:
    """A stream whose window can be divided, and who answers."""

    client: Any
    fake: Any
    stream: str

    def view(self, transport: Any = None, **options: Any) -> Any:
        """Its raw items; options of clients go to the client, others to the stream."""
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
    """What comes with one request after the other, and how many that takes."""
    transport = InProcessTransport(CASES[name].fake)
    return list(CASES[name].view(transport, concurrency=1)), transport.count


def assert_same(name: str, got: list[Any], expected: list[Any], *, page: int = PAGE) -> None:
    """
    The same items, in the same order where the service sorts by time.

    Of those that come as sent, items of two partitions change places near the border: by less than a page.
    """
    if CASES[name].stream not in AS_SENT:
        assert got == expected
        return
    places = {json.dumps(item): place for place, item in enumerate(expected)}
    assert sorted(places[json.dumps(item)] for item in got) == list(range(len(expected)))
    assert max(abs(places[json.dumps(item)] - place) for place, item in enumerate(got)) < page


@divisible
@pytest.mark.parametrize("concurrency", [2, 4, 8])
def test_order_and_items_stay(name: str, concurrency: int, walk: Walk) -> None:
    """What comes is what comes one by one, in the same order, and costs at most a third more requests."""
    transport = InProcessTransport(CASES[name].fake)
    expected, requests = one_by_one(name)
    assert len(expected) > 1500
    assert_same(name, list(walk(CASES[name].view(transport, concurrency=concurrency))), expected)
    assert transport.count <= 1.35 * requests


@divisible
@given(concurrency=st.integers(1, 8), then=st.integers(1, 8), stop=st.integers(0, 2000), page_size=st.integers(40, 100))
@PROPERTY
def test_a_checkpoint_resumes_exactly(name: str, concurrency: int, then: int, stop: int, page_size: int) -> None:
    """Wherever a reading is left, another one goes on there, however many requests each has under way."""
    expected, _ = one_by_one(name)
    view = CASES[name].view(concurrency=concurrency, page_size=page_size)
    first = view.to_list(stop)
    rest = CASES[name].view(concurrency=then, page_size=page_size, resume=view.checkpoint)
    assert_same(name, [*first, *rest], expected, page=100)


@divisible
@given(failed=st.sets(st.integers(1, 60), max_size=12), concurrency=st.integers(2, 8))
@PROPERTY
def test_an_error_comes_in_its_turn(name: str, failed: set[int], concurrency: int) -> None:
    """What failed is the caller's error once all before it has been delivered; then the same iterator goes on."""
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
def test_what_passes_is_tried_again(name: str, failed: set[int], concurrency: int) -> None:
    """A connection that breaks ahead of its turn is no error, as one by one it is none."""
    case, (expected, _) = CASES[name], one_by_one(name)
    broken = InProcessTransport(case.fake, faults=failing(httpx.ReadError("reset"), at=failed))
    assert_same(name, list(case.view(broken, concurrency=concurrency, retries=15)), expected)


@divisible
def test_a_service_that_is_near_is_read_one_by_one(name: str, walk: Walk) -> None:
    """Where pages take no time, nothing is gained by asking for several, and as many are asked for as one by one."""
    case, (expected, requests) = CASES[name], one_by_one(name)
    transport = InProcessTransport(case.fake)
    client = connected(case.client, case.fake, transport=transport, rate=None, concurrency=8)
    filters = case.fake.questions(case.stream)[0]
    view = client.stream(case.stream, filters=filters, until=UNTIL, page_size=PAGE).raw()
    assert list(walk(view)) == expected
    assert transport.count == requests


@divisible
def test_a_window_of_a_few_pages_is_read_one_by_one(name: str, walk: Walk) -> None:
    """Who takes a few pages only causes the requests that one by one would cause."""
    for options, taken in (({"max_items": 3 * PAGE}, None), ({}, 3 * PAGE - 1)):
        counts: list[int] = []
        for concurrency in (1, 8):
            transport = InProcessTransport(CASES[name].fake)
            for number, _ in enumerate(walk(CASES[name].view(transport, concurrency=concurrency, **options)), start=1):
                if number == taken:
                    break
            counts.append(transport.count)
        assert counts[0] == counts[1]


class Counting(httpx.BaseTransport):
    """Lets requests in only when as many as there may be are under way, or no further one comes."""

    def __init__(self, fake: Any) -> None:
        self.answers = InProcessTransport(fake)
        self.most = self._now = 0
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count, and answer."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            response = self.answers.handle_request(request)
            threading.Event().wait(0.001)  # so that others come meanwhile
            return response
        finally:
            with self._lock:
                self._now -= 1


@divisible
@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_never_more_are_under_way(name: str, concurrency: int) -> None:
    """As many as there may be, and not one more."""
    transport = Counting(CASES[name].fake)
    assert_same(name, list(CASES[name].view(transport, concurrency=concurrency)), one_by_one(name)[0])
    assert 1 <= transport.most <= concurrency
    assert concurrency == 1 or transport.most > 1


def test_the_rate_is_kept() -> None:
    """In no second are there more requests than the account may make, however many may be under way."""
    case, sent = CASES["cognigy"], list[int]()
    clock = VirtualClock(case.fake.epoch + 1_000_000)

    class Timed(InProcessTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(clock.now())
            return super().handle_request(request)

    # That requests wait for their turn is what takes time here.
    got = list(case.view(Timed(case.fake), concurrency=8, rate="5/s", clock=clock))
    assert_same("cognigy", got, one_by_one("cognigy")[0])
    assert len(sent) > one_by_one("cognigy")[1]
    assert all(later - earlier >= 10**9 for earlier, later in zip(sent, sent[5:], strict=False))


def test_an_older_checkpoint_still_resumes(walk: Walk) -> None:
    """One of a walk that was not divided is gone on from."""
    case, (expected, _) = CASES["logto"], one_by_one("logto")
    view = case.view(concurrency=1)
    first = view.to_list(70)
    assert "partition" not in json.loads(view.checkpoint)["position"]
    assert [*first, *walk(case.view(concurrency=8, resume=view.checkpoint))] == expected


def test_a_server_that_ignores_bounds_is_read_one_by_one(walk: Walk) -> None:
    """An old Logto shows that it does, and costs no request more than one by one."""
    case = Case(logferry.Logto, LogtoFake(records=1500, release="1.36.0"), "logto.audit_logs")
    counts: list[int] = []
    for concurrency in (1, 8):
        transport = InProcessTransport(case.fake)
        assert [item["id"] for item in walk(case.view(transport, concurrency=concurrency))] == list(case.fake.truth())
        counts.append(transport.count)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("damage", ["partition", "rest", "span", "timeless"])
def test_a_damaged_place_is_a_checkpoint_error(damage: str) -> None:
    """A checkpoint that was made up is refused before anything is sent."""
    from attrs import evolve  # noqa: PLC0415

    from logferry._streams.checkpoint import read_checkpoint  # noqa: PLC0415  # only here

    view = CASES["logto"].view(concurrency=4)
    view.to_list(15 * PAGE)
    checkpoint = read_checkpoint(view.checkpoint)
    made_up = evolve(checkpoint, position={**checkpoint.position, damage: 7}).to_text()
    with pytest.raises(logferry.CheckpointError, match="damaged"):
        CASES["logto"].view(resume=made_up)


def test_a_checkpoint_of_an_earlier_version_is_refused() -> None:
    """One from within a window that was read in another way says so; nothing is sent."""
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


def threads() -> list[str]:
    """Threads of requests that are alive."""
    return [thread.name for thread in threading.enumerate() if thread.name == "logferry request"]


@pytest.mark.parametrize("end", ["break", "error", "all", "close"])
def test_no_thread_is_left(end: str) -> None:
    """However an iteration ends, its requests end with it."""
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


def test_one_by_one_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither with concurrency=1, nor where a window has a few pages."""

    def refuse(_thread: threading.Thread) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for options in ({"concurrency": 1}, {"concurrency": 8, "max_items": 5 * PAGE}):
        assert CASES["logto"].view(**options).to_list()


@pytest.mark.anyio
@pytest.mark.parametrize("end", ["break", "cancel", "close"])
async def test_no_task_is_left(end: str) -> None:
    """However an iteration ends, its tasks end with it."""
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
def test_what_is_no_concurrency_is_refused(concurrency: Any) -> None:
    """Where it is given, to a client or a view."""
    with pytest.raises(logferry.ConfigurationError, match="concurrency is"):
        connected(logferry.Logto, LogtoFake(), concurrency=concurrency)
    with connected(logferry.Logto, LogtoFake()) as client, pytest.raises(logferry.ConfigurationError):
        client.with_options(concurrency=concurrency)


@divisible
def test_a_failure_that_is_only_seen_is_asked_for_again(name: str, walk: Walk) -> None:
    """A request under way that has failed fails nobody before its turn, and then there are retries."""
    refused = httpx.ConnectError("[Errno 111] Connection refused")
    transport = InProcessTransport(CASES[name].fake, faults=failing(refused, every=3))
    assert_same(name, list(walk(CASES[name].view(transport, concurrency=8))), one_by_one(name)[0])
