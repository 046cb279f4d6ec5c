"""
Syncs the last 30 days of a stream into a store, and compares it with a pull of the same records into nothing.

The embedded service runs on loopback in a separate process.  For each number of records, `logferry pull --format jsonl` and then
`logferry sync` run in processes of their own.  The operating system measures the CPU and memory of each process.

Exits with 1 if the store lacks records, if the rate of `sync` is less than `--rate` times that of `pull`, or if the memory of
`sync` for the most records is more than `--growth` times that for the fewest.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from logferry._accounts.registry import SERVICES, Service
from logferry.testing import Recorder, configuration, serve
from logferry.testing._registry import make_fake

DAYS = 30
SECOND = 1_000_000_000
HOUR = 3600 * SECOND

processes = multiprocessing.get_context("spawn")  # a fork would begin with the memory of its parent
console = Console(width=120)


@attrs.frozen
class Taken:
    """
    The cost of a process.

    Attributes:
        seconds: From its start to its end.
        cpu: CPU time, in seconds.
        peak: Peak resident memory, in MiB.
    """

    seconds: float
    cpu: float
    peak: float


def serve_records(service: Service, records: int, parent: Connection) -> None:
    """Serve records of the 30 days except the last hour, until the parent closes the pipe; send it the configuration."""
    fake: Any = make_fake(service, records=records, epoch=time.time_ns() - HOUR, growing=False)
    fake = attrs.evolve(fake, spacing=(DAYS - 1) * 86_400 / records)
    if hasattr(fake, "retention"):
        fake = attrs.evolve(fake, retention=None)
    with serve(Recorder(fake, check=False, keep=1)) as url:
        parent.send(configuration({service.name: fake}, {service.name: url}))
        parent.poll(None)


@contextmanager
def account(service: Service, records: int, folder: Path) -> Generator[Path]:
    """Run the service; give the path of a configuration with its account."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=serve_records, args=(service, records, theirs))
    process.start()
    theirs.close()
    try:
        path = folder / "logferry.toml"
        path.write_text(ours.recv())
        yield path
    finally:
        ours.close()
        process.join(10)
        process.kill()


def run(*arguments: str) -> Taken:
    """Run `logferry` with these arguments, and discard its output."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "logferry", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Taken(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def count(store: str) -> int:
    """Return the number of records in a store."""
    from logferry.stores import open_store  # noqa: PLC0415  # only the child process pays for the import

    with open_store(store, mode="read") as opened:
        return sum(opened.counts().values())


@attrs.frozen
class Size:
    """The costs of both for a number of records, and the number of records in the store."""

    records: int
    pull: Taken
    sync: Taken
    stored: int

    @property
    def share(self) -> float:
        """The rate of `sync` as a share of that of `pull`."""
        return self.pull.seconds / self.sync.seconds


def measure(service: Service, stream: str, records: int) -> Size:
    """Pull and sync this number of records."""
    with (
        tempfile.TemporaryDirectory(prefix="logferry-backfill-") as name,
        account(service, records, Path(name)) as config,
    ):
        asked = (stream, "--config", str(config), "--since", f"{DAYS}d")
        store = str(Path(name) / "logs.duckdb")
        pull = run("pull", *asked, "--format", "jsonl")
        sync = run("sync", *asked, "--to", store)
        # In a separate process: the memory of this process would count as that of the processes it starts.
        with ProcessPoolExecutor(1, mp_context=processes) as others:
            stored = others.submit(count, store).result()
        return Size(records, pull, sync, stored)


def show(sizes: list[Size]) -> None:
    """Print the costs."""
    table = Table("records", "work", "seconds", "records/s", "of pull", "CPU s", "peak MiB")
    for column in table.columns:
        column.justify = "right"
    for size in sizes:
        for work, taken, share in (("pull", size.pull, 1.0), ("sync", size.sync, size.share)):
            table.add_row(
                f"{size.records:,}",
                work,
                f"{taken.seconds:.1f}",
                f"{size.records / taken.seconds:,.0f}",
                f"{share:.2f}",
                f"{taken.cpu:.1f}",
                f"{taken.peak:.0f}",
            )
        table.add_section()
    console.print(table)


def failures(sizes: list[Size], rate: float, growth: float) -> list[str]:
    """Return the conditions that do not hold, as text."""
    found = [f"{size.records:,}: the store has {size.stored:,}" for size in sizes if size.stored != size.records]
    found += [f"{size.records:,}: sync is slower than {rate} of pull" for size in sizes if size.share < rate]
    fewest, most = min(sizes, key=lambda size: size.records), max(sizes, key=lambda size: size.records)
    if most.sync.peak > growth * fewest.sync.peak:
        found.append(f"{most.records:,}: sync takes more than {growth} times the memory of {fewest.records:,}")
    return found


def main() -> int:
    """Measure all sizes; return 0 if all conditions hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "records",
        nargs="*",
        type=int,
        default=[100_000, 1_000_000],
        help="number of records; several sizes are possible",
    )
    parser.add_argument("--stream", default="logto.audit_logs", help="the stream")
    parser.add_argument("--rate", type=float, default=0.5, help="the least share of pull's rate that passes")
    parser.add_argument(
        "--growth", type=float, default=1.25, help="the largest growth of memory that passes, as a factor"
    )
    options = parser.parse_args()
    service = next((one for one in SERVICES if options.stream in [known.name for known in one.streams]), None)
    if service is None:
        parser.error(f"unknown stream {options.stream}")
    sizes = [measure(service, options.stream, records) for records in options.records]
    show(sizes)
    found = failures(sizes, options.rate, options.growth)
    for text in found:
        console.print(text, markup=False)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
