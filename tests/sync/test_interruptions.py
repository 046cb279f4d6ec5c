"""Whatever stops a sync, what was read is in the store, what was not is a known gap, and the next one goes on there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import anyio
import pyarrow as pa
import pytest
from anyio import to_thread
from anyio.from_thread import BlockingPortal
from attrs import evolve
from tests.conftest import PATIENCE
from tests.sync.conftest import DAY, EPOCH, HOUR, MINUTE, NOON, SECOND, MakeWorld, MemoryStore, World, rows_of

import logferry
from logferry.hooks import PageEvent, RequestEvent
from logferry.stores import SCHEMA, Coverage, DuckDBStore, Question
from logferry.testing import CognigyFake, DailyFake, FakeRequest, FakeResponse, LogtoFake, SignalWireFake

COGNIGY: Final = "cognigy.project_logs"
LOGTO: Final = "logto.audit_logs"
CALLS: Final = "daily.api_logs"
VIDEO: Final = "signalwire.video_logs"
API: Final = '{"source":"api"}'


class Failing:
    """
    Faults that last as long as a test wants.

    Attributes:
        wanted: Which requests fail; `None` for none.
        status: What they are answered with.
    """

    def __init__(self, wanted: Callable[[FakeRequest], bool], status: int = 503) -> None:
        self.wanted: Callable[[FakeRequest], bool] | None = wanted
        self.status = status

    def __call__(self, request: FakeRequest, _number: int) -> FakeResponse | None:
        """Fail, or not."""
        fails = self.wanted is not None and self.wanted(request)
        return FakeResponse(self.status, (), b"{}") if fails else None


def after(count: int, path: str) -> Callable[[FakeRequest], bool]:
    """From so many requests for a path on."""
    left = iter(range(count))
    return lambda request: request.path.endswith(path) and next(left, None) is None


def test_an_interrupted_walk_leaves_a_known_gap_and_goes_on_at_its_checkpoint(world: MakeWorld) -> None:
    """Where there is no filter by time, from the newest record down to what the store has; no page with rows is read twice."""
    faults = Failing(after(3, "/logs/api"))
    accounts = world(DailyFake(rows=rows_of(range(NOON - 10 * HOUR, NOON, MINUTE), content=0)), faults=faults)
    report = accounts.sync(streams=[CALLS], filters={"source": "api"})
    assert len(report.failures) == 1
    assert accounts.store.states(CALLS, API) == [(0, NOON, "partial")]
    assert len(accounts.stored(CALLS)) == 300
    faults.wanted = None
    accounts.asked()
    accounts.clock.advance(60 * 60)
    accounts.bring(CALLS, filters={"source": "api"})
    assert accounts.stored(CALLS) == accounts.truth(CALLS, source="api")
    cursors = [request.query for request in accounts.asked()]
    # The end, an empty page behind a full one, is asked for twice.
    assert len(cursors) - 1 == len({*cursors}) <= 7
    assert [state for _, _, state in accounts.store.states(CALLS, API)] == ["complete", "provisional"]
    assert accounts.store.states(CALLS, API)[0][0] == 0


def test_records_that_came_while_a_walk_was_interrupted_come_too(world: MakeWorld) -> None:
    """Late ones within its stretch, and new ones behind it: by one sync that is left alone."""
    late = rows_of([NOON - 5 * MINUTE, NOON - MINUTE], appears=NOON + 3 * MINUTE, content=0)
    rows = (*rows_of(range(NOON - 5 * HOUR, NOON + HOUR, MINUTE), content=0), *late)
    faults = Failing(after(2, "/logs/api"))
    accounts = world(DailyFake(rows=rows), faults=faults)
    assert accounts.sync(streams=[CALLS], filters={"source": "api"}).failures
    faults.wanted = None
    accounts.clock.advance(30 * 60)
    accounts.bring(CALLS, filters={"source": "api"})
    assert accounts.stored(CALLS) == accounts.truth(CALLS, source="api")
    assert len(accounts.stored(CALLS)) == 5 * 60 + 31 + 2


@pytest.mark.parametrize("release", ["1.36.0", "1.42.0"])
def test_an_old_logto_that_ignores_bounds_is_walked_until_it_joins(world: MakeWorld, release: str) -> None:
    """Its days cannot be asked for one by one; a second sync reads no more than a page."""
    accounts = world(LogtoFake(rows=rows_of(range(NOON - 3 * DAY, NOON, 10 * MINUTE)), release=release))
    accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    pages = len(accounts.asked())
    assert pages <= 15
    accounts.clock.advance(HOUR / SECOND)
    accounts.bring(LOGTO)
    assert len(accounts.asked()) <= 2
    assert accounts.store.states(LOGTO)[0] == (0, NOON + 50 * MINUTE, "complete")


def test_an_old_logto_that_is_interrupted_goes_on(world: MakeWorld) -> None:
    """As where there is no filter by time."""
    faults = Failing(after(6, "/api/logs"))
    rows = rows_of(range(NOON - 3 * DAY, NOON, 10 * MINUTE))
    accounts = world(LogtoFake(rows=rows, release="1.36.0"), faults=faults)
    assert accounts.sync(streams=[LOGTO]).failures
    some = len(accounts.stored(LOGTO))
    assert 100 <= some < 432
    faults.wanted = None
    accounts.clock.advance(HOUR / SECOND)
    report = accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    assert report.records <= 432 - some + 10
    assert report.planned == report.slices


def test_bounds_that_turn_out_to_be_ignored_late_are_no_error(world: MakeWorld) -> None:
    """An old server without new logs answers windows as if it filtered; then a log arrives."""
    rows = rows_of([EPOCH - 5 * DAY + HOUR, NOON + MINUTE])
    accounts = world(LogtoFake(rows=rows, release="1.36.0"))

    def arrive(event: RequestEvent) -> None:
        if event.path.endswith("/logs"):
            accounts.clock.advance(50)

    report = accounts.sync(since="6d", hooks={"on_request": arrive})
    report.raise_failures()
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    assert len(accounts.stored(LOGTO)) == 2


@pytest.mark.parametrize("trouble", ["expired", "vanished", "damaged"])
def test_a_checkpoint_that_is_of_no_use_falls_back_to_the_window(world: MakeWorld, trouble: str) -> None:
    """Its cursor has expired, what was read last is not there any more, or it is none: the window still is."""
    faults = Failing(after(4, "/logs"))
    gone = NOON + 30 * MINUTE if trouble == "vanished" else None
    rows = (
        *rows_of(range(NOON - 5 * HOUR, NOON - 3 * HOUR, MINUTE)),
        *rows_of(range(NOON - 3 * HOUR, NOON, MINUTE), vanishes=gone),
    )
    accounts = world(CognigyFake(rows=rows, cursor_life=60.0), faults=faults)
    assert accounts.sync().failures
    assert accounts.store.state_at(COGNIGY, NOON - HOUR) == "partial"
    faults.wanted = None
    if trouble == "damaged":
        ((question, coverage),) = accounts.store.coverage().items()
        (part,) = coverage.partial
        damaged = coverage.having(evolve(part, checkpoint="no checkpoint"))
        accounts.store.commit(SCHEMA.empty_table(), {question: damaged})
    accounts.clock.advance(HOUR / SECOND)
    accounts.bring(COGNIGY)
    assert {*accounts.stored(COGNIGY)} >= {*accounts.truth(COGNIGY)}
    assert len(accounts.truth(COGNIGY)) == (120 if trouble == "vanished" else 300)
    assert accounts.store.state_at(COGNIGY, NOON - HOUR) == "complete"


def test_a_first_back_fill_that_is_interrupted_is_finished_by_the_next_sync(world: MakeWorld) -> None:
    """Also where late windows were complete before an early one was, of rows that can change."""
    faults = Failing(lambda request: "created_after=2025-12-27T11" in request.query, 400)
    accounts = world(SignalWireFake(rows=rows_of(range(NOON - 5 * DAY, NOON, 3 * HOUR), content=0)), faults=faults)
    assert accounts.sync(since="5d").failures
    assert accounts.store.states(VIDEO)[0] == (NOON - 5 * DAY, EPOCH - 4 * DAY, "gap")
    assert accounts.store.state_at(VIDEO, EPOCH) == "complete"
    faults.wanted = None
    accounts.bring(VIDEO)
    assert accounts.stored(VIDEO) == accounts.truth(VIDEO)
    assert len(accounts.stored(VIDEO)) == 40


def cancelled_after(pages: int, scope: anyio.CancelScope) -> Callable[[PageEvent], None]:
    """A hook that cancels at a page."""
    left = iter(range(pages))
    return lambda _: scope.cancel() if next(left, None) is None else None


@pytest.mark.parametrize("pages", [0, 1, 2, 4])
def test_cancelling_commits_what_was_read(tmp_path: Path, portal: BlockingPortal, pages: int) -> None:
    """And the next sync goes on there."""
    accounts = World(tmp_path, portal, CognigyFake(rows=rows_of(range(NOON - 10 * HOUR, NOON, MINUTE))))

    async def bring() -> None:
        with anyio.CancelScope() as scope:
            async with accounts.ferry(on_page=cancelled_after(pages + 2, scope)) as ferry:
                await ferry.sync(accounts.store, raw=True).arun()
        assert scope.cancelled_caught

    portal.call(bring)
    assert len(accounts.store.records) >= min(100 * pages, 1)
    assert len(accounts.store.records) < 600
    report = accounts.bring(COGNIGY)
    assert accounts.stored(COGNIGY) == accounts.truth(COGNIGY)
    assert report.records <= 600 + 10


class Slow(MemoryStore):
    """A store whose first commit lasts until a test lets it end; it must be used by one thread at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ends = threading.Event(), threading.Event()
        self._alone = threading.Lock()

    def __exit__(self, *exc_info: object) -> None:
        with self._used():
            super().__exit__(*exc_info)

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Take both, as soon as it may."""
        with self._used():
            self.begun.set()
            assert self.ends.wait(PATIENCE)
            super().commit(records, coverage)

    def _used(self) -> threading.Lock:
        assert not self._alone.locked()
        return self._alone


def test_a_commit_ends_before_a_cancelled_sync_does(tmp_path: Path, portal: BlockingPortal) -> None:
    """Also where asyncio itself cancels, as its timeouts do; the store is closed after that, not meanwhile."""
    accounts = World(tmp_path, portal, CognigyFake(rows=rows_of(range(NOON - 10 * HOUR, NOON, MINUTE))))
    store = Slow()

    async def bring() -> None:
        async with accounts.ferry() as ferry:
            task = asyncio.ensure_future(ferry.sync(store, raw=True, commit_every=0).arun())
            await to_thread.run_sync(store.begun.wait)
            for _ in range(3):
                task.cancel()
                for _ in range(50):
                    await asyncio.sleep(0)
            assert not task.done()
            store.ends.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    portal.call(bring)
    assert store.commits
    accounts.store = store
    accounts.bring(COGNIGY)
    assert accounts.stored(COGNIGY) == accounts.truth(COGNIGY)


class Full(MemoryStore):
    """A store that takes some commits, and then refuses some."""

    def __init__(self, taken: int, refused: int, error: Callable[[], Exception]) -> None:
        super().__init__()
        self._turns = iter([True] * taken + [False] * refused)
        self._error = error

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Take both, or neither."""
        if not next(self._turns, True):
            raise self._error()
        super().commit(records, coverage)


@pytest.mark.parametrize("taken", [0, 1, 2, 4])
@pytest.mark.parametrize("error", [logferry.StoreError, OSError])
def test_a_store_that_fails_ends_the_sync_and_loses_nothing(
    world: MakeWorld, taken: int, error: type[Exception]
) -> None:
    """What it did not take is not called complete, not even where it would take the next commit."""
    fakes = (
        CognigyFake(rows=rows_of(range(NOON - 10 * HOUR, NOON, MINUTE))),
        LogtoFake(rows=rows_of(range(NOON - 10 * HOUR, NOON, MINUTE))),
    )
    accounts = world(*fakes)
    accounts.store = Full(taken, 1, lambda: error("made up: full"))
    with pytest.raises((error, ExceptionGroup), match=r"full|unhandled"):
        accounts.sync(commit_every=0)
    assert len(accounts.store.commits) == taken
    accounts.sync().raise_failures()
    for stream in (COGNIGY, LOGTO):
        assert accounts.stored(stream) == accounts.truth(stream)


def test_a_store_that_is_used_by_another_is_refused(world: MakeWorld, tmp_path: Path) -> None:
    """Before anything is asked for."""
    accounts = world(LogtoFake(rows=rows_of([NOON - HOUR])))
    path = tmp_path / "logs.duckdb"
    with DuckDBStore(path), pytest.raises(logferry.StoreError, match="is used by another logferry"):
        accounts.sync(str(path))
    assert accounts.asked() == []
    accounts.sync(str(path)).raise_failures()


def test_a_store_that_cannot_be_opened_is_not_closed(world: MakeWorld) -> None:
    """Its error is what comes out."""

    class Broken(MemoryStore):
        closed = False

        def __enter__(self) -> Any:
            raise logferry.StoreError("made up: broken")

        def __exit__(self, *exc_info: object) -> None:
            self.closed = True

    store = Broken()
    with pytest.raises(logferry.StoreError, match="broken"):
        world(LogtoFake(rows=())).sync(store)
    assert not store.closed


def test_records_of_the_future_are_met_also_where_a_walk_ends_in_the_past(world: MakeWorld) -> None:
    """A walk passes them where they came, and no later one does; what lies between its end and now waits for its turn."""
    ahead = rows_of([NOON + 3 * DAY], appears=NOON - 5 * HOUR, content=0)
    rows = (*rows_of(range(NOON - 9 * HOUR, NOON, MINUTE), content=0), *ahead)
    accounts = world(DailyFake(rows=rows))
    accounts.bring(CALLS, filters={"source": "api"}, until="4h")
    assert len(accounts.stored(CALLS)) == 5 * 60 + 1
    accounts.bring(CALLS, filters={"source": "api"})
    assert accounts.stored(CALLS) == accounts.truth(CALLS, source="api")
