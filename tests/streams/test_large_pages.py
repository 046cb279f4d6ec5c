"""A page that is larger than what is read is asked for again, in smaller ones, wherever a stream is read."""

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
"""More bytes than are read."""
MANY = b"[%s0]" % (b"0," * 1_000_000)
"""More values than are decoded."""
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
    """The name of each stream of each service."""
    name: str = request.param.name
    return name


def count_of(answer: FakeResponse) -> int:
    """How many items an answer has."""
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
    Each answer with more than *most* items is too large.

    Args:
        most: How many items fit.
        beginning: Only from this answer on.
        body: What it has then.
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
    """A stream whose answers are changed on their way; options of clients go to the client, others to the stream."""
    (service,) = (service for service in SERVICES if service.name == name.partition(".")[0])
    calls = {key: options.pop(key) for key in ("concurrency", "on_retry", "deadline") if key in options}
    client: Any = connected(
        service.client, fakes[service.name], faults=None if change is None else failing(change), rate=None, **calls
    )
    options = {"until": UNTIL} | options if "resume" not in options else options
    return client.stream(name, filters=fakes[service.name].questions(name)[0], **options)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("beginning", [1, 2])
def test_smaller_pages_are_asked_for(stream: str, walk: Walk, concurrency: int, beginning: int) -> None:
    """Every item comes once, in the order in which it comes with pages that fit; each smaller page is reported as a retry."""
    told: list[RetryEvent] = []
    view = opened(stream, heavy(28, beginning), page_size=40, concurrency=concurrency, on_retry=told.append).raw()
    wanted = list(opened(stream, page_size=40, concurrency=1).raw())
    assert list(walk(view)) == wanted
    assert len(wanted) >= 60
    assert {event.reason for event in told} == {"the answer has more than 1,000,000 values"}
    assert 0 < view.stats.retries == len(told) < 10


def test_a_checkpoint_holds_with_smaller_pages(stream: str, walk: Walk) -> None:
    """A walk that was left among large pages goes on with small ones, and the other way round."""
    wanted = list(opened(stream, page_size=40).raw())
    for before, after in ((None, heavy(28)), (heavy(28), None)):
        for count in (7, 40, 54):
            first = opened(stream, before, page_size=40).raw()
            begun = list(islice(walk(first), count))
            rest = opened(stream, after, page_size=40, resume=first.checkpoint).raw()
            assert begun + list(walk(rest)) == wanted


def test_a_follow_asks_for_smaller_pages(stream: str, walk: Walk) -> None:
    """The same for a stream that is followed."""
    wanted = sorted(map(json.dumps, opened(stream).raw()))
    options: dict[str, Any] = {"page_size": 40, "since": "2020-01-01", "until": None}
    view = opened(stream, heavy(28, 2), **options).raw().follow()
    assert sorted(map(json.dumps, islice(walk(view), len(wanted)))) == wanted
    assert view.stats.retries


def test_an_item_that_is_too_large_alone(stream: str, walk: Walk) -> None:
    """It is an error that says what to do, with a checkpoint, once all that came before has been delivered."""
    wanted = list(opened(stream, page_size=40).raw())
    change = heavy(0, 2)
    view = opened(stream, change, page_size=40).raw()
    items = walk(view)
    got = list(islice(items, 1))
    with pytest.raises(
        logferry.ResponseShapeError, match="No smaller page can be asked for: leave its time out with since and until"
    ) as caught:
        got.extend(items)
    assert got == wanted[: len(got)]
    rest = opened(stream, page_size=40, resume=caught.value.checkpoint).raw()
    assert got + list(walk(rest)) == wanted


@pytest.mark.parametrize("most", [7, 1])
def test_large_items_of_one_time(stream: str, walk: Walk, most: int) -> None:
    """Those that fit one by one all come; where a request has to repeat items of that time, an error says that it cannot shrink."""
    wanted = list(opened(stream, fakes=TIED, page_size=40).raw())
    assert len(wanted) >= 40
    view = opened(stream, heavy(most), fakes=TIED, page_size=40).raw()
    if most >= SMALLEST.get(stream, 1):
        assert sorted(map(json.dumps, walk(view))) == sorted(map(json.dumps, wanted))
        return
    items, got = walk(view), list[Any]()
    with pytest.raises(logferry.ResponseShapeError, match="No smaller page can be asked for") as caught:
        got.extend(items)
    rest = opened(stream, fakes=TIED, page_size=40, resume=caught.value.checkpoint).raw()
    assert sorted(map(json.dumps, got + list(walk(rest)))) == sorted(map(json.dumps, wanted))


def test_bytes_and_values_are_bounded_alike(walk: Walk) -> None:
    """A page can have too many of either."""
    for body, words in ((LARGE, "larger than 67,108,864 bytes"), (MANY, "more than 1,000,000 values")):
        told: list[RetryEvent] = []
        view = opened("cognigy.project_logs", heavy(28, 1, body), page_size=40, on_retry=told.append).raw()
        assert len(list(walk(view))) >= 20
        assert [words in event.reason for event in told] == [True]


def test_an_iteration_goes_on_with_small_pages() -> None:
    """Once a page was too large, the pages behind it are asked for small at once."""
    view = opened("cognigy.project_logs", heavy(4), page_size=40, concurrency=1).raw()
    assert len(list(view)) >= 20
    assert view.stats.retries == 4  # 40, 20, 10, 5


def test_max_items_holds_with_smaller_pages(stream: str, walk: Walk) -> None:
    """What had been delivered before a page was too large counts."""
    wanted = list(opened(stream, page_size=40).raw())
    assert list(walk(opened(stream, heavy(28, 2), page_size=40, max_items=57).raw())) == wanted[:57]


def test_a_token_that_is_too_large_is_asked_for_once() -> None:
    """A token has no pages, so its answer is no reason for smaller ones."""
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
