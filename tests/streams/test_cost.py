"""Costs that do not depend on timing: allocations for each record, and requests for each page."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import logferry
from logferry._accounts.registry import SERVICES
from logferry.testing import CognigyFake, DailyFake, Fake, InProcessTransport, LogtoFake, SignalWireFake

RECORDS = 2000
STREAMS: dict[str, tuple[Callable[[], Fake], int]] = {
    "daily.session_logs": (lambda: DailyFake(records=RECORDS), 1000),
    "daily.api_logs": (lambda: DailyFake(records=RECORDS), 1000),
    "signalwire.video_logs": (lambda: SignalWireFake(records=RECORDS), 1000),
    "logto.audit_logs": (lambda: LogtoFake(records=RECORDS), 100),
    "cognigy.project_logs": (lambda: CognigyFake(records=RECORDS, retention=None), 100),
}
Opened = tuple[logferry.Stream[Any], InProcessTransport, int]


@pytest.fixture(params=STREAMS)
def opened(request: pytest.FixtureRequest) -> Opened:
    """Return a stream of each service, its transport and its page size."""
    make, page = STREAMS[request.param]
    fake = make()
    service = next(one for one in SERVICES if one.name == request.param.partition(".")[0])
    transport = InProcessTransport(fake, check=False)
    address = "endpoint" if service.name == "logto" else "base_url"
    given: dict[str, Any] = {**fake.settings, address: "https://logs.example", "transport": transport}
    given.pop("space", None)
    client: Any = service.client
    filters = dict(fake.questions(request.param)[0])
    return client(**given).stream(request.param, filters=filters, until="2030-01-01", page_size=page), transport, page


def test_a_pull_sends_about_one_request_a_page(opened: Opened) -> None:
    """A pull sends one request for each page, and a few for the token, the end and rows that it reads again."""
    stream, transport, page = opened
    count = sum(1 for _ in stream.raw())
    assert len(transport.requests) <= count / page + 4


def test_a_record_costs_few_allocations(opened: Opened) -> None:
    """A record that was read is one object beside its item; its attributes are a few more."""
    stream, _, page = opened
    records = iter(stream.records())
    kept = [next(records)]  # from here on the walk requests no page before it has delivered this one
    gc.collect()
    before = sys.getallocatedblocks()
    kept += _taken(records, page // 2)
    after = sys.getallocatedblocks()
    assert (after - before) / len(kept) <= 6
    bare = after
    read = [(record.attributes, record.resource) for record in kept]
    assert (sys.getallocatedblocks() - bare) / len(read) <= 40


def test_memory_does_not_grow_with_the_number_of_records(opened: Opened) -> None:
    """The second half of a walk retains less than a page, apart from the requests that the fake records."""
    stream, _, page = opened
    records = iter(stream.raw())
    for _ in _taken(records, RECORDS // 2):
        pass
    tracemalloc.start()
    try:
        for _ in records:
            pass
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left <= max(page * 3000, 2**20)


def _taken(records: Iterator[Any], count: int) -> list[Any]:
    return [next(records) for _ in range(count)]
