"""How many requests concurrency costs on any history: at most 1.35 times those of a sequential walk."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any, Final

import pytest

import logferry
from logferry._accounts.registry import SERVICES
from logferry.hooks import RequestEvent
from logferry.testing import (
    CognigyFake,
    DailyFake,
    FakeRequest,
    FakeResponse,
    InProcessTransport,
    LogtoFake,
    Row,
    VirtualClock,
    connected,
)

SECOND: Final = 1_000_000_000
PAGE: Final = 25
ROWS: Final = 1500
EPOCH: Final = LogtoFake().epoch
UNTIL: Final = "2027-01-01"

HISTORIES: Final[dict[str, Callable[[random.Random, int], float]]] = {
    "even": lambda _chance, _number: 7.0,
    "by chance": lambda chance, _number: chance.expovariate(1 / 7),
    "with nights": lambda _chance, number: 57_600.0 if number % 375 == 374 else 76.8,
    "in bursts": lambda _chance, number: (10.0, 0.01)[number // 150 % 2],
}
"""The seconds between two rows, by the number of the row."""

FAKES: Final[dict[str, tuple[Any, Callable[..., Any], str]]] = {
    "logto": (logferry.Logto, LogtoFake, "logto.audit_logs"),
    "cognigy": (logferry.Cognigy, partial(CognigyFake, retention=None), "cognigy.project_logs"),
    "daily": (logferry.Daily, DailyFake, "daily.session_logs"),
}


def test_every_partitioned_stream_is_measured() -> None:
    """Each stream that supports partitions is among the cases."""
    read = {one.name for service in SERVICES for one in service.streams if one.resolution is not None}
    assert read == {stream for _, _, stream in FAKES.values()} | {"daily.session_metrics"}


TIES: Final[dict[str, Callable[[random.Random, int], float]]] = {
    "seven at once": lambda _chance, number: 7.0 * (number % 7 == 0),
    "one a millisecond": lambda _chance, _number: 0.001,
}
"""The same, with rows so close that a page has to repeat several."""


def pulled(
    name: str, history: str, concurrency: int, faults: Any = None, *, rows: int = ROWS, page_size: int = PAGE
) -> tuple[list[Any], int]:
    """Return the items of all rows and the number of requests, where a request takes 50 ms."""
    client, make, stream = FAKES[name]
    chance = random.Random(1)  # noqa: S311  # the same on every run
    offsets = accumulate((HISTORIES | TIES)[history](chance, number) for number in range(rows))
    times = sorted(EPOCH - round(offset * SECOND) for offset in offsets)
    fake = make(rows=tuple(Row(time=time, content=number % 7) for number, time in enumerate(times)), epoch=EPOCH)
    clock = VirtualClock(EPOCH + SECOND)

    def pass_time(_event: RequestEvent) -> None:
        clock.advance(0.05)

    transport = InProcessTransport(fake, check=False, faults=None if faults is None else faults(fake))
    options: dict[str, Any] = {"clock": clock, "on_request": pass_time, "rate": None, "concurrency": concurrency}
    filters = fake.questions(stream)[0]
    view = connected(client, fake, transport=transport, **options).stream(
        stream, filters=filters, until=UNTIL, page_size=page_size
    )
    return list(view.raw()), transport.count


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("name", FAKES)
def test_requests_are_bounded(name: str, history: str) -> None:
    """The items and their order stay the same, and pauses, bursts and random histories waste few requests."""
    expected, alone = pulled(name, history, 1)
    assert len(expected) == ROWS
    # Of eight in flight, a few more are behind a pause before the first response shows it.
    for concurrency, most in ((4, 1.35), (8, 1.4)):
        got, requests = pulled(name, history, concurrency)
        assert got == expected
        assert requests <= most * alone


@pytest.mark.parametrize("history", ["even", *TIES])
@pytest.mark.parametrize("page_size", [1, 2, 5])
def test_requests_are_bounded_with_small_pages(page_size: int, history: str) -> None:
    """Also where rows of one time let a walk ask for more than a page, and partitions begin with less."""
    expected, alone = pulled("daily", history, 1, rows=700, page_size=page_size)
    assert len(expected) == 700
    got, requests = pulled("daily", history, 4, rows=700, page_size=page_size)
    assert got == expected
    assert requests <= 1.35 * alone


def boundless(fake: Any) -> Callable[[FakeRequest, int], FakeResponse | None]:
    """A Cognigy that ignores time bounds."""

    def answer(request: FakeRequest, _number: int) -> FakeResponse | None:
        path, _, query = request.target.partition("?")
        left = [
            ("startDate=1970-01-01T00:00:00.000Z" if pair.startswith("startDate=") else pair)
            if not pair.startswith("endDate=")
            else "endDate=2027-01-01T00:00:00.000Z"
            for pair in query.split("&")
        ]
        response: FakeResponse = fake.answer(
            FakeRequest(request.method, f"{path}?{'&'.join(left)}", request.headers), EPOCH + SECOND
        )
        return response

    return answer


def test_a_service_that_ignores_bounds_is_read_sequentially() -> None:
    """The first page of a partition shows that bounds are ignored; the rest is then read one page after another."""
    expected, alone = pulled("cognigy", "even", 1, boundless)
    got, requests = pulled("cognigy", "even", 4, boundless)
    assert sorted(map(str, got)) == sorted(map(str, expected))
    assert len(got) == ROWS
    assert requests <= 2 * alone + 4
