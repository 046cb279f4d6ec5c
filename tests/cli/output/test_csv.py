"""``--format csv``: the output for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.cli.conftest import Run, Server, resume_arguments, resume_line

from logferry._records.origin import Normalizer, Origin
from logferry._records.record import LogRecord
from logferry._time.page_times import known_times
from logferry.cli._output.csv import CsvRows, harmless_cell

HEADER = [
    "uid",
    "stream",
    "account",
    "timestamp",
    "observed_timestamp",
    "severity_number",
    "severity_text",
    "event_name",
    "body",
    "trace_id",
    "attributes",
    "resource",
    "issues",
]
DANGEROUS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # full-width variants

TEXT = st.text(st.characters(codec="utf-8")) | st.text(DANGEROUS + "' \ufeff\u200b,;\"|a\x00")
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def rows(text: str) -> list[list[str]]:
    """Return the rows that the reader of the standard library finds."""
    return list(csv.reader(io.StringIO(text, newline="")))


def original(cell: str) -> str:
    """Return a cell without the quote that prevents a formula."""
    return cell[1:] if cell.startswith("'") and harmless_cell(cell[1:]) == cell else cell


def record_of(
    *,
    identity: str = "1",
    account: str = "made",
    body: str | None = None,
    time: int = 1,
    severity: tuple[int, str | None] = (0, None),
    event_name: str | None = None,
    says: dict[str, Any] | None = None,
    raw: Any = None,
    issues: Sequence[str] = (),
) -> LogRecord:
    """Return a record of any content."""
    normalizer: Normalizer[Any] = Normalizer(
        times=lambda items: known_times([0] * len(items)),
        make=lambda _item, origin, time: LogRecord(origin, {}, time or 0),
        identity=lambda _item: ("tenant", identity),
        attributes=lambda _item: says or {},
        resource=lambda _item, _origin: says or {},
    )
    origin = Origin(
        stream="made.up", account=account, server_address="", observed_time_unix_nano=1, normalizer=normalizer
    )
    return LogRecord(origin, {}, time, *severity, event_name, body).as_received(raw, tuple(issues))


RECORDS: st.SearchStrategy[LogRecord] = st.builds(
    record_of,
    identity=TEXT,
    account=TEXT,
    body=st.none() | TEXT,
    time=st.integers(0, 2**62),
    severity=st.tuples(st.integers(0, 24), st.none() | TEXT),
    event_name=st.none() | TEXT,
    says=st.dictionaries(TEXT, JSON_VALUE, max_size=3),
    raw=JSON_VALUE,
    issues=st.lists(TEXT, max_size=2),
)


@given(st.lists(RECORDS, max_size=3), st.booleans())
def test_cells_round_trip(records: list[LogRecord], raw: bool) -> None:
    """Each cell gives its value: a text without its leading quote, any other value as JSON."""
    file = io.BytesIO()
    output = CsvRows(file, raw=raw, header=True)
    output.begin()
    for record in records:
        output.write(record)
    header, *found = rows(file.getvalue().decode())
    assert header == [*HEADER, *(["raw"] if raw else [])]
    assert len(found) == len(records)
    for record, row in zip(records, found, strict=True):
        told = record.to_dict(raw=raw)
        assert set(told) <= set(header)
        for name, cell in zip(header, row, strict=True):
            text = original(cell)
            if name not in told:
                assert text == ""
            elif isinstance(told[name], str) and name != "raw":
                assert text == told[name]
            else:
                assert json.loads(text) == told[name]


@given(TEXT)
@example("=cmd|' /C calc'!A0")
@example("  =1+1")
@example("\ufeff-1")
@example("\uff1dSUM(A1)")  # full width
@example("'=1")
def test_no_cell_begins_a_formula(text: str) -> None:
    """With any content of a log, no cell starts a formula, and the text can be restored."""
    cell = harmless_cell(text)
    assert not cell.lstrip("\ufeff\u200b \x00").startswith(tuple(DANGEROUS))
    assert not cell.strip().startswith(tuple(DANGEROUS))
    assert original(cell) == text


def test_cells_are_quoted() -> None:
    """Spreadsheets that also split at semicolons and tabs find whole cells, since every cell is quoted."""
    file = io.BytesIO()
    CsvRows(file, raw=False, header=False).write(record_of(account="a;=1+1", body="b\t=1+1"))
    line = file.getvalue().decode()
    cells = ["made.up", "a;=1+1", "1970-01-01T00:00:00.000000001Z"]
    assert line.startswith(f'"made:tenant:1","{cells[0]}","{cells[1]}","{cells[2]}",')
    assert '"b\t=1+1"' in line
    assert line.endswith('"\r\n')
    assert rows(line)[0][5] == "0"


class Terminal(io.BytesIO):
    """A file that reports to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_a_terminal_gets_escapes() -> None:
    """On a terminal control characters are visible escapes, in texts and in JSON."""
    terminal = Terminal()
    hostile = "\x1b]0;owned\x07\x9b2J\u202e"
    CsvRows(terminal, raw=False, header=False).write(record_of(body=hostile, says={"a": hostile}))
    line = terminal.getvalue().decode().removesuffix("\r\n")
    assert line.isprintable()
    assert json.loads(rows(line)[0][10]) == {"a": hostile}


def test_a_pull_writes_a_header_and_rows(run: Run, configured: Server) -> None:
    """A pull writes the header and every record once, with line ends of RFC 4180."""
    result = run("pull", "--format", "csv")
    header, *found = rows(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert header == HEADER
    assert [row[0] for row in found] == configured.uids
    assert result.stdout_bytes.count(b"\r\n") == 1 + len(found)


@pytest.mark.usefixtures("configured")
def test_raw_adds_a_column(run: Run) -> None:
    """--raw adds the item as sent, as JSON in the last column."""
    header, row = rows(run("pull", "--format", "csv", "--raw", "--max-items", "1").stdout)
    assert header == [*HEADER, "raw"]
    raw = json.loads(row[-1])
    assert row[0] == f"logto:{raw['tenantId']}:{raw['id']}"


@pytest.mark.usefixtures("configured")
def test_no_records_make_a_header(run: Run, tmp_path: Path) -> None:
    """Without records, the output still has its header, also in a file."""
    nothing = ("pull", "--format", "csv", "--filter", "log_key=None.Such")
    assert rows(run(*nothing).stdout) == [HEADER]
    path = tmp_path / "logs.csv"
    assert run(*nothing, "--output", str(path)).exit_code == 0
    assert rows(path.read_text()) == [HEADER]


@pytest.mark.usefixtures("configured")
def test_no_header_leaves_the_header_out(run: Run) -> None:
    """--no-header leaves the header out; other formats have none."""
    (row,) = rows(run("pull", "--format", "csv", "--no-header", "--max-items", "1").stdout)
    assert row[1] == "logto.audit_logs"
    refused = run("pull", "--no-header")
    assert refused.exit_code == 2
    assert "--no-header goes with csv only" in refused.stderr


@pytest.mark.usefixtures("configured")
def test_a_failure_before_any_record_writes_no_output(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A pull that fails before any record writes no output, so its call can be repeated."""
    monkeypatch.setenv("LOGTO_APP_SECRET", "wrong-but-secret")
    result = run("pull", "--format", "csv", "--output", str(tmp_path / "logs.csv"))
    assert (result.exit_code, list(tmp_path.iterdir())) == (3, [])


@pytest.mark.parametrize("more", [[], ["--severity", "fatal"], ["--raw", "--severity", "error"]])
def test_a_resumed_pull_continues_the_csv(run: Run, failing: Server, more: list[str]) -> None:
    """The output of a failed pull and of its resumption are together one CSV with one header and whole rows."""
    first = run("pull", "--format", "csv", *more)
    assert first.exit_code == 3
    rest = run(*resume_arguments(first.stderr))
    whole = run("pull", "--format", "csv", *more)
    assert (rest.exit_code, whole.exit_code) == (0, 0)
    assert [row[0] for row in rows(first.stdout + rest.stdout)] == [row[0] for row in rows(whole.stdout)]
    assert more or len(rows(whole.stdout)) == 1 + len(failing.uids)


def test_a_resumed_pull_appends_to_the_file(run: Run, failing: Server, tmp_path: Path) -> None:
    """The printed command appends rows to the file without another header."""
    path = tmp_path / "logs.csv"
    first = run("pull", "--format", "csv", "--output", str(path))
    command, _, target = resume_line(first.stderr).rpartition(" >> ")
    assert target == f"{path}.partial && mv {path}.partial {path}"
    rest = run(*shlex.split(command)[1:])
    header, *found = rows(path.with_name("logs.csv.partial").read_text() + rest.stdout)
    assert header == HEADER
    assert [row[0] for row in found] == failing.uids
