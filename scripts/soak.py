"""
Reads every stream on thousands of schedules of faults, blocking and async, and prints the results.

A seed decides a schedule: see ``logferry.testing.conformance``, and for the other modes

``--sync``   ``logferry.testing.sync_conformance``: syncs instead of pulling;
``--ferry``  ``logferry.testing.cancelled_conformance``: reads several accounts, and cancels again and again;
``--fork``   the same module: forks in the middle of an iteration;
``--shell``  ``broken_stderr``: runs the command with a stderr that cannot be written.

Exits with 1 if a record was lost or came twice, an iteration made no progress, a schedule sent more requests than its bound, or
another exception than those of logferry was raised.
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

from attrs import frozen
from rich.console import Console
from rich.table import Table

from broken_stderr import ShellOutcome, ShellTrial, shell_trial
from logferry._accounts.registry import SERVICES
from logferry.testing._registry import scripted_fake
from logferry.testing.cancelled_conformance import CancelledOutcome, CancelledTrial, ForkedTrial
from logferry.testing.conformance import Outcome, Trial
from logferry.testing.sync_conformance import SyncOutcome, SyncTrial

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
SYNC_COLUMNS = (
    "schedules",
    "syncs",
    "stopped",
    "failed",
    "records",
    "requests",
    "faults",
    "lost",
    "doubled",
    "outdated",
    "unread",
    "foreign",
)
SHELL_COLUMNS = ("schedules", "records", "lost", "doubled", "coded", "foreign")
OTHER_COLUMNS = ("schedules", "records", "stopped", "resumed", "lost", "doubled", "endless", "foreign")
FAILURES = ("lost", "doubled", "outdated", "unread", "endless", "coded", "foreign")


@frozen
class Mode:
    """
    A mode of the script.

    Attributes:
        summary: Description for ``--help``.
        columns: The columns of its table.
        note: Explains a column.
        worlds: The worlds in which its schedules run, such as ``sync`` and ``async``.
    """

    summary: str
    columns: tuple[str, ...]
    note: str
    worlds: tuple[str, ...]


MODES = {
    "pull": Mode(
        "pull, blocking and async",
        COLUMNS,
        "doubts: schedules whose result says that records may be missing or come twice; lost and doubled leave them out",
        ("sync", "async"),
    ),
    "sync": Mode(
        "sync into a store, stopped again and again",
        SYNC_COLUMNS,
        "stopped: syncs that were cancelled or killed; the last sync of each schedule runs to its end",
        ("store",),
    ),
    "shell": Mode(
        "run the command, with a stderr that cannot be written",
        SHELL_COLUMNS,
        "coded: schedules with an exit code other than 0",
        ("shell",),
    ),
    "ferry": Mode(
        "read several accounts, cancelled again and again",
        OTHER_COLUMNS,
        "stopped: number of cancellations",
        ("ferry",),
    ),
    "fork": Mode(
        "fork in the middle of an iteration, over loopback",
        OTHER_COLUMNS,
        "stopped: number of forks",
        ("fork",),
    ),
}

console = Console(width=140)


def streams(*worlds: str) -> Iterator[tuple[str, str]]:
    """Yield every stream with each world."""
    for service in SERVICES:
        for definition in service.streams:
            yield from ((definition.name, world) for world in worlds)


def trial(stream: str, world: str, seed: int) -> Trial | SyncTrial | ShellTrial | CancelledTrial | ForkedTrial:
    """Return the schedule of a stream and a seed."""
    if world == "shell":
        return shell_trial(stream, seed)
    service = next(one for one in SERVICES if stream in [definition.name for definition in one.streams])
    if world == "ferry":
        return CancelledTrial(service.client, scripted_fake(service), stream, seed)
    if world == "fork":
        return ForkedTrial(service.client, scripted_fake(service), stream, seed)
    if world == "store":
        return SyncTrial(service.client, scripted_fake(service), stream, seed)
    return Trial(service.client, scripted_fake(service), stream, seed, world == "sync")


def counted(outcome: Outcome | SyncOutcome | ShellOutcome | CancelledOutcome) -> Counter[str]:
    """Return the counts that a schedule adds to the table."""
    if isinstance(outcome, ShellOutcome):
        counts = {name: getattr(outcome, name) for name in ("records", "lost", "doubled")}
        return Counter(schedules=1, coded=any(outcome.codes), **counts)
    if isinstance(outcome, CancelledOutcome):
        counts = {name: getattr(outcome, name) for name in ("records", "stopped", "resumed", "lost", "doubled")}
        return Counter(schedules=1, endless=outcome.stuck is not None, **counts)
    if isinstance(outcome, SyncOutcome):
        return Counter(schedules=1, **{name: getattr(outcome, name) for name in SYNC_COLUMNS[1:-1]})
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


def tried(stream: str, world: str, seed: int) -> tuple[Counter[str], str]:
    """Run one schedule; return its counts for the table, and its problems, if any."""
    try:
        outcome = trial(stream, world, seed).run()
    except Exception as error:  # noqa: BLE001  # the script looks for such errors
        return Counter(schedules=1, foreign=1), f"{type(error).__name__}: {error}"
    return counted(outcome), "; ".join(outcome.problems)


def main() -> int:
    """Run the schedules; return 0 if all pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=10_000, help="number of schedules, divided among all streams")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this seed, in this process, with a traceback if it fails")
    parser.add_argument("--stream", help="only this stream")
    modes = parser.add_mutually_exclusive_group()
    for name, one in MODES.items():
        if name != "pull":
            modes.add_argument(
                f"--{name}", dest="mode", action="store_const", const=name, default="pull", help=one.summary
            )
    options = parser.parse_args()
    mode = MODES[options.mode]
    worlds, columns = mode.worlds, mode.columns
    wanted = [one for one in streams(*worlds) if options.stream in (None, one[0])]
    if not wanted:
        parser.error(
            f"unknown stream {options.stream}; the streams are {', '.join(sorted({name for name, _ in streams(*worlds)}))}"
        )
    if options.seed is not None:
        for stream, world in wanted:
            outcome = trial(stream, world, options.seed).run()
            console.print(outcome)
            outcome.check()
        return 0
    chosen = "" if options.mode == "pull" else f"--{options.mode} "
    begin = time.perf_counter()
    seeds = range(options.first, options.first + -(-options.schedules // len(wanted)))
    table = Table("stream", "world", *(f"[bold]{name}" if name in FAILURES else name for name in columns))
    for column in table.columns[2:]:
        column.justify = "right"
    total = Counter[str]()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for stream, world in wanted:
            tally = Counter[str]()
            for seed, (found, problem) in zip(
                seeds, pool.map(tried, repeat(stream), repeat(world), seeds, chunksize=20), strict=False
            ):
                tally += found
                if problem:
                    again = f"scripts/soak {chosen}--stream {stream} --seed {seed}"
                    console.print(f"{problem[:300]}\n  {again}", markup=False)
            table.add_row(stream, world, *(f"{tally[name]:,}" for name in columns))
            total += tally
    table.add_section()
    table.add_row("all", "", *(f"{total[name]:,}" for name in columns))
    console.print(table)
    console.print(f"{time.perf_counter() - begin:.0f} s; {mode.note}")
    return int(any(total[name] for name in FAILURES))


if __name__ == "__main__":
    sys.exit(main())
