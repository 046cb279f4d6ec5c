"""Concurrent requests for the pages of a session yield the items of a sequential walk and waste few requests."""

from __future__ import annotations

import gc
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate
from typing import Any, Final
from urllib.parse import parse_qsl

import anyio
import anyio.lowlevel
import httpx
import orjson
import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.concurrency.watching import Counting, threads

import logferry
from logferry._concurrency.reader import Reader
from logferry._flow.steps import Batch, Flow, Now, Peek, Receive
from logferry._http.in_flight import Ticket
from logferry._http.messages import Response, Send
from logferry._time.timestamps import rfc3339
from logferry._time.window import Window
from logferry.hooks import RequestEvent
from logferry.services.daily._sessions.query import Query
from logferry.services.daily._sessions.walk import Walk
from logferry.testing import (
    DailyFake,
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    Outcome,
    Row,
    VirtualClock,
    connected,
    cut,
    failing,
    html_page,
)

Iterate = Callable[[Any], Iterator[Any]]

STREAMS: Final = ("daily.session_logs", "daily.session_metrics")
LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)
PAGE: Final = 50
FAKE: Final = DailyFake(records=2000)
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
PROPERTY = settings(derandomize=True, max_examples=25)

SESSION: Final[Any] = FAKE.questions(STREAMS[0])[0]
"""Return the filters that match all rows."""

streams = pytest.mark.parametrize("stream", STREAMS)


def far_away(fake: DailyFake, seconds: float = 0.05, **options: Any) -> dict[str, Any]:
    """Return client options under which each request takes time, on a virtual clock unless the options have a clock."""
    clock: VirtualClock = options.pop("clock", None) or VirtualClock(fake.epoch + MILLISECOND)

    def pass_time(_event: RequestEvent) -> None:
        clock.advance(seconds)

    return {"clock": clock, "on_request": pass_time, "rate": None, **options}


def opened(
    stream: str, concurrency: int, fake: DailyFake = FAKE, transport: Any = None, **asked: Any
) -> logferry.View[Any]:
    """Return a stream's raw items; options that the client does not know go to the stream."""
    calls = {name: asked.pop(name) for name in ("clock", "retries", "seconds") if name in asked}
    options = far_away(fake, concurrency=concurrency, **calls)
    client = connected(logferry.Daily, fake, transport=transport or InProcessTransport(fake), **options)
    if "resume" not in asked:
        asked = {"until": LATER, "filters": fake.questions(stream)[0], **asked}
    asked = {"page_size": PAGE, **asked}
    return client.stream(stream, **asked).raw()


@cache
def one_by_one(stream: str) -> tuple[list[Any], int]:
    """Return the items that sequential requests yield, and the number of requests."""
    transport = InProcessTransport(FAKE)
    return list(opened(stream, 1, transport=transport)), transport.count


def starts(transport: InProcessTransport) -> list[int]:
    """Return the start times of the requests in milliseconds, in the order of the requests."""
    return [int(dict(parse_qsl(request.query)).get("startTime", 0)) for request in transport.requests]


@streams
@pytest.mark.parametrize("concurrency", [2, 3, 4, 8])
def test_concurrency_keeps_items_and_order(stream: str, concurrency: int, walk: Iterate) -> None:
    """Any concurrency yields the items of a sequential walk in order, with at most 1.35 times the requests."""
    transport = InProcessTransport(FAKE)
    expected, requests = one_by_one(stream)
    assert len(expected) == 2000
    assert list(walk(opened(stream, concurrency, transport=transport))) == expected
    assert any(map(is_ahead, transport.requests))
    assert transport.count <= 1.35 * requests
    assert transport.violations == []


def session(steps: list[tuple[int, int]], epoch: int = FAKE.epoch) -> tuple[Row, ...]:
    """Return rows with these distances in half milliseconds and these contents."""
    rows: list[Row] = []
    time = epoch - 3600 * SECOND
    for step, content in steps:
        time += step * MILLISECOND // 2
        rows.append(Row(time=time, content=content))
    return tuple(rows)


HISTORIES: Final = st.lists(
    # Mostly a regular pace, with ties, some of them equal rows, crowds and pauses.
    st.tuples(st.sampled_from([0, 0, 1, 2, 20, 20, 21, 25, 40, 2000]), st.integers(0, 2)),
    min_size=40,
    max_size=150,
).flatmap(lambda steps: st.integers(1, 8).map(lambda times: steps * times))


@given(
    steps=HISTORIES,
    page_size=st.integers(5, 60),
    concurrency=st.integers(2, 8),
    inclusive=st.booleans(),
    largest=st.sampled_from([None, None, 30]),
)
@PROPERTY
def test_ties_and_equal_rows_come_once(
    steps: list[tuple[int, int]], page_size: int, concurrency: int, inclusive: bool, largest: int | None
) -> None:
    """With any distribution of rows, bounds and limits of the service, each row comes once with the same ``uid``."""
    fake = DailyFake(rows=session(steps), inclusive_bounds=inclusive, largest_limit=largest)

    def pulled(concurrency: int) -> list[tuple[str, Any]]:
        client = connected(
            logferry.Daily, fake, transport=InProcessTransport(fake), **far_away(fake, concurrency=concurrency)
        )
        asked = client.stream(STREAMS[0], filters=SESSION, until=LATER, page_size=page_size)
        return [(record.uid, record.raw) for record in asked.records()]

    expected = pulled(1)
    assert len(expected) == len(steps)
    assert pulled(concurrency) == expected


@streams
@given(concurrency=st.integers(1, 8), then=st.integers(1, 8), stop=st.integers(0, 2000), page_size=st.integers(20, 100))
@PROPERTY
def test_a_checkpoint_resumes_exactly(stream: str, concurrency: int, then: int, stop: int, page_size: int) -> None:
    """A checkpoint from any point of a pull resumes there, with any concurrency before and after."""
    view = opened(stream, concurrency, page_size=page_size)
    first = view.to_list(stop)
    assert [*first, *opened(stream, then, page_size=page_size, resume=view.checkpoint)] == one_by_one(stream)[0]


@given(stop=st.integers(0, 2000), concurrency=st.integers(2, 8))
@PROPERTY
def test_a_checkpoint_excludes_pages_requested_ahead(stop: int, concurrency: int) -> None:
    """A checkpoint has what that of a sequential walk has: the rows delivered from just before its position on."""
    view = opened(STREAMS[0], concurrency)
    came = view.to_list(stop)
    position = orjson.loads(view.checkpoint)["position"]
    if position is not None:
        assert position["rest"] is None
        walked = position["position"]
        assert set(walked) == {"tick", "met", "passed", "timeless"}
        times = [str(row["time"]) for row in came]
        place = rfc3339((walked["tick"] or 0) * MILLISECOND - MILLISECOND)
        begun = [
            time for time in times if position["partition"][0] is None or time >= rfc3339(position["partition"][0])
        ]
        assert sum(count for _, count in walked["met"].values()) == sum(time >= place for time in begun)


def is_ahead(request: FakeRequest) -> bool:
    """Return whether a request reads ahead: it starts at a time and skips no delivered rows."""
    query = dict(parse_qsl(request.query))
    return "startTime" in query and query["limit"] == str(PAGE)


FAILURES: Final[dict[str, Outcome]] = {
    "refused": FakeResponse(503),
    "forbidden": FakeResponse(403),
    "not connected": httpx.ConnectError("[Errno 111] Connection refused"),
    "no answer": httpx.ReadTimeout("The read operation timed out"),
    "cut": cut,
    "a web page": html_page,
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("retries", [0, 2])
def test_an_error_of_a_request_ahead_is_retried_in_its_turn(failure: str, retries: int, walk: Iterate) -> None:
    """The failed page is requested again in its turn, so the caller gets the items of a sequential walk."""
    seen, times = Counter[str](), 1 if failure == "forbidden" else 1 + retries

    def fail(request: FakeRequest, _number: int) -> Outcome | None:
        seen[request.target] += 1
        return FAILURES[failure] if is_ahead(request) and seen[request.target] <= times else None

    expected, requests = one_by_one(STREAMS[0])
    transport = InProcessTransport(FAKE, faults=fail)
    assert list(walk(opened(STREAMS[0], 8, transport=transport, retries=retries))) == expected
    assert any(count > 1 for count in seen.values())
    assert transport.count <= 2 * requests * (1 + retries)


@given(failed=st.sets(st.integers(1, 60), max_size=12), concurrency=st.integers(2, 8), connects=st.booleans())
@PROPERTY
def test_an_error_is_raised_in_order(failed: set[int], concurrency: int, connects: bool) -> None:
    """A failed request of the walk itself raises after all items before it were delivered; the iterator continues."""
    expected, _ = one_by_one(STREAMS[0])
    failure = FakeResponse(503) if connects else httpx.ConnectError("[Errno 111] Connection refused")
    transport = InProcessTransport(FAKE, faults=failing(failure, at=failed))
    iterator, got, errors = iter(opened(STREAMS[0], concurrency, transport=transport, retries=0)), list[Any](), 0
    while True:
        try:
            got.append(next(iterator))
        except StopIteration:
            break
        except (logferry.ServiceError, logferry.ConnectionFailedError):
            errors += 1
            assert got == expected[: len(got)]
    assert got == expected
    assert errors <= len(failed)


def test_an_empty_page_read_ahead_is_not_the_end(walk: Iterate) -> None:
    """An empty page read ahead and an empty page after the last one make the walk request again and continue."""
    steps = [(20, number % 7) for number in range(1000)]
    fake = DailyFake(rows=session([*steps, *[(0, 1)] * 2 * PAGE, *steps[:500]]), largest_limit=PAGE + 10)
    expected = list(opened(STREAMS[0], 1, fake))
    assert len(expected) == len(fake.rows or ())
    asked: list[str] = []

    def emptied_twice(request: FakeRequest, _number: int) -> FakeResponse | None:
        # The first request with an offset is in the middle, where no page has all rows of one time.
        if dict(parse_qsl(request.query))["offset"] == "0" or asked[:1] not in ([], [request.target]):
            return None
        asked.append(request.target)
        return FakeResponse(200, (), b'{"logs":[]}') if len(asked) <= 2 else None

    transport = InProcessTransport(fake, faults=emptied_twice)
    assert list(walk(opened(STREAMS[0], 8, fake, transport))) == expected
    assert len(asked) > 2


@pytest.mark.parametrize("seed", range(6))
def test_rows_that_come_and_go_during_a_walk_come_at_most_once(seed: int, walk: Iterate) -> None:
    """Permanent rows come once and others at most once, with equal rows counted."""
    fake = DailyFake(records=0)
    rows = session([((number * 7 + seed) % 5 * 10, number % 3) for number in range(1500)])
    begin = fake.epoch
    moving = [
        evolve(
            row,
            appears=begin + number * 10**7 if (number + seed) % 11 == 0 else None,
            vanishes=begin + number * 2 * 10**7 if (number + seed) % 7 == 0 else None,
        )
        for number, row in enumerate(rows)
    ]
    fake = evolve(fake, rows=moving)
    clock = VirtualClock(begin)
    transport = InProcessTransport(fake, clock=clock)
    got = Counter(map(str, walk(opened(STREAMS[0], 8, fake, transport, clock=clock, seconds=0.5))))

    def told(which: Callable[[Row], bool]) -> Counter[str]:
        kept = [evolve(row, appears=None, vanishes=None) for row in moving if which(row)]
        return Counter(map(str, evolve(fake, rows=kept).items(STREAMS[0], **SESSION)))

    assert told(lambda row: row.appears is None and row.vanishes is None) - got == Counter()
    assert got - told(lambda _row: True) == Counter()


def bounds_ignored(fake: DailyFake) -> Faults:
    """A service that lists all rows from the start, with any time bounds."""

    def answer(request: FakeRequest, _number: int) -> FakeResponse:
        query = dict(parse_qsl(request.query))
        target = request.target.replace(f"startTime={query.get('startTime')}", "startTime=0")
        return fake.answer(FakeRequest(request.method, target, request.headers), fake.epoch)

    return answer


def test_a_service_that_ignores_bounds_is_read_sequentially(walk: Iterate) -> None:
    """Reading ahead is impossible there, so the walk sends no more requests than a sequential one."""
    fake = DailyFake(records=600)
    counts: list[int] = []
    for concurrency in (1, 8):
        transport = InProcessTransport(fake, faults=bounds_ignored(fake))
        assert len(list(walk(opened(STREAMS[0], concurrency, fake, transport)))) == 600
        counts.append(transport.count)
    assert counts[0] == counts[1]


@streams
def test_a_fast_service_is_read_sequentially(stream: str, walk: Iterate) -> None:
    """Where answers take no time, the walk sends the same number of requests as a sequential one."""
    expected, requests = one_by_one(stream)
    transport = InProcessTransport(FAKE)
    assert list(walk(opened(stream, 8, transport=transport, seconds=0.0))) == expected
    assert transport.count == requests


@pytest.mark.parametrize(
    ("options", "taken"), [({"max_items": 3 * PAGE}, None), ({}, 3 * PAGE - 1), ({"max_items": 10 * PAGE}, None)]
)
def test_a_few_pages_cost_few_requests(options: dict[str, Any], taken: int | None, walk: Iterate) -> None:
    """A caller who takes a few pages causes the requests of a sequential walk; no caller causes many more."""
    counts: list[int] = []
    for concurrency in (1, 8):
        transport = InProcessTransport(FAKE)
        for number, _ in enumerate(walk(opened(STREAMS[0], concurrency, transport=transport, **options)), start=1):
            if number == taken:
                break
        counts.append(transport.count)
    assert counts[0] <= counts[1] <= counts[0] + (2 if options.get("max_items") == 10 * PAGE else 0)


def test_requests_ahead_stay_within_the_window(walk: Iterate) -> None:
    """Each request ahead begins within the window and ends where the window ends."""
    until = FAKE.epoch - 1000 * 60 * SECOND
    transport = InProcessTransport(FAKE)
    asked = datetime.fromtimestamp(until / SECOND, UTC)
    got = list(walk(opened(STREAMS[0], 8, transport=transport, until=asked)))
    assert got == list(FAKE.items(STREAMS[0], until=until, **SESSION))
    assert len(got) > 900
    assert max(starts(transport)) < until // MILLISECOND


@streams
@pytest.mark.parametrize("concurrency", [1, 2, 5])
@pytest.mark.parametrize("every", [None, 3])
def test_the_concurrency_is_reached_and_never_exceeded(stream: str, concurrency: int, every: int | None) -> None:
    """The number of requests in flight reaches the configured concurrency and never exceeds it, also after failures."""
    faults = None if every is None else failing(FakeResponse(503), every=every)
    transport = Counting(InProcessTransport(FAKE, faults=faults))
    assert list(opened(stream, concurrency, transport=transport)) == one_by_one(stream)[0]
    assert 1 <= transport.most <= concurrency
    assert concurrency == 1 or transport.most > 1


@define
class Trip:
    """
    A walk in virtual time, so that its duration is the same in every run.

    Attributes:
        rows: The rows of the service, oldest first.
        times: The times of the rows in nanoseconds.
        seconds: The duration of the walk.
        items: The delivered items.
        requests: The number of requests sent.
        most: The highest number of requests in flight.
        ahead: The highest number of requests sent beyond the pages delivered, at any time.
    """

    rows: list[Any]
    times: list[int]
    seconds: float = 0.0
    items: list[Any] = field(factory=list[Any])
    requests: int = 0
    most: int = 0
    ahead: int = 0

    @classmethod
    def of(cls, times: list[int]) -> Trip:
        """Return a trip through rows of these times."""
        return cls([{"time": rfc3339(time), "content": number % 7} for number, time in enumerate(times)], times)

    def through(self, concurrency: int, *, idle: float = 0.0) -> Trip:
        """Walk to the end, where an answer takes 50 ms and the caller takes this many seconds for each page."""
        window = Window(None, self.times[-1] + SECOND)
        query = Query(metrics=False, mtg_session_id="m", user_session_id=None, window=window, page_size=PAGE)

        def walk(_page_size: int, part: Window, position: Any) -> Flow:
            return Walk(evolve(query, window=part)).flow(position)

        reader = Reader(
            walk=walk, order="oldest first", resolution=MILLISECOND, page_size=PAGE, concurrency=concurrency
        )
        trip, flow, ends, pages = Trip(self.rows, self.times), reader.read(window, None), list[float](), 0
        answer: Any = None
        landing: dict[Ticket[Any], float] = {}
        while True:
            try:
                step = flow.send(answer)
            except StopIteration:
                return trip
            answer = None
            match step:
                case Send():
                    ends.append(trip.seconds + 0.05)
                    trip.requests += 1
                    trip.most = max(trip.most, sum(end > trip.seconds for end in ends))
                    trip.ahead = max(trip.ahead, trip.requests - pages)
                    answer = Ticket(step)
                    landing[answer] = ends[-1]
                case Peek(ticket):
                    answer = self.response(ticket.send) if landing[ticket] <= trip.seconds else None
                case Receive(ticket):
                    trip.seconds = max(trip.seconds, landing[ticket])
                    answer = self.response(ticket.send)
                case Batch():
                    trip.items += step.items
                    trip.seconds += idle
                    pages += 1
                case Now():
                    answer = round(trip.seconds * SECOND)
                case _:
                    raise AssertionError(step)

    def response(self, send: Send[Any]) -> Response[Any]:
        """Return the answer to a request."""
        asked = dict(send.request.params)
        first = bisect_left(self.times, int(asked.get("startTime", 0)) * MILLISECOND) + int(asked["offset"])
        end = bisect_right(self.times, int(asked["endTime"]) * MILLISECOND)
        found = self.rows[first : min(end, first + int(asked["limit"]))]
        return Response(send.request, "", 200, (), orjson.dumps({"logs": found}), 0)


PACES: Final[dict[str, tuple[Callable[[random.Random, int], float], float, float]]] = {
    "steady": (lambda _chance, _number: 5.0, 1.5, 4.5),
    "by chance": (lambda chance, _number: chance.expovariate(1 / 5), 1.15, 2.8),
    "denser and sparser": (lambda _chance, number: (1.0, 10.0)[number // 300 % 2], 1.1, 1.8),
    "like nothing before": (lambda chance, _number: chance.paretovariate(0.7), 1.05, 1.1),
    "with pauses": (lambda _chance, number: 20_000.0 if number % 400 == 0 else 5.0, 1.05, 1.5),
}
"""For each pace: the distance of two rows in milliseconds, and the least speedup with concurrency 2 and 8."""


@pytest.mark.parametrize("pace", PACES)
def test_concurrency_is_faster(pace: str) -> None:
    """Each pace has at least its speedup, with at most 1.35 times the requests."""
    interval, *faster = PACES[pace]
    chance = random.Random(1)  # noqa: S311  # the same on every run
    offsets = accumulate(interval(chance, number) for number in range(6000))
    trip = Trip.of([FAKE.epoch + round(offset * MILLISECOND) for offset in offsets])
    one, *several = (trip.through(concurrency) for concurrency in (1, 2, 8))
    assert one.items == trip.rows
    for concurrency, other, times in zip((2, 8), several, faster, strict=True):
        assert other.items == trip.rows
        assert one.seconds > times * other.seconds
        assert 1 < other.most <= concurrency
        assert other.requests <= 1.35 * one.requests + 1


def test_a_slow_caller_bounds_the_pages_ahead() -> None:
    """While the caller takes no page, at most 1.5 times the concurrency is requested ahead."""
    trip = Trip.of([FAKE.epoch + number * 5 * MILLISECOND for number in range(6000)]).through(4, idle=60.0)
    assert trip.items == trip.rows
    # At the end these pages are requested again, since an empty page was among them.
    assert trip.ahead <= 1 + 4 + 2 + 4


@pytest.mark.parametrize("end", ["break", "error", "all", "close"])
def test_no_thread_outlives_its_iteration(end: str) -> None:
    """The requests and threads of an iteration end with it, however it ends."""
    transport = InProcessTransport(FAKE, faults=failing(FakeResponse(403), every=20) if end == "error" else None)
    with connected(logferry.Daily, FAKE, transport=transport, **far_away(FAKE, concurrency=8)) as client:
        seen = 0
        try:
            for _item in client.session_logs(**SESSION, until=LATER, page_size=PAGE).raw():
                seen += 1
                if end == "break" and seen == 800:
                    break
                if end == "close" and seen == 800:
                    client.close()
        except logferry.LogferryError:
            assert end in {"error", "close"}
        assert seen >= 800
    gc.collect()
    assert threads() == []


@pytest.mark.anyio
@pytest.mark.parametrize("end", ["break", "cancel", "close", "all"])
async def test_no_task_outlives_its_iteration(end: str) -> None:
    """The tasks of an iteration end with it, however it ends."""
    before = len(anyio.get_running_tasks())
    async with connected(
        logferry.Daily, FAKE, transport=InProcessTransport(FAKE), **far_away(FAKE, concurrency=8)
    ) as client:
        seen = 0
        with anyio.CancelScope() as scope:
            async for _item in client.session_logs(**SESSION, until=LATER, page_size=PAGE).raw():
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
