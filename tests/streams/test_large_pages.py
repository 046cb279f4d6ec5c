"""Every way to read a stream retries a page above the size limit with smaller pages."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import attrs
import httpx
import orjson
import pytest

import logferry
from logferry._accounts.registry import SERVICES
from logferry._json import is_array
from logferry.hooks import RetryEvent
from logferry.testing import (
    CognigyFake,
    DailyFake,
    Fake,
    FakeResponse,
    LogtoFake,
    Row,
    SignalWireFake,
    connected,
    failing,
)
from logferry.testing._registry import make_fake

LARGE = b" " * (64 * 1024 * 1024 + 1)
"""A size in bytes above the limit."""
MANY = b"[%s0]" % (b"0," * 1_000_000)
"""A number of values above the limit."""
EPOCH = 1_795_164_426_000_000_000
UNTIL = "2027-01-01"
Walk = Callable[[Any], Iterator[Any]]

FAKES: dict[str, Fake] = {service.name: make_fake(service, records=100, epoch=EPOCH) for service in SERVICES}
AMONG = [
    Row(time=EPOCH - (3600 if 10 <= number < 50 else number) * 1_000_000_000, content=number) for number in range(60)
]
TIED: dict[str, Fake] = {
    "cognigy": CognigyFake(rows=AMONG, epoch=EPOCH),
    "daily": DailyFake(rows=AMONG, epoch=EPOCH),
    "logto": LogtoFake(rows=AMONG, epoch=EPOCH),
    "signalwire": SignalWireFake(rows=AMONG, epoch=EPOCH),
}
"""Histories with forty items of one time."""
SMALLEST = {"logto.audit_logs": 2}
"""How many items a request asks for at least there; 1 for streams that are not named."""
STREAMS = [definition for service in SERVICES for definition in service.streams]


@pytest.fixture(params=STREAMS, ids=[definition.name for definition in STREAMS])
def stream(request: pytest.FixtureRequest) -> str:
    """Return the name of each stream of each service."""
    name: str = request.param.name
    return name


def count_of(answer: FakeResponse) -> int:
    """Return how many items an answer has."""
    if answer.status != 200:
        return 0
    is_packed = answer.header("Content-Encoding") == "gzip"
    page: Any = orjson.loads(gzip.decompress(answer.body) if is_packed else answer.body)
    if is_array(page):
        return len(page)
    members = {**page, **page.get("_embedded", {})}
    return max((len(value) for value in members.values() if is_array(value)), default=0)


def heavy(most: int, beginning: int = 1, body: bytes = MANY) -> Callable[[FakeResponse], FakeResponse]:
    """
    Make each answer with more than *most* items too large.

    Args:
        most: How many items fit.
        beginning: The first answer that is affected.
        body: The body of an answer that is too large.
    """
    answers = 0

    def weighed(answer: FakeResponse) -> FakeResponse:
        nonlocal answers
        answers += count_of(answer) > 0
        if answers < beginning or count_of(answer) <= most:
            return answer
        headers = tuple(
            pair for pair in answer.headers if pair[0].lower() not in {"content-encoding", "content-length"}
        )
        return attrs.evolve(answer, headers=headers, body=body)

    return weighed


def opened(
    name: str,
    change: Callable[[FakeResponse], FakeResponse] | None = None,
    *,
    fakes: dict[str, Fake] = FAKES,
    **options: Any,
) -> Any:
    """Return a stream whose answers are changed; options of clients go to the client, others to the stream."""
    (service,) = (service for service in SERVICES if service.name == name.partition(".")[0])
    calls = {key: options.pop(key) for key in ("concurrency", "on_retry", "deadline") if key in options}
    client: Any = connected(
        service.client, fakes[service.name], faults=None if change is None else failing(change), rate=None, **calls
    )
    options = {"until": UNTIL} | options if "resume" not in options else options
    return client.stream(name, filters=fakes[service.name].questions(name)[0], **options)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("beginning", [1, 2])
def test_a_large_page_is_retried_with_smaller_pages(stream: str, walk: Walk, concurrency: int, beginning: int) -> None:
    """Every item comes once, in the order of pages that fit, and each smaller request is reported as a retry."""
    told: list[RetryEvent] = []
    view = opened(stream, heavy(28, beginning), page_size=40, concurrency=concurrency, on_retry=told.append).raw()
    wanted = list(opened(stream, page_size=40, concurrency=1).raw())
    assert list(walk(view)) == wanted
    assert len(wanted) >= 60
    assert {event.reason for event in told} == {"the answer has more than 1,000,000 values"}
    assert 0 < view.stats.retries == len(told) < 10


def test_a_checkpoint_resumes_with_another_page_size(stream: str, walk: Walk) -> None:
    """A walk that stopped with large pages resumes with small ones, and the reverse."""
    wanted = list(opened(stream, page_size=40).raw())
    for before, after in ((None, heavy(28)), (heavy(28), None)):
        for count in (7, 40, 54):
            first = opened(stream, before, page_size=40).raw()
            begun = list(islice(walk(first), count))
            rest = opened(stream, after, page_size=40, resume=first.checkpoint).raw()
            assert begun + list(walk(rest)) == wanted


def test_a_follow_retries_with_smaller_pages(stream: str, walk: Walk) -> None:
    """A follow also retries a large page with smaller ones."""
    wanted = sorted(map(json.dumps, opened(stream).raw()))
    options: dict[str, Any] = {"page_size": 40, "since": "2020-01-01", "until": None}
    view = opened(stream, heavy(28, 2), **options).raw().follow()
    assert sorted(map(json.dumps, islice(walk(view), len(wanted)))) == wanted
    assert view.stats.retries


def test_a_single_item_above_the_limit_is_an_error(stream: str, walk: Walk) -> None:
    """The error says what to do and has a checkpoint, after all earlier items were delivered."""
    wanted = list(opened(stream, page_size=40).raw())
    change = heavy(0, 2)
    view = opened(stream, change, page_size=40).raw()
    items = walk(view)
    got = list(islice(items, 1))
    with pytest.raises(
        logferry.ResponseShapeError, match="No smaller page can be requested: exclude its time with since and until"
    ) as caught:
        got.extend(items)
    assert got == wanted[: len(got)]
    rest = opened(stream, page_size=40, resume=caught.value.checkpoint).raw()
    assert got + list(walk(rest)) == wanted


@pytest.mark.parametrize("most", [7, 1])
def test_large_items_of_one_time(stream: str, walk: Walk, most: int) -> None:
    """Items that fit one by one all come; if a request must repeat items of one time, the error says so."""
    wanted = list(opened(stream, fakes=TIED, page_size=40).raw())
    assert len(wanted) >= 40
    view = opened(stream, heavy(most), fakes=TIED, page_size=40).raw()
    if most >= SMALLEST.get(stream, 1):
        assert sorted(map(json.dumps, walk(view))) == sorted(map(json.dumps, wanted))
        return
    items, got = walk(view), list[Any]()
    with pytest.raises(logferry.ResponseShapeError, match="No smaller page can be requested") as caught:
        got.extend(items)
    rest = opened(stream, fakes=TIED, page_size=40, resume=caught.value.checkpoint).raw()
    assert sorted(map(json.dumps, got + list(walk(rest)))) == sorted(map(json.dumps, wanted))


def test_bytes_and_values_are_both_bounded(walk: Walk) -> None:
    """A page with too many bytes or too many values is retried with smaller pages."""
    for body, words in ((LARGE, "larger than 67,108,864 bytes"), (MANY, "more than 1,000,000 values")):
        told: list[RetryEvent] = []
        view = opened("cognigy.project_logs", heavy(28, 1, body), page_size=40, on_retry=told.append).raw()
        assert len(list(walk(view))) >= 20
        assert [words in event.reason for event in told] == [True]


def test_an_iteration_keeps_the_smaller_page_size() -> None:
    """After a page that was too large, the next pages are requested with the smaller size at once."""
    view = opened("cognigy.project_logs", heavy(4), page_size=40, concurrency=1).raw()
    assert len(list(view)) >= 20
    assert view.stats.retries == 4  # 40, 20, 10, 5


def test_max_items_holds_with_smaller_pages(stream: str, walk: Walk) -> None:
    """Items that were delivered before a page was too large count toward `max_items`."""
    wanted = list(opened(stream, page_size=40).raw())
    assert list(walk(opened(stream, heavy(28, 2), page_size=40, max_items=57).raw())) == wanted[:57]


def test_a_token_response_that_is_too_large_is_not_retried() -> None:
    """A token response has no pages, so a smaller page size cannot help."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=LARGE)

    transport = httpx.MockTransport(answer)
    with (
        connected(logferry.Logto, LogtoFake(records=3), transport=transport) as logto,
        pytest.raises(logferry.ResponseShapeError, match="larger than 67,108,864 bytes"),
    ):
        list(logto.audit_logs(until=UNTIL))
    assert asked == ["/oidc/token"]
