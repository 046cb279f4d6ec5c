"""Possibly missing records on the command line: a short message without --verbose, and no exit code of its own."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Account, Run, serving, started
from tests.conftest import PATIENCE

from logferry.testing import LogtoFake, Row

SECOND = 1_000_000_000
CROWD = 120
FEW_LINES = 11


def crowded(moments: int) -> LogtoFake:
    """Return a server with more logs at some moments than a page holds."""
    newest = time.time_ns() // SECOND * SECOND - 3600 * SECOND
    rows = [Row(time=newest - moment * SECOND) for moment in range(moments) for _ in range(CROWD)]
    rows.append(Row(time=newest - 600 * SECOND))
    return LogtoFake(rows=rows, epoch=newest, release="1.36.0", stable_ties=False, compression=False)


@pytest.mark.parametrize("command", ["pull", "sync"])
@pytest.mark.parametrize("moments", [1, 30])
def test_possibly_missing_records_are_reported_without_verbose(
    run: Run, account: Account, tmp_path: Path, command: str, moments: int
) -> None:
    """The message is a few lines long for any number of doubts."""
    fake = crowded(moments)
    with serving(fake) as url:
        account(fake, url)
        result = run(*([command] if command == "pull" else [command, "--to", str(tmp_path / "logs.duckdb")]))
    told = [line for line in result.stderr.splitlines() if "Warning" in line]
    assert result.exit_code == 0
    assert told[0].startswith("Warning: logto.audit_logs: createdAt: more logs at ")
    assert "did not decode" not in result.stderr
    assert len({*told}) == len(told)
    assert len(told) <= 2 if moments == 1 else 2 < len(told) <= FEW_LINES
    assert moments == 1 or told[-1].endswith("more of this kind")


def test_verbose_reports_each_doubt(run: Run, account: Account) -> None:
    """--verbose prints each message."""
    fake = crowded(30)
    with serving(fake) as url:
        account(fake, url)
        result = run("pull", "--verbose")
    told = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert len(told) > FEW_LINES
    assert not any(line.endswith("more of this kind") for line in told)


def test_strict_ignores_doubts(run: Run, account: Account) -> None:
    """With --strict the command reports the doubt and writes all records."""
    fake = crowded(1)
    with serving(fake) as url:
        account(fake, url)
        result = run("pull", "--strict")
    assert result.exit_code == 0
    assert len({json.loads(line)["uid"] for line in result.stdout.splitlines()}) > CROWD // 2
    assert "more logs at" in result.stderr


def test_a_tail_reports_a_doubt_at_once(account: Account, tmp_path: Path) -> None:
    """A tail has no end, so it reports a doubt at once, and an unchanged one only once."""
    fake = crowded(1)
    with serving(fake) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path))
        account(fake, url)
        with started("tail", "--since", "2h") as process:
            assert process.stderr is not None
            line = process.stderr.readline().decode()
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=PATIENCE)
    assert line.startswith("Warning: logto.audit_logs: createdAt: more logs at ")
    assert line not in rest.decode()
