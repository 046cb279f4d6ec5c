import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.cli.conftest import Run, Server


@pytest.mark.parametrize("width", [60, 80, 132])
def test_width(run: Run, configured: Server, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """A row is a line, as wide as the terminal at most."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("pull", "--format", "table").stdout.splitlines()
    assert len(lines) == 1 + len(configured.uids)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.usefixtures("configured")
def test_columns(run: Run) -> None:
    """At 80 columns time, severity and body can be read in full, and the stream is named once."""
    header, *rows = run("pull", "--format", "table").stdout.splitlines()
    assert header.split() == ["time", "(UTC)", "severity", "logto.audit_logs"]
    records = [json.loads(line) for line in run("pull").stdout.splitlines()]
    for record, row in zip(records, rows, strict=True):
        assert record["timestamp"][:19].replace("T", " ") == row[:19]
        assert record["severity_text"] == row[21:29].strip()
        assert record["body"] == row[31:].split()[0]


@pytest.mark.usefixtures("configured")
def test_milliseconds_where_there_is_space(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide terminal shows milliseconds."""
    monkeypatch.setenv("COLUMNS", "120")
    _, row, *_ = run("pull", "--format", "table").stdout.splitlines()
    assert row[19] == "."


def test_file(run: Run, configured: Server, tmp_path: Path) -> None:
    """A table can be written to a file."""
    path = tmp_path / "logs.txt"
    assert run("pull", "--format", "table", "--output", str(path)).exit_code == 0
    assert len(path.read_text("utf-8").splitlines()) == 1 + len(configured.uids)


@pytest.mark.usefixtures("configured")
def test_nothing(run: Run) -> None:
    """Without records there is no table."""
    result = run("pull", "--format", "table", "--filter", "log_key=None.Such")
    assert (result.exit_code, result.stdout) == (0, "")


def test_uncut(run: Run, configured: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no terminal, and COLUMNS is not set, nothing is cut: neither in a pipe nor in a file."""
    monkeypatch.delenv("COLUMNS")
    path = tmp_path / "logs.txt"
    assert run("pull", "--format", "table", "--output", str(path)).exit_code == 0
    piped = run("pull", "--format", "table").stdout
    assert piped == path.read_text("utf-8")
    records = [json.loads(line) for line in run("pull").stdout.splitlines()]
    _header, *rows = piped.splitlines()
    assert len(rows) == len(configured.uids)
    assert max(map(len, rows)) > 200
    assert "\u2026" not in piped
    for record, row in zip(records, rows, strict=True):
        told = (record["severity_text"], record["body"])
        assert all(f"{name}=" in row for name, value in record["attributes"].items() if value not in told)
