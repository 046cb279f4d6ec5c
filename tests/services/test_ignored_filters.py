"""The client applies a filter that the service ignores: it drops items with another value and reports it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, TypeAlias

import orjson
import pytest
from attrs import evolve

from logferry._accounts.registry import SERVICES, Service
from logferry._streams.definition import Filter, StreamDefinition
from logferry.hooks import IssueEvent
from logferry.testing import FakeResponse, Faults, InProcessTransport, Row, VirtualClock, connected
from logferry.testing._ignoring import Ignoring
from logferry.testing._registry import scripted_fake

Walk: TypeAlias = Callable[[Any], Iterator[Any]]

SECOND: Final = 1_000_000_000
EPOCH: Final = 1_767_225_600 * SECOND
NOW: Final = EPOCH + 3600 * SECOND
ROWS: Final = tuple(
    Row(time=EPOCH - number * 60 * SECOND, appears=EPOCH - number * 60 * SECOND, content=number * 7 % 60)
    for number in range(300, 0, -1)
)
HELD: Final = ("source", "mtg_session_id", "include_deleted")
"""Filters for which a service that ignores them sends one value only: see the last test."""

CASES: Final = [
    (service, definition, one)
    for service in SERVICES
    for definition in service.streams
    for one in definition.filter_list
    if one.shown is not None and one.name not in HELD
]
of_each_filter = pytest.mark.parametrize(
    ("service", "definition", "one"), CASES, ids=[f"{definition.name}-{one.name}" for _, definition, one in CASES]
)


def fake_of(service: Service) -> Any:
    """Return a service with 300 rows of many kinds."""
    return scripted_fake(service)(ROWS, epoch=EPOCH, chance=random.Random(5))  # noqa: S311 - the same on every run


def opened(service: Service, fake: Any, stream: str, filters: dict[str, str], **options: Any) -> Any:
    """Open a stream of a client of the fake; options of the client are known by their names."""
    clock = VirtualClock(NOW)
    of_client = {name: options.pop(name) for name in [*options] if name in ("concurrency", "on_issue")}
    faults = options.pop("faults", None)
    real = fake.fake if isinstance(fake, Ignoring) else fake
    transport = InProcessTransport(fake, clock=clock, check=False, faults=faults)
    client = connected(service.client, real, transport=transport, clock=clock, rate=None, **of_client)
    return client.stream(stream, filters=filters, **options)


def asked_of(service: Service, stream: str, one: Filter) -> tuple[dict[str, str], Any]:
    """Return the other required filters, and a value of this one that some items show and others do not."""
    fake = fake_of(service)
    assert one.shown is not None
    for question in fake.questions(stream):
        values = Counter(one.shown(item) for item in opened(service, fake, stream, dict(question)).raw())
        shown = [value for value, _ in values.most_common() if value not in (None, "")]
        if len(shown) > 1:
            return dict(question), shown[-1]
    raise AssertionError(f"all items show the same {one.name}")


@of_each_filter
@pytest.mark.parametrize("concurrency", [1, 4])
def test_items_with_another_value_are_left_out(
    walk: Walk, service: Service, definition: StreamDefinition[Any, Any, Any], one: Filter, concurrency: int
) -> None:
    """Apart from items without a value, the items are those of a service that filters; one issue says so."""
    question, value = asked_of(service, definition.name, one)
    assert one.shown is not None
    fake, told = fake_of(service), list[IssueEvent]()
    filters = {**question, one.name: str(value).lower() if isinstance(value, bool) else value}
    honest = list(walk(opened(service, fake, definition.name, filters, concurrency=concurrency).raw()))
    ignoring = Ignoring(fake, frozenset({one.wire_name}))
    options: Any = {"concurrency": concurrency, "on_issue": told.append, "page_size": 10}
    stream = opened(service, ignoring, definition.name, filters, **options).raw()
    got = list(walk(stream))
    shown = [one.shown(item) for item in got]
    assert {*shown} <= {value, None}
    assert [item for item, its in zip(got, shown, strict=True) if its is not None] == [
        item for item in honest if one.shown(item) is not None
    ]
    ((issue,),) = [event.issues for event in told if event.is_doubt]
    assert issue.startswith(f"the service ignores the filter {one.name}")
    assert stream.stats.doubts == 1
    assert stream.stats.items == len(got)


def mistaking(fake: Any, before: str, after: str) -> Faults:
    """Return faults of a service that takes one parameter for another."""
    return lambda request, _: (
        fake.answer(evolve(request, target=request.target.replace(before, after)), NOW)
        if before in request.target
        else None
    )


@pytest.mark.parametrize(
    ("stream", "filters", "before", "after"),
    [
        ("daily.api_logs", {"source": "webhook"}, "source=webhook", "source=api"),
        ("daily.session_logs", {"mtg_session_id": "one"}, "mtgSessionId=one", "mtgSessionId={meeting}"),
        ("signalwire.video_logs", {"include_deleted": "false"}, "include_deleted=false", "include_deleted=true"),
    ],
)
def test_items_of_another_query_are_left_out(
    walk: Walk, stream: str, filters: dict[str, str], before: str, after: str
) -> None:
    """Items of another source or session, and unrequested deleted logs, are left out with an issue."""
    service = next(one for one in SERVICES if one.name == stream.partition(".")[0])
    fake, told = fake_of(service), list[IssueEvent]()
    meeting = {"{meeting}": next(iter(getattr(fake, "meeting_ids", [""])))}
    for name, value in meeting.items():
        after = after.replace(name, value)
    faults = mistaking(fake, before, after)
    records = opened(service, fake, stream, filters, faults=faults, on_issue=told.append).records()
    got = list(walk(records))
    if stream == "signalwire.video_logs":
        assert len(got) == len(fake.truth(stream, now=NOW))
        assert not any("discarded_at" in record.raw for record in got)
    else:
        assert got == []
    assert [event.is_doubt for event in told] == [True]
    assert records.stats.doubts == 1


LOGTO: Final = next(one for one in SERVICES if one.name == "logto")
KEY: Final = "Interaction.End"


def logto(fake: Any, **options: Any) -> Any:
    """Return logs of one key of a Logto that ignores filters."""
    return opened(LOGTO, Ignoring(fake, frozenset({"logKey"})), "logto.audit_logs", {"log_key": KEY}, **options)


@pytest.mark.parametrize("step", [1, 3, 50])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_checkpoints_and_limits_count_delivered_items(walk: Walk, step: int, concurrency: int) -> None:
    """Resumed after any number of items, and with ``max_items``, each requested item comes once."""
    fake = fake_of(LOGTO)
    truth = list(fake.truth(log_key=KEY, now=NOW))
    got, stream = list[str](), logto(fake, page_size=20, concurrency=concurrency)
    while True:
        taken = [item["id"] for item in islice(walk(stream.raw()), step)]
        if not taken:
            break
        got += taken
        stream = logto(fake, resume=stream.checkpoint, concurrency=concurrency)
    assert got == truth
    limited = logto(fake, page_size=20, max_items=5, concurrency=concurrency)
    assert [item["id"] for item in walk(limited.raw())] == truth[:5]


def test_a_follow_leaves_items_of_other_queries_out(walk: Walk) -> None:
    """Every poll of a follow applies the filter."""
    fake = fake_of(LOGTO)
    follow = logto(fake, since="1d").raw().follow()
    truth = list(fake.truth(log_key=KEY, now=NOW))[::-1]
    assert [item["id"] for item in islice(walk(follow), len(truth))] == truth
    assert follow.stats.doubts >= 1


def test_a_log_without_the_field_is_left_out(walk: Walk) -> None:
    """Logto never finds such a log by the filter, so it is left out; a value that is no log at all is kept."""
    logs = [
        {"id": "a", "key": "k", "createdAt": NOW // 1_000_000 - 9, "payload": {"key": "k", "userId": "u"}},
        {"id": "b", "key": "k", "createdAt": NOW // 1_000_000 - 8, "payload": {"key": "k"}},
        {"id": "c", "key": "k", "createdAt": NOW // 1_000_000 - 7, "payload": {"key": "k", "userId": "U"}},
        {"id": "d", "key": "k", "createdAt": NOW // 1_000_000 - 6, "payload": {"key": "k", "userId": 5}},
        {"id": "e", "key": "k", "createdAt": NOW // 1_000_000 - 5},
        "oops",
    ]
    headers = (("Content-Type", "application/json"), ("Total-Number", "6"))
    faults: Faults = (  # noqa: E731
        lambda request, _: FakeResponse(200, headers, orjson.dumps(logs)) if request.path == "/api/logs" else None
    )
    stream = opened(LOGTO, fake_of(LOGTO), "logto.audit_logs", {"user_id": "u"}, faults=faults)
    assert list(walk(stream.raw())) == [logs[0], logs[3], logs[4], logs[5]]


@pytest.mark.parametrize(("service", "definition"), [(one, each) for one in SERVICES for each in one.streams])
def test_a_service_that_filters_gets_no_issue(service: Service, definition: StreamDefinition[Any, Any, Any]) -> None:
    """Where the service applies each filter, no item is left out and no issue reported."""
    fake = fake_of(service)
    for question in fake.questions(definition.name):
        stream = opened(service, fake, definition.name, dict(question)).raw()
        assert len(list(stream)) == len(fake.truth(definition.name, now=NOW, **question))
        assert stream.stats.doubts == 0
