import io
import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.cli.conftest import Run, Server, made_fake

from logferry import Logto
from logferry._registry import SERVICES, Account
from logferry.cli._outputs import text_console
from logferry.cli._selection import Job
from logferry.cli._table import Table
from logferry.testing import InProcessTransport


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


def shown_of(*names: str) -> list[str]:
    """The rows of one record of each of these accounts."""
    (service,) = (one for one in SERVICES if one.name == "logto")
    file = io.BytesIO()
    table = Table(text_console(file), [Job(Account(name=name, service=service), service.streams[0]) for name in names])
    fake = made_fake(records=1)
    for name in names:
        with Logto(
            endpoint="https://default.logto.app",
            app_id=fake.app_id,
            app_secret=fake.app_secret,
            account=name,
            transport=InProcessTransport(fake),
        ) as logto:
            for record in logto.audit_logs().records():
                table.write(record)
    return file.getvalue().decode().splitlines()


def test_accounts() -> None:
    """Where records of several accounts come, each row names its account."""
    header, *rows = shown_of("logto", "production")
    assert header.split() == ["time", "(UTC)", "account", "severity", "logto.audit_logs"]
    start = header.index("account")
    assert [row[start:].split()[0] for row in rows] == ["logto", "production"]
    assert len({row.index("  ", start + len("production")) for row in rows}) == 1


@pytest.mark.parametrize("name", ["logto", "production"])
def test_one_account(name: str) -> None:
    """One account needs no column."""
    header, _row = shown_of(name)
    assert "account" not in header.split()


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
