"""Following all accounts at once: in order of time, each record once, and a failing account stops no other."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias

import anyio.lowlevel
import httpx
import pytest
from tests.conftest import EventLoop

import logferry
from logferry.hooks import FailureEvent
from logferry.testing import (
    CognigyFake,
    DailyFake,
    Fake,
    FakeRequest,
    FakeResponse,
    Faults,
    Hosts,
    InProcessTransport,
    LogtoFake,
    SignalWireFake,
    VirtualClock,
    configuration,
)

SECOND = 1_000_000_000
EPOCH = 1_767_225_600 * SECOND

LOGIN = LogtoFake(records=20, epoch=EPOCH, spacing=7.0)
CALLS = DailyFake(records=20, epoch=EPOCH, spacing=5.0)
VIDEO = SignalWireFake(records=20, epoch=EPOCH, spacing=11.0)
BOT = CognigyFake(records=20, epoch=EPOCH, spacing=3.0)
FAKES: dict[str, Fake] = {"login": LOGIN, "calls": CALLS, "video": VIDEO, "bot": BOT}

Take: TypeAlias = Callable[..., list[logferry.LogRecord]]


def _until(clock: VirtualClock, seconds: float) -> bool:
    return clock.now() >= EPOCH + seconds * SECOND


def _blocking(ferry: logferry.Ferry, clock: VirtualClock, seconds: float, **options: Any) -> Any:
    records: list[logferry.LogRecord] = []
    with ferry:
        followed = ferry.follow(**options)
        for record in followed:
            records.append(record)
            if _until(clock, seconds):
                break
        return records, followed.checkpoints, followed.stats


def _in_tasks(portal: EventLoop, ferry: logferry.Ferry, clock: VirtualClock, seconds: float, **options: Any) -> Any:
    async def take() -> Any:
        records: list[logferry.LogRecord] = []
        async with ferry:
            followed = ferry.follow(**options)
            async for record in followed:
                records.append(record)
                if _until(clock, seconds):
                    break
            return records, followed.checkpoints, followed.stats

    return portal.call(take)


@pytest.fixture(params=["sync", "async"])
def take(request: pytest.FixtureRequest, portal: EventLoop) -> Callable[..., Any]:
    """Follow for this many seconds; return records, checkpoints and statistics."""
    return _blocking if request.param == "sync" else partial(_in_tasks, portal)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., logferry.Ferry]:
    """Open the accounts on a clock; keywords set faults by account."""
    path = tmp_path / "logferry.toml"
    path.write_text(configuration(FAKES))

    def make(clock: VirtualClock, **faults: Faults) -> logferry.Ferry:
        transports = {
            name: InProcessTransport(fake, clock=clock, faults=faults.get(name)) for name, fake in FAKES.items()
        }
        return logferry.open_accounts(path, transport=Hosts(transports), clock=clock)

    return make


Opened: TypeAlias = Callable[..., logferry.Ferry]


def truth(since: int, until: int) -> dict[str, set[str]]:
    """Return the ids of each account's records in a window, without those of calls."""
    return {
        "login": set(LOGIN.truth(since=since, until=until, now=until + 600 * SECOND)),
        "bot": set(BOT.truth(since=since, until=until, now=until + 600 * SECOND)),
        "video": {one for name in VIDEO.streams for one in VIDEO.truth(name, since, until, now=until + 600 * SECOND)},
    }


def ids(records: list[logferry.LogRecord], account: str) -> list[str]:
    """Return the ids of an account's records."""
    return [record.uid.rpartition(":")[2] for record in records if record.account == account]


def test_new_records_of_all_accounts_come_in_order_of_time(take: Any, opened: Opened) -> None:
    """Each comes once, none is missing, and only a record that arrives too late follows a younger one."""
    clock = VirtualClock(EPOCH)
    records, _, stats = take(opened(clock), clock, 200, since="1m", longest=4, reordering=10)
    last = records[-1].time_unix_nano - 20 * SECOND
    expected = truth(EPOCH - 60 * SECOND, last)
    for account, due in expected.items():
        came = ids([record for record in records if record.time_unix_nano < last], account)
        assert len(due) > 10
        assert set(came) == due
    counts = Counter(record.uid for record in records if not record.stream.startswith("signalwire."))
    assert set(counts.values()) == {1}
    youngest = accumulate((record.time_unix_nano for record in records), max)
    behind = [one for one, time in zip(records, youngest, strict=True) if one.time_unix_nano < time]
    assert all(one.observed_time_unix_nano - one.time_unix_nano > 10 * SECOND for one in behind)
    assert len(behind) < len(records) / 4
    assert sum(one.items for one in stats.values()) == len(records)


async def _let_others_go_first(turns: int) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()


class _LongNaps(VirtualClock):
    """A clock whose first sleeps end after the first answers of slow services."""

    async def asleep(self, seconds: float) -> None:
        """Let time pass once the other tasks have had many turns."""
        if not self.naps:
            await _let_others_go_first(20_000)
        await super().asleep(seconds)


class _Slow(httpx.AsyncBaseTransport):
    """Answers after the other services have answered."""

    def __init__(self, asked: httpx.AsyncBaseTransport) -> None:
        self._asked = asked

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let the others answer first."""
        await _let_others_go_first(100)
        return await self._asked.handle_async_request(request)


def test_existing_records_come_in_order_of_time(take: Any, tmp_path: Path) -> None:
    """The order also holds if one service answers later than the others or needs several requests."""
    path = tmp_path / "logferry.toml"
    path.write_text(configuration(FAKES))
    clock = _LongNaps(EPOCH + SECOND)
    transports: dict[str, httpx.AsyncBaseTransport] = {
        name: _Slow(InProcessTransport(fake, clock=clock)) for name, fake in FAKES.items()
    }
    transports["bot"] = InProcessTransport(BOT, clock=clock)
    ferry = logferry.open_accounts(path, transport=Hosts(transports), clock=clock)
    records, _, _ = take(ferry, clock, 100, since="1h", page_size=20, reordering=5)
    before = [record for record in records if record.time_unix_nano < EPOCH]
    times = [record.time_unix_nano for record in before]
    assert times == sorted(times)
    assert {record.account for record in before} == set(FAKES)


def test_checkpoints_resume_without_loss_or_repetition(take: Any, opened: Opened) -> None:
    """Another process continues after the last delivered record, whatever was held back or read already."""
    clock, got = VirtualClock(EPOCH), list[logferry.LogRecord]()
    given: dict[str, Any] = {"since": "1m"}
    for number in range(1, 6):
        records, checkpoints, _ = take(opened(clock), clock, 40 * number, **given)
        got += records
        given = {"resume": checkpoints}
    last = got[-1].time_unix_nano - 40 * SECOND
    for account, due in truth(EPOCH - 60 * SECOND, last).items():
        came = Counter(ids([record for record in got if record.time_unix_nano < last], account))
        assert set(came) == due
        if account != "video":  # sessions that end come again
            assert set(came.values()) == {1}


def failing_between(clock: VirtualClock, begin: float, end: float, answer: FakeResponse) -> Faults:
    """Return faults that give this answer for a while."""

    def fault(_request: FakeRequest, _number: int) -> FakeResponse | None:
        return answer if EPOCH + begin * SECOND <= clock.now() < EPOCH + end * SECOND else None

    return fault


def test_a_failing_account_is_reported_and_retried(take: Any, opened: Opened) -> None:
    """The others continue meanwhile, and the records of the failing one come later."""
    clock, failures = VirtualClock(EPOCH), list[FailureEvent]()
    moments: list[tuple[int, str]] = []

    def told(event: FailureEvent) -> None:
        failures.append(event)
        moments.append((clock.now(), event.account))

    faults = failing_between(clock, 20, 150, FakeResponse(503))
    records, _, _ = take(opened(clock, login=faults), clock, 900, since="0s", on_failure=told)
    assert {(event.account, event.stream) for event in failures} == {("login", "logto.audit_logs")}
    assert all(isinstance(event.error, logferry.ServiceError) for event in failures)
    assert [event.delay for event in failures][:3] == [5.0, 10.0, 20.0][: len(failures)]
    last = records[-1].time_unix_nano - 60 * SECOND
    for account, due in truth(EPOCH, last).items():
        assert set(ids([record for record in records if record.time_unix_nano < last], account)) == due


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_account_ends_and_the_others_continue(take: Any, opened: Opened, status: int) -> None:
    """Refused credentials are reported once, and so is a request that is refused from the start."""
    clock, failures = VirtualClock(EPOCH), list[FailureEvent]()
    refusing = failing_between(clock, 0, 1e6, FakeResponse(status))
    records, _, _ = take(opened(clock, bot=refusing), clock, 100, since="0s", on_failure=failures.append)
    assert [(event.account, event.delay) for event in failures] == [("bot", None)]
    assert {record.account for record in records} == {"login", "calls", "video"}


def test_a_follow_without_streams_is_an_error(take: Any, opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    """When every stream is refused, a group has the failures; without a hook each is also a warning."""
    clock = VirtualClock(EPOCH)
    refusing = failing_between(clock, 0, 1e6, FakeResponse(403))
    with caplog.at_level(logging.WARNING, "logferry"), pytest.raises(ExceptionGroup) as caught:
        take(opened(clock, bot=refusing, calls=refusing), clock, 100, accounts=["bot", "calls"])
    assert {type(error) for error in caught.value.exceptions} == {logferry.PermissionDeniedError}
    assert len(caught.value.exceptions) == 3
    assert caplog.text.count("403 Forbidden") == 3


def test_a_raising_hook_ends_only_its_stream(take: Any, opened: Opened) -> None:
    """The exception of a hook ends the stream of the event."""
    clock = VirtualClock(EPOCH)

    def broken(_event: FailureEvent) -> None:
        raise RuntimeError("broken")

    failing = failing_between(clock, 0, 1e6, FakeResponse(503))
    with pytest.raises(ExceptionGroup) as caught:
        take(opened(clock, bot=failing), clock, 100, accounts=["bot"], on_failure=broken)
    (error,) = caught.value.exceptions
    assert isinstance(error, RuntimeError)


def test_undelivered_records_are_not_counted(opened: Opened) -> None:
    """Records of a batch are counted one by one, so a checkpoint resumes before the undelivered ones."""
    clock = VirtualClock(EPOCH)
    with opened(clock) as ferry:
        followed = ferry.follow(streams=["cognigy.project_logs"], since="30s")
        due = next(followed.arrivals())
        assert len(due) > 5
        for arrival in due[:3]:
            arrival.deliver()
        checkpoints = followed.checkpoints
    with opened(clock) as ferry:
        again = next(ferry.follow(streams=["cognigy.project_logs"], resume=checkpoints).arrivals())
    assert [one.record.uid for one in again] == [one.record.uid for one in due[3:]]


def test_an_invalid_call_sends_no_request(opened: Opened) -> None:
    """An unknown stream, the checkpoint of a pull and an invalid interval are refused before any request."""
    clock = VirtualClock(EPOCH)
    ferry = opened(clock)
    pulled = ferry.client("bot", logferry.Cognigy).project_logs(since="1h").checkpoint
    with pytest.raises(logferry.InvalidRequestError, match="there is no stream"):
        ferry.follow(streams=["logto.audit"])
    with pytest.raises(logferry.InvalidRequestError, match="cannot be polled every"):
        ferry.follow(shortest=0)
    assert pulled
    with pytest.raises(logferry.InvalidRequestError, match="not open for 'for'"):
        next(iter(ferry.follow()))
