"""Files and stores on the command line: a URL is refused, ``~`` is expanded, a link is followed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pytest
from tests.cli.conftest import Run, Server

ADDRESS: Final = "postgres://me:hunter2@db.example/logs/"

CALLS: Final = {
    "sync --to": ("sync", "--to", ADDRESS),
    "sync --to s3": ("sync", "--to", "s3://hunter2/logs/"),
    "sync --to dlt": ("sync", "--to", f"dlt:{ADDRESS}"),
    "state show": ("state", "show", ADDRESS),
    "state forget": ("state", "forget", ADDRESS, "--stream", "logto.audit_logs"),
    "pull --output": ("pull", "--output", ADDRESS),
    "pull --output s3": ("pull", "--output", "s3://hunter2/logs.jsonl", "--force"),
    "tail --state": ("tail", "--state", ADDRESS),
    "demo --keep": ("demo", "--records", "1", "--keep", ADDRESS),
    "--config": ("pull", "--config", ADDRESS),
    "--config in front": ("--config", ADDRESS, "pull"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize("arguments", CALLS.values(), ids=CALLS)
@pytest.mark.usefixtures("configured")
def test_a_url_is_refused(run: Run, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """No file is created and no request sent; one line makes a suggestion without a secret of the URL."""
    result = run(*arguments, "--debug")
    assert result.exit_code == 2
    assert "address" in result.stderr or "names no destination" in result.stderr
    assert "hunter2" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_home_directory_is_expanded(configured: Server, run: Run, tmp_path: Path) -> None:
    """``~`` is the home directory, also after ``=``, where no shell expands it."""
    assert run("pull", "--output=~/o.jsonl").exit_code == 0
    assert run("sync", "--to=~/logs.duckdb", "--since", "30d").exit_code == 0
    assert run("sync", "--to=~/logs", "--since", "30d").exit_code == 0
    assert run("state", "show", "~/logs").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "logs.duckdb", "logs.duckdb.lock", "o.jsonl"]
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == len(configured.uids)


@pytest.mark.parametrize("there", [True, False], ids=["link", "dangling link"])
def test_an_output_that_is_a_link_is_followed(configured: Server, run: Run, there: bool, tmp_path: Path) -> None:
    """The link stays a link, and its target gets the records."""
    target, link = tmp_path / "target.jsonl", tmp_path / "o.jsonl"
    link.symlink_to(target)
    if there:
        target.write_text("old")
        assert run("pull", "--output", str(link)).exit_code == 2
        assert target.read_text() == "old"
    assert run("pull", "--output", str(link), *(["--force"] if there else [])).exit_code == 0
    assert link.is_symlink()
    uids = [json.loads(line)["uid"] for line in target.read_text().splitlines()]
    assert sorted(uids) == sorted(configured.uids)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("name", ["pipe", "link"])
@pytest.mark.usefixtures("configured")
def test_a_pipe_or_device_as_output_is_refused(run: Run, name: str, tmp_path: Path) -> None:
    """A file would replace the pipe or device, so it is refused, even with --force."""
    # Never a real device: if this test failed, the machine would lose it.
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    result = run("pull", "--output", name, "--force")
    assert result.exit_code == 2
    assert "is not a file. Leave out --output" in result.stderr
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "pipe").is_fifo()
