"""A sync that is killed at random instants loses and repeats no record: a few of the kills of ``scripts/kills``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import PATIENCE

SCRIPT = Path(__file__).parents[2] / "scripts" / "kills.py"


@pytest.mark.parametrize(
    ("store", "streams", "records"),
    [
        ("logs.duckdb", ["cognigy.project_logs", "daily.api_logs"], 2400),
        ("folder/", ["logto.audit_logs"], 1200),
    ],
)
def test_a_killed_sync_loses_and_repeats_no_record(store: str, streams: list[str], records: int) -> None:
    """Six syncs of each stream get SIGKILL, some while they create the store; a last uninterrupted one completes it."""
    kills = 6 * len(streams)
    named = [part for stream in streams for part in ("--stream", stream)]
    command = [sys.executable, str(SCRIPT), store, "--kills", str(kills), *named]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (total,) = [line for line in ran.stdout.splitlines() if line.startswith("│ all ")]
    cells = [cell.strip() for cell in total.strip("│").split("│")]
    assert cells[2] == str(kills)
    assert cells[4] == f"{records:,}"
    assert cells[5:] == ["0", "0", "0"]
