"""A sync stores every record once, late and changed ones included, with as few requests as possible."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Final

import attrs
import duckdb
import orjson
import pyarrow as pa
import pytest
from tests.streams.test_large_pages import heavy
from tests.sync.conftest import DAY, EPOCH, HOUR, MINUTE, NOON, SECOND, MakeWorld, World, plain, rows_of

import logferry
from logferry._time.timestamps import rfc3339
from logferry.stores import DuckDBStore
from logferry.sync import Slice
from logferry.testing import (
    CognigyFake,
    DailyFake,
    Fake,
    FakeRequest,
    FakeResponse,
    Faults,
    InProcessTransport,
    LogtoFake,
    Row,
    SignalWireFake,
    failing,
    first_of,
    serve,
)

ONE_OF_ALL: Final = (
    CognigyFake(records=350, epoch=NOON, growing=False),
    DailyFake(records=40, epoch=NOON, spacing=300.0, growing=False),
    LogtoFake(records=350, epoch=NOON, growing=False),
    SignalWireFake(records=350, epoch=NOON, growing=False),
)
COGNIGY: Final = "cognigy.project_logs"
LOGTO: Final = "logto.audit_logs"
CALLS: Final = "daily.api_logs"
VIDEO: Final = "signalwire.video_logs"


def everything(world: World) -> dict[str, list[str]]:
    """The items of the services, by stream."""
    session = {"mtg_session_id": DailyFake(records=40, epoch=NOON).meeting_ids[0]}
    return {
        COGNIGY: world.truth(COGNIGY),
        "daily.session_logs": world.truth("daily.session_logs", **session),
        "daily.session_metrics": world.truth("daily.session_metrics", **session),
        CALLS: sorted(world.truth(CALLS, source="api") + world.truth(CALLS, source="webhook")),
        "daily.meetings": world.truth("daily.meetings"),
        LOGTO: world.truth(LOGTO),
        **{stream.name: world.truth(stream.name) for stream in logferry.SignalWire.streams},
    }


def test_every_record_of_every_stream_comes_once(world: MakeWorld) -> None:
    """A sync of all accounts stores every record, and another one repeats none."""
    accounts = world(*ONE_OF_ALL)
    accounts.clock.advance(60)
    wanted = everything(accounts)
    assert min(map(len, wanted.values())) > 10
    for _ in range(2):
        accounts.sync().raise_failures()
        assert {stream: accounts.stored(stream) for stream in wanted} == wanted
        accounts.clock.advance(3600)


def test_a_duckdb_file_has_records_and_coverage_as_tables(world: MakeWorld, tmp_path: Path) -> None:
    """The file has a row for each record, with the time of the service, and a table of the coverage."""
    accounts = world(*ONE_OF_ALL)
    path = tmp_path / "logs.duckdb"
    for _ in range(2):
        accounts.sync(str(path)).raise_failures()
    accounts.sync().raise_failures()
    with duckdb.connect(str(path), read_only=True) as reading:
        rows = reading.execute("SELECT uid, stream, epoch_ns(timestamp), raw FROM logs").fetchall()
        windows = reading.execute("SELECT DISTINCT stream FROM logferry_windows").fetchall()
    in_memory = [(row["uid"], row["stream"], row["timestamp"], row["raw"]) for row in accounts.store.records.values()]
    assert sorted(rows) == sorted(in_memory)
    assert {stream for (stream,) in windows} == set(everything(accounts))


def requests_of_a_further_sync(folder: Path, days: int) -> int:
    """Return the number of requests of a sync without new records, over a store of this many days."""
    records = 30 * days
    spacing = days * DAY / records / SECOND
    folder.mkdir()
    accounts = World(
        folder,
        None,
        CognigyFake(records=records, epoch=NOON, growing=False, spacing=spacing, retention=None),
        LogtoFake(records=records, epoch=NOON, growing=False, spacing=spacing),
        SignalWireFake(records=records, epoch=NOON, growing=False, spacing=spacing),
        DailyFake(records=records, epoch=NOON, growing=False, spacing=spacing),
    )
    # Meetings of the fake that never end are read in every sync; those cost more requests as their number grows.
    streams = [COGNIGY, LOGTO, VIDEO, CALLS]
    for _ in range(2):
        accounts.clock.advance(3 * 3600)
        accounts.sync(streams=streams).raise_failures()
    assert len(accounts.store.records) > 3 * records
    accounts.asked()
    accounts.clock.advance(300)
    accounts.sync(streams=streams).raise_failures()
    return len(accounts.asked())


def test_a_further_sync_costs_by_new_records_only(tmp_path: Path) -> None:
    """With unchanged services, a store of sixty days needs no more requests than one of ten."""
    few, many = (requests_of_a_further_sync(tmp_path / str(days), days) for days in (10, 60))
    assert many <= few <= 8


def test_late_records_are_stored(world: MakeWorld) -> None:
    """Records that arrive within the settling time are stored, even after newer ones."""
    late = Row(time=NOON - 5 * MINUTE, appears=NOON + 4 * MINUTE, content=7)
    accounts = world(LogtoFake(rows=(*rows_of([NOON - HOUR, NOON - MINUTE]), late)))
    accounts.bring(LOGTO)
    assert len(accounts.stored(LOGTO)) == 2
    assert accounts.store.state_at(LOGTO, NOON - 11 * MINUTE) == "complete"
    assert accounts.store.state_at(LOGTO, NOON - 9 * MINUTE) == "provisional"
    accounts.clock.advance(5 * 60)
    accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    assert len(accounts.stored(LOGTO)) == 3


def test_a_local_clock_that_is_ahead_completes_no_window_early(world: MakeWorld) -> None:
    """With a local clock an hour ahead of the service, records written within this hour are stored."""
    young = Row(time=NOON - 50 * MINUTE, appears=NOON - 45 * MINUTE, content=7)
    fake = LogtoFake(rows=(*rows_of([NOON - 3 * HOUR]), young))
    accounts = world(fake)
    accounts.transports["logto"] = InProcessTransport(fake, clock=lambda: accounts.clock.now() - HOUR)
    accounts.bring(LOGTO)
    assert len(accounts.stored(LOGTO)) == 1
    assert accounts.store.state_at(LOGTO, NOON - 72 * MINUTE) == "complete"
    assert accounts.store.state_at(LOGTO, NOON - 50 * MINUTE) == "provisional"
    accounts.clock.advance(30 * 60)
    accounts.bring(LOGTO)
    assert len(accounts.stored(LOGTO)) == 2


def without_date(answer: FakeResponse) -> FakeResponse:
    """The answer of a service without a Date header."""
    return attrs.evolve(answer, headers=tuple(pair for pair in answer.headers if pair[0].lower() != "date"))


@pytest.mark.parametrize("interrupted", [False, True], ids=["read to its end", "interrupted"])
@pytest.mark.parametrize("fake", ONE_OF_ALL, ids=lambda fake: type(fake).__name__)
def test_a_complete_stretch_in_the_future_is_read_again(world: MakeWorld, fake: Fake, interrupted: bool) -> None:
    """A sync thirty days ahead of a service without a Date header loses no record that is written later."""
    day: Any = attrs.evolve(fake, growing=True, epoch=NOON - 2 * HOUR)  # type: ignore[misc]  # a fake is attrs
    accounts = world(day, faults=failing(without_date))
    name = next(iter(accounts.transports))
    right = accounts.transports[name]
    broken = failing(FakeResponse(503, (), b""), at=range(4, 100) if interrupted else ())
    accounts.transports[name] = InProcessTransport(
        day,
        clock=lambda: accounts.clock.now() - 30 * DAY,
        faults=first_of(broken, failing(without_date)),
    )
    accounts.clock.advance(30 * DAY / SECOND)
    accounts.sync()
    accounts.clock.advance(-30 * DAY / SECOND)
    accounts.transports[name] = right
    begun = 0
    for hours in (1, 1):
        accounts.clock.advance(hours * HOUR / SECOND)
        begun = accounts.clock.now()
        accounts.sync().raise_failures()
    for stream in {COGNIGY, "daily.meetings", LOGTO, VIDEO}.intersection(day.streams):
        # A sync of many calls takes a while; the next one stores the records written meanwhile.
        assert {*day.truth(stream, now=begun)} <= {*accounts.stored(stream)} <= {*accounts.truth(stream)}
        assert len(accounts.stored(stream)) > len(day.truth(stream, now=day.epoch))


@pytest.mark.parametrize("faults", [None, failing(without_date)], ids=["Date", "no Date"])
def test_a_local_clock_that_is_ahead_reports_no_loss(world: MakeWorld, faults: Faults | None) -> None:
    """The retention of a day is counted by the service's time, even if the local clock is many days ahead."""
    times = [NOON - 3 * HOUR, NOON - 30 * MINUTE, NOON + HOUR]
    fake = CognigyFake(rows=rows_of(times))
    accounts = world(fake, faults=faults)
    accounts.bring(COGNIGY)
    right = accounts.transports["cognigy"]
    accounts.clock.advance(2 * HOUR / SECOND)
    accounts.transports["cognigy"] = InProcessTransport(
        fake, clock=lambda: accounts.clock.now() - 30 * DAY, faults=faults
    )
    accounts.clock.advance(30 * DAY / SECOND)
    assert not accounts.bring(COGNIGY).lost
    accounts.clock.advance(-30 * DAY / SECOND)
    accounts.transports["cognigy"] = right
    accounts.bring(COGNIGY)
    assert accounts.stored(COGNIGY) == accounts.truth(COGNIGY)
    assert len(accounts.stored(COGNIGY)) == 3
    assert "lost" not in {state for _, _, state in accounts.store.states(COGNIGY)}


def test_without_a_date_coverage_ends_at_the_newest_record(world: MakeWorld) -> None:
    """A local clock that is once an hour ahead loses no record, even if the next sync is a day later."""
    fake = LogtoFake(rows=rows_of([NOON - 3 * HOUR, NOON - 30 * MINUTE, NOON + 3 * HOUR]))
    accounts = world(fake, faults=failing(without_date))
    right = accounts.transports["logto"]
    accounts.transports["logto"] = InProcessTransport(
        fake, clock=lambda: accounts.clock.now() - HOUR, faults=failing(without_date)
    )
    accounts.bring(LOGTO)
    assert len(accounts.stored(LOGTO)) == 1
    accounts.transports["logto"] = right
    accounts.clock.advance(DAY / SECOND)
    accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    assert len(accounts.stored(LOGTO)) == 3


def test_a_provisional_stretch_is_read_again_and_then_complete(world: MakeWorld) -> None:
    """After the settling time the stretch is not requested again."""
    accounts = world(LogtoFake(rows=rows_of([NOON - HOUR])))
    accounts.bring(LOGTO)
    accounts.clock.advance(HOUR / SECOND)
    accounts.bring(LOGTO)
    assert accounts.store.states(LOGTO) == [
        (0, NOON + 50 * MINUTE, "complete"),
        (NOON + 50 * MINUTE, NOON + HOUR, "provisional"),
    ]
    accounts.asked()
    accounts.bring(LOGTO)
    (request,) = accounts.asked()
    begin = int(dict(one.split("=") for one in request.query.split("&"))["start_time"])
    assert 0 <= (NOON + 50 * MINUTE) // 1_000_000 - begin <= 2


@pytest.mark.parametrize("ahead", [MINUTE, 40 * DAY], ids=["minute", "forty days"])
def test_future_records_do_not_move_the_coverage(world: MakeWorld, ahead: int) -> None:
    """A future record is stored when it comes, and records that come after it are stored too."""
    rows = (
        Row(time=NOON + ahead, appears=NOON - HOUR),
        *rows_of([NOON - 2 * HOUR, NOON + 20 * MINUTE, NOON + 2 * HOUR], content=0),
    )
    accounts = world(LogtoFake(rows=rows), CognigyFake(rows=rows), DailyFake(rows=rows), SignalWireFake(rows=rows))
    streams = {LOGTO: {}, COGNIGY: {}, CALLS: {"source": "api"}, VIDEO: {}}
    accounts.sync(streams=list(streams)).raise_failures()
    for stream, filters in streams.items():
        assert accounts.stored(stream) == accounts.truth(stream, **filters)
        assert len(accounts.stored(stream)) == 2
        assert max(until for _, until, _ in accounts.store.states(stream, _asked(filters))) == NOON
    accounts.clock.advance(3 * 3600)
    accounts.sync(streams=list(streams)).raise_failures()
    for stream, filters in streams.items():
        assert accounts.stored(stream) == accounts.truth(stream, **filters)
        assert len(accounts.stored(stream)) == 4


def _asked(filters: dict[str, str]) -> str:
    return orjson.dumps(filters).decode()


def unreadable(request: FakeRequest, _number: int) -> Any:
    """Make the time of the first log of each answer unreadable."""
    if not request.path.endswith("/logs"):
        return None

    def change(answer: FakeResponse) -> FakeResponse:
        body = orjson.loads(answer.body)
        if body["items"]:
            body["items"][0]["timestamp"] = "yesterday, or so"
        content = orjson.dumps(body)
        kept = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        return FakeResponse(answer.status, (*kept, ("Content-Length", str(len(content)))), content)

    return change


def test_unreadable_times_do_not_move_the_coverage(world: MakeWorld) -> None:
    """Such a record is stored without a time, and windows end where they would without it."""
    accounts = world(CognigyFake(rows=rows_of([NOON - 2 * HOUR, NOON - HOUR]), hal="by default"), faults=unreadable)
    accounts.bring(COGNIGY)
    assert accounts.stored(COGNIGY) == accounts.truth(COGNIGY)
    assert any(row["issues"] and row["timestamp"] is None for row in accounts.store.records.values())
    assert accounts.store.state_at(COGNIGY, NOON - 11 * MINUTE) == "complete"
    assert max(until for _, until, _ in accounts.store.states(COGNIGY)) == NOON


def test_changed_rows_are_replaced_until_they_are_final(world: MakeWorld) -> None:
    """A session in progress is read again until it ends; its final version is stored and not requested again."""
    accounts = world(SignalWireFake(rows=(Row(time=NOON - 30 * MINUTE, appears=NOON - 30 * MINUTE, content=10),)))
    begin = NOON - 30 * MINUTE  # and takes two hours and 50 seconds
    accounts.bring(VIDEO)
    assert [item["status"] for item in accounts.store.items(VIDEO)] == ["in-progress"]
    assert accounts.store.state_at(VIDEO, begin) == "provisional"
    assert accounts.store.state_at(VIDEO, begin + SECOND) == "complete"
    accounts.clock.advance(HOUR / SECOND)
    accounts.bring(VIDEO)
    assert [item["status"] for item in accounts.store.items(VIDEO)] == ["in-progress"]
    accounts.clock.advance(HOUR / SECOND)
    accounts.bring(VIDEO)
    (item,) = accounts.store.items(VIDEO)
    assert (item["status"], bool(item["ended_at"])) == ("completed", True)
    assert accounts.store.state_at(VIDEO, begin) == "complete"
    accounts.clock.advance(HOUR / SECOND)
    accounts.asked()
    accounts.bring(VIDEO)
    assert all("11%3A" not in request.query for request in accounts.asked())


def test_rows_that_vanish_stay_in_the_store(world: MakeWorld) -> None:
    """A store keeps rows that the service removes."""
    rows = (Row(time=NOON - MINUTE, appears=NOON - MINUTE, vanishes=NOON + MINUTE, content=1), *rows_of([NOON - HOUR]))
    accounts = world(LogtoFake(rows=rows))
    accounts.bring(LOGTO)
    before = accounts.stored(LOGTO)
    accounts.clock.advance(600)
    accounts.bring(LOGTO)
    assert len(accounts.truth(LOGTO)) == 1
    assert accounts.stored(LOGTO) == before
    assert len(before) == 2


def test_an_outage_is_read_day_by_day(world: MakeWorld) -> None:
    """Days without a sync become separate windows, of which the oldest is requested first."""
    accounts = world(LogtoFake(rows=rows_of(range(NOON - 10 * DAY, NOON, 5 * HOUR))))
    accounts.clock.advance(-8 * DAY / SECOND)
    accounts.bring(LOGTO)
    accounts.asked()
    accounts.clock.advance(8 * DAY / SECOND)
    accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    begins = [
        int(dict(one.split("=") for one in request.query.split("&"))["start_time"]) for request in accounts.asked()
    ]
    assert len(begins) == 9
    assert begins == sorted(begins)
    midnights = [EPOCH - day * DAY for day in range(7, -1, -1)]
    assert all(
        abs(begin * 1_000_000 - midnight) <= SECOND for begin, midnight in zip(begins[1:], midnights, strict=True)
    )


def test_since_extends_a_store_and_first_since_does_not(world: MakeWorld) -> None:
    """`first_since` sets the start of a new store only; `since` extends an existing one further back."""
    accounts = world(LogtoFake(rows=rows_of(range(NOON - 5 * DAY, NOON, HOUR))))
    accounts.bring(LOGTO, first_since="1d")
    assert len(accounts.stored(LOGTO)) == 24
    accounts.bring(LOGTO, first_since="3d")
    assert len(accounts.stored(LOGTO)) == 24
    accounts.bring(LOGTO, since="2d")
    assert len(accounts.stored(LOGTO)) == 48
    accounts.asked()
    accounts.bring(LOGTO)
    assert len(accounts.asked()) == 1
    assert accounts.store.states(LOGTO)[0] == (NOON - 2 * DAY, NOON - 10 * MINUTE, "complete")


def test_filters_are_separate_queries(world: MakeWorld) -> None:
    """A stretch that is complete with one filter is not complete with another, or with none."""
    rows = tuple(
        Row(time=NOON - number * MINUTE, appears=NOON - number * MINUTE, content=number) for number in range(60)
    )
    accounts = world(LogtoFake(rows=rows))
    key = accounts.store.items(LOGTO) or "ExchangeTokenBy.AuthorizationCode"
    accounts.bring(LOGTO, filters={"logKey": str(key)})
    some = accounts.stored(LOGTO)
    assert some == accounts.truth(LOGTO, log_key=str(key))
    accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    assert 0 < len(some) < 60
    filters = {question.filters for question in accounts.store.coverage()}
    assert filters == {"{}", orjson.dumps({"log_key": key}).decode()}


def test_both_sources_of_api_logs_are_stored(world: MakeWorld) -> None:
    """Requests and webhooks are two queries; a filter that names one source leaves one query, sent once."""
    accounts = world(DailyFake(records=100, epoch=NOON, growing=False))
    accounts.clock.advance(60)
    accounts.bring(CALLS, filters={"source": "webhook"})
    assert accounts.stored(CALLS) == accounts.truth(CALLS, source="webhook")
    targets = [request.target for request in accounts.asked()]
    # The first page, shorter than it may be, is requested twice.
    assert len(targets) - 1 == len({*targets}) > 0
    accounts.bring(CALLS)
    assert accounts.stored(CALLS) == sorted(
        accounts.truth(CALLS, source="webhook") + accounts.truth(CALLS, source="api")
    )


def test_a_failing_stream_stops_no_other(world: MakeWorld) -> None:
    """Neither another stream of the account nor another account stops; the report names the failure."""

    def refuse(request: FakeRequest, _number: int) -> FakeResponse | None:
        return FakeResponse(403, (), b"{}") if request.path.endswith("/logs/api") else None

    accounts = world(*ONE_OF_ALL, faults=refuse)
    accounts.clock.advance(60)
    report = accounts.sync()
    failed = [(one.account, one.stream) for one in report if one.failure is not None]
    assert failed == [("daily", CALLS)]
    (failure,) = report.failures
    assert isinstance(failure, logferry.PermissionDeniedError)
    wanted = {stream: ids for stream, ids in everything(accounts).items() if stream != CALLS}
    assert {stream: accounts.stored(stream) for stream in wanted} == wanted
    with pytest.raises(ExceptionGroup, match="1 of the accounts' streams failed"):
        report.raise_failures()


def test_an_account_that_cannot_be_opened_stops_no_other(world: MakeWorld) -> None:
    """The report has the account with its error."""
    accounts = world(*ONE_OF_ALL)
    accounts.config.write_text(accounts.config.read_text().replace("app_secret", "# app_secret"))
    report = accounts.sync()
    assert [(one.account, type(one.failure)) for one in report if one.failure is not None] == [
        ("logto", logferry.ConfigurationError)
    ]
    assert accounts.stored(VIDEO) == accounts.truth(VIDEO)


def test_a_failing_window_stops_no_other(world: MakeWorld) -> None:
    """The window becomes a gap, the report names it, and the next sync reads it."""
    broken = {"on": True}

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        day = f"{(EPOCH - 3 * DAY) // 1_000_000 - 1}"
        return FakeResponse(400, (), b"{}") if broken["on"] and f"start_time={day}" in request.query else None

    accounts = world(LogtoFake(rows=rows_of(range(NOON - 5 * DAY, NOON, 5 * HOUR))), faults=fault)
    report = accounts.sync(since="5d")
    assert [type(error) for error in report.failures] == [logferry.BadRequestError]
    assert accounts.store.state_at(LOGTO, EPOCH - 3 * DAY) == "gap"
    assert len(accounts.truth(LOGTO)) - 6 < len(accounts.stored(LOGTO)) < len(accounts.truth(LOGTO))
    broken["on"] = False
    accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)


def test_a_slice_yields_the_records_that_a_sync_stores(tmp_path: Path) -> None:
    """A slice can be pickled, sent to another process and read there any number of times."""
    fake = LogtoFake(records=120, epoch=NOON, growing=False)
    config = tmp_path / "logferry.toml"
    with serve(fake) as url:
        config.write_text(
            f'[accounts.login]\nservice = "logto"\nendpoint = "{url}"\napp_id = "{fake.app_id}"\n'
            f'app_secret = "{fake.app_secret}"\nresource = "https://default.logto.app/api"\n'
        )
        cut = Slice(
            account="login",
            stream=LOGTO,
            since=NOON - HOUR,
            until=NOON - MINUTE,
            read_until=NOON - MINUTE,
            config=str(config),
        )
        sent = pickle.loads(pickle.dumps(cut))  # noqa: S301  # made here
        assert (sent, sent.name, sent.question) == (cut, cut.name, cut.question)
        read = [plain(pa.Table.from_batches(one.read(raw=True))) for one in (cut, sent)]
        store = tmp_path / "logs.duckdb"
        with logferry.open_accounts(config) as ferry:
            ferry.sync(str(store), since=rfc3339(cut.since), until=rfc3339(cut.until), raw=True).run().raise_failures()
    alone = [{name: value for name, value in row.items() if name != "observed_timestamp"} for row in read[0]]
    assert alone == [{name: value for name, value in row.items() if name != "observed_timestamp"} for row in read[1]]
    with DuckDBStore(store) as opened:
        assert opened.counts() == {("login", LOGTO): len(alone)}
    with duckdb.connect(str(store), read_only=True) as reading:
        assert sorted(reading.execute("SELECT uid, body, attributes, raw FROM logs").fetchall()) == sorted(
            (row["uid"], row["body"], row["attributes"], row["raw"]) for row in alone
        )
    assert len(alone) == len(fake.truth(LOGTO, cut.since, cut.until)) > 20


def test_pages_above_the_size_limit_stop_no_sync(world: MakeWorld) -> None:
    """For every stream, a window with pages above the limit comes in smaller ones."""
    accounts = world(*ONE_OF_ALL, faults=failing(heavy(60)))
    accounts.clock.advance(60)
    wanted = everything(accounts)
    accounts.sync().raise_failures()
    assert {stream: accounts.stored(stream) for stream in wanted} == wanted
