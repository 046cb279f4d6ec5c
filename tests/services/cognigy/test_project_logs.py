"""The stream of a project's logs, end to end: sync and async, in process and over the loopback server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import anyio
import orjson
import pytest

import logferry
from logferry.testing import (
    CognigyFake,
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    Recorder,
    VirtualClock,
    failing,
    serve,
)
from logferry_clients.cognigy.models import LogEntry

LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""A time after all entries of a fake."""

RECORDS: Final = 417
BASE_URL: Final = "https://api-trial.cognigy.ai/new"


def json(body: Any) -> FakeResponse:
    return FakeResponse(200, (("Content-Type", "application/json"),), orjson.dumps(body))


@contextmanager
def in_process(fake: CognigyFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* in process."""
    yield {"base_url": BASE_URL, "transport": InProcessTransport(fake, faults=faults), **credentials(fake)}


@contextmanager
def on_loopback(fake: CognigyFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* over the loopback server."""
    with serve(Recorder(fake, faults=faults)) as url:
        yield {"base_url": url, **credentials(fake)}


def credentials(fake: CognigyFake) -> dict[str, Any]:
    return {"api_key": fake.api_key, "project_id": fake.project_id}


@contextmanager
def opened(fake: CognigyFake, faults: Faults | None = None, **changes: Any) -> Generator[logferry.Cognigy]:
    """Return a client of *fake* in process, with some arguments changed."""
    with in_process(fake, faults) as arguments, logferry.Cognigy(**(arguments | changes)) as cognigy:
        yield cognigy


Views: TypeAlias = Callable[[logferry.Cognigy], list[Any]]


def collected(arguments: dict[str, Any], views: Views, *, sync: bool) -> list[list[Any]]:
    """Return all items of some views of a client's streams, sync or async."""
    if sync:
        with logferry.Cognigy(**arguments) as cognigy:
            return [list(view) for view in views(cognigy)]

    async def collect() -> list[list[Any]]:
        async with logferry.Cognigy(**arguments) as cognigy:
            return [[item async for item in view] for view in views(cognigy)]

    return anyio.run(collect)


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_every_view_yields_each_entry_once(adapter: Any, sync: bool) -> None:
    """Entries, records, raw items and pages have every entry once, sync and async."""
    fake = CognigyFake(records=RECORDS)
    truth = list(fake.truth())

    def views(cognigy: logferry.Cognigy) -> list[Any]:
        stream = cognigy.project_logs(until=LATER)
        return [stream, stream.records(), stream.raw(), stream.pages()]

    with adapter(fake) as arguments:
        entries, records, items, pages = collected(arguments, views, sync=sync)
    assert len(truth) == RECORDS
    assert [entry.id for entry in entries] == truth
    assert [record.uid for record in records] == [f"cognigy:{fake.project_id}:{one}" for one in truth]
    assert [item["_id"] for item in items] == truth
    assert [entry.id for page in pages for entry in page.items] == truth
    assert [len(page.items) for page in pages] == [100, 100, 100, 100, 17]
    assert {page.total for page in pages} == {RECORDS}


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_the_iterator_continues_after_an_error_on_page_3(adapter: Any, sync: bool) -> None:
    """The error is raised after pages 1 and 2; the next call continues with page 3; no entry is lost or repeated."""
    fake = CognigyFake(records=RECORDS)
    before: list[str] = []
    after: list[str] = []

    def drain(arguments: dict[str, Any]) -> logferry.LogferryError:
        with logferry.Cognigy(retries=0, **arguments) as cognigy:
            iterator = iter(cognigy.project_logs(until=LATER))
            with pytest.raises(logferry.ServiceError) as caught:
                before.extend(entry.id for entry in iterator)
            after.extend(entry.id for entry in iterator)
        return caught.value

    async def extend(ids: list[str], iterator: AsyncIterator[LogEntry]) -> None:
        async for entry in iterator:
            ids.append(entry.id)  # noqa: PERF401  # items before an error are kept

    async def adrain(arguments: dict[str, Any]) -> logferry.LogferryError:
        async with logferry.Cognigy(retries=0, **arguments) as cognigy:
            iterator = aiter(cognigy.project_logs(until=LATER))
            with pytest.raises(logferry.ServiceError) as caught:
                await extend(before, iterator)
            await extend(after, iterator)
        return caught.value

    with adapter(fake, failing(FakeResponse(503), at=[3])) as arguments:
        error = drain(arguments) if sync else anyio.run(adrain, arguments)
    assert (len(before), len(after)) == (200, RECORDS - 200)
    assert before + after == list(fake.truth())
    assert (error.status, error.stream, error.attempts) == (503, "cognigy.project_logs", 1)


RESUME = """
import sys
import logferry
with logferry.Cognigy.from_env() as cognigy:
    for record in cognigy.project_logs(resume=sys.stdin.read()).records():
        print(record.uid)
"""


@pytest.mark.parametrize("delivered", [0, 1, 100, 250, 417])
def test_a_checkpoint_resumes_in_another_process(delivered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process gets the rest from a checkpoint alone, filters and project included."""
    fake = CognigyFake(records=RECORDS)
    with serve(fake) as url:
        monkeypatch.setenv("COGNIGY_BASE_URL", url)
        monkeypatch.setenv("COGNIGY_API_KEY", fake.api_key)
        monkeypatch.setenv("COGNIGY_PROJECT_ID", fake.forbidden_project_id)
        with logferry.Cognigy.from_env() as cognigy:
            stream = cognigy.project_logs(project_id=fake.project_id, until=LATER)
            first = [record.uid for record in stream.records().to_list(delivered)]
            checkpoint = stream.checkpoint
        assert fake.api_key not in checkpoint
        result = subprocess.run(
            [sys.executable, "-c", RESUME], input=checkpoint, capture_output=True, text=True, check=True
        )
    assert first + result.stdout.split() == [f"cognigy:{fake.project_id}:{one}" for one in fake.truth()]


@pytest.mark.parametrize("delivered", [0, 30, 100])
@pytest.mark.parametrize("arrived", [50, 350])
def test_entries_that_arrive_between_two_processes_repeat_none(delivered: int, arrived: int) -> None:
    """The first page has no cursor; a second request for it, after late entries of the window, repeats no entry."""
    fake = CognigyFake(records=RECORDS, spacing=60)
    clock = VirtualClock(fake.epoch)
    transport = InProcessTransport(fake, clock=clock.now)
    with logferry.Cognigy(base_url=BASE_URL, transport=transport, clock=clock, **credentials(fake)) as cognigy:
        stream = cognigy.project_logs(until=LATER)
        first = [entry.id for entry in stream.to_list(delivered)]
        clock.advance(arrived * 60)
        rest = [entry.id for entry in cognigy.project_logs(resume=stream.checkpoint)]
    assert len({*first, *rest}) == len(first) + len(rest)
    assert {*fake.truth()} <= {*first, *rest}


@pytest.mark.parametrize(("since", "until"), [(100, 300), (0, 1), (5, 417)])
def test_the_window_is_half_open(since: int, until: int) -> None:
    """The start is within and the end is not, although the service includes both; ties and late entries are correct."""
    fake = CognigyFake(records=RECORDS)
    history = fake.history
    bounds = [history.time_of(number) * 1_000_000 for number in (since, until)]
    with opened(fake) as cognigy:
        got = [entry.id for entry in cognigy.project_logs(since=iso(bounds[0]), until=iso(bounds[1]))]
    times = [history.time_of(number) * 1_000_000 for number in range(RECORDS)]
    expected = [history.id_of(n) for n in range(RECORDS) if bounds[0] <= times[n] < bounds[1]]
    assert got == expected[::-1] == list(fake.truth(since=bounds[0], until=bounds[1]))
    assert got


def iso(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds")


def test_the_client_filters_by_time_where_the_service_does_not() -> None:
    """An installation that ignores the dates gives the same window; an entry of unreadable time passes."""
    page = {
        "items": [
            {"_id": "a" * 24, "timestamp": "2026-01-01T00:00:00.999999999Z"},
            {"_id": "b" * 24, "timestamp": "2026-01-01T00:00:01Z"},
            {"_id": "c" * 24, "timestamp": "2026-01-01T00:00:02Z"},
            {"_id": "d" * 24, "timestamp": "some day"},
        ]
    }
    with opened(CognigyFake(), failing(json(page))) as cognigy:
        stream = cognigy.project_logs(since="2026-01-01T00:00:01Z", until="2026-01-01T00:00:02Z")
        assert [entry.id[0] for entry in stream] == ["b", "d"]


def test_entries_that_arrive_while_paging_do_not_shift_pages() -> None:
    """The window ends at the time of the first request."""
    fake = CognigyFake(records=RECORDS, spacing=1.0)
    clock = VirtualClock(fake.epoch + 1)
    transport = InProcessTransport(fake, clock=clock.now)
    with logferry.Cognigy(
        base_url=BASE_URL,
        transport=transport,
        clock=clock,
        on_request=lambda _event: clock.advance(37),
        **credentials(fake),
    ) as cognigy:
        got = [entry.id for entry in cognigy.project_logs()]
    assert got[-RECORDS:] == list(fake.truth(now=fake.epoch))
    # Entries that are written late can have a time before the pull began.
    assert len(got) <= RECORDS + 1


FILTERS: Final[list[dict[str, Any]]] = [
    {"type_": ["error"]},
    {"type_": ["error", "warn"]},
    {"user_id": "user-ben"},
    {"flow_name": "Booking"},
    {"filter_": "slow"},
    {"filter_": "turn-1"},
    {"flow_name": "Handover", "type_": ["fatal"], "user_id": "user-anna"},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("brackets", [False, True], ids=["type", "type[]"])
def test_filters_reach_the_server(filters: dict[str, Any], brackets: bool) -> None:
    """Each filter leaves the entries that the fake counts for it, with either spelling of levels."""
    fake = CognigyFake(records=RECORDS, type_parameter="type[]" if brackets else "type")
    with opened(fake, type_brackets=brackets) as cognigy:
        got = [entry.id for entry in cognigy.project_logs(until=LATER, **filters)]
    assert got == list(fake.truth(**filters))
    assert 0 < len(got) < RECORDS


def test_a_requested_level_is_the_severity_of_entries_without_one() -> None:
    """The documented answer has no level, so a query for one level gives that level to the record."""
    fake = CognigyFake(records=RECORDS, with_type=False)
    with opened(fake) as cognigy:
        records = list(cognigy.project_logs(until=LATER, type_=["error"]).records())
        unknown = list(cognigy.project_logs(until=LATER).records())
    assert {(record.severity_number, record.severity_text) for record in records} == {(17, "error")}
    assert {(record.severity_number, record.severity_text) for record in unknown} == {(0, None)}


@pytest.mark.parametrize(
    "habits",
    [{"hal": "always"}, {"cursor_names": ("next", "previous")}],
    ids=["HAL", "the old names of the cursors"],
)
def test_older_formats_are_read(habits: dict[str, Any]) -> None:
    """HAL sent in place of JSON, and the field names of version 2.0, lose no entry."""
    fake = CognigyFake(records=RECORDS, **habits)
    with opened(fake) as cognigy:
        assert [entry.id for entry in cognigy.project_logs(until=LATER)] == list(fake.truth())


def test_requests_conform_to_the_spec() -> None:
    """All requests of a pull conform to the spec, send both dates, and start at the epoch without a start."""
    fake = CognigyFake(records=RECORDS)
    transport = InProcessTransport(fake)
    with logferry.Cognigy(base_url=BASE_URL, transport=transport, **credentials(fake)) as cognigy:
        list(cognigy.project_logs(until=LATER, type_=["error", "info"], user_id="u", flow_name="f", filter_="x"))
        list(cognigy.project_logs(until=LATER))
    assert list(transport.violations) == []
    assert all(
        "startDate=1970-01-01T00" in request.query and "endDate=" in request.query for request in transport.requests
    )
    assert {request.header("Accept") for request in transport.requests} == {"application/json"}
    assert not any(fake.api_key in request.target for request in transport.requests)


def page_of(cursor: object, *ids: str) -> FakeResponse:
    items = [{"_id": one, "timestamp": "2026-01-01T00:00:00Z"} for one in ids]
    return json({"items": items, "nextCursor": cursor})


def test_entries_that_pages_share_come_once() -> None:
    """An entry that a page repeats, from itself or the page before, is delivered once."""
    answers = {1: page_of("a" * 24, "1", "2", "2"), 2: page_of("b" * 24, "2", "3"), 3: page_of(None, "3", "1", "4")}
    with opened(CognigyFake(), lambda _request, number: answers[number]) as cognigy:
        assert [entry.id for entry in cognigy.project_logs(until=LATER)] == ["1", "2", "3", "4"]


def test_a_repeated_cursor_is_an_error() -> None:
    """The received entries are delivered, then a PagingError has the checkpoint."""
    got: list[str] = []
    with opened(CognigyFake(), failing(page_of("a" * 24, "1"))) as cognigy:
        entries = cognigy.project_logs(until=LATER)
        with pytest.raises(logferry.PagingError) as caught:
            got.extend(entry.id for entry in entries)
    assert got == ["1"]
    assert caught.value.checkpoint


def test_a_long_run_of_empty_pages_is_an_error() -> None:
    """A hundred empty pages in a row are an error, even if each has a new cursor."""
    with (
        opened(CognigyFake(), lambda _request, number: page_of(f"{number:024}")) as cognigy,
        pytest.raises(logferry.PagingError, match="100 empty pages"),
    ):
        list(cognigy.project_logs(until=LATER))


def test_an_empty_page_with_a_cursor_is_not_the_end() -> None:
    """Only a page without a cursor ends the list."""
    answers = {1: page_of("a" * 24, "1"), 2: page_of("b" * 24), 3: page_of(None, "2")}
    with opened(CognigyFake(), lambda _request, number: answers[number]) as cognigy:
        assert [entry.id for entry in cognigy.project_logs(until=LATER)] == ["1", "2"]


REFUSED_CURSOR = FakeResponse(
    400, (("Content-Type", "application/problem+json"),), b'{"type":"about:blank","title":"Bad Request","code":1005}'
)


def test_a_cursor_that_is_refused_once_loses_no_entry() -> None:
    """The walk restarts and continues behind the delivered entries, also from a checkpoint."""
    fake = CognigyFake()
    truth = list(fake.truth())
    with opened(fake, failing(REFUSED_CURSOR, at=[3])) as cognigy:
        entries = cognigy.project_logs(until=LATER)
        assert [entry.id for entry in entries] == truth
        head = [entry.id for entry in entries.to_list(250)]
        checkpoint = entries.checkpoint
    with opened(fake, failing(REFUSED_CURSOR, at=[1])) as cognigy:
        assert head + [entry.id for entry in cognigy.project_logs(resume=checkpoint)] == truth


def test_a_position_that_cannot_be_found_again_is_a_paging_error() -> None:
    """Earlier entries are delivered; the error says that the position is lost, and has the checkpoint."""
    fake = CognigyFake()
    got: list[str] = []

    def other_cursor(_request: FakeRequest, number: int) -> FakeResponse | None:
        return page_of("z" * 24, "1") if number <= 2 else None

    with opened(fake, other_cursor) as cognigy:
        entries = cognigy.project_logs(until=LATER)
        with pytest.raises(logferry.PagingError, match="has lost the place") as caught:
            got.extend(entry.id for entry in entries)
    assert got == ["1"]
    assert caught.value.checkpoint


def test_new_cursors_to_old_pages_are_an_error() -> None:
    """Three pages in a row without a new entry are an error."""
    fake = CognigyFake()
    with opened(fake, lambda _request, number: page_of(f"{number:024}", "1", "2")) as cognigy:
        entries = cognigy.project_logs(until=LATER)
        with pytest.raises(logferry.PagingError, match="3 pages in a row with nothing new"):
            list(entries)
    assert entries.stats.items == 2


@pytest.mark.parametrize(
    "href",
    [
        f"https://elsewhere.example/new/v2.1/projects/{CognigyFake().project_id}/logs?next=",
        "https://api-trial.cognigy.ai/other?next=",
    ],
)
def test_only_the_cursor_of_a_foreign_link_is_used(href: str) -> None:
    """A HAL link to another host or path is an issue and is never requested."""
    fake = CognigyFake()
    page = {"_embedded": {"logEntry": [{"_id": "1"}]}, "_links": {"next": {"href": f"{href}{'a' * 24}"}}}
    last = json({"_embedded": {"logEntry": [{"_id": "2"}]}, "_links": {}, "total": 2})
    transport = InProcessTransport(
        fake, faults=lambda _request, number: json(page) if number == 1 else last, check=False
    )
    with logferry.Cognigy(base_url=BASE_URL, transport=transport, **credentials(fake)) as cognigy:
        records = cognigy.project_logs(until=LATER, page_size=1).records()
        assert [record.uid[-1] for record in records] == ["1", "2"]
    assert "elsewhere.example" not in {request.header("Host") for request in transport.requests}
    assert [parse_qs(request.query).get("next") for request in transport.requests] == [None, ["a" * 24]]


@pytest.mark.parametrize(
    "href",
    [
        f"/v2.1/projects/{CognigyFake().project_id}/logs?skip=100",
        "http://[",
        7,
    ],
)
def test_a_link_without_a_cursor_is_an_error(href: object) -> None:
    """The error ends the walk without a further request, so the link never looks like the end."""
    fake = CognigyFake()
    transport = InProcessTransport(
        fake, faults=failing(json({"_embedded": {"logEntry": []}, "_links": {"next": {"href": href}}}))
    )
    with (
        logferry.Cognigy(base_url=BASE_URL, transport=transport, **credentials(fake)) as cognigy,
        pytest.raises(logferry.PagingError, match="has no cursor"),
    ):
        list(cognigy.project_logs(until=LATER))
    assert transport.count == 1


@pytest.mark.parametrize("query", ["next=&previous=", "next="])
def test_a_link_with_an_empty_cursor_is_the_end(query: str) -> None:
    """A `next` link with an empty cursor ends the list, even without the path prefix of a gateway."""
    href = f"http://api-trial.cognigy.ai/v2.1/projects/{CognigyFake().project_id}/logs?{query}"
    page = json({"_embedded": {}, "_links": {"next": {"href": href}}})
    with opened(CognigyFake(), failing(page)) as cognigy:
        assert list(cognigy.project_logs(until=LATER)) == []


@pytest.mark.parametrize("body", [[], {}, {"items": 7}, {"_embedded": 7}], ids=str)
def test_an_answer_of_another_shape_is_an_error(body: Any) -> None:
    """An answer of another shape never looks like the end."""
    with opened(CognigyFake(), failing(json(body))) as cognigy, pytest.raises(logferry.ResponseShapeError):
        list(cognigy.project_logs(until=LATER))


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"api_key": "wrong"}, logferry.AuthenticationError, "COGNIGY_API_KEY"),
        ({"project_id": "64f0facade64f0facade64f0"}, logferry.PermissionDeniedError, "access to the project"),
        ({"project_id": "0" * 24}, logferry.BadRequestError, "COGNIGY_PROJECT_ID"),
        ({"base_url": "https://api-trial.cognigy.ai/wrong"}, logferry.ResponseShapeError, "COGNIGY_BASE_URL"),
    ],
    ids=["key", "access", "project", "address"],
)
def test_refused_credentials_name_the_setting(
    arguments: dict[str, Any], kind: type[logferry.LogferryError], words: str
) -> None:
    """The error names the setting to check, and contains no secret."""
    fake = CognigyFake()
    with opened(fake, **arguments) as cognigy, pytest.raises(kind) as caught:
        list(cognigy.project_logs())
    assert words in str(caught.value)
    assert fake.api_key not in str(caught.value)


def test_a_web_page_with_404_points_to_the_address() -> None:
    """A 404 without the error body of the API means that the address is wrong."""
    with (
        opened(CognigyFake(), failing(FakeResponse(404, (("Content-Type", "text/html"),), b"<html>"))) as cognigy,
        pytest.raises(logferry.BadRequestError, match="COGNIGY_BASE_URL"),
    ):
        list(cognigy.project_logs())


def test_a_page_size_above_the_limit_is_refused() -> None:
    """A page size that the service would refuse is refused before any request is sent."""
    fake = CognigyFake()
    transport = InProcessTransport(fake)
    with logferry.Cognigy(base_url=BASE_URL, transport=transport, **credentials(fake)) as cognigy:
        for size in (0, 101):
            with pytest.raises(logferry.InvalidRequestError):
                cognigy.project_logs(page_size=size)
    assert transport.count == 0
