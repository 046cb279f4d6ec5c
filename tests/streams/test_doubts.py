"""Possibly missing items are an issue of the result, not of an item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.conftest import EventLoop

import logferry
from logferry.hooks import IssueEvent
from logferry.testing import (
    FakeResponse,
    Faults,
    Hosts,
    InProcessTransport,
    LogtoFake,
    Row,
    VirtualClock,
    configuration,
)

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

SECOND = 1_000_000_000
BEGIN = LogtoFake().epoch
CROWD = 150
TIMES = [BEGIN, *[BEGIN - SECOND] * CROWD, *(BEGIN - number * SECOND for number in range(2, 40))]
FAKE = LogtoFake(rows=[Row(time=time) for time in TIMES], release="1.36.0", stable_ties=False, compression=False)
"""Return a server with more logs at one moment than a page holds."""

UNTIL = "2027-01-01"
SENTENCE = "createdAt: more logs at "


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("view", ["entries", "records", "raw"])
@pytest.mark.parametrize("as_pages", [False, True])
def test_a_doubt_differs_from_an_item_that_does_not_decode(
    client: Make, walk: Walk, view: str, as_pages: bool, strict: bool
) -> None:
    """A doubt has its own count and its own kind of event, and strict mode does not raise on it."""
    told: list[IssueEvent] = []
    with client(FAKE, on_issue=told.append) as logto:
        stream = logto.audit_logs(until=UNTIL, strict=strict)
        viewed: Any = {"entries": stream, "records": stream.records(), "raw": stream.raw()}[view]
        pages = list(walk(viewed.pages())) if as_pages else []
        got = [item for page in pages for item in page.items] or list(walk(viewed))
        stats = viewed.stats
    assert len(got) > CROWD // 2
    assert stats.issues == 0
    assert stats.doubts == sum(len(event.issues) for event in told) > 0
    assert all(event.is_doubt and event.item is None and event.delivered for event in told)
    assert any(issue.startswith(SENTENCE) for event in told for issue in event.issues)
    assert not as_pages or [page.issues for page in pages if page.issues] == [event.issues for event in told]


def test_a_strict_walk_resumes_behind_a_doubt(client: Make, walk: Walk) -> None:
    """A strict walk that is resumed from the checkpoint of every page reaches the end."""
    with client(FAKE) as logto:
        pages, doubts, checkpoint = 0, 0, None
        while True:
            options: Any = {"until": UNTIL} if checkpoint is None else {"resume": checkpoint}
            page = next(walk(logto.audit_logs(strict=True, **options).pages()), None)
            if page is None:
                break
            pages, doubts, checkpoint = pages + 1, doubts + len(page.issues), page.checkpoint
            assert pages < 50
    assert doubts


def test_a_null_among_the_items_is_an_item_that_does_not_decode(client: Make, walk: Walk) -> None:
    """The event about a null item has no item, but is not a doubt."""
    headers = (("Content-Type", "application/json"), ("Total-Number", "1"))
    faults: Faults = (  # noqa: E731
        lambda request, _: FakeResponse(200, headers, b"[null]") if request.path == "/api/logs" else None
    )
    told: list[IssueEvent] = []
    with client(faults=faults, on_issue=told.append) as logto:
        records = logto.audit_logs(until=UNTIL).records()
        assert [record.raw for record in walk(records)] == [None]
    assert [(event.item, event.is_doubt) for event in told] == [(None, False)]
    assert (records.stats.issues, records.stats.doubts) == (1, 0)


def test_a_follow_reports_a_doubt(client: Make, walk: Walk) -> None:
    """A follow counts a doubt separately and continues, strict or not."""
    clock, told = VirtualClock(BEGIN + SECOND), list[IssueEvent]()
    with client(FAKE, clock=clock, on_issue=told.append) as logto:
        follow = logto.audit_logs(since="1d", strict=True).raw().follow()
        iterator = walk(follow)
        for _ in range(CROWD // 2):
            next(iterator)
        assert (follow.stats.issues, follow.stats.doubts) == (0, sum(len(event.issues) for event in told))
    assert {event.is_doubt for event in told} == {True}


@pytest.mark.parametrize("as_tasks", [False, True])
def test_a_ferry_counts_doubts_separately(portal: EventLoop, tmp_path: Path, as_tasks: bool) -> None:
    """The statistics of each stream count the doubt, and the hook is called."""
    told: list[IssueEvent] = []
    config = tmp_path / "logferry.toml"
    config.write_text(configuration({"login": FAKE}))
    ferry = logferry.open_accounts(
        config, transport=Hosts({"login": InProcessTransport(FAKE)}), on_issue=told.append, rate=None
    )

    async def collect() -> int:
        async with ferry:
            return len([record async for record in records])

    records = ferry.records(until=UNTIL)
    if as_tasks:
        count = portal.call(collect)
    else:
        with ferry:
            count = len(list(records))
    (stats,) = records.stats.values()
    assert stats.items == count > CROWD // 2
    assert (stats.issues, stats.doubts) == (0, sum(len(event.issues) for event in told))
    assert stats.doubts
