"""The name of an output says its format."""

from __future__ import annotations

import gzip
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run, Server, resume_line, uids


@pytest.mark.parametrize("name", ["logs.jsonl", "logs", "logs.JSONL", "logs.jsonl.gz", "logs.gz"])
def test_lines(run: Run, configured: Server, tmp_path: Path, name: str) -> None:
    """Lines of JSON, compressed where the name says so; the same bytes each time."""
    path = tmp_path / name
    assert run("pull", "--output", str(path)).exit_code == 0
    content = path.read_bytes()
    assert uids(gzip.decompress(content) if name.endswith(".gz") else content) == configured.uids
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("name", ["logs.csv", "logs.csv.gz"])
def test_csv(run: Run, tmp_path: Path, name: str) -> None:
    """Rows where the name says so."""
    path = tmp_path / name
    assert run("pull", "--output", str(path), "--max-items", "3").exit_code == 0
    content = path.read_bytes()
    assert (gzip.decompress(content) if name.endswith(".gz") else content).startswith(b'"uid","stream"')


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "name", ["logs.txt", "logs.parquet", "logs.arrow", "logs.json", "logs.jsonl.zst", "logs.txt.gz"]
)
def test_what_is_not_known_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    """Before anything is asked for; --format says otherwise."""
    path = tmp_path / name
    result = run("pull", "--output", str(path))
    assert result.exit_code == 2
    assert "there is no format for names in ." in result.stderr
    assert not [*tmp_path.iterdir()]


def test_the_format_that_is_asked_for_counts(run: Run, configured: Server, tmp_path: Path) -> None:
    """Whatever the name."""
    path = tmp_path / "logs.txt"
    assert run("pull", "--format", "jsonl", "--output", str(path)).exit_code == 0
    assert uids(path.read_bytes()) == configured.uids


def test_a_compressed_file_can_be_resumed(run: Run, failing: Server, tmp_path: Path) -> None:
    """The line that is printed makes the file complete."""
    path = tmp_path / "all logs.jsonl.gz"
    result = run("pull", "--output", str(path))
    assert result.exit_code == 3
    script = resume_line(result.stderr).replace("logferry", shlex.join([sys.executable, "-m", "logferry"]), 1)
    subprocess.run(["sh", "-c", script], check=True, capture_output=True)
    assert uids(gzip.decompress(path.read_bytes())) == failing.uids
    assert [*tmp_path.iterdir()] == [path]
