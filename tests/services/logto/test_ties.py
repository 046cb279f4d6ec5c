"""More logs of one millisecond than a page holds: all come, or the result says that some may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import orjson
import pytest
from attrs import evolve

import logferry
from logferry._time.timestamps import rfc3339
from logferry.hooks import IssueEvent, RequestEvent
from logferry.results import Stats
from logferry.testing import FakeRequest, FakeResponse, InProcessTransport, LogtoFake, Row, VirtualClock

Walk: TypeAlias = Callable[[Any], Iterator[Any]]

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000
BEGIN: Final = LogtoFake().epoch
CROWDED: Final = BEGIN - 400 * SECOND
LATER: Final = "2027-01-01"
RELEASES: Final = ("1.40.0", "1.42.0")


def fake_of(*times: int, release: str = "1.42.0", others: int = 800) -> LogtoFake:
    """Return logs of these times among others, one each second; ties have no order of their own."""
    among = [BEGIN - number * SECOND - 7 for number in range(others)]
    rows = tuple(Row(time=time, content=number) for number, time in enumerate([*times, *among]))
    return LogtoFake(rows=rows, release=release, stable_ties=False, compression=False)


def client(fake: LogtoFake, transport: InProcessTransport | None = None, **options: Any) -> logferry.Logto:
    """Return a client of the fake."""
    return logferry.Logto(
        endpoint="https://default.logto.app",
        app_id=fake.app_id,
        app_secret=fake.app_secret,
        transport=transport or InProcessTransport(fake),
        rate=None,
        **options,
    )


def pulled(fake: LogtoFake, walk: Walk, **options: Any) -> tuple[list[str], Stats, int]:
    """Return the delivered ids, the issues of the stream, and the number of requests for logs."""
    asked: list[RequestEvent] = []
    concurrency = options.pop("concurrency", 4)
    with client(fake, concurrency=concurrency, on_request=asked.append) as logto:
        asking: Any = {"until": LATER, **options}
        stream = logto.audit_logs(**asking).raw()
        got = [item["id"] for item in walk(stream)]
    return got, stream.stats, len(asked)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("page_size", [7, 100])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_crowd_among_many_logs_is_complete(walk: Walk, release: str, page_size: int, concurrency: int) -> None:
    """All 180 logs of one microsecond come with any page size, without a doubt."""
    fake = fake_of(*[CROWDED] * 180, release=release)
    got, stats, _ = pulled(fake, walk, page_size=page_size, concurrency=concurrency)
    assert sorted(got) == sorted(fake.truth())
    assert stats.doubts == 0


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("count", [100, 101, 1000])
@pytest.mark.parametrize("newest", [False, True])
def test_crowds_of_any_size_are_complete(walk: Walk, release: str, count: int, newest: bool) -> None:
    """A crowd of a page, one more, or many pages, alone or among others, comes completely and without an issue."""
    fake = fake_of(*[CROWDED] * count, release=release, others=0 if newest else 800)
    got, stats, _ = pulled(fake, walk)
    assert sorted(got) == sorted(fake.truth())
    assert stats.doubts == 0


@pytest.mark.parametrize("release", ["1.36.0", *RELEASES])
def test_different_microseconds_order_the_logs(walk: Walk, release: str) -> None:
    """250 logs of one millisecond with different microseconds have an order, so all come without a doubt."""
    fake = fake_of(*(CROWDED + 1000 * number for number in range(250)), release=release)
    got, stats, _ = pulled(fake, walk)
    assert sorted(got) == sorted(fake.truth())
    assert stats.doubts == 0


@pytest.mark.parametrize("release", RELEASES)
def test_adjacent_crowds_are_complete(walk: Walk, release: str) -> None:
    """Crowded neighbouring milliseconds come completely, also if the window begins or ends among them."""
    fake = fake_of(*(CROWDED + step * MILLISECOND for step in range(4) for _ in range(130)), release=release)
    for since, until in ((None, None), (1, None), (None, 3), (1, 3), (2, 3), (None, 1), (3, None)):
        first = None if since is None else CROWDED + since * MILLISECOND
        last = None if until is None else CROWDED + until * MILLISECOND
        window = {"since": first and rfc3339(first), "until": LATER if last is None else rfc3339(last)}
        got, stats, _ = pulled(fake, walk, **window)
        assert sorted(got) == sorted(fake.truth("logto.audit_logs", first, last)), (since, until)
        assert stats.doubts == 0


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("concurrency", "step"), [(1, 1), (4, 33), (1, 90), (4, 7)])
def test_a_checkpoint_within_a_crowd_resumes(walk: Walk, release: str, concurrency: int, step: int) -> None:
    """A checkpoint after any number of logs of a crowd yields the others in another process."""
    fake = fake_of(*[CROWDED] * 230, release=release, others=500)
    with client(fake, concurrency=concurrency) as logto:
        stream = logto.audit_logs(until=LATER).raw()
        iterator, got = walk(stream), list[str]()
        while len(got) < 395:
            got.append(next(iterator)["id"])
        while len(got) < 660:
            stream = logto.audit_logs(resume=stream.checkpoint).raw()
            iterator = walk(stream)
            got += [next(iterator)["id"] for _ in range(step)]
            assert stream.stats.doubts == 0
        got += [item["id"] for item in walk(logto.audit_logs(resume=stream.checkpoint).raw())]
    assert sorted(got) == sorted(fake.truth())


def test_a_new_process_for_each_page_reaches_the_end(walk: Walk) -> None:
    """Processes that take one page each and pass on the checkpoint read all logs."""
    fake, got, checkpoint = fake_of(*[CROWDED] * 430, others=500), list[str](), None
    with client(fake) as logto:
        for _ in range(60):
            options: Any = {"until": LATER} if checkpoint is None else {"resume": checkpoint}
            page = next(walk(logto.audit_logs(**options).raw().pages()), None)
            if page is None:
                break
            got, checkpoint = [*got, *(item["id"] for item in page.items)], page.checkpoint
        else:
            pytest.fail("no end")
    assert sorted(got) == sorted(fake.truth())


def test_a_crowd_costs_few_extra_requests(walk: Walk) -> None:
    """A crowd of ten pages costs ten requests and a few more."""
    _, _, without = pulled(fake_of(), walk, concurrency=1)
    _, _, among = pulled(fake_of(*[CROWDED] * 1000), walk, concurrency=1)
    assert among - without <= 10 + 4


def test_an_incomplete_crowd_is_in_doubt(walk: Walk) -> None:
    """If the server repeatedly sends fewer logs than it counts, the result says so."""
    fake = fake_of(*[CROWDED] * 180)

    def without(request: FakeRequest, _number: int) -> FakeResponse | None:
        answer = fake.answer(request, fake.epoch)
        if request.path != "/api/logs" or answer.status != 200:
            return None
        items = [item for item in orjson.loads(answer.body) if item["id"] not in hidden]
        headers = tuple(one for one in answer.headers if one[0] not in ("Content-Length", "ETag"))
        return evolve(answer, headers=headers, body=orjson.dumps(items))

    hidden = set(fake.truth("logto.audit_logs", CROWDED, CROWDED + 1)[:3])
    told: list[IssueEvent] = []
    with client(fake, InProcessTransport(fake, faults=without), on_issue=told.append) as logto:
        got = [item["id"] for item in walk(logto.audit_logs(until=LATER).raw())]
    assert set(got) == set(fake.truth()) - hidden
    # One log more is just before the crowd.
    (issue,) = {issue for event in told for issue in event.issues if issue.startswith("createdAt: ")}
    assert issue.startswith("createdAt: the server counts 181 logs around ")
    assert "sent 178" in issue


@pytest.mark.parametrize("release", RELEASES)
def test_a_follow_yields_a_crowd_once(walk: Walk, release: str) -> None:
    """A follow yields each log of a crowd when it appears, and none again in later polls."""
    moment = BEGIN + 100 * SECOND
    rows = [Row(time=moment, appears=moment + number % 3 * SECOND, content=number) for number in range(260)]
    fake = LogtoFake(rows=rows, release=release, stable_ties=False, compression=False)
    clock = VirtualClock(BEGIN)
    with client(fake, InProcessTransport(fake, clock=clock), clock=clock) as logto:
        follow = logto.audit_logs(since="1m").raw().follow()
        got: list[str] = []
        pages = walk(follow.pages())
        while clock.now() < BEGIN + 200 * SECOND:
            got += [item["id"] for item in next(pages).items]
        assert follow.stats.doubts == 0
    assert sorted(got) == sorted(fake.truth(now=clock.now()))
