"""A back-fill of a month needs no more memory for more records: a small one of those that ``scripts/backfill`` measures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import PATIENCE

SCRIPT = Path(__file__).parents[2] / "scripts" / "backfill.py"


def backfill(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script; how fast it is does not matter here."""
    command = [sys.executable, str(SCRIPT), "--rate", "0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_four_times_the_records_arrive_in_about_the_same_memory() -> None:
    """The store has all of both, and what the larger one took beyond the other are buffers that fill."""
    ran = backfill("2000", "8000", "--growth", "1.5")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_memory_that_grows_is_noticed() -> None:
    """Else the script would prove nothing."""
    ran = backfill("200", "400", "--growth", "0.5")
    assert ran.returncode == 1
    assert "takes more than 0.5 times the memory" in ran.stdout
