"""A sync that is killed at random instants loses nothing and doubles nothing: a few of the kills of ``scripts/kills``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "kills.py"


def test_a_killed_sync_loses_and_doubles_nothing() -> None:
    """Twelve processes get SIGKILL, some while they make the store, two are left alone; the store has the truth."""
    streams = ["--stream", "cognigy.project_logs", "--stream", "daily.api_logs"]
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "12", *streams],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (total,) = [line for line in ran.stdout.splitlines() if line.startswith("│ all ")]
    cells = [cell.strip() for cell in total.strip("│").split("│")]
    assert cells[2] == "12"
    assert cells[4] == "2,400"
    assert cells[5:] == ["0", "0", "0"]
