"""Services with a limited retention: a sync that falls behind reports it, and lost records are not called complete."""

from __future__ import annotations

from typing import Final

from tests.sync.conftest import DAY, HOUR, MINUTE, NOON, SECOND, MakeWorld, World, rows_of

from logferry.testing import CognigyFake, DailyFake, FakeRequest, FakeResponse, Row

STREAM: Final = "cognigy.project_logs"
CALLS: Final = "daily.api_logs"
API: Final = {"source": "api"}
API_TEXT: Final = '{"source":"api"}'


def kept_for_a_day(hours: range) -> tuple[Row, ...]:
    """Return an entry each quarter of an hour, which is removed a day later."""
    times = range(NOON + hours.start * HOUR, NOON + hours.stop * HOUR, 15 * MINUTE)
    return tuple(Row(time=time, appears=time, vanishes=time + DAY, content=number) for number, time in enumerate(times))


def test_a_first_sync_reports_no_loss(world: MakeWorld) -> None:
    """Records that were removed before the first sync are not a loss and are not reported."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-72, 0))))
    report = accounts.bring(STREAM)
    assert (report.lost, report.warnings) == ([], [])
    assert accounts.stored(STREAM) == accounts.truth(STREAM)
    assert len(accounts.stored(STREAM)) in (95, 96)
    assert accounts.store.state_at(STREAM, NOON - 2 * DAY) == "expired"


def test_a_store_can_start_at_the_retention_limit(world: MakeWorld) -> None:
    """The moments between the requested start and the later retention limit are no separate stretch."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-72, 0))))
    accounts.bring(STREAM, since=f"{86_400 + 5}s")
    assert {state for _, _, state in accounts.store.states(STREAM)} == {"complete", "provisional"}


def test_a_window_beyond_the_retention_is_reported_as_lost(world: MakeWorld) -> None:
    """The stretch from the end of the store to the retention limit is lost; the records behind it come."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-24, 72))))
    accounts.bring(STREAM)
    accounts.clock.advance(3 * DAY / SECOND)
    report = accounts.bring(STREAM)
    assert report.lost == [(NOON, NOON + 2 * DAY)]
    assert accounts.store.state_at(STREAM, NOON + DAY) == "lost"
    assert {*accounts.truth(STREAM)} <= {*accounts.stored(STREAM)}
    again = accounts.bring(STREAM)
    assert again.lost == []


def test_a_provisional_end_is_not_lost(world: MakeWorld) -> None:
    """The provisional end of the store was read; it is not lost when it leaves the retention."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-24, 72))))
    accounts.bring(STREAM)
    accounts.clock.advance(3 * DAY / SECOND)
    accounts.bring(STREAM)
    assert accounts.store.state_at(STREAM, NOON - 5 * MINUTE) == "complete"


def test_a_longer_retention_than_documented_loses_no_record(world: MakeWorld) -> None:
    """Installations can keep entries longer; a window with records is complete."""
    accounts = world(CognigyFake(rows=rows_of(range(NOON - DAY, NOON + 3 * DAY, HOUR))))
    accounts.bring(STREAM)
    accounts.clock.advance(3 * DAY / SECOND)
    report = accounts.bring(STREAM)
    assert report.lost == []
    assert accounts.stored(STREAM) == accounts.truth(STREAM)
    assert accounts.store.state_at(STREAM, NOON + DAY) == "complete"


def interrupted(world: MakeWorld) -> World:
    """Return a store whose last sync was interrupted within a window."""
    entries = kept_for_a_day(range(-24, 72))
    broken = {"on": False}

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        return FakeResponse(503, (), b"{}") if broken["on"] and "next=" in request.query else None

    accounts = world(
        CognigyFake(rows=(*entries, *kept_for_a_day(range(-12, 0)), *kept_for_a_day(range(-12, 0)))), faults=fault
    )
    broken["on"] = True
    assert accounts.sync().failures
    assert accounts.store.state_at(STREAM, NOON - HOUR) == "partial"
    broken["on"] = False
    return accounts


def test_an_interrupted_window_resumed_in_time_is_complete(world: MakeWorld) -> None:
    """The window is read to its end, as its entries still exist."""
    accounts = interrupted(world)
    accounts.clock.advance(60)
    report = accounts.bring(STREAM)
    assert report.lost == []
    assert {*accounts.truth(STREAM)} <= {*accounts.stored(STREAM)}
    assert accounts.store.state_at(STREAM, NOON - HOUR) == "complete"


def test_an_interrupted_window_beyond_the_retention_is_lost(world: MakeWorld) -> None:
    """The rest of the window was removed, so it is reported as lost although a part is in the store."""
    accounts = interrupted(world)
    accounts.clock.advance(2 * DAY / SECOND)
    report = accounts.bring(STREAM)
    assert report.lost
    assert report.lost[0][0] <= NOON - 11 * HOUR
    assert max(until for _, until in report.lost) >= NOON
    assert accounts.store.state_at(STREAM, NOON - HOUR) == "lost"


def interrupted_first(world: MakeWorld) -> World:
    """Return a store whose first sync asked for three days, of which the service has one, and was interrupted."""
    times = range(NOON - DAY, NOON + 2 * DAY, 5 * MINUTE)
    rows = tuple(Row(time=time, appears=time, vanishes=time + DAY) for time in times)
    broken = {"on": True}

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        return FakeResponse(503, (), b"{}") if broken["on"] and "starting_after=" in request.query else None

    accounts = world(DailyFake(rows=rows), faults=fault)
    accounts.config.write_text(f'{accounts.config.read_text()}retention = "24h"\n')
    assert accounts.sync(streams=[CALLS], filters=API, since="72h").failures
    assert accounts.store.state_at(CALLS, NOON - 2 * DAY, API_TEXT) == "partial"
    broken["on"] = False
    return accounts


def test_a_resumed_first_sync_reports_no_earlier_loss(world: MakeWorld) -> None:
    """Records that were removed before the interrupted sync began are expired and not reported."""
    accounts = interrupted_first(world)
    report = accounts.bring(CALLS, filters=API, since="72h")
    assert report.lost == []
    assert accounts.store.state_at(CALLS, NOON - 2 * DAY, API_TEXT) == "expired"
    assert accounts.stored(CALLS) == accounts.truth(CALLS, **API)


def test_a_late_resumed_first_sync_reports_its_loss(world: MakeWorld) -> None:
    """Records removed between the interruption and the next sync are lost; those removed before it are not."""
    accounts = interrupted_first(world)
    accounts.clock.reach(NOON + 2 * HOUR)
    report = accounts.bring(CALLS, filters=API)
    assert report.lost == [(NOON - DAY, NOON - DAY + 2 * HOUR)]
    assert accounts.store.state_at(CALLS, NOON - 2 * DAY, API_TEXT) == "expired"
    assert accounts.store.state_at(CALLS, NOON - DAY + HOUR, API_TEXT) == "lost"


def test_a_store_that_falls_behind_gets_a_warning(world: MakeWorld) -> None:
    """The report warns once the end of the store is older than half of the retention."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-24, 72))))
    accounts.bring(STREAM)
    accounts.clock.advance(11 * HOUR / SECOND)
    assert accounts.bring(STREAM).warnings == []
    accounts.clock.advance(13 * HOUR / SECOND)
    (warning,) = accounts.bring(STREAM).warnings
    assert warning.startswith("the store ends at 2026-01-01T23:")
    assert "keeps records for 24 h only: sync more often" in warning
    assert accounts.bring(STREAM).warnings == []
