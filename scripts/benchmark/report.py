"""The report: tables, ratios to the hand-written loop, and the goals."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmark.rounds import BESIDE

GOALS: Final[dict[str, dict[int, float]]] = {
    "raw": {1000: 1.10, 100: 1.10},
    "records": {1000: 1.50, 100: 1.15},
    "records, whole": {1000: 2.0, 100: 1.3},
    "entries": {1000: 2.0, 100: 1.4},
    "records, fast": {1000: 1.15, 100: 0.6},
    "records to jsonl": {1000: 2.0, 100: 2.0},
    "records to a table": {1000: 4.0, 100: 4.0},
}
"""The goal for the ratio, at most, by contestant and page size."""

LARGEST_START: Final = 1.3
"""The goal for the ratio of CPU until a first client is ready, at most."""

LARGEST_MEMORY: Final = 1.3
"""The goal for the ratio of peak memory, at most."""

_README: Final = {
    "loop": "hand-written loop, untyped dicts, counted",
    "raw": "raw items",
    "records": "records: checked, normalized; time, severity, body read",
    "floor of records": "- the same in a hand-written loop",
    "records, fast": 'records with `transport="fast"`',
    "floor of records, fast": "- the same in a hand-written loop with pyreqwest",
    "records, whole": "records, every field and attribute read",
    "floor of records, whole": "- the same in a hand-written loop",
    "entries": "entries: checked, typed, every field read",
    "floor of entries": "- the same in a hand-written loop",
    "records to jsonl": "records to jsonl, beside the loop that writes dicts",
    "floor of records to jsonl": "- the same in a hand-written loop",
    "records, async": "records with `async for`, beside an async loop",
    "records, fast, async": 'the same with `transport="fast"`',
    "sync to DuckDB": "`sync` into a new DuckDB file",
    "sync to Parquet": "`sync` into a new Parquet folder",
    "stock client": "stock openapi-python-client, no field read",
    "dlt": "dlt's RESTClient, untyped dicts",
    "grove": "grove, to lines of JSON",
    "singer": "a Singer tap, RECORD messages",
}
"""The rows of the README's table, by contestant."""


def markdown(result: dict[str, Any]) -> str:
    """Return the ratios of all streams as the README's table."""
    streams: dict[str, Any] = result["streams"]
    lines = [
        ["client CPU, loop = 1.00", *(f"`{stream}`" for stream in streams)],
        ["---"] * (len(streams) + 1),
        ["records on a page", *(str(found["page"]) for found in streams.values())],
    ]
    for name, words in _README.items():
        rows = [found["contestants"].get(name) for found in streams.values()]
        if any(rows):
            lines.append([words, *("-" if row is None else f"{row['ratio']:.2f}" for row in rows)])
    peaks = [found["peak_kib"] for found in streams.values()]
    lines.append(
        ["peak memory of records, loop's = 1.00", *(f"{peak['records'] / peak['loop']:.2f}" for peak in peaks)]
    )
    return "\n".join(f"| {' | '.join(line)} |".replace("| --- ", "|---").replace("--- |", "---|") for line in lines)


def show(result: dict[str, Any]) -> None:
    """Print a table for each stream."""
    console = Console(width=120)
    for stream, found in result["streams"].items():
        peaks = found["peak_kib"]
        title = f"{stream}: {found['records']:,} records, {found['page']} a page; client CPU, the loop = 1"
        table = Table(title=title, title_justify="left")
        for heading in (
            "work",
            "ratio",
            "lowest",
            "highest",
            "least",
            "goal",
            "",
            "CPU µs",
            "wall µs",
            "peak MiB",
            f"of loop's, <= {LARGEST_MEMORY}",
        ):
            table.add_column(heading, justify="left" if heading == "work" else "right")
        for name, row in found["contestants"].items():
            goal = GOALS.get(name, {}).get(found["page"])
            beside = BESIDE.get(name, "loop")
            peak = peaks.get(name)
            table.add_row(
                name if beside == "loop" else f"{name} (to {beside})",
                *(f"{row[column]:.2f}" for column in ("ratio", "lowest", "highest", "least")),
                "" if goal is None else f"{goal:.2f}",
                "" if goal is None else "met" if row["ratio"] <= goal else "not met",
                f"{row['cpu_microseconds_per_record']:.2f}",
                f"{row['wall_microseconds_per_record']:.2f}",
                "" if not peak else f"{peak / 1024:.1f}",
                "" if not peak else f"{peak / peaks['loop']:.2f}",
            )
        console.print(table)
    for name, ratio in result["start"].items():
        console.print(f"CPU until {name} is ready: {ratio:.2f}, goal {LARGEST_START:.2f}")
    for tool in result["absent"]:
        console.print(f"{tool}: not installed; scripts/bench --outsiders sets it up under build/")
