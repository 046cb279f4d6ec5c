"""The examples of the README run unchanged, against the embedded service."""

from __future__ import annotations

import os
import re
import shutil
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

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SPECS = {
    "openapi.yaml": "tests/specs/documents/acorn.yaml",
    "new-openapi.yaml": "specs/logto/openapi.yaml",
    "vendor.json": "generated/logferry_clients/daily/openapi.json",
}
"""The specs that examples name."""


def blocks(language: str) -> list[str]:
    """Return the code blocks of the README in *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[LogtoFake]:
    """An embedded Logto with an hour of logs, and an environment with an account of it."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    fake = LogtoFake(records=60, epoch=time.time_ns() - 10**9, growing=False)
    with serve(fake, clock=time.time_ns) as url:
        for name, value in {"ENDPOINT": url, "APP_ID": fake.app_id, "APP_SECRET": fake.app_secret}.items():
            monkeypatch.setenv(f"LOGTO_{name}", value)
        yield fake


def is_test(code: str) -> bool:
    """Return whether an example is a pytest test."""
    return "def test_" in code


@pytest.mark.parametrize("code", [code for code in blocks("python") if not is_test(code)])
@pytest.mark.usefixtures("account")
def test_every_python_example_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python example of the README runs to its end."""
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own README


@pytest.mark.parametrize("code", [code for code in blocks("python") if is_test(code)])
def test_every_test_example_passes(code: str, tmp_path: Path) -> None:
    """Each test in the README passes, in a process without this project's own tests."""
    (tmp_path / "test_example.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_example.py"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("block", blocks("console"))
@pytest.mark.usefixtures("account")
def test_every_shell_example_runs(block: str, tmp_path: Path) -> None:
    """Each shell example exits with 0 after the examples before it; an endless one ends on a signal; none installs anything."""
    for name, source in SPECS.items() if "logferry spec" in block else ():
        shutil.copy(ROOT / source, tmp_path / name)
        (tmp_path / "traffic.har").write_text('{"log": {"entries": []}}', encoding="utf-8")
    for line in block.splitlines():
        prompt, _, command = line.partition(" ")
        assert prompt == "$"
        if command.startswith("pip install"):
            continue
        command = command.replace("pip install -e . && pytest", "python -m pytest -p no:cacheprovider")
        if "--every" in command:
            assert ended(f"exec {command}", tmp_path, after=b"read in") == 130
            continue
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, (command, done.stderr)


def ended(command: str, folder: Path, *, after: bytes) -> int:
    """Return the exit code of a command that gets SIGTERM once stderr has a line with this text."""
    with subprocess.Popen(["bash", "-c", command], cwd=folder, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        assert any(after in line for line in running.stderr), command
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=PATIENCE)
    return running.returncode


@pytest.mark.parametrize("query", blocks("sql"))
@pytest.mark.usefixtures("account")
def test_every_query_runs(query: str, tmp_path: Path) -> None:
    """Each query of the README uses only columns of a synced file."""
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
def test_the_table_of_streams_is_complete(service: Service) -> None:
    """The table has every stream with its order, its time filter and its guarantee."""
    rows = {f"| `{one.name}` | {one.order} | {one.time_filter} | {one.promise} |" for one in service.streams}
    assert rows <= set(README.splitlines())


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_table_of_variables_is_complete(service: Service) -> None:
    """The table has every environment variable of every service."""
    assert all(f"`{name}`" in README for name in (*service.variables, *service.optional_variables))


def test_the_first_query_is_that_of_the_demo() -> None:
    """The first query in the README is the one that the demo runs."""
    assert blocks("sql")[0] == f"{QUERY}\n"


def test_no_placeholder_is_left() -> None:
    """No line of the README is a bare word in capitals."""
    assert re.findall(r"^[A-Z]{3,}$", README, re.MULTILINE) == []
