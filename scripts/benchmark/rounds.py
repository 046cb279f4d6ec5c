"""The rounds: all contestants in turn, repeated, so that drift in the speed of the machine does not matter."""

from __future__ import annotations

import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmark import ferry, floors, keeping, loops, start, stock
from benchmark.outside import TOOLS, Outsider
from benchmark.paging import Plain
from benchmark.questions import QUESTIONS
from benchmark.server import served

Contest = Callable[[Plain], tuple[int, float, float]]
"""Reads all records; returns the number of records, CPU seconds of its process, and wall seconds."""

BESIDE: Final = {
    "records to jsonl": "loop to jsonl",
    "records to a table": "loop to jsonl",
    "floor of records to jsonl": "loop to jsonl",
    "raw, async": "loop, async",
    "records, async": "loop, async",
    "records, fast, async": "loop, async",
    "entries, async": "loop, async",
}
"""The contestants that are not compared with the plain loop, with the loop for each."""

_ALONE: Final = """
import json, re, sys
from pathlib import Path
from benchmark.paging import Plain
from benchmark.{module} import {table}
{table}[{name!r}](Plain(*json.loads(sys.argv[1])))
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
"""The code of a separate process; ``resource`` would also count the memory of the process that it was forked from."""

_MEASURED_ALONE: Final = {
    "loop": ("loops", "LOOPS"),
    "loop to jsonl": ("loops", "LOOPS"),
    "raw": ("ferry", "FERRY"),
    "records": ("ferry", "FERRY"),
    "records, whole": ("ferry", "FERRY"),
    "entries": ("ferry", "FERRY"),
    "records to jsonl": ("ferry", "FERRY"),
    "sync to DuckDB": ("keeping", "KEEPING"),
    "sync to Parquet": ("keeping", "KEEPING"),
}
"""The contestants whose memory is measured, each in a separate process, with their module and table."""


def compare(records: dict[str, int], rounds: int, *, only: str, progress: Callable[[str], None]) -> dict[str, Any]:
    """
    Run all contestants against all streams.

    Args:
        records: Records of each stream, by the question's name.
        rounds: Rounds that are measured, after one that warms up and prepares the server.
        only: Text that the names of streams have to contain.
        progress: Receives the name of each stream when its rounds begin.
    """
    outsiders = {tool: Outsider(tool) for tool in TOOLS}
    try:
        there = {tool: outsider for tool, outsider in outsiders.items() if outsider.is_there()}
        contestants = {**_own(), **{tool: outsider.measured for tool, outsider in there.items()}}
        results: dict[str, Any] = {}
        with served(records) as urls:
            for question in QUESTIONS:
                if only in question.name:
                    progress(question.name)
                    plain = question.plain(urls[question.name], records[question.name])
                    left_out = keeping.KEEPING if question.sync_filters is None else {}
                    taking_part = {name: one for name, one in contestants.items() if name not in left_out}
                    results[question.name] = {
                        "page": question.page,
                        "records": plain.records,
                        "contestants": _compared(taking_part, plain, rounds),
                        "peak_kib": {name: _peak(name, plain) for name in _MEASURED_ALONE if name in taking_part},
                    }
    finally:
        for outsider in outsiders.values():
            outsider.stop()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": rounds,
        "start": start.compare(3 * rounds),
        "absent": sorted(TOOLS.keys() - there.keys()),
        "streams": results,
    }


def _own() -> dict[str, Contest]:
    stock.generate()
    every = {**loops.LOOPS, **floors.FLOORS, **ferry.FERRY, **keeping.KEEPING, "stock client": stock.stock}
    return {name: _timed(contestant) for name, contestant in every.items()}


def _timed(contestant: Callable[[Plain], int]) -> Contest:
    def measured(plain: Plain) -> tuple[int, float, float]:
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        count = contestant(plain)
        return count, time.process_time() - cpu, time.perf_counter() - wall

    return measured


def _compared(contestants: dict[str, Contest], plain: Plain, rounds: int) -> dict[str, Any]:
    cpu: dict[str, list[float]] = {name: [] for name in contestants}
    wall: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, contestant in contestants.items():
            count, seconds, elapsed = contestant(plain)
            # A sync leaves deleted logs out, so costs are compared for each record.
            if count == 0 or (count != plain.records and name not in keeping.KEEPING):
                raise SystemExit(f"{name} read {count} of {plain.records} of {plain.name}")
            if turn:
                cpu[name].append(seconds * plain.records / count)
                wall[name].append(elapsed * plain.records / count)
    return {name: _summary(cpu[name], wall[name], cpu[BESIDE.get(name, "loop")], plain.records) for name in contestants}


def _summary(cpu: list[float], wall: list[float], beside: list[float], records: int) -> dict[str, float]:
    ratios = [mine / theirs for mine, theirs in _pairs(cpu, beside)]
    return {
        "ratio": median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "least": min(cpu) / min(beside),
        "cpu_microseconds_per_record": median(cpu) / records * 1e6,
        "wall_microseconds_per_record": median(wall) / records * 1e6,
    }


def _pairs(cpu: list[float], beside: list[float]) -> Iterator[tuple[float, float]]:
    return zip(cpu, beside, strict=True)


def _peak(name: str, plain: Plain) -> int:
    """Return the peak resident memory of a process that runs one contestant, in KiB; 0 where /proc is missing."""
    if not Path("/proc/self/status").exists():
        return 0
    module, table = _MEASURED_ALONE[name]
    code = _ALONE.format(module=module, table=table, name=name)
    command = [sys.executable, "-c", code, json.dumps(plain)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
