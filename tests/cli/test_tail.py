"""``logferry tail`` as a process: its output, its end, and its continuation."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path

import pytest
from attrs import evolve
from tests.cli.conftest import REFUSED, Account, Run, resume_arguments, serving, started, uids
from tests.conftest import PATIENCE

from logferry._errors import StoreError
from logferry.cli._tail.state_file import opened_state
from logferry.testing import FakeRequest, FakeResponse, LogtoFake, Row

SECOND = 1_000_000_000


class Growing:
    """A served fake to which rows can be added, with times of now."""

    def __init__(self) -> None:
        now = time.time_ns()
        self.begin = now - now % SECOND
        self.fake = LogtoFake(records=0, epoch=self.begin)
        self.rows: list[Row] = []
        self.answer: FakeResponse | None = None
        self.asked = 0

    def add(self, *ages: float) -> None:
        """Add rows that are this many seconds old."""
        now = time.time_ns()
        self.rows += [Row(time=now - round(age * SECOND), content=len(self.rows) + n) for n, age in enumerate(ages)]

    def respond(self, request: FakeRequest, _number: int) -> FakeResponse | None:
        """Answer as a fake with the current rows does, unless a failure is set."""
        if request.method != "GET":
            return None
        answer = self.answer or evolve(self.fake, rows=tuple(self.rows)).answer(request, time.time_ns())
        self.asked += 1  # from now on rows are too late for this answer
        return answer

    @property
    def uids(self) -> list[str]:
        """Return the ``uid`` of every record, in order of time."""
        fake = evolve(self.fake, rows=tuple(self.rows))
        return [f"logto:{fake.tenant}:{identity}" for identity in fake.truth(now=time.time_ns())][::-1]


@pytest.fixture
def growing(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Growing]:
    """Return a service with an account in the environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    service = Growing()
    with serving(service.fake, service.respond) as url:
        account(service.fake, url)
        yield service


def lines_of(process: subprocess.Popen[bytes], count: int) -> bytes:
    """Return the output of the process once it has this many lines."""
    assert process.stdout is not None
    lines = b""
    while lines.count(b"\n") < count:
        assert select.select([process.stdout], [], [], PATIENCE)[0], lines
        block = process.stdout.read(65_536)
        assert block, process.stderr and process.stderr.read()
        lines += block
    return lines


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        select.select([], [], [], 0.05)


def ended(process: subprocess.Popen[bytes], number: int) -> tuple[bytes, str]:
    """Return stdout and stderr of the process after a signal."""
    process.send_signal(number)
    left, stderr = process.communicate(timeout=PATIENCE)
    return left, stderr.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_tail_continues_where_it_ended(growing: Growing, number: signal.Signals) -> None:
    """A pipe gets each record at once; after Ctrl-C or SIGTERM the printed command yields the later ones."""
    growing.add(9, 8, 7)
    with started("tail", "--since", "1m") as process:
        first = lines_of(process, 3)
        growing.add(0.0)
        first += lines_of(process, 1)
        left, stderr = ended(process, number)
    assert process.returncode == 130
    assert left == b""
    said, how = stderr.splitlines()
    assert said == "interrupted"
    assert len(how) < 250
    growing.add(6, 0)  # one of them is late
    with started(*resume_arguments(stderr)) as process:
        rest = lines_of(process, 2)
        left, again = ended(process, number)
    assert left == b""
    assert resume_arguments(again) == resume_arguments(stderr)
    assert uids(first) == [growing.uids[n] for n in (0, 1, 2, 4)]
    assert uids(rest) == [growing.uids[n] for n in (3, 5)]


def test_existing_records_are_left_out(growing: Growing) -> None:
    """Without --since only new records come."""
    growing.add(30, 20, 10)
    with started("tail") as process:
        wait_for(lambda: growing.asked >= 1)
        growing.add(0)
        line = lines_of(process, 1)
        left, _ = ended(process, signal.SIGINT)
    assert left == b""
    assert uids(line) == growing.uids[-1:]


def test_a_state_survives_a_kill(growing: Growing, tmp_path: Path) -> None:
    """A named state file is kept up to date, so a killed tail continues without loss; only its owner can read it."""
    state = tmp_path / "tail.json"
    growing.add(5, 4)
    with started("tail", "--since", "1m", "--state", str(state)) as process:
        lines = lines_of(process, 2)
        wait_for(lambda: state.exists() and b"follow" in state.read_bytes())
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert state.stat().st_mode & 0o777 == 0o600
    growing.add(0)
    with started("tail", "--state", str(state)) as process:
        rest = lines_of(process, 1)
        left, stderr = ended(process, signal.SIGINT)
    assert left == b""
    assert resume_arguments(stderr) == ["tail", "--state", str(state)]
    assert uids(lines + rest) == growing.uids


def test_a_second_tail_on_a_state_is_refused(growing: Growing, run: Run, tmp_path: Path) -> None:
    """Any path to the state is locked; after the first tail ends in any way, another continues and leaves no lock."""
    state, link = tmp_path / "tail.json", tmp_path / "link.json"
    link.symlink_to(state)
    growing.add(3, 2, 1)
    with started("tail", "--since", "1m", "--state", str(state)) as process:
        wait_for(lambda: state.exists() and b"follow" in state.read_bytes())
        for path in (state, link):
            refused = run("tail", "--since", "1m", "--state", str(path))
            assert refused.exit_code == 4
            assert not refused.stdout
            assert f"the state {state} is used by another logferry tail" in refused.stderr
            assert "choose another --state" in refused.stderr
        process.kill()
        process.wait()
    with started("tail", "--state", str(state)) as process:
        growing.add(0)
        assert lines_of(process, 1)
        ended(process, signal.SIGINT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "tail.json"]


def test_a_removed_lock_file_does_not_lock(tmp_path: Path) -> None:
    """Of many processes that open one state repeatedly, at most one at a time holds it."""
    state, inside, most = tmp_path / "tail.json", [0], [0]

    def use() -> None:
        for _ in range(200):
            with suppress(StoreError), opened_state(state):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert most == [1]
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_reported_and_the_tail_continues(growing: Growing) -> None:
    """One line has the failure and one the next attempt; then records come again."""
    growing.answer = FakeResponse(400, (("Content-Type", "application/json"),), b'{"message":"no"}')
    growing.add(3)
    growing.answer = None
    with started("tail", "--since", "1m") as process:
        lines = lines_of(process, 1)
        growing.answer = FakeResponse(200, (("Content-Type", "text/html"),), b"<html>")
        assert process.stderr is not None
        error = process.stderr.readline().decode()
        after = process.stderr.readline().decode()
        growing.answer = None
        growing.add(0)
        lines += lines_of(process, 1)
        ended(process, signal.SIGINT)
    assert error.startswith("Error: logto.audit_logs: ")
    assert after == "logto.audit_logs is tried again in 5 seconds\n"
    assert uids(lines) == growing.uids


def test_refused_credentials_end_a_tail(growing: Growing, run: Run) -> None:
    """If no stream remains, the exit code is that of the error, which is reported once."""
    growing.answer = REFUSED
    result = run("tail")
    assert result.exit_code == 3
    error, after = result.stderr.splitlines()
    assert "403" in error
    assert after == "logto.audit_logs is no longer followed"
    assert result.stdout == ""


def test_a_closed_pipe_ends_a_tail_quietly(growing: Growing) -> None:
    """Without a reader, a tail ends at the next record without a message, as in ``logferry tail | head -1``."""
    growing.add(3)
    with started("tail", "--since", "1m") as process:
        lines_of(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        growing.add(0)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_severity_and_raw_are_kept_when_resumed(growing: Growing) -> None:
    """Records below the severity are left out, also when resumed; --raw adds the item and is repeated."""
    growing.add(*(age / 10 for age in range(200, 100, -1)))
    with started("tail", "--since", "1m", "--severity", "error", "--raw") as process:
        lines = lines_of(process, 1)
        left, stderr = ended(process, signal.SIGINT)
    records = [json.loads(line) for line in (lines + left).splitlines()]
    assert {record["severity_number"] for record in records} == {17}
    assert all(record["raw"]["payload"]["result"] == "Error" for record in records)
    assert 0 < len(records) < 100
    assert [*resume_arguments(stderr)][:4] == ["tail", "--severity", "17", "--raw"]


def test_a_terminal_gets_coloured_lines(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets one line per record, coloured by severity unless NO_COLOR is set, with the date once."""
    growing.add(*(age / 10 for age in range(200, 100, -1)))
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = on_terminal()
    assert "\x1b[31mError" in shown
    assert shown.count(time.strftime("%Y-", time.gmtime())) < 5
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in on_terminal()


def on_terminal() -> str:
    """Return what a terminal gets of the existing records, until Ctrl-C."""
    leader, follower = pty.openpty()
    shown = b""
    with started("tail", "--since", "1m", stdout=follower) as process:
        os.close(follower)
        while shown.count(b"\r\n") < 100:
            assert select.select([leader], [], [], PATIENCE)[0]
            shown += os.read(leader, 65_536)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    os.close(leader)
    assert process.returncode == 130
    return shown.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "table", "--raw"], "--raw goes with jsonl only"),
        (["logto.audit"], "there is no stream 'logto.audit'"),
        (["--state", "/proc/version"], "is not a state file of a tail"),
        (["--since", "soon"], "since"),
        (["--filter", "nothing=1"], "no stream has a filter 'nothing'"),
    ],
)
def test_an_invalid_call_sends_no_request(growing: Growing, run: Run, arguments: list[str], message: str) -> None:
    """An invalid call sends no request and is exit code 2."""
    result = run("tail", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert growing.asked == 0


def test_a_checkpoint_of_a_pull_is_no_state(growing: Growing, run: Run, tmp_path: Path) -> None:
    """A state file with another checkpoint is refused."""
    state = tmp_path / "tail.json"
    state.write_text(json.dumps({"tail": 1, "streams": [["logto", "logto.audit_logs", "{}"]]}))
    result = run("tail", "--state", str(state))
    assert result.exit_code == 2
    assert "no checkpoint" in result.stderr
    assert growing.asked == 0


def test_an_unwritable_state_is_refused_at_once(growing: Growing, run: Run) -> None:
    """The error is raised before any request."""
    result = run("tail", "--state", "/proc/nowhere/tail.json")
    assert result.exit_code == 4
    assert "/proc/nowhere/tail.json cannot be written" in result.stderr
    assert growing.asked == 0


def test_old_states_are_removed(growing: Growing, tmp_path: Path) -> None:
    """An automatic state is kept for 30 days; other files stay."""
    folder = tmp_path / "state" / "logferry"
    folder.mkdir(parents=True)
    old, young, other = (folder / name for name in ("tail-1.json", "tail-2.json", "other.json"))
    for path in (old, young, other):
        path.write_text("{}")
    for path in (old, other):
        os.utime(path, (0, 0))
    with started("tail") as process:
        wait_for(lambda: growing.asked >= 1)
        ended(process, signal.SIGINT)
    assert not old.exists()
    assert young.exists()
    assert other.exists()
