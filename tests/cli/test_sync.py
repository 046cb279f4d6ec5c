"""The sync command: new records into a store, exit codes, warnings and signals; and the commands about a store."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import click
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import REFUSED, Account, Run, Server, made_fake, on_page, serving, started
from tests.conftest import PATIENCE

import logferry
from logferry._config.hooks import RequestEvent
from logferry.cli import main
from logferry.cli._sync.progress import SyncProgress, time_left
from logferry.cli._sync.run import jittered
from logferry.stores import SCHEMA, Coverage, DuckDBStore, Question, Stretch
from logferry.sync import StreamReport
from logferry.testing import CognigyFake, DailyFake, FakeResponse, failing
from logferry.testing._registry import variables_for

DAY = 86_400_000_000_000


def stored(path: Path) -> list[str]:
    """Return the uids in a DuckDB file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return [uid for (uid,) in connection.execute("SELECT uid FROM logs").fetchall()]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The possible paths of a store."""
    return tmp_path / "logs.duckdb"


def test_each_record_is_stored_once(configured: Server, run: Run, store: Path) -> None:
    """A sync stores every record of its window, a second one repeats none, and only the owner can read the file."""
    for _ in range(2):
        result = run("sync", "--to", str(store), "--since", "30d")
        assert result.exit_code == 0
        assert result.stdout == ""
    assert sorted(stored(store)) == sorted(configured.uids)
    assert store.stat().st_mode & 0o077 == 0


def test_the_default_start_is_a_day_ago(account: Account, run: Run, store: Path) -> None:
    """Without --since, a new stream of a store starts 24 hours ago."""
    fake = made_fake(records=100, spacing=1800)
    with serving(fake) as url:
        account(fake, url)
        assert run("sync", "--to", str(store)).exit_code == 0
    day = fake.truth("logto.audit_logs", fake.epoch - 86_400_000_000_000)
    assert 0 <= len(day) - len(stored(store)) <= 1 < len(day) < 90


def test_a_filter_is_a_separate_query(configured: Server, run: Run, store: Path) -> None:
    """A complete window of a filter does not cover the other records, which the next sync stores."""
    arguments = ("sync", "--to", str(store), "--since", "30d")
    assert run(*arguments, "--filter", "logKey=ExchangeTokenBy.ClientCredentials").exit_code == 0
    some = len(stored(store))
    assert 0 < some < len(configured.uids)
    assert run(*arguments).exit_code == 0
    assert len(stored(store)) == len(configured.uids)
    windows = json.loads("[" + ",".join(run("state", "show", str(store)).stdout.splitlines()) + "]")
    assert all(one["store_bytes"] > 0 for one in windows)
    assert [one["filters"] for one in windows] == [{"log_key": "ExchangeTokenBy.ClientCredentials"}, {}]


def test_raw_is_stored_only_on_request(configured: Server, run: Run, store: Path) -> None:
    """Raw items can contain secrets, so they need --raw."""
    for option, count in (((), 0), (("--raw",), len(configured.uids))):
        path = store.with_stem(f"logs{count}")
        assert run("sync", "--to", str(path), "--since", "30d", *option).exit_code == 0
        with duckdb.connect(str(path), read_only=True) as connection:
            assert connection.execute("SELECT count(raw) FROM logs").fetchall() == [(count,)]


def test_the_next_sync_continues_after_a_failure(account: Account, run: Run, store: Path) -> None:
    """The store has the records before the failure and the position; the exit code is the error's."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(hours=10)  # a window ends at midnight: all records are in the first one, five pages
    fake = attrs.evolve(made_fake(), epoch=int(midnight.timestamp() - 3600) * 1_000_000_000)
    with serving(fake, on_page(4, REFUSED)) as url:
        account(fake, url)
        failed = run("sync", "--to", str(store), "--since", since.isoformat())
        assert failed.exit_code == 3
        assert "Error: logto.audit_logs" in failed.stderr
        assert 0 < len(stored(store)) < 417
        assert "partial" in {one["state"] for one in windows_of(run, store)}
        assert run("sync", "--to", str(store)).exit_code == 0
    assert len(set(stored(store))) == len(stored(store)) == 417
    assert {one["state"] for one in windows_of(run, store)} == {"complete", "provisional"}


def windows_of(run: Run, store: Path) -> list[dict[str, Any]]:
    """Return the windows of the only query of a store."""
    (line,) = run("state", "show", str(store)).stdout.splitlines()
    windows: list[dict[str, Any]] = json.loads(line)["windows"]
    return windows


def test_forgotten_windows_are_read_again(configured: Server, run: Run, store: Path) -> None:
    """After state forget the store has a gap, which the next sync fills; the records stay."""
    assert run("sync", "--to", str(store), "--since", "30d").exit_code == 0
    forgot = run("state", "forget", str(store), "--stream", "logto.audit_logs", "--since", "3h", "--until", "2h")
    assert forgot.exit_code == 0
    assert "forgotten: logto.audit_logs" in forgot.stderr
    assert "gap" in [one["state"] for one in windows_of(run, store)]
    assert len(stored(store)) == len(configured.uids)
    assert run("sync", "--to", str(store)).exit_code == 0
    assert "gap" not in [one["state"] for one in windows_of(run, store)]
    assert sorted(stored(store)) == sorted(configured.uids)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--stream", "logto.audit_log"), "nothing of the stream 'logto.audit_log'. Did you mean logto.audit_logs?"),
        (("--account", "login"), "nothing of the account 'login'"),
        (("--stream", "logto.audit_logs", "--since", "1h", "--until", "2h"), "lies after until"),
    ],
)
def test_an_unknown_name_cannot_be_forgotten(
    configured: Server, run: Run, store: Path, arguments: tuple[str, ...], message: str
) -> None:
    """A name that the store does not have is a mistake, and no window is forgotten."""
    assert configured.uids
    assert run("sync", "--to", str(store), "--since", "30d").exit_code == 0
    before = run("state", "show", str(store)).stdout
    forgot = run("state", "forget", str(store), *arguments)
    assert forgot.exit_code == 2
    assert message in forgot.stderr
    assert run("state", "show", str(store)).stdout == before


def test_a_store_can_be_shown_during_other_reads(configured: Server, run: Run, store: Path) -> None:
    """`state show` only reads, so other readers can have the store open."""
    assert configured.uids
    assert run("sync", "--to", str(store), "--since", "30d").exit_code == 0
    with process("sync", "--to", str(store), "--every", "1h") as running:
        assert [*lines_of(running, "read in")]
        command = [sys.executable, "-c", READING, str(store)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reading:
            assert reading.stdout is not None
            assert reading.stdout.readline() == "open\n"
            assert run("state", "show", str(store)).exit_code == 0
            refused = run("state", "forget", str(store), "--stream", "logto.audit_logs")
            assert f"is open in another process (PID {reading.pid})" in refused.stderr
            reading.communicate()
        running.send_signal(signal.SIGTERM)


READING = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.read()
"""


def test_a_foreign_database_stays_unchanged(run: Run, store: Path) -> None:
    """It can be neither shown nor changed, and gets no table."""
    with duckdb.connect(str(store)) as connection:
        connection.execute("CREATE TABLE mine (value INTEGER)").fetchall()
    content = store.read_bytes()
    for arguments in (("show", str(store)), ("forget", str(store), "--stream", "logto.audit_logs")):
        refused = run("state", *arguments)
        assert refused.exit_code == 4
        assert "is not a store of logferry" in refused.stderr
    assert store.read_bytes() == content


def test_the_table_shows_counts_windows_and_size(configured: Server, run: Run, store: Path) -> None:
    """The table has counts, windows with their states, and the size."""
    assert run("sync", "--to", str(store), "--since", "30d").exit_code == 0
    shown = run("state", "show", str(store), "--format", "table").stdout
    assert f"{store}: {len(configured.uids)} records, " in shown
    assert "MiB" in shown
    assert "  complete" in shown
    assert "  provisional" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sync", "--to", "logs.csv"), "'logs.csv' names no store"),
        (("sync", "--to", "nowhere/logs.duckdb"), "there is no folder nowhere"),
        (("sync", "--to", "x.duckdb", "--since", "soon"), "since is no time: 'soon'"),
        (("sync", "--to", "x.duckdb", "--every", "0s"), "from 1s to 365d"),
        (("sync", "--to", "x.duckdb", "--every", "1 month"), "is not a duration"),
        (("sync", "--to", "x.duckdb", "logto.nosuch"), "there is no stream 'logto.nosuch'"),
        (("sync", "--to", "x.duckdb", "--filter", "room=hello"), "no stream has a filter 'room'"),
        (("sync", "--to", ""), "'' names no store"),
        (("sync", "--to", "x.duckdb", "--every", "5m", "--until", "2026-01-01"), "--every and --until contradict"),
        (("state", "show", "nowhere.duckdb"), "there is no store nowhere.duckdb"),
        (("state", "show", "."), "not a store of logferry"),
        (("state", "show", ""), "'' names no store"),
        (("pull", "--output", "."), ". is a folder"),
        (("pull", "--output", ""), ". is a folder"),
        (("state", "forget", "nowhere.duckdb"), "forget needs --stream or --account"),
    ],
)
@pytest.mark.usefixtures("configured")
def test_each_mistake_is_one_line(
    run: Run, arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line names the mistake, and no file is created."""
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code in (2, 4)
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("configured")
def test_a_foreign_file_stays_unchanged(run: Run, store: Path) -> None:
    """A file of another kind is refused and stays unchanged."""
    store.write_text("dear diary")
    result = run("sync", "--to", str(store))
    assert result.exit_code == 4
    assert f"{store} is no DuckDB file" in result.stderr
    assert store.read_text() == "dear diary"


def process(*arguments: str) -> subprocess.Popen[bytes]:
    """Start the command as a process."""
    return started(*arguments)


def test_every_repeats_until_a_signal(configured: Server, store: Path) -> None:
    """The command syncs repeatedly; SIGTERM ends it with the exit code of an interrupt, and the store is complete."""
    with process("sync", "--to", str(store), "--since", "30d", "--every", "1s") as running:
        assert running.stderr is not None
        lines = [running.stderr.readline().decode() for _ in range(2)]
        assert all("read in" in line for line in lines)
        for _ in range(2):  # as timeout(1) does, to the process and to its group
            running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 130
        assert b"the next sync resumes there" in running.stderr.read()
    assert sorted(stored(store)) == sorted(configured.uids)


def lines_of(running: subprocess.Popen[bytes], text: str) -> Iterator[str]:
    """Return the lines of the process up to one with this text."""
    assert running.stderr is not None
    for line in running.stderr:
        yield line.decode()
        if text in line.decode():
            return
    raise AssertionError(f"it ended without {text!r}")


def test_a_failing_run_does_not_end_later_runs(account: Account, store: Path) -> None:
    """Neither a refusal by the service nor a reader of the store ends the command; both are reported."""
    fake = made_fake()
    with serving(fake, on_page(4, REFUSED)) as url:
        account(fake, url)
        with process("sync", "--to", str(store), "--since", "10h", "--every", "1s") as running:
            first = [*lines_of(running, "read in")]
            assert "Error: logto.audit_logs" in first[0]
            assert [*lines_of(running, "read in")][:-1] == []
            reading = reading_of(store)
            told = [*lines_of(running, "Error")][-1]
            assert f"{store} is open in another process (PID {os.getpid()})" in told
            reading.close()
            *_, last = lines_of(running, "read in")
            running.send_signal(signal.SIGTERM)
            assert running.wait(PATIENCE) == 130
    assert last.startswith(str(store))
    assert len(stored(store)) == 417


def reading_of(store: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file for reading while no sync runs."""
    while True:
        try:
            return duckdb.connect(str(store), read_only=True)
        except duckdb.IOException:
            time.sleep(0.01)


@given(every=st.floats(1.0, 1e6), chance=st.floats(0.0, 1.0))
def test_intervals_vary_by_a_tenth(every: float, chance: float) -> None:
    """Many machines do not send requests at once, and the mean interval is the given one."""
    assert 0.899 * every <= jittered(every, chance) <= 1.101 * every
    assert jittered(every, chance) + jittered(every, 1 - chance) == pytest.approx(2 * every)
    assert jittered(every, 0.0) < every < jittered(every, 1.0)


@contextmanager
def stuck_sync(account: Account, store: Path, page: int) -> Generator[subprocess.Popen[bytes]]:
    """Start a sync whose service delays a page, counted from 1, by half a minute, and later no other."""
    fake = made_fake()
    slow = failing(FakeResponse(429, (("Retry-After", "30"),)), path="/api/logs", at=[page])
    with serving(fake, slow) as url:
        account(fake, url)
        with process("sync", "--to", str(store), "--since", "10h", "-v") as running:
            assert [*lines_of(running, "attempt 1 failed")]
            yield running


def test_ctrl_c_commits_received_records(account: Account, run: Run, store: Path) -> None:
    """While a slow service is read, Ctrl-C commits the received records; the next sync stores the rest."""
    with stuck_sync(account, store, page=4) as running:
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 130
        assert 0 < len(stored(store)) < 417
        assert run("sync", "--to", str(store)).exit_code == 0
    assert len(stored(store)) == 417


def test_a_store_in_use_is_refused(account: Account, run: Run, store: Path) -> None:
    """A store in use is refused at once; a killed process leaves no lock behind."""
    with stuck_sync(account, store, page=2) as running:
        refused = run("sync", "--to", str(store))
        assert refused.exit_code == 4
        assert "is used by another logferry" in refused.stderr
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert run("sync", "--to", str(store), "--since", "10h").exit_code == 0
    assert len(stored(store)) == 417


def test_a_loss_is_a_warning_and_an_exit_code(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that the service removed unread give a warning and an exit code once; a late store gives a warning."""
    now = time.time_ns()
    fake = CognigyFake(records=50, epoch=now - now % 1_000_000, growing=False)
    begin, end = now - 3 * DAY, now - 2 * DAY
    with DuckDBStore(store) as opened:
        covered = Coverage((Stretch(since=begin, until=end, state="complete"),))
        opened.commit(SCHEMA.empty_table(), {Question("cognigy", "cognigy.project_logs"): covered})
    with serving(fake) as url:
        for name, value in variables_for(fake, url).items():
            monkeypatch.setenv(name, value)
        result, again = (run("sync", "--to", str(store)) for _ in range(2))
    assert (result.exit_code, again.exit_code) == (4, 0)
    assert "lost" not in again.stderr
    assert "Warning: cognigy.project_logs: lost: the service no longer keeps records of [" in result.stderr
    assert "the service keeps records for 24 h only: sync more often" in result.stderr


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ({}, ""),
        ({"planned": 2, "span": 20}, "0 of 2 slices"),
        ({"planned": 9, "slices": 3, "span": 90, "covered": 30}, "3 of 9 slices, about 20 s left"),
        ({"planned": 90, "slices": 3, "span": 900, "covered": 30}, "3 of 90 slices, about 5 min left"),
        ({"planned": 9, "slices": 9, "span": 90, "covered": 90}, "9 of 9 slices"),
        ({"planned": 9, "slices": 9, "span": 90, "covered": 90, "done": True}, "done"),
        ({"failure": logferry.ServiceError("down"), "done": True}, "failed"),
        ({"planned": 1, "sessions": 312, "span": 90}, "0 of 1 slice, 312 sessions read"),
    ],
)
def test_the_time_left_is_shown_after_ten_seconds(report: dict[str, Any], told: str) -> None:
    """The estimate starts after ten seconds and counts all queries of a stream, not only the first."""
    assert time_left(StreamReport(account="a", stream="daily.api_logs", **report), 10) == told


def test_progress_shows_a_waiting_account() -> None:
    """Two seconds without a request or an answer are shown, until either occurs or the stream ends."""
    time = [0.0]
    progress = SyncProgress(io.StringIO(), verbose=False, now=lambda: time[0])
    on_request = progress.hooks.get("on_request")
    assert on_request is not None
    report = StreamReport(account="a", stream="daily.session_logs", planned=1, sessions=7)
    with progress, click.Context(main):
        for begun, shown in ((0.0, ""), (5.0, ", waits 5 s for an answer or its turn"), (5.0, "")):
            time[0] += begun
            if not shown:
                on_request(
                    RequestEvent(stream="daily.session_logs", account="a", method="GET", path="/logs", params=())
                )
            assert progress.doing(report) == f"0 of 1 slice, 7 sessions read{shown}"
        time[0] += 60
        report.done = True
        assert progress.doing(report) == "done"


def test_a_failing_account_stops_no_other(
    account: Account, run: Run, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are read to their end, and the exit code is that of the failure."""
    fake = made_fake()
    monkeypatch.setenv("DAILY_API_KEY", "k")
    with serving(fake) as url, serving(DailyFake(records=3), failing(REFUSED, path="/v1/", at=range(100))) as other:
        monkeypatch.setenv("DAILY_BASE_URL", f"{other}/v1")
        account(fake, url)
        result = run("sync", "--to", str(store))
    assert result.exit_code == 3
    assert "Error: daily.api_logs" in result.stderr
    assert sorted(stored(store)) == sorted(Server(fake, url).uids)
