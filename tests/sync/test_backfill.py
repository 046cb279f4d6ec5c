"""The memory of a back-fill does not grow with the records: a small version of what ``scripts/backfill`` measures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import PATIENCE

SCRIPT = Path(__file__).parents[2] / "scripts" / "backfill.py"


def backfill(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script without its limit on speed."""
    command = [sys.executable, str(SCRIPT), "--rate", "0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_four_times_the_records_need_about_the_same_memory() -> None:
    """The store has all records of both runs, and the larger run takes more memory only for filled buffers."""
    ran = backfill("2000", "8000", "--growth", "1.5")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_growing_memory_is_noticed() -> None:
    """The script fails if memory grows with the records."""
    ran = backfill("200", "400", "--growth", "0.5")
    assert ran.returncode == 1
    assert "takes more than 0.5 times the memory" in ran.stdout
