"""All accounts at once: complete, interleaved, and a failing account stops no other."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import httpx
import pytest
from tests.conftest import EventLoop

import logferry
from logferry.hooks import PageEvent
from logferry.testing import (
    CognigyFake,
    DailyFake,
    Fake,
    FakeResponse,
    Hosts,
    InProcessTransport,
    LogtoFake,
    SignalWireFake,
    configuration,
)

LOGIN = LogtoFake(records=250)
CALLS = DailyFake(records=120, meetings=1)
VIDEO = SignalWireFake(records=130)
BOT = CognigyFake(records=140)

FAKES: dict[str, Fake] = {"login": LOGIN, "calls": CALLS, "video": VIDEO, "bot": BOT}

UNTIL = "2027-01-01"


def hosts(**replaced: httpx.AsyncBaseTransport) -> Hosts:
    """Return accounts of all four services, some of them replaced."""
    return Hosts({name: InProcessTransport(fake) for name, fake in FAKES.items()} | replaced)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration with an account of each service."""
    path = tmp_path / "logferry.toml"
    path.write_text(configuration(FAKES))
    return path


Read: TypeAlias = Callable[..., list[logferry.LogRecord]]


class _Blocking:
    """Open a ferry in a ``with`` block."""

    def __call__(self, ferry: logferry.Ferry, **options: Any) -> list[logferry.LogRecord]:
        with ferry:
            return list(ferry.records(**options))


class _InTasks:
    """Open a ferry in an ``async with`` block."""

    def __init__(self, portal: EventLoop) -> None:
        self._portal = portal

    def __call__(self, ferry: logferry.Ferry, **options: Any) -> list[logferry.LogRecord]:
        async def read() -> list[logferry.LogRecord]:
            async with ferry:
                return [record async for record in ferry.records(**options)]

        return self._portal.call(read)


@pytest.fixture(params=["sync", "async"])
def read(request: pytest.FixtureRequest, portal: EventLoop) -> Read:
    """Read all records with ``for``, or with ``async for``."""
    return _Blocking() if request.param == "sync" else _InTasks(portal)


COMPLETE = {
    ("login", "logto.audit_logs"): 250,
    ("calls", "daily.api_logs"): len(CALLS.truth("daily.api_logs")),
    ("calls", "daily.meetings"): len(CALLS.truth("daily.meetings")),
    **{("video", stream): len(VIDEO.truth(stream)) for stream in VIDEO.streams},
    ("bot", "cognigy.project_logs"): 140,
}


def counted(records: list[logferry.LogRecord]) -> Mapping[tuple[str, str], int]:
    """Count the records of each account and stream."""
    return Counter((record.account, record.stream) for record in records)


def test_all_accounts_are_complete(read: Read, config: Path) -> None:
    """Each record comes once, and each account in the order of its server."""
    records = read(logferry.open_accounts(config, transport=hosts()), until=UNTIL)
    assert counted(records) == COMPLETE
    assert len({record.uid for record in records}) == len(records)
    logto = [record.uid.rpartition(":")[2] for record in records if record.account == "login"]
    assert logto == list(LOGIN.truth())


def test_accounts_are_interleaved_as_they_arrive(read: Read, config: Path) -> None:
    """No account waits for another to end."""
    records = read(logferry.open_accounts(config, transport=hosts()), until=UNTIL, page_size=10)
    runs = [account for account, _ in groupby(record.account for record in records)]
    assert len(runs) > 10
    assert set(runs[:8]) == {"login", "calls", "video", "bot"}


def refusing(status: int) -> InProcessTransport:
    """A Daily that refuses every request."""
    return InProcessTransport(CALLS, faults=lambda _request, _number: FakeResponse(status, (), b"{}"))


def test_a_failing_account_stops_no_other(read: Read, config: Path) -> None:
    """Its errors, one for each stream, come at the end in a group, with account, stream and checkpoint."""
    seen: list[PageEvent] = []
    ferry = logferry.open_accounts(config, transport=hosts(calls=refusing(401)), on_page=seen.append)
    with pytest.raises(ExceptionGroup) as caught:
        read(ferry, until=UNTIL)
    failed: set[tuple[str | None, str | None]] = set()
    for error in caught.value.exceptions:
        assert isinstance(error, logferry.AuthenticationError)
        assert error.checkpoint
        failed.add((error.account, error.stream))
    assert failed == {("calls", "daily.api_logs"), ("calls", "daily.meetings")}
    assert sum(event.items for event in seen) == sum(COMPLETE[key] for key in COMPLETE if key not in failed)


def test_records_before_a_failure_are_delivered(config: Path) -> None:
    """The checkpoint of the error yields the remaining records."""
    broken = InProcessTransport(LOGIN, faults=lambda _request, number: FakeResponse(403) if number == 4 else None)
    ferry = logferry.open_accounts(config, transport=hosts(login=broken))
    got: list[logferry.LogRecord] = []
    with ferry:
        left = iter(ferry.records(streams=["logto.audit_logs"], until=UNTIL))
        with pytest.raises(ExceptionGroup) as caught:
            got.extend(left)
    (error,) = caught.value.exceptions
    assert isinstance(error, logferry.PermissionDeniedError)
    with logferry.open_accounts(config, transport=InProcessTransport(LOGIN)) as again:
        rest = again.client("login", logferry.Logto).audit_logs(resume=error.checkpoint).to_list()
    assert [record.uid.rpartition(":")[2] for record in got] + [one.id for one in rest] == list(LOGIN.truth())


def test_an_invalid_account_stops_no_other(read: Read, config: Path) -> None:
    """Its ConfigurationError is in the group."""
    config.write_text(configuration(FAKES).replace(f'app_secret = "{LOGIN.app_secret}"', ""))
    with pytest.raises(ExceptionGroup) as caught:
        read(logferry.open_accounts(config, transport=hosts()), until=UNTIL)
    (error,) = caught.value.exceptions
    assert isinstance(error, logferry.ConfigurationError)
    assert error.account == "login"


def test_streams_without_a_required_filter_are_skipped(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They are in ``skipped`` and once in the log; with the filter, streams that lack it are."""
    ferry = logferry.open_accounts(config, transport=hosts())
    with caplog.at_level(logging.INFO, "logferry"):
        skipped = [ferry.records(until=UNTIL).skipped for _ in range(3)][-1]
    assert [(one.account, one.stream, one.reason) for one in skipped] == [
        ("calls", "daily.session_logs", "needs the filter mtg_session_id or user_session_id"),
        ("calls", "daily.session_metrics", "needs the filter mtg_session_id or user_session_id"),
    ]
    assert caplog.text.count("left out: daily.session_logs (account calls) needs") == 1
    assert {record.levelname for record in caplog.records} == {"INFO"}
    others = ferry.records(until=UNTIL, filters={"mtgSessionId": CALLS.meeting_ids[0]}).skipped
    assert {one.stream for one in others} == {
        "daily.api_logs",
        "daily.meetings",
        "logto.audit_logs",
        "cognigy.project_logs",
        *VIDEO.streams,
    }


def test_filters_apply_to_the_streams_that_have_them(read: Read, config: Path) -> None:
    """Either name of a filter is accepted."""
    records = read(
        logferry.open_accounts(config, transport=hosts()),
        until=UNTIL,
        filters={"mtg_session_id": CALLS.meeting_ids[0]},
    )
    assert counted(records) == {("calls", "daily.session_logs"): 120, ("calls", "daily.session_metrics"): 120}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"accounts": ["logni"]}, "there is no account 'logni'. Did you mean login"),
        ({"streams": ["logto.audit_log"]}, "there is no stream 'logto.audit_log'. Did you mean logto.audit_logs"),
        ({"filters": {"logKy": "x"}}, "no stream has a filter 'logKy'. Did you mean log_key"),
        ({"since": "soon"}, "since is no time"),
        ({"streams": ["daily.session_logs"]}, "needs mtg_session_id or user_session_id"),
        ({"page_size": 0}, "page_size is 0"),
        ({"severity": "loud"}, "severity: 'loud' is none of trace, debug"),
        ({"filters": {"logto.audit_log": {}}}, "there is no stream 'logto.audit_log'. Did you mean logto.audit_logs"),
        ({"filters": {"logto.audit_logs": {}}, "accounts": "bot"}, "filters names logto.audit_logs, which is not read"),
        ({"filters": {"logto.audit_logs": {"logKy": "x"}}}, "has no filter 'logKy'"),
    ],
)
def test_an_invalid_call_is_refused(config: Path, options: dict[str, Any], words: str) -> None:
    """An invalid call is refused before any request."""
    ferry = logferry.open_accounts(config, transport=hosts())
    with pytest.raises(logferry.InvalidRequestError, match=words.replace(".", r"\.")):
        ferry.records(**options)


def test_accounts_and_streams_can_be_selected(read: Read, config: Path) -> None:
    """Names select accounts and streams; options apply to each stream."""
    ferry = logferry.open_accounts(config, transport=hosts())
    records = read(ferry, accounts=["login", "bot"], until=UNTIL, max_items=7)
    assert counted(records) == {("login", "logto.audit_logs"): 7, ("bot", "cognigy.project_logs"): 7}


def test_a_string_is_one_name(read: Read, config: Path) -> None:
    """A string names one account or stream, and is not read as a list of characters."""
    ferry = logferry.open_accounts(config, transport=hosts())
    records = read(ferry, accounts="login", streams="logto.audit_logs", until=UNTIL)
    assert counted(records) == {("login", "logto.audit_logs"): 250}
    with logferry.open_accounts(config, transport=hosts()) as again:
        assert again.follow(accounts="login", streams="logto.audit_logs").stats.keys() == {
            ("login", "logto.audit_logs")
        }


def test_an_unknown_argument_is_named(config: Path) -> None:
    """The filter of a stream belongs into ``filters``; for other names, the error suggests the nearest."""
    ferry: Any = logferry.open_accounts(config, transport=hosts())
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'user_id'\. Filters go into filters=\{'user_id'"):
        ferry.records(user_id="x")
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'stream'\. Did you mean streams"):
        ferry.records(stream="logto.audit_logs")


def test_a_stream_can_have_its_own_filters(read: Read, config: Path) -> None:
    """Other streams are read without them, and a stream that requires one of them is read."""
    own = {"daily.session_logs": {"mtg_session_id": CALLS.meeting_ids[0]}}
    records = read(logferry.open_accounts(config, transport=hosts()), until=UNTIL, filters=own)
    assert counted(records) == {**COMPLETE, ("calls", "daily.session_logs"): 120}


@pytest.mark.parametrize("severity", ["error", 17])
def test_records_can_have_a_least_severity(read: Read, config: Path, severity: str | int) -> None:
    """A name or number sets the least severity; records without a severity are left out."""
    every = read(logferry.open_accounts(config, transport=hosts()), until=UNTIL)
    grave = read(logferry.open_accounts(config, transport=hosts()), until=UNTIL, severity=severity)
    assert {one.uid for one in grave} == {one.uid for one in every if one.severity_number >= 17}
    assert 0 < len(grave) < len(every)


@pytest.mark.parametrize("severity", [None, "error"])
def test_checkpoints_are_json_and_resume_after_the_last_record(config: Path, severity: str | None) -> None:
    """Checkpoints before, during and after an iteration resume with each record once."""
    with logferry.open_accounts(config, transport=hosts()) as ferry:
        expected = {one.uid for one in ferry.records(until=UNTIL, severity=severity)}
    got: list[str] = []
    checkpoints: Any = None
    for count in (0, 7, 100, 1, 60, 1000, 1000):
        with logferry.open_accounts(config, transport=hosts()) as ferry:
            records = ferry.records(until=UNTIL, page_size=20, severity=severity, resume=checkpoints)
            got += [record.uid for _, record in zip(range(count), records, strict=False)]
            checkpoints = json.loads(json.dumps(records.checkpoints))
    assert len(got) == len(expected)
    assert set(got) == expected
    assert checkpoints.keys() == FAKES.keys()


def test_an_iteration_can_be_closed_and_repeated(config: Path) -> None:
    """A closed iteration leaves no request running, and the next one starts from the beginning."""
    with logferry.open_accounts(config, transport=hosts()) as ferry:
        records = ferry.records(until=UNTIL, page_size=10)
        for _ in range(2):
            for record in records:
                assert record.account
                break
        assert counted(list(records)) == COMPLETE
        assert sum(stats.items for stats in records.stats.values()) == sum(COMPLETE.values())


def test_leaving_the_block_ends_requests_in_flight(config: Path, portal: EventLoop) -> None:
    """This includes a request without an answer; an exception from the block stays unchanged."""

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError(request)

    async def leave() -> None:
        async with logferry.open_accounts(config, transport=hosts(calls=Silent())) as ferry:
            async for _ in ferry.records(until=UNTIL):
                raise LookupError

    with pytest.raises(LookupError):
        portal.call(leave)

    def leave_blocking() -> None:
        with logferry.open_accounts(config, transport=hosts(calls=Silent())) as ferry:
            next(iter(ferry.records(until=UNTIL)))
            raise LookupError

    before = set(threading.enumerate())
    with pytest.raises(LookupError):
        leave_blocking()
    assert set(threading.enumerate()) <= before


def test_a_ferry_reads_only_within_its_block(config: Path, portal: EventLoop) -> None:
    """The error says to use a with block."""
    ferry = logferry.open_accounts(config, transport=hosts())
    with pytest.raises(logferry.InvalidRequestError, match="Use a with block"):
        next(iter(ferry.records(until=UNTIL)))
    records = ferry.records(until=UNTIL)

    async def first(one: AsyncIterator[Any]) -> None:
        await anext(one)

    with pytest.raises(logferry.InvalidRequestError, match="Iterate inside the block"):
        portal.call(first, aiter(records))
    with ferry:
        left: Iterator[Any] = iter(records)
        next(left)
    with pytest.raises(logferry.InvalidRequestError, match="Use a with block"):
        list(left)


def test_a_client_is_returned_by_its_class(config: Path) -> None:
    """Another class or an unknown account is refused."""
    with logferry.open_accounts(config, transport=InProcessTransport(LOGIN)) as ferry:
        assert len(ferry.client("login", logferry.Logto).audit_logs(until=UNTIL).to_list()) == 250
        assert ferry.client("login").account == "login"
        with pytest.raises(logferry.InvalidRequestError, match=r"is for logto\. Pass logferry\.Logto"):
            ferry.client("login", logferry.Daily)
        with pytest.raises(logferry.InvalidRequestError, match="there is no account 'nobody'"):
            ferry.client("nobody")
        assert repr(ferry) == "<Ferry login, calls, video, bot>"
