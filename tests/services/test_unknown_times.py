"""An unknown time is left out and reported; an item that is no object is one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import orjson
import pytest

import logferry
from logferry._accounts.registry import SERVICES
from logferry._json import is_array
from logferry.hooks import IssueEvent
from logferry.stores._schema import record_batch
from logferry.testing import DailyFake, FakeResponse, connected, failing
from logferry.testing._registry import make_fake

EPOCH = 1_795_164_426_000_000_000
UNTIL = "2027-01-01"
STREAMS = [definition.name for service in SERVICES for definition in service.streams]
TIMES = ("time", "timestamp", "createdAt", "created_at", "start_time")


def changed(change: Callable[[Any], Any]) -> Callable[[FakeResponse], FakeResponse]:
    """Return an answer with changed items."""

    def all_of(value: Any) -> Any:
        if is_array(value):
            return [change(item) for item in value]
        return {name: all_of(member) if name in ARRAYS else member for name, member in value.items()}

    def answer(given: FakeResponse) -> FakeResponse:
        if given.status != 200 or b"access_token" in given.body or given.header("Content-Encoding"):
            return given
        body = orjson.dumps(all_of(orjson.loads(given.body)))
        headers = tuple(pair for pair in given.headers if pair[0] != "Content-Length")
        return attrs.evolve(given, body=body, headers=headers)

    return answer


ARRAYS = ("data", "items", "logs", "metrics", "_embedded", "logEntry")


def opened(name: str, change: Callable[[Any], Any] | None = None, **options: Any) -> Any:
    """Open a stream with changed items."""
    service = next(service for service in SERVICES if service.name == name.partition(".")[0])
    fake: Any = make_fake(service, records=5, epoch=EPOCH)
    client: Any = connected(
        service.client, fake, faults=None if change is None else failing(changed(change)), **options
    )
    return client.stream(name, filters=fake.questions(name)[0], until=UNTIL)


def timeless(item: Any) -> Any:
    """Return an item whose times are invalid."""
    return {name: "someday" if name in TIMES else value for name, value in item.items()}


def replaced(wanted: Any, odd: Any, item: Any) -> Any:
    """Return the item, or the value in place of the requested one."""
    return odd if item == wanted else item


@pytest.mark.parametrize("name", STREAMS)
def test_an_unreadable_time_is_left_out_and_reported(name: str) -> None:
    """JSON has no time and a table has null; the record is counted and goes to the hook."""
    told: list[IssueEvent] = []
    view = opened(name, timeless, on_issue=told.append).records()
    records = list(view)
    assert records
    odd = [record for record in records if not record.time_unix_nano]
    if name != "logto.audit_logs":  # whose times are numbers
        assert odd
    for record in odd:
        assert "timestamp" not in orjson.loads(record.to_json())
        assert "1970" not in repr(record)
        assert record.issues
    assert view.stats.issues == len(told) == len(odd)
    rows = record_batch(records).to_pylist()
    assert sum(row["timestamp"] is None for row in rows) == len(odd)


@pytest.mark.parametrize("odd", [{}, {"x": 1}, {"time": "someday"}, {"timestamp": None}])
def test_a_metric_without_a_time_has_an_issue(odd: Any) -> None:
    """A missing time and an unreadable time are both an issue."""
    view = opened("daily.session_metrics", lambda _item: odd).records()
    assert all(record.issues for record in view)
    assert view.stats.issues


@pytest.mark.parametrize("odd", ["oops", None, 7, []])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_item_that_is_not_an_object_comes_once(
    odd: Any, concurrency: int, walk: Callable[[Any], Iterator[logferry.LogRecord]]
) -> None:
    """At any position of a page, an item without a time lies between the times around it."""
    fake = DailyFake(records=260, epoch=EPOCH)
    name, filters = "daily.session_metrics", fake.questions("daily.session_metrics")[0]
    items = list(connected(logferry.Daily, fake).stream(name, filters=filters, until=UNTIL).raw())
    for index in (29, 33, 89, 149, 209):
        assert items.count(items[index]) == 1
        change = changed(partial(replaced, items[index], odd))
        client = connected(logferry.Daily, fake, faults=failing(change), concurrency=concurrency)
        stream = client.stream(name, filters=filters, until=UNTIL, page_size=20)
        records = list(walk(stream.records()))
        assert [record.raw for record in records] == [*items[:index], odd, *items[index + 1 :]]
        assert len({record.uid for record in records}) == len(records) == 260
