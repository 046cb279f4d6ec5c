import fcntl
import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import termios
import threading
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.cli.conftest import Account, Run, Server, made_fake, resume_arguments, serving, started, uids
from tests.conftest import PATIENCE

from logferry._accounts.registry import SERVICES
from logferry._time.timestamps import moment
from logferry.testing import FakeRequest, configuration


@pytest.fixture
def stalled(account: Account) -> Generator[tuple[Server, threading.Event]]:
    """Return a server that holds its third page until the event is set."""
    fake, go_on = made_fake(), threading.Event()

    def stall(_request: FakeRequest, number: int) -> None:
        if number == 4:  # the first is for the token
            go_on.wait(PATIENCE)

    with serving(fake, stall) as url:
        account(fake, url)
        try:
            yield Server(fake, url), go_on
        finally:
            go_on.set()


def test_ctrl_c_while_waiting_can_be_resumed(run: Run, stalled: tuple[Server, threading.Event]) -> None:
    """A pipe gets each page at once; Ctrl-C before the next page ends the pull and prints the command to resume."""
    server, go_on = stalled
    with started("pull") as process:
        assert process.stdout is not None
        lines = b""
        while lines.count(b"\n") < 199:
            lines += process.stdout.read(65_536)
        process.send_signal(signal.SIGINT)
        left, stderr = process.communicate(timeout=PATIENCE / 2)
    assert process.returncode == 130
    assert left == b""
    assert stderr.startswith(b"interrupted\npartial result: 199 records of logto.audit_logs written\nresume with: ")
    go_on.set()
    assert server.uids == uids(lines) + uids(run(*resume_arguments(stderr.decode())).stdout)


def test_unread_streams_are_reported_with_their_window(
    run: Run, stalled: tuple[Server, threading.Event], tmp_path: Path
) -> None:
    """The printed command has the window as times, since an age would later mean another window."""
    server, go_on = stalled
    accounts = {"first": server.fake, "second": server.fake}
    config = tmp_path / "logferry.toml"
    config.write_text(configuration(accounts, dict.fromkeys(accounts, server.url)))
    before = time.time_ns()
    with started("pull", "--config", str(config), "--since", "5h") as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE / 2)
    go_on.set()
    (line,) = [line for line in stderr.decode().splitlines() if line.startswith("get it with: ")]
    _, *arguments = shlex.split(line.removeprefix("get it with: "))
    assert b"not begun: logto.audit_logs (account second)\n" in stderr
    assert arguments[:2] == ["pull", "logto.audit_logs"]
    since = moment(arguments[arguments.index("--since") + 1], now=0, name="since")
    assert 0 <= since - (before - 5 * 3600 * 10**9) < 60 * 10**9
    assert uids(run(*arguments).stdout) == [
        f"logto:{server.fake.tenant}:{one}" for one in server.fake.truth("logto.audit_logs", since)
    ]


def test_ctrl_c_before_any_record_repeats_the_window(run: Run, account: Account) -> None:
    """Without a record there is no checkpoint; the printed command requests the same window again."""
    fake, asked, go_on = made_fake(), threading.Event(), threading.Event()

    def stall(_request: FakeRequest, _number: int) -> None:
        asked.set()
        go_on.wait(PATIENCE)

    with serving(fake, stall) as url:
        account(fake, url)
        with started("pull") as process:
            assert asked.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            output, stderr = process.communicate(timeout=PATIENCE / 2)
        go_on.set()
        interrupted, missing, line = stderr.decode().splitlines()
        assert (process.returncode, output) == (130, b"")
        assert (interrupted, missing) == ("interrupted", "not begun: logto.audit_logs")
        again = run(*shlex.split(line.removeprefix("get it with: logferry ")))
        assert uids(again.stdout) == Server(fake, url).uids


INTERRUPTED_AT = """
import runpy, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

module = sys.argv.pop(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
runpy.run_module("logferry", run_name="__main__")
"""
"""Run the command, which is interrupted when it imports a module."""


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("logferry.cli._main", ["pull"]),
        ("httpx", ["pull"]),
        ("httpx", ["tail"]),
        ("duckdb", ["sync", "--to", "logs.duckdb"]),
        ("httpx", ["check"]),
    ],
)
@pytest.mark.usefixtures("configured")
def test_ctrl_c_during_start_up_is_one_line(tmp_path: Path, module: str, arguments: list[str]) -> None:
    """Ctrl-C before the first request prints one line and returns the exit code of an interrupt."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, module, *arguments],
        capture_output=True,
        cwd=tmp_path,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"interrupted\n", 130)


@pytest.mark.parametrize("lines_read", [0, 1, 150, 950])
def test_ctrl_c_while_writing_loses_no_record(run: Run, account: Account, lines_read: int) -> None:
    """Ctrl-C during the output of a record neither loses nor repeats one."""
    fake = made_fake(records=3000, spacing=20.0)
    with serving(fake) as url:
        account(fake, url)
        server = Server(fake, url)
        with started("pull") as process:
            assert process.stdout is not None
            lines = b""
            while lines.count(b"\n") < lines_read or not lines:
                lines += process.stdout.read(500)
            # The pipe is full, or soon will be: it has no reader, so a write is blocked.
            process.send_signal(signal.SIGINT)
            left, stderr = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        rest = run(*resume_arguments(stderr.decode()))
        assert server.uids == uids(lines + left) + uids(rest.stdout)


def test_a_second_ctrl_c_ends_a_blocked_write(account: Account) -> None:
    """A second Ctrl-C ends a write without a reader, and then no checkpoint is printed."""
    fake = made_fake(records=3000, spacing=20.0)
    with serving(fake) as url:
        account(fake, url)
        with started("pull") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            while bytes_in(process.stdout.fileno()) < 50_000:
                assert process.poll() is None
            # Signals in quick succession can merge, so they are sent until the process reacts.
            while not select.select([process.stderr], [], [], 0.1)[0]:
                process.send_signal(signal.SIGINT)
            stderr = process.stderr.readline()
            process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert stderr.startswith(b"stopped while writing")


def bytes_in(pipe: int) -> int:
    """Return the number of unread bytes."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.mark.usefixtures("configured")
def test_a_closed_pipe_ends_a_pull_quietly() -> None:
    """Without a reader, the command ends without a message, as in ``logferry pull | head -1``."""
    with started("pull") as process:
        assert process.stdout is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


COMMANDS = [
    ("streams",),
    ("streams", "--format", "table"),
    ("check",),
    ("pull",),
    ("pull", "--format", "csv"),
    ("pull", "--format", "table"),
    ("tail", "--since", "24h"),
    ("tail", "--since", "24h", "--format", "table"),
    ("simulate", "--records", "1"),
    ("demo", "--records", "1"),
    ("completion", "bash"),
]
"""All commands that write to stdout."""


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_ends_quietly_without_a_reader(arguments: tuple[str, ...]) -> None:
    """Every command whose stdout is a closed pipe ends with exit code 0 and without a message."""
    reader, writer = os.pipe()
    os.close(reader)
    with started(*arguments, stdout=writer) as process:
        os.close(writer)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert b"Error" not in stderr
    assert b"Traceback" not in stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_output_is_an_error(arguments: tuple[str, ...]) -> None:
    """An output that cannot be written gives an error of one line and exit code 4."""
    with Path("/dev/full").open("wb") as full, started(*arguments, stdout=full.fileno()) as process:
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    *_, last = stderr.splitlines()  # a demo first describes what it does
    assert last == b"Error: the output cannot be written: No space left on device"
    assert b"Traceback" not in stderr


def on_terminal(*arguments: str) -> str:
    """Return what a terminal gets from stdout of the command."""
    leader, follower = pty.openpty()
    with started(*arguments, stdout=follower) as process:
        os.close(follower)
        shown = b""
        try:
            while block := os.read(leader, 65_536):
                shown += block
        except OSError:  # Linux reports a closed other end this way
            pass
        process.communicate(timeout=PATIENCE)
    os.close(leader)
    assert process.returncode == 0
    return shown.decode()


@pytest.mark.usefixtures("configured")
def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a table, in colour unless NO_COLOR is set."""
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[31mError" in on_terminal("pull")
    assert "\x1b[32mok" in on_terminal("check")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in on_terminal("pull")
    assert "\x1b[3" not in on_terminal("check")


def test_the_output_of_simulate_configures_an_account(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed lines configure an account in a shell, and a pull yields its records; Ctrl-C is exit code 0."""
    with started("simulate", "--records", "250") as process:
        assert process.stdout is not None
        last = f"export {SERVICES[-1].variables[-1]}="
        lines = [process.stdout.readline().decode()]
        while not lines[-1].startswith(last):
            lines.append(process.stdout.readline().decode())
        prefixes = "|".join(service.name.upper() for service in SERVICES)
        script = "".join(lines) + f"env | grep -E '^({prefixes})_'"
        pasted = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
        for line in pasted.stdout.splitlines():
            name, _, value = line.partition("=")
            monkeypatch.setenv(name, value)
        result = run("pull")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert result.exit_code == 0
    counts = Counter(json.loads(line)["stream"] for line in result.stdout.splitlines())
    assert 250 <= counts["logto.audit_logs"] <= 252
    assert min(counts["signalwire.video_logs"], counts["cognigy.project_logs"]) > 0
    assert 200 <= counts["daily.api_logs"] <= 202  # four in five are requests, the others webhooks
    assert "left out: daily.session_logs needs" in result.stderr
    assert process.returncode == 0


@pytest.mark.usefixtures("configured")
def test_the_module_runs_the_command() -> None:
    """``python -m logferry`` runs the same command."""
    shown = subprocess.run([sys.executable, "-m", "logferry", "--version"], capture_output=True, check=True)
    assert shown.stdout.startswith(b"logferry ")
