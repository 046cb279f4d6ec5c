"""README's examples run as they stand there, against the embedded service."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.conftest import PATIENCE

from logferry._accounts.registry import SERVICES, Service
from logferry.cli._demo.sync import QUERY
from logferry.testing import LogtoFake, serve

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of README in *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[LogtoFake]:
    """An embedded Logto with an hour of logs, and the environment that makes an account of it."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    fake = LogtoFake(records=60, epoch=time.time_ns() - 10**9, growing=False)
    with serve(fake, clock=time.time_ns) as url:
        for name, value in {"ENDPOINT": url, "APP_ID": fake.app_id, "APP_SECRET": fake.app_secret}.items():
            monkeypatch.setenv(f"LOGTO_{name}", value)
        yield fake


def is_test(code: str) -> bool:
    """Whether an example is for pytest."""
    return "def test_" in code


@pytest.mark.parametrize("code", [code for code in blocks("python") if not is_test(code)])
@pytest.mark.usefixtures("account")
def test_every_python_example_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python example of README runs to its end."""
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own README


@pytest.mark.parametrize("code", [code for code in blocks("python") if is_test(code)])
def test_every_test_example_passes(code: str, tmp_path: Path) -> None:
    """Each test that README shows passes, in a process that knows nothing of this project's own tests."""
    (tmp_path / "test_example.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_example.py"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("block", blocks("console"))
@pytest.mark.usefixtures("account")
def test_every_shell_example_runs(block: str, tmp_path: Path) -> None:
    """Each shell example of README exits with 0, after those in front of it; what runs for ever ends when it is asked to."""
    for line in block.splitlines():
        prompt, _, command = line.partition(" ")
        assert prompt == "$"
        if "--every" in command:
            assert ended(f"exec {command}", tmp_path, after=b"read in") == 130
            continue
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, (command, done.stderr)


def ended(command: str, folder: Path, *, after: bytes) -> int:
    """The exit code of a command that gets SIGTERM once stderr has a line with this text."""
    with subprocess.Popen(["bash", "-c", command], cwd=folder, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        assert any(after in line for line in running.stderr), command
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=PATIENCE)
    return running.returncode


@pytest.mark.parametrize("query", blocks("sql"))
@pytest.mark.usefixtures("account")
def test_every_query_has_an_answer(query: str, tmp_path: Path) -> None:
    """Each query of README asks what a synced file can answer."""
    subprocess.run(
        ["logferry", "sync", "--to", "logs.duckdb"], cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE
    )
    with duckdb.connect(str(tmp_path / "logs.duckdb"), read_only=True) as connection:
        rows = connection.execute(query).fetchall()
    assert rows
    if query == f"{QUERY}\n":
        ((stream, records, *_),) = rows
        assert (stream, records) == ("logto.audit_logs", 60)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_streams_are_those_that_the_client_opens(service: Service) -> None:
    """README's table names every stream with its order, its time filter and its guarantee."""
    rows = {f"| `{one.name}` | {one.order} | {one.time_filter} | {one.promise} |" for one in service.streams}
    assert rows <= set(README.splitlines())


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_variables_are_those_that_make_an_account(service: Service) -> None:
    """README's table names every environment variable of every service."""
    assert all(f"`{name}`" in README for name in (*service.variables, *service.optional_variables))


def test_the_query_is_the_demos() -> None:
    """What README shows first is what the demo asks."""
    assert blocks("sql")[0] == f"{QUERY}\n"


def test_nothing_is_left_to_be_filled_in() -> None:
    """No line of README is a bare word in capitals."""
    assert re.findall(r"^[A-Z]{3,}$", README, re.MULTILINE) == []
