"""The CPU until a first client is ready, in separate processes: a client of logferry, and a bare one of httpx."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from typing import Any, Final

_MEASURED: Final = """
import time
start = time.process_time()
{code}
print(time.process_time() - start)
"""
_CODES: Final = {
    "httpx.Client()": "import httpx; httpx.Client()",
    "logferry.Daily()": "import logferry; logferry.Daily(api_key='x')._pool.blocking()",
    "logferry.Daily(), fast": "import logferry; logferry.Daily(api_key='x', transport='fast')._pool.blocking()",
}


def compare(rounds: int) -> dict[str, Any]:
    """Return the CPU until a first client is ready, relative to a bare httpx client in the same round, with compiled modules."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds: dict[str, list[float]] = {name: [] for name in _CODES}
    for turn in range(rounds + 1):
        for name, code in _CODES.items():
            done = subprocess.run(
                [sys.executable, "-c", _MEASURED.format(code=code)],
                capture_output=True,
                text=True,
                check=True,
                env=environment,
            )
            if turn:
                seconds[name].append(float(done.stdout))
    bare = seconds["httpx.Client()"]
    return {
        name: median(mine / theirs for mine, theirs in zip(found, bare, strict=True)) for name, found in seconds.items()
    }
