"""Messages that cannot be written change neither the output nor the exit code."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen
from tests.cli.conftest import FOREGROUND, REFUSED, Account, Run, Server, made_fake, on_page, serving, uids
from tests.conftest import PATIENCE

from logferry.cli._standard import Messages
from logferry.testing import FakeRequest, FakeResponse, configuration
from logferry.testing import failing as refusing


@frozen
class Ended:
    """
    The result of a process.

    Attributes:
        code: Its exit code.
        stdout: Its output.
    """

    code: int
    stdout: bytes


@contextmanager
def stderr_of(kind: str) -> Generator[int]:
    """Return a descriptor for stderr: full, without a reader, or with a reader that reads nothing."""
    if kind == "full":
        with Path("/dev/full").open("wb") as full:
            yield full.fileno()
        return
    reader, writer = os.pipe()
    try:
        if kind == "broken":
            os.close(reader)
        elif kind == "unread":
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
            os.set_blocking(writer, False)
            with suppress(BlockingIOError):
                while True:
                    os.write(writer, bytes(512))
            os.set_blocking(writer, True)
        yield writer
    finally:
        os.close(writer)
        if kind != "broken":
            os.close(reader)


def ended(*arguments: str, stderr: str, cwd: Path | None = None) -> Ended:
    """Run the command with this stderr."""
    command = [sys.executable, "-c", FOREGROUND, *arguments]
    if stderr == "closed":
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    with stderr_of("broken" if stderr == "closed" else stderr) as descriptor:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=descriptor, timeout=PATIENCE, check=False, cwd=cwd
        )
    return Ended(done.returncode, done.stdout)


BROKEN: Final = [
    "closed",
    "broken",
    "unread",
    pytest.param("full", marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs such a device")),
]


@pytest.mark.parametrize("stderr", BROKEN)
def test_a_pull_without_messages_is_complete(configured: Server, stderr: str) -> None:
    """With any defect of stderr, all records of a pull come with exit code 0."""
    done = ended("-v", "pull", stderr=stderr)
    assert (done.code, uids(done.stdout)) == (0, configured.uids)


@pytest.mark.parametrize("stderr", BROKEN)
def test_a_failure_keeps_its_exit_code(failing: Server, stderr: str) -> None:
    """A pull that fails in the middle has the earlier records and the exit code of the failure."""
    done = ended("-v", "pull", stderr=stderr)
    assert (done.code, uids(done.stdout)) == (3, failing.uids[:199])


def test_a_pull_without_messages_completes_its_file(configured: Server, tmp_path: Path) -> None:
    """A pull into a file gives it its final name."""
    path = tmp_path / "logs.jsonl"
    assert ended("-v", "pull", "--output", str(path), stderr="broken").code == 0
    assert uids(path.read_bytes()) == configured.uids
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("stderr", ["closed", "broken"])
def test_a_sync_without_messages_is_complete(configured: Server, stderr: str, tmp_path: Path, run: Run) -> None:
    """A sync stores all records and returns its exit code."""
    store = str(tmp_path / "logs.duckdb")
    assert ended("-v", "sync", "--to", store, stderr=stderr).code == 0
    shown = run("state", "show", store).stdout
    assert f'"stream_records":{len(configured.uids)}' in shown


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("streams --format table", 0),
        ("-v check", 0),
        ("-v demo --records 1", 0),
        ("completion bash", 0),
        ("--help", 0),
        ("state show none.duckdb", 2),
        ("pull --since never", 2),
        ("pull --unknown", 2),
        ("simulate --host example.org", 2),
    ],
)
def test_every_command_works_without_messages(command: str, code: int, tmp_path: Path) -> None:
    """Exit code and output are those of a run whose messages are read."""
    done = ended(*command.split(), stderr="broken", cwd=tmp_path)
    assert (done.code, bool(done.stdout)) == (code, code == 0)


@pytest.mark.parametrize("stderr", ["closed", "broken"])
def test_a_tail_works_without_messages(configured: Server, stderr: str) -> None:
    """A tail writes its records and ends on its signal."""
    redirection, ferry = "2>&-" if stderr == "closed" else "", (sys.executable, "-c", FOREGROUND)
    with (
        stderr_of("broken") as descriptor,
        subprocess.Popen(
            ["sh", "-c", f'exec "$@" {redirection}', "sh", *ferry, "-v", "tail", "--since", "24h"],
            stdout=subprocess.PIPE,
            stderr=descriptor,
        ) as process,
    ):
        assert process.stdout is not None
        lines = b"".join(process.stdout.readline() for _ in configured.uids)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert {*uids(lines)} == {*configured.uids}


def test_a_leaving_reader_of_messages_loses_no_record(account: Account) -> None:
    """A reader of stderr that leaves, as in ``2> >(head -n 9)``, loses no record."""
    fake, left = made_fake(), threading.Event()

    def wait(_request: object, number: int) -> None:
        if number == 4:
            left.wait(PATIENCE)

    with serving(fake, wait) as url:
        account(fake, url)
        with subprocess.Popen(
            [sys.executable, "-c", FOREGROUND, "-v", "pull"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stderr is not None
            process.stderr.readline()
            process.stderr.close()
            left.set()
            assert process.stdout is not None
            lines = process.stdout.read()
        assert (process.wait(), uids(lines)) == (0, Server(fake, url).uids)


def test_a_repeated_sync_continues_without_its_reader(account: Account, tmp_path: Path) -> None:
    """A repeated sync runs again after the reader of its messages has left."""
    fake, again, left = made_fake(records=10), threading.Event(), threading.Event()

    def note(request: FakeRequest, _number: int) -> None:
        if left.is_set() and request.path == "/api/logs":
            again.set()

    with serving(fake, note) as url:
        account(fake, url)
        command = [
            sys.executable,
            "-c",
            FOREGROUND,
            "-v",
            "sync",
            "--to",
            str(tmp_path / "logs.duckdb"),
            "--every",
            "1s",
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            while b"logs.duckdb: " not in process.stderr.readline():  # the first run is over
                assert process.poll() is None
            process.stderr.close()
            left.set()
            for _ in range(2):
                assert again.wait(PATIENCE)
                again.clear()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 130


def test_a_full_pipe_drops_messages() -> None:
    """A message that does not fit into a full pipe is dropped; once it has room, messages are written again."""
    reader, writer = os.pipe()
    messages = Messages(writer, patience=0.01)
    size = 1 << 20
    assert messages.write(bytes(size)) == size
    kept = len(os.read(reader, size))
    assert kept < size
    while messages.write(b"more\n") and not os.read(reader, size).endswith(b"more\n"):
        pass
    os.close(reader)
    assert messages.write(b"nobody reads\n") == len(b"nobody reads\n")
    os.close(writer)
    assert messages.write(b"closed\n") == len(b"closed\n")


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "arguments", [("pull",), ("tail",), ("check",), ("streams",), ("completion", "bash"), ("--help",), ("pull", "-h")]
)
def test_a_closed_stdout_is_an_error(arguments: tuple[str, ...]) -> None:
    """Records without an output are an error of the call, in one line."""
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-c", FOREGROUND, *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr == b"Error: stdout is closed. Redirect it, as in > records.jsonl\n"


def test_a_closed_stdout_does_not_matter_without_output(configured: Server, tmp_path: Path) -> None:
    """A pull into a file and a sync work without stdout, and no file gets its descriptor number."""
    path = tmp_path / "logs.jsonl"
    for arguments in (["pull", "--output", str(path)], ["sync", "--to", str(tmp_path / "logs.duckdb")]):
        command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", FOREGROUND, *arguments]
        assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0
    assert uids(path.read_bytes()) == configured.uids


def closed_after(lines: int, *arguments: str) -> tuple[int, bytes]:
    """Read this many lines of stdout, then stop; return the exit code and stderr."""
    with subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        stderr = process.stderr.read()
    return process.returncode, stderr


def test_a_leaving_reader_does_not_hide_a_failure(tmp_path: Path) -> None:
    """A reader of stdout that leaves ends a pull quietly, unless a failure came before."""
    refused, fine = made_fake(), made_fake(records=3000, spacing=20.0)
    with serving(refused, on_page(1, REFUSED)) as first, serving(fine) as second:
        config = tmp_path / "logferry.toml"
        config.write_text(configuration({"first": refused, "second": fine}, {"first": first, "second": second}))
        code, stderr = closed_after(1, "pull", "--config", str(config))
    assert code == 3
    assert stderr.count(b"\n") == 1
    assert stderr.startswith(b"Error: ")


def test_a_leaving_reader_does_not_hide_a_failed_check(account: Account) -> None:
    """The exit code is that of the failure, even if its message has no reader."""
    fake = made_fake(records=10)
    reader, writer = os.pipe()
    os.close(reader)
    with serving(fake, refusing(FakeResponse(403), path="/api/logs", at=[1, 2, 3])) as url:
        account(fake, url)
        done = subprocess.run(
            [sys.executable, "-c", FOREGROUND, "check"], stdout=writer, stderr=subprocess.PIPE, check=False
        )
    os.close(writer)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [("--help",), ("pull", "--help"), ("--version",)], ids=" ".join)
def test_help_for_a_full_output_is_an_error(arguments: tuple[str, ...]) -> None:
    """Help for a full output gives an error of one line; help without a reader ends quietly."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", FOREGROUND, *arguments], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b"Error: the output cannot be written: No space left on device\n"
    assert done.returncode == 4
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", FOREGROUND, *arguments], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
