"""README's examples run as they stand there, against the embedded service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logferry._registry import SERVICES
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


@pytest.mark.parametrize("code", blocks("python"))
@pytest.mark.usefixtures("account")
def test_every_python_example_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python example of README runs to its end."""
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own README


@pytest.mark.parametrize("line", [line for block in blocks("console") for line in block.splitlines()])
@pytest.mark.usefixtures("account")
def test_every_shell_example_runs(line: str, tmp_path: Path) -> None:
    """Each shell example of README exits with 0."""
    prompt, _, command = line.partition(" ")
    assert prompt == "$"
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=60)


def test_the_streams_are_those_that_the_clients_open() -> None:
    """README's table names every stream with its order, its time filter and its guarantee."""
    streams = [stream for service in SERVICES for stream in service.streams]
    rows = {f"| `{one.name}` | {one.order} | {one.time_filter} | {one.promise} |" for one in streams}
    assert rows <= set(README.splitlines())
