"""``logferry tail`` as a process: what comes, how it ends, how it goes on."""

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
    """A fake that is served, and to which rows can be added; their times are of now."""

    def __init__(self) -> None:
        now = time.time_ns()
        self.begin = now - now % SECOND
        self.fake = LogtoFake(records=0, epoch=self.begin)
        self.rows: list[Row] = []
        self.answer: FakeResponse | None = None
        self.asked = 0

    def add(self, *ages: float) -> None:
        """Add rows that are so many seconds old."""
        now = time.time_ns()
        self.rows += [Row(time=now - round(age * SECOND), content=len(self.rows) + n) for n, age in enumerate(ages)]

    def respond(self, request: FakeRequest, _number: int) -> FakeResponse | None:
        """What a server answers: that of a fake with the rows that there are, unless something is wrong."""
        if request.method != "GET":
            return None
        answer = self.answer or evolve(self.fake, rows=tuple(self.rows)).answer(request, time.time_ns())
        self.asked += 1  # from now on rows are too late for this answer
        return answer

    @property
    def uids(self) -> list[str]:
        """The ``uid`` of every record, in the order of time."""
        fake = evolve(self.fake, rows=tuple(self.rows))
        return [f"logto:{fake.tenant}:{identity}" for identity in fake.truth(now=time.time_ns())][::-1]


@pytest.fixture
def growing(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Growing]:
    """A service of which the environment describes an account."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    service = Growing()
    with serving(service.fake, service.respond) as url:
        account(service.fake, url)
        yield service


def lines_of(process: subprocess.Popen[bytes], count: int) -> bytes:
    """What the process writes until there are so many lines."""
    assert process.stdout is not None
    lines = b""
    while lines.count(b"\n") < count:
        assert select.select([process.stdout], [], [], PATIENCE)[0], lines
        block = process.stdout.read(65_536)
        assert block, process.stderr and process.stderr.read()
        lines += block
    return lines


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        select.select([], [], [], 0.05)


def ended(process: subprocess.Popen[bytes], number: int) -> tuple[bytes, str]:
    """What the process writes after a signal, to stdout and to stderr."""
    process.send_signal(number)
    left, stderr = process.communicate(timeout=PATIENCE)
    return left, stderr.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_goes_on_where_it_ended(growing: Growing, number: signal.Signals) -> None:
    """A pipe gets each record as it comes; after Ctrl-C or SIGTERM the line that is printed brings the others."""
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


def test_what_is_there_already_is_left_out(growing: Growing) -> None:
    """Without --since only what is new comes."""
    growing.add(30, 20, 10)
    with started("tail") as process:
        wait_for(lambda: growing.asked >= 1)
        growing.add(0)
        line = lines_of(process, 1)
        left, _ = ended(process, signal.SIGINT)
    assert left == b""
    assert uids(line) == growing.uids[-1:]


def test_a_state_survives_a_kill(growing: Growing, tmp_path: Path) -> None:
    """A file that is named is kept up to date, so that a killed tail goes on without loss; only its owner reads it."""
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
    """By whichever path it is named; when the first has ended, however it did, another goes on, and leaves no lock."""
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


def test_a_lock_that_is_removed_while_it_is_waited_for_is_none(tmp_path: Path) -> None:
    """Of many that open one state again and again, at most one at a time has it."""
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


def test_a_failure_is_told_and_the_stream_goes_on(growing: Growing) -> None:
    """One readable line for what is wrong, one for what comes of it; then records come again."""
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


def test_refused_credentials_end_it(growing: Growing, run: Run) -> None:
    """Where nothing is left to be followed, the exit code is that of the error, told once."""
    growing.answer = REFUSED
    result = run("tail")
    assert result.exit_code == 3
    error, after = result.stderr.splitlines()
    assert "403" in error
    assert after == "logto.audit_logs is no longer followed"
    assert result.stdout == ""


def test_closed_pipe(growing: Growing) -> None:
    """When nobody reads any more, it ends quietly with the next record, as in ``logferry tail | head -1``."""
    growing.add(3)
    with started("tail", "--since", "1m") as process:
        lines_of(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        growing.add(0)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_severity_and_raw(growing: Growing) -> None:
    """What is below the severity is left out, also when it is resumed; --raw adds the item, and is repeated."""
    growing.add(*(age / 10 for age in range(200, 100, -1)))
    with started("tail", "--since", "1m", "--severity", "error", "--raw") as process:
        lines = lines_of(process, 1)
        left, stderr = ended(process, signal.SIGINT)
    records = [json.loads(line) for line in (lines + left).splitlines()]
    assert {record["severity_number"] for record in records} == {17}
    assert all(record["raw"]["payload"]["result"] == "Error" for record in records)
    assert 0 < len(records) < 100
    assert [*resume_arguments(stderr)][:4] == ["tail", "--severity", "17", "--raw"]


def test_terminal(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a line per record, coloured by severity unless NO_COLOR is set, the date once."""
    growing.add(*(age / 10 for age in range(200, 100, -1)))
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = on_terminal()
    assert "\x1b[31mError" in shown
    assert shown.count(time.strftime("%Y-", time.gmtime())) < 5
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in on_terminal()


def on_terminal() -> str:
    """What a terminal gets of the records that are there, until Ctrl-C."""
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
def test_mistakes(growing: Growing, run: Run, arguments: list[str], message: str) -> None:
    """A call that cannot be right sends nothing and is exit code 2."""
    result = run("tail", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert growing.asked == 0


def test_a_checkpoint_of_a_pull_is_no_state(growing: Growing, run: Run, tmp_path: Path) -> None:
    """A state with the checkpoint of something else is refused."""
    state = tmp_path / "tail.json"
    state.write_text(json.dumps({"tail": 1, "streams": [["logto", "logto.audit_logs", "{}"]]}))
    result = run("tail", "--state", str(state))
    assert result.exit_code == 2
    assert "no checkpoint" in result.stderr
    assert growing.asked == 0


def test_a_state_that_cannot_be_written_is_told_at_once(growing: Growing, run: Run) -> None:
    """Before anything is asked."""
    result = run("tail", "--state", "/proc/nowhere/tail.json")
    assert result.exit_code == 4
    assert "/proc/nowhere/tail.json cannot be written" in result.stderr
    assert growing.asked == 0


def test_old_states_are_removed(growing: Growing, tmp_path: Path) -> None:
    """A state that nobody asked for is kept for 30 days; other files are left alone."""
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
