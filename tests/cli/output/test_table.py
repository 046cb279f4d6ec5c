import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.cli.conftest import Run, Server
from tests.cli.output.test_csv import record_of

from logferry import LogRecord
from logferry.cli._output.console import PlainConsole
from logferry.cli._output.table import Table


@pytest.mark.parametrize("width", [60, 80, 132])
def test_a_row_fits_the_terminal(run: Run, configured: Server, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """A row is one line, at most as wide as the terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("pull", "--format", "table").stdout.splitlines()
    assert len(lines) == 1 + len(configured.uids)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.usefixtures("configured")
def test_columns_fit_80_characters(run: Run) -> None:
    """At 80 columns, time, severity and body are shown in full, and the stream is shown once."""
    header, *rows = run("pull", "--format", "table").stdout.splitlines()
    assert header.split() == ["time", "(UTC)", "severity", "logto.audit_logs"]
    records = [json.loads(line) for line in run("pull").stdout.splitlines()]
    for record, row in zip(records, rows, strict=True):
        assert record["timestamp"][:19].replace("T", " ") == row[:19]
        assert record["severity_text"] == row[21:29].strip()
        assert record["body"] == row[31:].split()[0]


@pytest.mark.usefixtures("configured")
def test_a_wide_terminal_shows_milliseconds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide terminal shows milliseconds."""
    monkeypatch.setenv("COLUMNS", "120")
    _, row, *_ = run("pull", "--format", "table").stdout.splitlines()
    assert row[19] == "."


def test_a_table_can_be_written_to_a_file(run: Run, configured: Server, tmp_path: Path) -> None:
    """A table can be written to a file."""
    path = tmp_path / "logs.txt"
    assert run("pull", "--format", "table", "--output", str(path)).exit_code == 0
    assert len(path.read_text("utf-8").splitlines()) == 1 + len(configured.uids)


@pytest.mark.usefixtures("configured")
def test_no_records_make_no_table(run: Run) -> None:
    """Without records no header is written."""
    result = run("pull", "--format", "table", "--filter", "log_key=None.Such")
    assert (result.exit_code, result.stdout) == (0, "")


def test_without_a_terminal_rows_are_not_cut(
    run: Run, configured: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a terminal and without COLUMNS, rows of a pipe and of a file have any width."""
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


def rows_of(*records: LogRecord, width: int, encoding: str = "utf-8", **options: Any) -> list[str]:
    """Return the lines of a table, without its header."""
    file = io.BytesIO()
    text = io.TextIOWrapper(file, encoding, write_through=True)
    table = Table(PlainConsole(text, width=width), ["logto.audit_logs"], **options)
    for record in records:
        table.write(record)
    table.flush()
    return file.getvalue().decode(encoding).splitlines()[1:]


@given(
    body=st.text(max_size=80), severity=st.text(max_size=20), account=st.text(max_size=30), width=st.integers(40, 120)
)
@example(body="日本語" * 20, severity="警告警告警告", account="会社" * 12, width=61)
@example(body="[red]markup[/red] :smile: \x1b[31m\x07\r\n", severity="", account="a", width=80)
def test_any_text_fits(body: str, severity: str, account: str, width: int) -> None:
    """A row with wide characters, control characters and markup fits one line and has no terminal effects."""
    record = record_of(body=body, severity=(9, severity), account=account, says={body: severity})
    (row,) = rows_of(record, width=width, accounts=[account])
    assert cell_len(row) <= width
    assert not set(row) & {"\x1b", "\r", "\n", "\x07", "\u202e"}
    if body.isprintable() and cell_len(body) < width - 60 and severity:
        assert body in row


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "ascii"])
def test_a_row_fits_in_every_encoding(encoding: str) -> None:
    """Escapes of an encoding count with their full width."""
    (row,) = rows_of(record_of(body="日本語 → größe " * 20), width=90, encoding=encoding)
    assert len(row) <= 90
    assert r"\u65e5" in row


def test_without_a_terminal_there_is_no_colour(run: Run, configured: Server) -> None:
    """A pipe gets plain text."""
    assert configured.uids
    assert "\x1b" not in run("pull", "--format", "table").stdout
