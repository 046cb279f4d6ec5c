"""The command in other environments: signals, encodings, disks and names."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Final

import pytest
from tests.cli.conftest import FOREGROUND, Account, Run, Server, made_fake, resume_line, serving, uids
from tests.conftest import PATIENCE

from logferry.testing import FakeRequest, configuration

FERRY: Final = (sys.executable, "-c", FOREGROUND)


def test_sighup_ends_a_pull_like_sigterm(account: Account) -> None:
    """SIGHUP ends a pull between two records and prints the command to resume."""
    fake, go_on = made_fake(), threading.Event()

    def stall(_request: FakeRequest, number: int) -> None:
        if number == 4:
            go_on.wait(PATIENCE)

    with serving(fake, stall) as url:
        account(fake, url)
        with subprocess.Popen([*FERRY, "pull"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGHUP)
            _, stderr = process.communicate(timeout=PATIENCE)
        go_on.set()
    assert process.returncode == 130
    assert b"resume with: " in stderr


@pytest.mark.parametrize("ignored", [False, True], ids=["", "nohup"])
def test_sighup_ends_a_sync_after_a_commit(account: Account, tmp_path: Path, *, ignored: bool) -> None:
    """A sync stops after a commit; under nohup it runs to its end."""
    fake, asked, go_on = made_fake(), threading.Event(), threading.Event()

    def stall(_request: FakeRequest, number: int) -> None:
        if number == 3:
            asked.set()
            go_on.wait(PATIENCE)

    nohup = 'trap "" HUP; ' if ignored else ""
    with serving(fake, stall) as url:
        account(fake, url)
        command = ["sh", "-c", f'{nohup}exec "$@"', "sh", *FERRY, "sync", "--to", str(tmp_path / "logs.duckdb")]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            assert asked.wait(PATIENCE)
            process.send_signal(signal.SIGHUP)
            if ignored:
                go_on.set()
            _, stderr = process.communicate(timeout=PATIENCE)
        go_on.set()
    assert process.returncode == (0 if ignored else 130)
    assert (b"stopped; the records read so far are in the store" in stderr) is not ignored


@pytest.fixture
def accented(configured: Server, tmp_path: Path) -> Path:
    """Return a configuration with names that few encodings have."""
    names = ("größe", "日本→")
    config = tmp_path / "logferry.toml"
    text = configuration(dict.fromkeys(("a", "b"), configured.fake), dict.fromkeys(("a", "b"), configured.url))
    for plain, name in zip(("a", "b"), names, strict=True):
        text = text.replace(f"[accounts.{plain}]", f'[accounts."{name}"]')
    assert all(name in text for name in names)
    config.write_text(text, "utf-8")
    return config


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_any_encoding_works(
    encoding: str, accented: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Characters that an encoding lacks are escaped in all output except JSON lines, which stay UTF-8."""
    store = str(tmp_path / "logs.duckdb")
    assert run("sync", "--config", str(accented), "--to", store).exit_code == 0
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    commands = (
        ["check", "--config", str(accented)],
        ["pull", "--config", str(accented), "--format", "table", "--max-items", "1"],
        ["streams", "--config", str(accented), "--format", "table"],
        ["state", "show", store, "--format", "table"],
        ["pull", "--config", str(accented), "--account", "日本→", "--max-items", "1"],
        ["pull", "--config", str(accented), "--account", "none→"],
        ["--help"],
    )
    for command in commands:
        done = subprocess.run([*FERRY, *command], capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == (2 if "none→" in command else 0), command
        output = (done.stdout + done.stderr).decode("utf-8" if "日本→" in command else encoding)
        assert "This is a bug" not in output
        if "--config" in command and "--format" not in command:
            assert ("→" if "日本→" in command else r"\u2192") in output, command


def pulled_within(size: int, *arguments: str, stdout: IO[bytes] | None = None) -> subprocess.CompletedProcess[str]:
    """Pull in a process whose files hold at most this many bytes, as on a nearly full disk."""
    return subprocess.run(
        [*FERRY, "pull", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size)),
        timeout=PATIENCE,
        check=False,
        text=True,
    )


def test_a_full_disk_can_be_resumed(account: Account, tmp_path: Path) -> None:
    """The file keeps the complete records, and the printed command yields the rest, each once."""
    fake = made_fake(records=3000, spacing=20.0)
    with serving(fake) as url:
        account(fake, url)
        path = tmp_path / "logs.jsonl"
        done = pulled_within(2_000_000, "--output", str(path))
        assert done.returncode == 4
        assert "Error: the output cannot be written: File too large" in done.stderr
        assert not path.exists()
        script = resume_line(done.stderr).replace("logferry", shlex.join([sys.executable, "-m", "logferry"]), 1)
        subprocess.run(["sh", "-c", script], check=True, timeout=PATIENCE, capture_output=True)
        assert uids(path.read_bytes()) == Server(fake, url).uids


def test_a_full_output_can_be_resumed(account: Account, tmp_path: Path) -> None:
    """The message has the number of complete records on stdout."""
    fake = made_fake(records=3000, spacing=20.0)
    with serving(fake) as url:
        account(fake, url)
        path = tmp_path / "logs.jsonl"
        with path.open("wb") as file:
            done = pulled_within(2_000_000, stdout=file)
        assert done.returncode == 4
        first, *_ = done.stderr.splitlines()
        count = int(first.removeprefix("the output has ").partition(" ")[0].replace(",", ""))
        script = resume_line(done.stderr).replace("logferry", shlex.join([sys.executable, "-m", "logferry"]), 1)
        rest = subprocess.run(["sh", "-c", script], check=True, timeout=PATIENCE, capture_output=True)
        kept = b"".join(path.read_bytes().splitlines(keepends=True)[:count])
        assert uids(kept + rest.stdout) == Server(fake, url).uids


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("length", [250, 256, 5000])
def test_names_that_are_too_long_are_refused(run: Run, tmp_path: Path, length: int) -> None:
    """A name that the system refuses is an error of the call, before any request."""
    name = str(tmp_path / ("x" * length))
    for arguments in (["pull", "--output", name], ["tail", "--state", name]):
        result = run(*arguments)
        assert result.exit_code in (2, 4)
        assert "File name too long" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert not result.stdout


def damaged_states() -> Iterator[bytes]:
    """Texts that are no state file of a tail."""
    yield b"[" * 100_000
    yield b'{"tail": 1, "streams": ' + b"[" * 100_000
    yield b'{"a":' * 100_000
    yield b""
    yield b"\x00" * 100
    yield b"\xff\xfe"
    yield b'{"tail": 1'
    yield b'{"tail": true, "streams": []}'
    yield b'{"tail": 1, "streams": [["a", "b"]]}'
    yield b'{"tail": 1, "streams": [["a", "b", 1]]}'
    yield b'{"tail": 1, "streams": {}}'
    yield b'{"tail": 2, "streams": []}'
    yield b'{"tail": ' + b"9" * 10_000 + b"}"
    for checkpoint in ("[" * 100_000, "", "{}", "null", "\ud800", '{"a":' * 100_000):
        yield json.dumps({"tail": 1, "streams": [["logto", "logto.audit_logs", checkpoint]]}).encode()


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("number", range(sum(1 for _ in damaged_states())))
def test_a_damaged_state_is_refused(run: Run, tmp_path: Path, number: int) -> None:
    """One line reports it, and the file stays unchanged."""
    state = [*damaged_states()][number]
    path = tmp_path / "tail.json"
    path.write_bytes(state)
    result = run("tail", "--state", str(path))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Error: ")
    assert os.path.basename(path) in result.stderr or "checkpoint" in result.stderr  # noqa: PTH119  # it is shorter
    assert path.read_bytes() == state
