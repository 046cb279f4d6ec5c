"""What a service does not keep for ever: a store that falls behind is told so, and what is lost is not called complete."""

from __future__ import annotations

from typing import Final

from tests.sync.conftest import DAY, HOUR, MINUTE, NOON, SECOND, MakeWorld, World, rows_of

from logferry.testing import CognigyFake, DailyFake, FakeRequest, FakeResponse, Row

STREAM: Final = "cognigy.project_logs"
CALLS: Final = "daily.api_logs"
API: Final = {"source": "api"}
API_TEXT: Final = '{"source":"api"}'


def kept_for_a_day(hours: range) -> tuple[Row, ...]:
    """An entry each quarter of an hour, which is gone a day later."""
    times = range(NOON + hours.start * HOUR, NOON + hours.stop * HOUR, 15 * MINUTE)
    return tuple(Row(time=time, appears=time, vanishes=time + DAY, content=number) for number, time in enumerate(times))


def test_a_first_sync_loses_nothing(world: MakeWorld) -> None:
    """What was gone before the store began is nobody's loss, and not told."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-72, 0))))
    report = accounts.bring(STREAM)
    assert (report.lost, report.warnings) == ([], [])
    assert accounts.stored(STREAM) == accounts.truth(STREAM)
    assert len(accounts.stored(STREAM)) in (95, 96)
    assert accounts.store.state_at(STREAM, NOON - 2 * DAY) == "expired"


def test_a_store_that_begins_where_the_service_does_has_all(world: MakeWorld) -> None:
    """The moments by which the memory of the service ends later than what was asked for are no stretch of their own."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-72, 0))))
    accounts.bring(STREAM, since=f"{86_400 + 5}s")
    assert {state for _, _, state in accounts.store.states(STREAM)} == {"complete", "provisional"}


def test_a_window_that_outlived_the_retention_is_lost_and_told(world: MakeWorld) -> None:
    """From the end of the store to where the service begins; what it still has comes."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-24, 72))))
    accounts.bring(STREAM)
    accounts.clock.advance(3 * DAY / SECOND)
    report = accounts.bring(STREAM)
    assert report.lost == [(NOON, NOON + 2 * DAY)]
    assert accounts.store.state_at(STREAM, NOON + DAY) == "lost"
    assert {*accounts.truth(STREAM)} <= {*accounts.stored(STREAM)}
    again = accounts.bring(STREAM)
    assert again.lost == []


def test_what_was_read_once_is_not_lost(world: MakeWorld) -> None:
    """The end of the store was provisional: nothing more can come of it, and it was there."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-24, 72))))
    accounts.bring(STREAM)
    accounts.clock.advance(3 * DAY / SECOND)
    accounts.bring(STREAM)
    assert accounts.store.state_at(STREAM, NOON - 5 * MINUTE) == "complete"


def test_a_service_that_keeps_more_than_it_says_loses_nothing(world: MakeWorld) -> None:
    """Installations can keep entries longer: what comes is complete."""
    accounts = world(CognigyFake(rows=rows_of(range(NOON - DAY, NOON + 3 * DAY, HOUR))))
    accounts.bring(STREAM)
    accounts.clock.advance(3 * DAY / SECOND)
    report = accounts.bring(STREAM)
    assert report.lost == []
    assert accounts.stored(STREAM) == accounts.truth(STREAM)
    assert accounts.store.state_at(STREAM, NOON + DAY) == "complete"


def interrupted(world: MakeWorld) -> World:
    """A store whose last sync was interrupted in the middle of a window."""
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


def test_an_interrupted_window_that_goes_on_in_time_loses_nothing(world: MakeWorld) -> None:
    """It is read to its end, as far as its entries are there."""
    accounts = interrupted(world)
    accounts.clock.advance(60)
    report = accounts.bring(STREAM)
    assert report.lost == []
    assert {*accounts.truth(STREAM)} <= {*accounts.stored(STREAM)}
    assert accounts.store.state_at(STREAM, NOON - HOUR) == "complete"


def test_an_interrupted_window_that_outlived_the_retention_is_not_called_complete(world: MakeWorld) -> None:
    """Its rest is gone: it is lost, and told, though a part of it is in the store."""
    accounts = interrupted(world)
    accounts.clock.advance(2 * DAY / SECOND)
    report = accounts.bring(STREAM)
    assert report.lost
    assert report.lost[0][0] <= NOON - 11 * HOUR
    assert max(until for _, until in report.lost) >= NOON
    assert accounts.store.state_at(STREAM, NOON - HOUR) == "lost"


def interrupted_first(world: MakeWorld) -> World:
    """A store whose first sync asked for three days, of which the service keeps one, and was interrupted in the middle."""
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


def test_a_first_sync_that_goes_on_has_not_lost_what_was_gone_before_it_began(world: MakeWorld) -> None:
    """What the service did not keep any more at the beginning of the interrupted sync is expired, and not reported."""
    accounts = interrupted_first(world)
    report = accounts.bring(CALLS, filters=API, since="72h")
    assert report.lost == []
    assert accounts.store.state_at(CALLS, NOON - 2 * DAY, API_TEXT) == "expired"
    assert accounts.stored(CALLS) == accounts.truth(CALLS, **API)


def test_a_first_sync_that_goes_on_late_has_lost_what_went_meanwhile(world: MakeWorld) -> None:
    """What the service removed between the interruption and the next sync is lost; what was gone before is not."""
    accounts = interrupted_first(world)
    accounts.clock.reach(NOON + 2 * HOUR)
    report = accounts.bring(CALLS, filters=API)
    assert report.lost == [(NOON - DAY, NOON - DAY + 2 * HOUR)]
    assert accounts.store.state_at(CALLS, NOON - 2 * DAY, API_TEXT) == "expired"
    assert accounts.store.state_at(CALLS, NOON - DAY + HOUR, API_TEXT) == "lost"


def test_a_store_that_falls_behind_is_warned_of(world: MakeWorld) -> None:
    """Once its end is older than half of the retention; before that, and after a sync, it is not."""
    accounts = world(CognigyFake(rows=kept_for_a_day(range(-24, 72))))
    accounts.bring(STREAM)
    accounts.clock.advance(11 * HOUR / SECOND)
    assert accounts.bring(STREAM).warnings == []
    accounts.clock.advance(13 * HOUR / SECOND)
    (warning,) = accounts.bring(STREAM).warnings
    assert warning.startswith("the store ends at 2026-01-01T23:")
    assert "keeps records for 24 h only: sync more often" in warning
    assert accounts.bring(STREAM).warnings == []
