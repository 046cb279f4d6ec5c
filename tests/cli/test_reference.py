"""What is written from the commands is up to date."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_up_to_date() -> None:
    """docs/cli.md is what --help says, and completion knows the streams, filters and variables that there are."""
    shown = subprocess.run(
        [sys.executable, ROOT / "scripts/reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
