"""
Other tools, each in its own virtual environment if it is set up: dlt, grove, a Singer tap.

Each tool runs in a separate process, which measures its own CPU.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmark.paging import Plain

ROOT: Final = Path(__file__).resolve().parents[2]

TOOLS: Final = {"dlt": "dlt", "grove": "grove", "singer": "singer-sdk"}
"""The tools, with the package to install for each."""


def install() -> None:
    """Set up the environments of all tools; leave out a tool whose installation fails."""
    for tool, requirement in TOOLS.items():
        folder = ROOT / "build" / tool
        with suppress(subprocess.CalledProcessError):
            if not (folder / "bin" / "python").exists():
                subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, requirement], check=True)


class Outsider:
    """A tool in its own environment."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self._process: subprocess.Popen[str] | None = None

    def is_there(self) -> bool:
        """Start the process; return whether the tool is set up and can be loaded."""
        python = ROOT / "build" / self.tool / "bin" / "python"
        if not python.exists():
            return False
        script = Path(__file__).with_name(f"outside_{self.tool}.py")
        environment = {
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PATH": "/usr/bin:/bin",
            "HOME": str(ROOT / "build"),
        }
        self._process = subprocess.Popen(
            [str(python), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        return self._line() == "ready"

    def measured(self, plain: Plain) -> tuple[int, float, float]:
        """Return the number of records read, CPU seconds and wall seconds; zeros if the tool failed."""
        assert self._process is not None  # noqa: S101  # for the type checkers: it is there
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps(plain) + "\n")
        self._process.stdin.flush()
        answer = self._line()
        count, cpu, wall = json.loads(answer) if answer else (0, 0.0, 0.0)
        return count, cpu, wall

    def stop(self) -> None:
        """End its process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _line(self) -> str:
        assert self._process is not None  # noqa: S101  # for the type checkers: it is there
        assert self._process.stdout is not None  # noqa: S101
        return self._process.stdout.readline().strip()
