"""
Tries every stream on thousands of hostile schedules, blocking and async, and prints what came of them.

A schedule is decided by its seed: see ``logferry.testing.conformance``.  Exits with 1 if a record was lost or came twice, a
caller got nowhere, more requests were sent than may be, or another exception than logferry's own came out.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from rich.console import Console
from rich.table import Table

from logferry._registry import SERVICES
from logferry.testing.conformance import Outcome, Trial

COLUMNS = (
    "schedules",
    "records",
    "requests",
    "faults",
    "errors",
    "resumed",
    "doubts",
    "lost",
    "doubled",
    "endless",
    "foreign",
)
FAILURES = COLUMNS[-4:]

console = Console(width=140)


def streams() -> Iterator[tuple[str, bool]]:
    """Every stream, in both worlds."""
    for service in SERVICES:
        for definition in service.streams:
            yield from ((definition.name, sync) for sync in (True, False))


def trial(stream: str, sync: bool, seed: int) -> Trial:  # noqa: FBT001  # called by map
    """A schedule for a stream."""
    service = next(one for one in SERVICES if stream in [definition.name for definition in one.streams])
    return Trial(service.client, service.scripted_fake, stream, seed, sync)


def counted(outcome: Outcome) -> Counter[str]:
    """What a schedule adds to the table."""
    return Counter(
        schedules=1,
        records=outcome.records,
        requests=outcome.requests,
        faults=outcome.faults,
        errors=outcome.errors,
        resumed=outcome.resumed,
        doubts=bool(outcome.doubts),
        lost=0 if outcome.doubts else outcome.lost,
        doubled=0 if outcome.doubts else outcome.doubled,
        endless=outcome.stuck is not None or outcome.requests > outcome.bound,
    )


def tried(stream: str, sync: bool, seed: int) -> tuple[Counter[str], str]:  # noqa: FBT001  # called by map
    """One schedule: what it adds to the table, and what is wrong, if anything."""
    try:
        outcome = trial(stream, sync, seed).run()
    except Exception as error:  # noqa: BLE001  # that is what is looked for
        return Counter(schedules=1, foreign=1), f"{type(error).__name__}: {error}"
    return counted(outcome), "; ".join(outcome.problems)


def main() -> int:
    """Try them; 0 if all were passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=10_000, help="how many, shared out among all streams")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this seed, in this process, with a traceback where it fails")
    parser.add_argument("--stream", help="only this stream")
    options = parser.parse_args()
    wanted = [one for one in streams() if options.stream in (None, one[0])]
    if not wanted:
        parser.error(
            f"there is no stream {options.stream}; there are {', '.join(sorted({name for name, _ in streams()}))}"
        )
    if options.seed is not None:
        for stream, sync in wanted:
            outcome = trial(stream, sync, options.seed).run()
            console.print(outcome)
            outcome.check()
        return 0
    begin = time.perf_counter()
    seeds = range(options.first, options.first + -(-options.schedules // len(wanted)))
    table = Table("stream", "world", *(f"[bold]{name}" if name in FAILURES else name for name in COLUMNS))
    for column in table.columns[2:]:
        column.justify = "right"
    total = Counter[str]()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for stream, sync in wanted:
            tally = Counter[str]()
            for seed, (found, problem) in zip(
                seeds, pool.map(tried, repeat(stream), repeat(sync), seeds, chunksize=20), strict=False
            ):
                tally += found
                if problem:
                    console.print(f"{problem[:300]}\n  scripts/soak --stream {stream} --seed {seed}", markup=False)
            table.add_row(stream, "sync" if sync else "async", *(f"{tally[name]:,}" for name in COLUMNS))
            total += tally
    table.add_section()
    table.add_row("all", "", *(f"{total[name]:,}" for name in COLUMNS))
    console.print(table)
    console.print(
        f"{time.perf_counter() - begin:.0f} s; doubts: schedules whose result says that records may be missing or come twice, not counted among the lost and doubled"
    )
    return int(any(total[name] for name in FAILURES))


if __name__ == "__main__":
    sys.exit(main())
