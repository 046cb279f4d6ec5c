"""A window that is read afresh in parts, since a walk's place does not hold in a narrower one: nothing lost, nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.concurrency.test_reader import PAGE, UNTIL, Case, far_away

import logferry
from logferry.testing import FakeRequest, FakeResponse, InProcessTransport, Row, SignalWireFake, VirtualClock, connected

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
ALONE = 10
"""So many pages are read one after the other before a window is divided."""

FAKE = SignalWireFake(records=2000)
CASE = Case(logferry.SignalWire, FAKE, "signalwire.video_logs")
Walk = Callable[[Any], Iterator[Any]]
PROPERTY = settings(derandomize=True, max_examples=5)


def ids(items: Any) -> list[str]:
    """The ids of logs."""
    return [item["id"] for item in items]


def asked(fake: SignalWireFake, *, pause: float = 0.05, **options: Any) -> tuple[list[Any], InProcessTransport]:
    """What comes, and who answered; time passes with each request."""
    clock = VirtualClock(fake.epoch + 1_000_000)
    transport = InProcessTransport(fake, clock=clock.now)

    def pass_time(_event: logferry.RequestEvent) -> None:
        clock.advance(pause)

    client = connected(
        logferry.SignalWire, fake, transport=transport, clock=clock, on_request=pass_time, rate=None, **options
    )
    view = client.video_logs(include_deleted=True, until=UNTIL, page_size=PAGE).raw()
    return list(view), transport


def test_the_checkpoint_of_every_page_resumes() -> None:
    """Whichever page was the last, also one that had nothing new, another reading brings the rest, in the same order."""
    expected = ids(CASE.view(concurrency=1))
    client = connected(logferry.SignalWire, FAKE, **far_away(FAKE, rate=None, concurrency=8))
    got, empty = list[str](), 0
    for page in client.video_logs(include_deleted=True, until=UNTIL, page_size=PAGE).pages():
        got += [item.id for item in page.items]
        empty += not page.items
        if len(got) > (ALONE + 4) * PAGE:
            break
        if len(got) >= ALONE * PAGE:
            assert [*got, *ids(CASE.view(concurrency=3, resume=page.checkpoint))] == expected
    assert empty >= ALONE - 1


def test_what_is_known_is_forgotten() -> None:
    """Checkpoints have the ids of what was delivered only as long as it is listed again."""
    client = connected(logferry.SignalWire, FAKE, **far_away(FAKE, rate=None, concurrency=8))
    sizes = [
        len(page.checkpoint) for page in client.video_logs(include_deleted=True, until=UNTIL, page_size=PAGE).pages()
    ]
    assert max(sizes) < 100 * PAGE * (2 * ALONE)
    assert all(later <= earlier for earlier, later in zip(sizes[ALONE:], sizes[ALONE + 1 : 2 * ALONE], strict=False))
    assert max(sizes[2 * ALONE + 3 :]) < 2 * max(sizes[:ALONE])


def test_a_checkpoint_from_before_is_gone_on_from_alone(walk: Walk) -> None:
    """What was delivered before it is not known, so the walk goes on, and asks for no page twice but the last, which is full."""
    expected = ids(CASE.view(concurrency=1))
    view = CASE.view(concurrency=8)
    first = ids(view.to_list((ALONE - 5) * PAGE))
    transport = InProcessTransport(FAKE)
    assert [*first, *ids(walk(CASE.view(transport, concurrency=8, resume=view.checkpoint)))] == expected
    assert transport.count == len(expected) // PAGE - (ALONE - 5) + 1


def test_a_few_more_pages_than_one_walk_takes_are_not_read_twice() -> None:
    """Who wants a few pages more than a walk reads alone causes no request more than one by one."""
    counts: list[int] = []
    for concurrency in (1, 8):
        transport = InProcessTransport(FAKE)
        CASE.view(transport, concurrency=concurrency, max_items=(ALONE + 5) * PAGE).to_list()
        counts.append(transport.count)
    assert counts[0] == counts[1]


def minutes(count: int) -> list[Row]:
    """So many rows, a minute apart, the last one at the fake's epoch; that is the order in which they came."""
    return [Row(time=FAKE.epoch - (count - 1 - place) * MINUTE, content=place) for place in range(count)]


def test_what_lies_before_the_place_by_time_and_behind_it_in_the_order_is_not_lost() -> None:
    """A service that lists a few of the newest logs at the very end: each of them comes, once."""
    rows = minutes(1500)
    early = [evolve(rows[-7 - place], time=rows[-7 - place].time + SECOND) for place in range(0, 300, 60)]
    fake = evolve(FAKE, rows=(*early, *rows))
    alone, _ = asked(fake, concurrency=1)
    assert min(item["created_at"] for item in alone[-len(early) :]) > alone[ALONE * PAGE]["created_at"]
    divided, transport = asked(fake, concurrency=8)
    assert transport.count > 1505 // PAGE + ALONE
    assert Counter(ids(divided)) == Counter(ids(alone))


@given(seed=st.integers(0, 1000), concurrency=st.integers(2, 8))
@PROPERTY
def test_logs_that_come_and_go_meanwhile(seed: int, concurrency: int) -> None:
    """What is there from the beginning to the end comes once, what comes or goes meanwhile once at most."""
    start = FAKE.epoch + 1_000_000
    rows = minutes(1500)
    for place in range(seed % 7, 1500, 7):
        moment = start + (place * 37 + seed) % 60 * SECOND
        rows[place] = evolve(rows[place], **({"vanishes": moment} if place % 2 else {"appears": moment}))
    fake = evolve(FAKE, rows=tuple(rows))
    got, transport = asked(fake, pause=1.0, concurrency=concurrency)
    came, end = Counter(ids(got)), start + transport.count * SECOND
    there = [fake.truth(now=now, include_deleted=True, until=end) for now in (start, end)]
    assert max(came.values()) == 1
    assert not {*there[0]} & {*there[1]} - {*came}


@frozen(kw_only=True)
class Boundless(SignalWireFake):
    """A SignalWire that takes no notice of bounds of time."""

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer as if there were none."""
        path, _, query = request.target.partition("?")
        left = [(name, value) for name, value in parse_qsl(query) if not name.startswith("created_")]
        return SignalWireFake.answer(self, evolve(request, target=f"{path}?{urlencode(left)}"), now)


def test_a_service_that_ignores_bounds_is_read_on_where_the_walk_was(walk: Walk) -> None:
    """It shows at once, and costs the requests that were under way, and those that make sure; what comes stays."""
    fake = Boundless(records=2000)
    case = Case(logferry.SignalWire, fake, "signalwire.video_logs")
    counts: list[int] = []
    for concurrency in (1, 4):
        transport = InProcessTransport(fake)
        assert ids(walk(case.view(transport, concurrency=concurrency))) == list(fake.truth(include_deleted=True))
        counts.append(transport.count)
    assert counts[0] < counts[1] <= counts[0] + 3 * 4


@pytest.mark.parametrize(
    "spacing", [0.001, 1, 7200], ids=["a thousand in a second", "one a second", "one in two hours"]
)
def test_however_dense_logs_lie(spacing: float, walk: Walk) -> None:
    """Seconds that no page can show, and days with a few: what comes is what comes one by one, in the same order."""
    fake = SignalWireFake(records=1500, spacing=spacing, growing=False)
    case = Case(logferry.SignalWire, fake, "signalwire.video_logs")
    assert ids(walk(case.view(concurrency=8))) == list(fake.truth(include_deleted=True))


def test_nights_without_logs() -> None:
    """Where hours are empty, the order stays, and not more than twice the pages, and a few more, are asked for."""
    rows = [
        Row(time=FAKE.epoch - (day * 1440 + minute) * MINUTE)
        for day in range(12, -1, -1)
        for minute in range(200, 0, -1)
    ]
    fake = evolve(FAKE, rows=tuple(rows))
    alone, one_by_one = asked(fake, concurrency=1)
    divided, several = asked(fake, concurrency=8)
    assert ids(divided) == ids(alone)
    assert several.count <= 2 * one_by_one.count + 28


def test_it_is_divided_again_where_an_error_was() -> None:
    """After an error while the window is read afresh, the same iterator goes on in parts."""
    failed = {ALONE + 1, ALONE + 4}
    transport = InProcessTransport(
        FAKE, faults=lambda _request, number: FakeResponse(503) if number in failed else None
    )
    view = CASE.view(transport, concurrency=4, retries=0)
    iterator, got, errors = iter(view), list[Any](), 0
    while True:
        try:
            got.append(next(iterator))
        except StopIteration:
            break
        except logferry.ServiceError:
            errors += 1
            assert json.loads(view.checkpoint)["position"]["left"] is not None
    assert errors
    assert ids(got) == ids(CASE.view(concurrency=1))
