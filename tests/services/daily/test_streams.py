"""Daily's streams, end to end: sync and async, in process and over the loopback server, from one definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Any, Final
from urllib.parse import parse_qsl

import anyio
import orjson
import pytest
from attrs import evolve

import logferry
from logferry._json import digest
from logferry.services.daily._records import SESSION_LOG_NORMALIZER
from logferry.services.daily._sessions.position import Position
from logferry.services.daily._sessions.rows import Rows
from logferry.testing import (
    DailyFake,
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    Recorder,
    Row,
    VirtualClock,
    emptied,
    failing,
    first_of,
    serve,
    shortened,
)

LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""A time after all rows of a fake."""

STREAMS: Final = ("daily.session_logs", "daily.session_metrics", "daily.api_logs", "daily.meetings")
SESSIONS: Final = STREAMS[:2]
UNLIMITED: Final = STREAMS[:3]
"""Streams whose pages have no documented limit."""

PAGES: Final = [
    (stream, size) for stream in STREAMS for size in (1, 2, 7, 100, 500) if stream in UNLIMITED or size <= 100
]


def opened(daily: logferry.Daily, stream: str, fake: DailyFake, **options: Any) -> logferry.Stream[Any]:
    """Open a stream, with the fake's first meeting session where a session is required."""
    filters = {"mtg_session_id": fake.meeting_ids[0]} if stream in SESSIONS else {}
    arguments: dict[str, Any] = {"until": LATER, **options}
    return daily.stream(stream, filters=filters, **arguments)


def truth(fake: DailyFake, stream: Any, since: int | None = None, until: int | None = None) -> list[dict[str, Any]]:
    """Return the rows that ``opened`` must yield."""
    return list(fake.items(stream, since, until, mtg_session_id=fake.meeting_ids[0] if stream in SESSIONS else None))


@contextmanager
def in_process(fake: DailyFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* in process."""
    yield {"api_key": fake.api_key, "transport": InProcessTransport(fake, faults=faults), "rate": None}


@contextmanager
def on_loopback(fake: DailyFake, faults: Faults | None = None) -> Generator[dict[str, Any]]:
    """Return a client's arguments for requests to *fake* over the loopback server."""
    with serve(Recorder(fake, faults=faults)) as url:
        yield {"api_key": fake.api_key, "base_url": f"{url}/v1"}


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@pytest.mark.parametrize("stream", STREAMS)
def test_every_view_yields_each_row_once(stream: str, adapter: Any, sync: bool) -> None:
    """Entries, records, raw items and pages have every row once and in order, sync and async."""
    fake = DailyFake()

    async def collect(arguments: dict[str, Any]) -> list[list[Any]]:
        async with logferry.Daily(**arguments) as daily:
            asked = opened(daily, stream, fake, page_size=100)
            return [[one async for one in view] for view in (asked, asked.records(), asked.raw(), asked.pages())]

    def collect_blocking(arguments: dict[str, Any]) -> list[list[Any]]:
        with logferry.Daily(**arguments) as daily:
            asked = opened(daily, stream, fake, page_size=100)
            return [list(view) for view in (asked, asked.records(), asked.raw(), asked.pages())]

    with adapter(fake) as arguments:
        entries, records, items, pages = collect_blocking(arguments) if sync else anyio.run(collect, arguments)
    expected = truth(fake, stream)
    assert items == expected
    assert [entry if isinstance(entry, dict) else entry.to_dict() for entry in entries] == expected
    assert [record.raw for record in records] == expected
    assert len({record.uid for record in records}) == len(expected)
    assert len(pages[0].items) == 100
    assert sum(len(page.items) for page in pages) == len(expected)


@pytest.mark.parametrize("adapter", [in_process, on_loopback])
@pytest.mark.parametrize("stream", STREAMS)
def test_the_iterator_continues_after_an_error(stream: str, adapter: Any) -> None:
    """The error comes after the earlier pages and has a checkpoint; the next call continues."""
    fake = DailyFake()
    with (
        adapter(fake, failing(FakeResponse(503), at=[3])) as arguments,
        logferry.Daily(retries=0, **arguments) as daily,
    ):
        iterator = iter(opened(daily, stream, fake, page_size=100).raw())
        got: list[Any] = []
        with pytest.raises(logferry.ServiceError) as caught:
            got.extend(iterator)
        before = len(got)
        got.extend(iterator)
    assert 100 < before < len(got)
    assert got == truth(fake, stream)
    assert (caught.value.status, caught.value.stream) == (503, stream)
    assert caught.value.checkpoint


@pytest.mark.parametrize(("stream", "page_size"), PAGES)
def test_any_checkpoint_resumes(stream: str, page_size: int) -> None:
    """From a stop anywhere, also among equal rows, the checkpoint yields the remaining rows with the same ``uid``s."""
    fake = DailyFake(records=25)  # several pages of each size up to 7, or one
    with in_process(fake) as arguments, logferry.Daily(**arguments) as daily:
        whole = [record.uid for record in opened(daily, stream, fake, page_size=page_size).records()]
        assert len(set(whole)) == len(whole) == len(truth(fake, stream))
        for delivered in range(len(whole) + 1):
            begun = opened(daily, stream, fake, page_size=page_size).records()
            first = [record.uid for record in begun.to_list(delivered)]
            rest = opened(daily, stream, fake, page_size=page_size, resume=begun.checkpoint).records()
            assert first + [record.uid for record in rest] == whole
            assert fake.api_key not in begun.checkpoint


def test_equal_lines_are_separate_records() -> None:
    """Two equal lines are two records whose ``uid``s differ by their number, with any page size."""
    fake = DailyFake()
    uids: set[tuple[str, ...]] = set()
    with in_process(fake) as arguments, logferry.Daily(**arguments) as daily:
        for page_size in (1, 2, 3, 10, 500):
            records = list(opened(daily, "daily.session_logs", fake, page_size=page_size).records())
            uids.add(tuple(record.uid for record in records))
    (only,) = uids
    doubled = {line: count for line, count in Counter(map(str, truth(fake, "daily.session_logs"))).items() if count > 1}
    assert doubled
    assert sum(uid.endswith("-1") for uid in only) == len(doubled)
    assert only[0].startswith(f"daily:{fake.domain}:")


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("stream", STREAMS)
def test_the_window_is_half_open_with_any_bounds_of_the_service(stream: str, inclusive: bool) -> None:
    """Rows at exactly ``since`` are within, rows at exactly ``until`` are not, to the nanosecond."""
    fake = DailyFake(inclusive_bounds=inclusive)
    with in_process(fake) as arguments, logferry.Daily(**arguments) as daily:
        records = sorted(opened(daily, stream, fake).records(), key=lambda record: record.time_unix_nano)
        since, until = (records[index].to_dict()["timestamp"] for index in (50, 200))
        got = [record.raw for record in opened(daily, stream, fake, since=since, until=until).records()]
    assert got == truth(fake, stream, records[50].time_unix_nano, records[200].time_unix_nano)
    assert len(got) > 140


@pytest.mark.parametrize("page_size", [7, 100])
@pytest.mark.parametrize("stream", STREAMS)
def test_rows_that_arrive_while_paging_do_not_shift_pages(stream: str, page_size: int) -> None:
    """The window ends at the time of the first request; later rows are left out and cost no other row."""
    fake = DailyFake(spacing=1.0)
    clock = VirtualClock(fake.epoch + 1)
    transport = InProcessTransport(fake, clock=clock.now)
    with logferry.Daily(
        api_key=fake.api_key, transport=transport, clock=clock, on_request=lambda _event: clock.advance(3.7)
    ) as daily:
        got = opened(daily, stream, fake, page_size=page_size, until=None).raw().to_list()
    assert got == truth(fake, stream)


@pytest.mark.parametrize("stream", STREAMS)
def test_an_undocumented_limit_loses_no_row(stream: str) -> None:
    """Where the service sends fewer rows than requested, the walk continues to the end."""
    fake = DailyFake(largest_limit=20)
    with in_process(fake) as arguments, logferry.Daily(**arguments) as daily:
        assert opened(daily, stream, fake).raw().to_list() == truth(fake, stream)


def rows_moved(fake: DailyFake, change: Callable[[list[Any], int], list[Any]]) -> Faults:
    """Return faults that answer from rows which change with the number of the request."""
    rows = truth(fake, "daily.session_logs")

    def answer(request: FakeRequest, number: int) -> FakeResponse:
        query = dict(parse_qsl(request.query))
        offset, limit = int(query.get("offset", 0)), int(query["limit"])
        return FakeResponse(200, (), orjson.dumps({"logs": change(rows, number)[offset : offset + limit]}))

    return answer


def with_ties_turned(rows: list[Any], number: int) -> list[Any]:
    """Reverse rows of equal times in every second answer."""
    return sorted(rows[:: 1 if number % 2 else -1], key=lambda row: row["time"])


def with_rows_removed(rows: list[Any], number: int) -> list[Any]:
    """Remove the three oldest rows before the third answer."""
    return rows[3:] if number >= 3 else rows


def with_rows_in_front(rows: list[Any], number: int) -> list[Any]:
    """Add rows older than all others before the third answer."""
    return [{"time": "2020-01-01T00:00:00Z", "code": code} for code in range(5)] * (number >= 3) + rows


def with_an_empty_page(rows: list[Any], number: int) -> list[Any]:
    """Empty the third answer."""
    return [] if number == 3 else rows


@pytest.mark.parametrize(
    "change",
    [with_ties_turned, with_rows_removed, with_rows_in_front, with_an_empty_page],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("page_size", [30, 41, 100])
def test_rows_that_move_are_delivered_once(change: Callable[[list[Any], int], list[Any]], page_size: int) -> None:
    """The walk neither loses nor repeats a row, even if the service ignores the requested time."""
    fake = DailyFake()
    with in_process(fake, rows_moved(fake, change)) as arguments, logferry.Daily(**arguments) as daily:
        got = opened(daily, "daily.session_logs", fake, page_size=page_size).raw().to_list()
    assert Counter(map(str, got)) == Counter(map(str, truth(fake, "daily.session_logs")))
    assert all(one["time"] <= other["time"] for one, other in pairwise(got))


def with_everything_replaced(rows: list[Any], number: int) -> list[Any]:
    """Replace all rows from the third answer on."""
    return [{**row, "code": 1} for row in rows] if number >= 3 else rows


def test_a_walk_ends_when_all_rows_are_replaced() -> None:
    """Delivered rows come once, then the new rows behind them, although no known row remains to join pages."""
    fake = DailyFake()
    rows = truth(fake, "daily.session_logs")
    transport = InProcessTransport(fake, faults=rows_moved(fake, with_everything_replaced))
    with logferry.Daily(api_key=fake.api_key, transport=transport) as daily:
        got = opened(daily, "daily.session_logs", fake, page_size=100).raw().to_list()
    met = sum(row in rows for row in got)
    assert met >= 100
    assert got[:met] == rows[:met]
    replaced = with_everything_replaced(rows, 3)
    assert len(got) > len(rows)
    assert got[met:] == replaced[len(replaced) - len(got) + met :]
    assert transport.count < 30


CROWDED: Final = "time: rows that one response cannot hold together were read by offset, and some may be missing"


def crowd(count: int, **told: Any) -> tuple[Row, ...]:
    """Return rows of one time, most of them equal to others, with one row before and one after them."""
    epoch = DailyFake().epoch
    edges = [Row(time=epoch - 2 * 10**9, content=1), Row(time=epoch - 10**9, content=2)]
    return (*edges, *(Row(time=epoch - 15 * 10**8, content=number % 3, **told) for number in range(count)))


@pytest.mark.parametrize("page_size", [1, 10, 500])
@pytest.mark.parametrize("stream", SESSIONS)
def test_ties_beyond_a_page_are_read_by_offset(stream: str, page_size: int) -> None:
    """Ties beyond one page are counted over pages; if some come and go, they are read again and an issue says so."""
    begin = DailyFake().epoch
    going = [evolve(row, vanishes=begin + number * 10**9) for number, row in enumerate(crowd(6)[2:], 3)]
    coming = [evolve(row, appears=begin + number * 10**9) for number, row in enumerate(crowd(6)[2:], 4)]
    fake = DailyFake(rows=(*going, *crowd(61), *coming), largest_limit=20)
    clock, doubts = VirtualClock(begin), list[Any]()
    with logferry.Daily(
        api_key=fake.api_key,
        transport=InProcessTransport(fake, clock=clock.now),
        clock=clock,
        on_request=lambda _event: clock.advance(1),
        on_issue=doubts.append,
    ) as daily:
        got = Counter(map(str, opened(daily, stream, fake, page_size=page_size).raw()))
    certain = Counter(map(str, truth(evolve(fake, rows=crowd(61)), stream)))
    possible = Counter(map(str, truth(evolve(fake, rows=(*crowd(6)[2:], *crowd(67))), stream)))
    assert certain.total() == 63
    assert certain - got == Counter()
    assert got - possible == Counter()
    ((issue,),) = {event.issues for event in doubts}
    assert issue == CROWDED


def heavy(most: int) -> Faults:
    """Faults: each answer with more rows than this has more values than are decoded."""

    def weighed(answer: FakeResponse) -> FakeResponse:
        arrays: dict[str, list[Any]] = orjson.loads(answer.body)
        is_heavy = any(len(rows) > most for rows in arrays.values())
        return FakeResponse(200, (), b"[%s0]" % (b"0," * 1_000_000)) if is_heavy else answer

    return failing(weighed)


@pytest.mark.parametrize("most", [1, 2, 3, 20])
@pytest.mark.parametrize("stream", SESSIONS)
def test_more_rows_of_one_time_than_one_answer_can_hold(stream: str, most: int) -> None:
    """However few fit, all come once, also while others of that time go in front of them and come behind; an issue says so."""
    begin = DailyFake().epoch
    edge, *others = crowd(30)
    going = [evolve(others[1], content=number, vanishes=begin + number * 10**9) for number in (4, 30)]
    coming = [evolve(row, appears=begin + number * 10**9) for number, row in enumerate(crowd(6)[2:], 4)]
    fake = DailyFake(rows=(edge, *going, *others, *coming))
    clock, doubts = VirtualClock(begin), list[Any]()
    transport = InProcessTransport(fake, clock=clock.now, faults=heavy(most))
    with logferry.Daily(
        api_key=fake.api_key,
        transport=transport,
        clock=clock,
        rate=None,
        concurrency=1,
        on_request=lambda _event: clock.advance(1),
        on_issue=doubts.append,
    ) as daily:
        got = Counter(map(str, opened(daily, stream, fake, page_size=20).raw()))
    certain = Counter(map(str, truth(evolve(fake, rows=crowd(30)), stream)))
    gone = [evolve(row, vanishes=None) for row in going]
    possible = Counter(map(str, truth(evolve(fake, rows=(*gone, *crowd(36))), stream)))
    assert certain.total() == 32
    assert certain - got == Counter()
    assert got - possible == Counter()
    ((issue,),) = {event.issues for event in doubts}
    assert issue == CROWDED
    assert transport.count <= 200


@pytest.mark.parametrize("most", [1, 2, 3, 20])
def test_a_checkpoint_among_rows_that_one_answer_cannot_hold(most: int) -> None:
    """Any one resumes to the rest."""
    fake = DailyFake(rows=crowd(30))
    wanted = truth(fake, "daily.session_logs")
    with in_process(fake, heavy(most)) as arguments, logferry.Daily(**arguments) as daily:
        for count in range(0, len(wanted), 7):
            first = opened(daily, "daily.session_logs", fake, page_size=4).raw()
            begun = list(islice(first, count))
            assert begun + daily.session_logs(resume=first.checkpoint, page_size=4).raw().to_list() == wanted


@pytest.mark.parametrize("page_size", [1, 2, 5, 100])
def test_only_the_end_is_requested_by_offset(page_size: int) -> None:
    """With any ties, pages follow by time where the service sends as many rows as requested."""
    begin = DailyFake().epoch - 3600 * 10**9
    ties = [12, 1, 4, 2, 3, 1, 1, 30, 5, 1, 2, 2]
    rows = [
        Row(time=begin + second * 10**9, content=tie % 4) for second, count in enumerate(ties) for tie in range(count)
    ]
    fake = DailyFake(rows=rows)
    transport = InProcessTransport(fake)
    with logferry.Daily(api_key=fake.api_key, transport=transport, concurrency=1) as daily:
        got = opened(daily, "daily.session_logs", fake, page_size=page_size).raw().to_list()
    assert got == truth(fake, "daily.session_logs")
    offsets = [dict(parse_qsl(request.query))["offset"] for request in transport.requests]
    assert {*offsets[:-1]} == {"0"}
    assert offsets[-1] != "0"
    assert len(offsets) < 3 + len(rows) / page_size


def test_ties_that_change_on_every_request_are_an_issue() -> None:
    """Where ties exceed a page and change on every request, an issue says that some may be missing."""
    fake = DailyFake(rows=crowd(61))
    rows = truth(fake, "daily.session_logs")

    def answer(request: FakeRequest, number: int) -> FakeResponse:
        query = dict(parse_qsl(request.query))
        offset, limit = int(query.get("offset", 0)), min(20, int(query["limit"]))
        found = [{**row, "code": number} if place == 30 else row for place, row in enumerate(rows)]
        return FakeResponse(200, (), orjson.dumps({"logs": found[offset : offset + limit]}))

    told: list[Any] = []
    transport = InProcessTransport(fake, faults=answer)
    with logferry.Daily(api_key=fake.api_key, transport=transport, on_issue=told.append) as daily:
        got = opened(daily, "daily.session_logs", fake).raw().to_list()
    assert len(got) >= len(rows)
    ((issue,),) = {event.issues for event in told}
    assert issue == CROWDED
    assert transport.count < 80  # the ties fill four pages


@pytest.mark.parametrize("stream", STREAMS)
def test_a_repeated_first_page_is_an_error(stream: str) -> None:
    """A service that repeats the first page causes a PagingError with a checkpoint, after the rows of the page."""
    fake = DailyFake()

    def first_page_again(request: FakeRequest, _number: int) -> FakeResponse:
        parts = [part for part in request.target.split("&") if not part.startswith(("offset=", "starting_after="))]
        target = "&".join(parts).replace("?starting_after=", "?ending_before_nothing=")
        return fake.answer(FakeRequest(request.method, target, request.headers), fake.epoch)

    got: list[Any] = []
    transport = InProcessTransport(fake, faults=first_page_again)
    with logferry.Daily(api_key=fake.api_key, transport=transport) as daily:
        rows = opened(daily, stream, fake, page_size=50).raw()
        with pytest.raises(logferry.PagingError) as caught:
            got.extend(rows)
    assert got == truth(fake, stream)[: len(got)]
    assert len(got) >= 50
    assert transport.count <= 30
    assert caught.value.checkpoint


def test_a_refused_cursor_loses_no_log() -> None:
    """The walk restarts at the newest log and skips delivered ones; a cursor refused every time is an error."""
    fake = DailyFake(records=417)
    refusal = FakeResponse(
        400, (("Content-Type", "application/json"),), b'{"error":"invalid-request-error","info":"no such id"}'
    )
    with in_process(fake, failing(refusal, at=[3])) as arguments, logferry.Daily(**arguments) as daily:
        items = daily.api_logs(until=LATER).raw().to_list()
    assert items == truth(fake, "daily.api_logs")
    with (
        in_process(fake, lambda request, _: refusal if "starting_after" in request.query else None) as arguments,
        logferry.Daily(**arguments) as daily,
        pytest.raises(logferry.PagingError, match="refuses the cursors that it gives: 400 Bad Request: no such id"),
    ):
        daily.api_logs(until=LATER).to_list()


def test_filters_reach_the_service() -> None:
    """Each filter leaves the rows that the fake counts for it, and all requests conform to the spec."""
    fake = DailyFake(meetings=2)
    participant, url = fake.participant_ids[1][0], "https://hooks.example/daily?token=made-up-meeting-token"
    transport = InProcessTransport(fake)
    with logferry.Daily(api_key=fake.api_key, transport=transport) as daily:
        asked: list[tuple[logferry.Stream[Any], Any]] = [
            (
                daily.session_logs(user_session_id=participant, log_level="ERROR", until=LATER),
                fake.items("daily.session_logs", user_session_id=participant, log_level="ERROR"),
            ),
            (
                daily.session_metrics(user_session_id=participant, mtg_session_id=fake.meeting_ids[1], until=LATER),
                fake.items("daily.session_metrics", user_session_id=participant),
            ),
            (daily.api_logs(source="webhook", until=LATER), fake.items("daily.api_logs", source="webhook")),
            (
                daily.api_logs(source="webhook", url=url, until=LATER),
                fake.items("daily.api_logs", source="webhook", url=url),
            ),
            (daily.api_logs(url="/v1/rooms", until=LATER), fake.items("daily.api_logs", url="/v1/rooms")),
            (daily.session_logs(mtg_session_id="unknown", until=LATER), []),
            (daily.meetings(room="my-room", until=LATER), fake.items("daily.meetings", room="my-room")),
            (daily.meetings(ongoing=True, until=LATER), fake.items("daily.meetings", ongoing=True)),
            (daily.meetings(ongoing=False, until=LATER), fake.items("daily.meetings", ongoing=False)),
        ]
        for stream, expected in asked:
            assert stream.raw().to_list() == list(expected)
            assert len(expected) < 417
    assert transport.violations == []


def test_api_logs_end_at_since() -> None:
    """Without a time filter, the walk reads the newer logs and stops at `since`."""
    fake = DailyFake(records=100_000)
    transport = InProcessTransport(fake)
    with logferry.Daily(api_key=fake.api_key, transport=transport) as daily:
        got = daily.api_logs(since="2025-12-31T22:00:00Z", until=LATER).raw().to_list()
    assert got == list(fake.items("daily.api_logs", fake.epoch - 7200 * 10**9))
    assert transport.count <= 3


def test_meetings_lead_to_the_logs_of_calls() -> None:
    """Meetings are requested by start, with whole seconds around the window; their ids are the session ids of logs."""
    fake = DailyFake(records=417, meetings=2)
    transport = InProcessTransport(fake)
    with logferry.Daily(api_key=fake.api_key, transport=transport) as daily:
        since = fake.epoch - 7200 * 10**9
        got = daily.meetings(since="2025-12-31T22:00:00Z", until=LATER).raw().to_list()
        assert got == list(fake.items("daily.meetings", since))
        query = dict(parse_qsl(transport.requests[0].query))
        assert int(query["timeframe_start"]) == since // 10**9 - 1
        assert int(query["timeframe_end"]) == LATER.timestamp() + 1
        *_, first = daily.meetings(until=LATER)
        assert first.id in fake.meeting_ids
        logs = daily.session_logs(mtg_session_id=str(first.id), until=LATER).records().to_list()
        assert len(logs) == 417
        record = daily.meetings(until=LATER).records().to_list()[-1]
    assert {log.attributes["daily.meeting_session.id"] for log in logs} == {
        record.attributes["daily.meeting_session.id"]
    }
    assert record.time_unix_nano <= logs[0].time_unix_nano
    assert transport.violations == []


@pytest.mark.parametrize(
    ("stream", "arguments"),
    [
        ("session_logs", {}),
        ("session_logs", {"log_level": "INFO"}),
        ("session_metrics", {}),
        ("session_logs", {"mtg_session_id": ""}),
        ("session_logs", {"mtg_session_id": "m", "log_level": "LOUD"}),
        ("api_logs", {"source": "both"}),
        ("api_logs", {"page_size": 0}),
        ("meetings", {"page_size": 101}),
    ],
)
def test_an_invalid_call_sends_no_request(stream: str, arguments: dict[str, Any]) -> None:
    """An invalid call raises before any request."""
    transport = InProcessTransport(DailyFake())
    with logferry.Daily(api_key="key", transport=transport) as daily, pytest.raises(logferry.InvalidRequestError):
        getattr(daily, stream)(**arguments)
    assert transport.count == 0


@pytest.mark.parametrize("stream", SESSIONS)
@pytest.mark.parametrize("first", [2, 3, 4])
def test_a_short_page_and_an_empty_one_behind_it_are_not_the_end(stream: str, first: int) -> None:
    """Where a page lacks its new row, and the response to the next query is emptied, the walk goes on."""
    fake = DailyFake(records=20)
    faults = first_of(failing(shortened, at=[first]), failing(emptied, at=[first + 1]))
    with logferry.Daily(api_key=fake.api_key, transport=InProcessTransport(fake, faults=faults), rate=None) as daily:
        found = opened(daily, stream, fake, page_size=1).raw().to_list()
    assert found == truth(fake, stream)


def test_an_endless_run_of_one_row_is_an_error() -> None:
    """Equal lines are separate records, so pages of equal lines are accepted for long, but not without end."""
    body = b'{"logs":[{"time":"2026-01-01T00:00:00Z","message":"m"}]}'
    transport = InProcessTransport(DailyFake(), faults=lambda _request, _number: FakeResponse(200, (), body))
    with logferry.Daily(api_key="key", transport=transport, rate=None) as daily:
        stream = daily.session_logs(mtg_session_id="m", until=LATER)
        with pytest.raises(logferry.PagingError, match="the service repeats a page") as caught:
            stream.to_list()
    assert caught.value.checkpoint
    assert (caught.value.method, caught.value.status, caught.value.attempts) == ("GET", 200, 1)
    assert (caught.value.url or "").startswith("https://api.daily.co/v1/logs?")
    assert transport.count <= 110


@pytest.mark.parametrize("stream", UNLIMITED)
@pytest.mark.parametrize("page_size", [1, 20, 100_000])
def test_any_page_size_is_sent(stream: str, page_size: int) -> None:
    """Daily documents no limit here, so any page size is sent; no source is sent unless requested."""
    fake = DailyFake(records=5)
    transport = InProcessTransport(fake)
    with logferry.Daily(api_key=fake.api_key, transport=transport) as daily:
        opened(daily, stream, fake, page_size=page_size, max_items=1).to_list()
    asked = dict(parse_qsl(transport.requests[0].query))
    assert asked["limit"] == str(page_size)
    assert "source" not in asked


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "authorization-header-error", logferry.AuthenticationError),
        (401, "authentication-error", logferry.AuthenticationError),
        (403, "forbidden-error", logferry.PermissionDeniedError),
        (400, "invalid-request-error", logferry.BadRequestError),
        (429, "rate-limit-error", logferry.RateLimitError),
        (500, "server-error", logferry.ServiceError),
    ],
)
def test_errors_have_the_code_of_the_service(status: int, code: str, kind: type[logferry.LogferryError]) -> None:
    """The code takes precedence over the status; credential errors name the setting and contain no secret."""
    fake = DailyFake()
    body = orjson.dumps({"error": code, "info": "some words"})
    transport = InProcessTransport(fake, faults=lambda _request, _number: FakeResponse(status, (), body))
    with (
        logferry.Daily(api_key="live-secret", transport=transport, retries=0) as daily,
        pytest.raises(kind) as caught,
    ):
        daily.api_logs().to_list()
    assert (caught.value.status, caught.value.code) == (status, code)
    assert "some words" in str(caught.value)
    assert ("DAILY_API_KEY" in str(caught.value)) == code.startswith(("auth", "forbidden"))
    assert "live-secret" not in str(caught.value)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"logs":null}', b'{"logs":{}}', b"null"])
def test_an_answer_of_another_shape_is_an_error(body: bytes) -> None:
    """An answer without the array is an error, never the end of a stream."""
    transport = InProcessTransport(DailyFake(), faults=lambda _request, _number: FakeResponse(200, (), body))
    with (
        logferry.Daily(api_key="key", transport=transport) as daily,
        pytest.raises(logferry.ResponseShapeError),
    ):
        daily.session_logs(mtg_session_id="m").to_list()


def test_items_that_do_not_decode_lose_no_other() -> None:
    """Every item of a page becomes a record; fields that did not decode are listed."""
    body = orjson.dumps({"logs": [{"time": 5}, "text", None, {"message": "m", "time": "1970-01-01T00:00:01Z"}]})
    transport = InProcessTransport(
        DailyFake(),
        faults=lambda _request, number: FakeResponse(200, (), body if number == 1 else b'{"logs":["text",null]}'),
    )
    with logferry.Daily(api_key="key", transport=transport, rate=None) as daily:
        records = daily.session_logs(mtg_session_id="m", max_items=4).records().to_list()
    assert [bool(record.issues) for record in records] == [True, True, True, False]
    assert len({record.uid for record in records}) == 4


@pytest.mark.parametrize("page_size", [1, 2, 5, 100])
def test_equal_rows_without_a_time_are_distinguished(page_size: int) -> None:
    """Equal rows without a time may stand anywhere, so their count is kept past rows of other times."""
    fake = DailyFake()
    rows = [
        row
        for minute in range(2)
        for row in (
            {"message": "m"},
            *({"time": f"2026-01-01T00:0{minute}:0{second}Z"} for second in range(9)),
            {"message": "m"},
        )
    ]
    faults = rows_moved(fake, lambda _rows, _number: rows)
    with in_process(fake, faults) as arguments, logferry.Daily(**arguments) as daily:
        stream = daily.session_logs(mtg_session_id="m", until=LATER, page_size=page_size)
        uids = [record.uid.rpartition(":")[2] for record in stream.records() if record.body]
    assert [uid.partition("-")[2] for uid in uids] == ["", "1", "2", "3"]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key comes from the environment and the address has a default; a missing key is an error; no key is shown."""
    monkeypatch.delenv("DAILY_API_KEY", raising=False)
    monkeypatch.delenv("DAILY_BASE_URL", raising=False)
    with pytest.raises(logferry.ConfigurationError, match="DAILY_API_KEY"):
        logferry.Daily.from_env()
    monkeypatch.setenv("DAILY_API_KEY", "live-secret")
    with logferry.Daily.from_env() as daily:
        assert repr(daily) == "<Daily account='daily' https://api.daily.co/v1>"
    monkeypatch.setenv("DAILY_BASE_URL", "http://daily.example")
    with pytest.raises(logferry.ConfigurationError, match="plain http"):
        logferry.Daily.from_env()


CHECKPOINT_OF_BEFORE: Final = (
    '{"logferry":1,"stream":"daily.session_logs","filters":{"mtg_session_id":"fa5fbee0-f52d-3328-853c-5b055b06c81c"},'
    '"asked":[null,"2027-01-01T00:00:00+00:00"],"window":[null,1798761600000000000],"position":{"tick":1767222062116,"met":{'
    '"47a082a366408e47b3ae52f942d47a8a":[1767222062116,1],"52e96dfdfae0580362313aebc20d6d30":[1767222062116,2],'
    '"2eb6bf1ed80161a969a4a0672c749dd5":[1767222062116,1],"c654f727301f829b50b11776a728638d":[1767222153013,1],'
    '"7b39b3818ea9cceb762d733c5684241e":[1767222173223,1],"3cbcbb7c0aaa5e41cb88516f29fb2232":[1767222210551,1],'
    '"b2b987ad5d99ea1c819eecf4863c5c26":[1767222216545,1],"d1fc526f44106495443a47890b068a7e":[1767222216545,2],'
    '"eba00b553e4e1b2c4f4e9a486628b2f3":[1767222216545,1]},"bounded":true,"ended":false},"digest":"5a37ce8df7c3ac2e"}'
)
"""The checkpoint of a walk that had delivered twelve rows, from before positions had the number of passed rows."""


def test_a_checkpoint_of_an_earlier_version_resumes() -> None:
    """The rest comes with the same ``uid``s."""
    fake = DailyFake(records=61)
    with in_process(fake) as arguments, logferry.Daily(**arguments) as daily:
        whole = [record.uid for record in opened(daily, "daily.session_logs", fake).records()]
        resumed = daily.session_logs(resume=CHECKPOINT_OF_BEFORE).records()
        assert [record.uid for record in resumed] == whole[12:]


def test_a_position_of_an_earlier_version_resumes_where_bounds_are_ignored() -> None:
    """The position has all delivered rows of any time, so rows that a service sends every time are skipped."""
    fake = DailyFake(records=61)
    rows = truth(fake, "daily.session_logs")
    times = SESSION_LOG_NORMALIZER.times(rows)
    ticks = [(time or 0) // 10**6 for time in times.read()]
    counts = Counter(map(digest, rows[:30]))
    met = {digest(row): [tick, counts[digest(row)]] for row, tick in zip(rows[:30], ticks, strict=False)}
    position = Position.from_json({"tick": ticks[20], "met": met, "bounded": False, "ended": False})
    assert position.passed + sum(one.count for one in position.delivered.values()) == 30
    seen = position.look(Rows(rows[:34], times[:34]))
    assert [*seen.new] == [30, 31, 32, 33]
