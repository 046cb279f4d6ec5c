"""After any interruption the store has the received rows and a known gap, where the next sync continues."""

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
from attrs import evolve
from tests.conftest import PATIENCE, EventLoop
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
    Faults that a test switches on and off.

    Attributes:
        wanted: Which requests fail; `None` for none.
        status: The status of their answers.
    """

    def __init__(self, wanted: Callable[[FakeRequest], bool], status: int = 503) -> None:
        self.wanted: Callable[[FakeRequest], bool] | None = wanted
        self.status = status

    def __call__(self, request: FakeRequest, _number: int) -> FakeResponse | None:
        """Fail the request if it is selected."""
        fails = self.wanted is not None and self.wanted(request)
        return FakeResponse(self.status, (), b"{}") if fails else None


def after(count: int, path: str) -> Callable[[FakeRequest], bool]:
    """Return the faults of all requests for a path from this number on."""
    left = iter(range(count))
    return lambda request: request.path.endswith(path) and next(left, None) is None


def test_an_interrupted_walk_resumes_at_its_checkpoint(world: MakeWorld) -> None:
    """Without a time filter, the sync reads from the newest record to the stored ones, and each page of rows once."""
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
    # The end, an empty page behind a full one, is requested twice.
    assert len(cursors) - 1 == len({*cursors}) <= 7
    assert [state for _, _, state in accounts.store.states(CALLS, API)] == ["complete", "provisional"]
    assert accounts.store.states(CALLS, API)[0][0] == 0


def test_records_that_arrive_during_an_interruption_are_stored(world: MakeWorld) -> None:
    """One uninterrupted sync stores late records within the interrupted stretch and new ones after it."""
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
def test_an_old_logto_is_read_down_to_the_stored_records(world: MakeWorld, release: str) -> None:
    """An old Logto has no windows of days; a second sync requests at most one page."""
    accounts = world(LogtoFake(rows=rows_of(range(NOON - 3 * DAY, NOON, 10 * MINUTE)), release=release))
    accounts.bring(LOGTO)
    assert accounts.stored(LOGTO) == accounts.truth(LOGTO)
    pages = len(accounts.asked())
    assert pages <= 15
    accounts.clock.advance(HOUR / SECOND)
    accounts.bring(LOGTO)
    assert len(accounts.asked()) <= 2
    assert accounts.store.states(LOGTO)[0] == (0, NOON + 50 * MINUTE, "complete")


def test_an_interrupted_sync_of_an_old_logto_resumes(world: MakeWorld) -> None:
    """An interrupted sync of an old Logto resumes as one without a time filter."""
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


def test_ignored_bounds_that_show_late_are_no_error(world: MakeWorld) -> None:
    """An old server without new logs answers windows as if it filtered, until a log arrives."""
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
def test_an_unusable_checkpoint_restarts_the_window(world: MakeWorld, trouble: str) -> None:
    """With an expired cursor, a removed last row or a damaged checkpoint, the window is read from its start."""
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


def test_the_next_sync_finishes_an_interrupted_back_fill(world: MakeWorld) -> None:
    """This also holds if later windows of changing rows were complete before an earlier one."""
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
    """Return a hook that cancels at a page."""
    left = iter(range(pages))
    return lambda _: scope.cancel() if next(left, None) is None else None


@pytest.mark.parametrize("pages", [0, 1, 2, 4])
def test_cancelling_commits_the_received_rows(tmp_path: Path, portal: EventLoop, pages: int) -> None:
    """The next sync continues after the committed rows."""
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
    """A store whose first commit waits for a signal of the test; only one thread may use it at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ends = threading.Event(), threading.Event()
        self._alone = threading.Lock()

    def __exit__(self, *exc_info: object) -> None:
        with self._used():
            super().__exit__(*exc_info)

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Store both once the test allows it."""
        with self._used():
            self.begun.set()
            assert self.ends.wait(PATIENCE)
            super().commit(records, coverage)

    def _used(self) -> threading.Lock:
        assert not self._alone.locked()
        return self._alone


def test_a_cancelled_sync_waits_for_its_commit(tmp_path: Path, portal: EventLoop) -> None:
    """This also holds if asyncio cancels, as its timeouts do; the store is closed after the commit."""
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
    """A store that accepts some commits and then refuses some."""

    def __init__(self, taken: int, refused: int, error: Callable[[], Exception]) -> None:
        super().__init__()
        self._turns = iter([True] * taken + [False] * refused)
        self._error = error

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Store both or neither."""
        if not next(self._turns, True):
            raise self._error()
        super().commit(records, coverage)


@pytest.mark.parametrize("taken", [0, 1, 2, 4])
@pytest.mark.parametrize("error", [logferry.StoreError, OSError])
def test_a_failing_store_ends_the_sync_without_loss(world: MakeWorld, taken: int, error: type[Exception]) -> None:
    """Rows of a refused commit are not complete, even if the store would accept the next commit."""
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


def test_a_store_in_use_is_refused(world: MakeWorld, tmp_path: Path) -> None:
    """A store that another sync uses is refused before any request."""
    accounts = world(LogtoFake(rows=rows_of([NOON - HOUR])))
    path = tmp_path / "logs.duckdb"
    with DuckDBStore(path), pytest.raises(logferry.StoreError, match="is used by another logferry"):
        accounts.sync(str(path))
    assert accounts.asked() == []
    accounts.sync(str(path)).raise_failures()


def test_a_store_that_cannot_be_opened_is_not_closed(world: MakeWorld) -> None:
    """The caller gets the error of opening the store."""

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


def test_future_records_are_stored_by_a_walk_that_ends_in_the_past(world: MakeWorld) -> None:
    """A walk stores future records when it passes them, as no later walk does; the stretch up to now is read later."""
    ahead = rows_of([NOON + 3 * DAY], appears=NOON - 5 * HOUR, content=0)
    rows = (*rows_of(range(NOON - 9 * HOUR, NOON, MINUTE), content=0), *ahead)
    accounts = world(DailyFake(rows=rows))
    accounts.bring(CALLS, filters={"source": "api"}, until="4h")
    assert len(accounts.stored(CALLS)) == 5 * 60 + 1
    accounts.bring(CALLS, filters={"source": "api"})
    assert accounts.stored(CALLS) == accounts.truth(CALLS, source="api")
