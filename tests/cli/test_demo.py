"""The demo pulls and compares all records, and reports a loss."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.cli.conftest import Run, serving, started
from tests.conftest import PATIENCE

from logferry._accounts.registry import SERVICES
from logferry.cli._demo.command import demonstrate
from logferry.cli._demo.pull import Source
from logferry.testing import Fake, FakeResponse, LogtoFake, failing

STREAMS = [stream.name for service in SERVICES for stream in service.streams]
(LOGTO,) = [service for service in SERVICES if service.name == "logto"]
EPOCH = 1_767_225_600_000_000_000


def test_each_stream_is_pulled_shown_and_compared(run: Run) -> None:
    """Each stream is in the table, the samples and the comparison; records are on stdout; no line is too wide."""
    result = run("demo", "--records", "300")
    assert result.exit_code == 0
    pulled, synced = result.stdout.split("\nlogferry sync --to logs.duckdb\n")
    table, *samples, compared = re.split(r"\n(?=time \(UTC\)|compared with)", pulled)
    assert re.findall(r"^(\S+\.\S+) +300 +\d+ +\d+ ", table, re.MULTILINE) == STREAMS
    assert len(re.findall(r"\d\d-\d\d \d\d:\d\d", table)) == 2 * len(STREAMS)
    assert sum(int(count) for count in re.findall(r"[a-z]\N{NO-BREAK SPACE}(\d+)", table)) == 300 * len(STREAMS)
    assert [block.splitlines()[0].split()[-1] for block in samples] == STREAMS
    assert all(len(block.strip().splitlines()) in {2, 3, 4} for block in samples)
    assert compared.count("300 of 300, 0 missing, 0 double\n") == len(STREAMS)
    answers = synced.partition("most_often")[2]
    count, whole = re.findall(r"^([\d,]+) of ([\d,]+) records in the file", synced)[0]
    assert 280 * len(STREAMS) < int(count.replace(",", "")) == int(whole.replace(",", ""))
    assert sorted(re.findall(r"^(\S+\.\S+) +(?:300|2\d\d) ", answers, re.MULTILINE)) == sorted(STREAMS)
    assert "logferry simulate" in answers
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert result.stderr == "4 made-up services on this machine, 300 records in each stream\n"


def test_failures_are_retried_and_counted(run: Run) -> None:
    """Some answers fail; the table has the number of retries, and --verbose reports each."""
    result = run("demo", "--records", "300", "--verbose")
    counts = re.findall(r"^\S+\.\S+ +300 +\d+ +(\d+) ", result.stdout, re.MULTILINE)
    told = result.stderr.splitlines()[1:]
    assert sum(map(int, counts)) == len(told) > 1
    assert {line.partition(": ")[2].partition(",")[0] for line in told} == {"HTTP 503", "HTTP 429"}


@pytest.mark.parametrize("served", [20, 22])
def test_a_missing_or_extra_record_is_reported(served: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A service with another number of records than expected gives exit code 1 and a line about it."""
    truth: Fake = LogtoFake(records=21, epoch=EPOCH, growing=False)
    # Of two histories with the same start, one is a record longer.
    other = LogtoFake(records=served, epoch=EPOCH, growing=False)
    with serving(other) as url:
        assert demonstrate([Source(LOGTO, truth, url)]) == 1
    line = capsys.readouterr().out.partition("compared with")[2].splitlines()[1]
    assert ("20 of 21, 1 missing" if served == 20 else "21 of 21, 0 missing, 0 double, 1 unexpected") in line


def test_a_failing_stream_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """An error ends its stream with exit code 1; one line has the reason and the number of missing records."""
    fake = LogtoFake(records=250, epoch=EPOCH, growing=False)
    with serving(fake, failing(FakeResponse(403), path="/api/logs", at=[2])) as url:
        assert demonstrate([Source(LOGTO, fake, url)]) == 1
    output = capsys.readouterr().out
    assert "100 of 250, 150 missing, 0 double; logto.audit_logs" in output
    assert fake.app_secret not in output


def test_the_environment_of_the_user_has_no_effect(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts, proxies and certificates of the environment have no effect and remain unchanged."""
    settings = {
        "LOGTO_RESOURCE": "https://wrong.example",
        "LOGTO_ACCESS_TOKEN": "wrong",
        "COGNIGY_TYPE_BRACKETS": "neither",
        "DAILY_BASE_URL": "https://wrong.example",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "SSL_CERT_FILE": "/nowhere",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert run("demo", "--records", "10").exit_code == 0
    assert settings.items() <= os.environ.items()


def test_ctrl_c_ends_the_demo() -> None:
    """The exit code is 130 with one line and without a traceback from either process."""
    with started("demo", "--records", "1000000") as process:
        assert process.stderr is not None
        assert b"made-up services" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (130, b"interrupted\n")


def test_the_database_can_have_any_name(run: Run, tmp_path: Path) -> None:
    """The name given to --keep is that of a DuckDB file, also without a suffix."""
    assert run("demo", "--records", "1", "--keep", str(tmp_path / "kept")).exit_code == 0
    with duckdb.connect(str(tmp_path / "kept"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM logs").fetchall() == [(True,)]


def test_a_missing_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, one line names it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run("demo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: the loopback server needs the package uvicorn. pip install 'logferry[simulate]'\n"


def test_the_demo_runs_as_a_module() -> None:
    """In a process of its own, the process of the services finds its module."""
    command = [sys.executable, "-m", "logferry", "demo", "--records", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stdout.count("1 of 1, 0 missing, 0 double") == len(STREAMS)
