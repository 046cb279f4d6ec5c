"""
Fills a store with the last 30 days of a stream, beside a pull of the same records into nothing.

The embedded service runs on loopback in a process of its own; so do `logferry pull --format jsonl` and `logferry sync`, one
after the other, for each number of records.  What each takes is what the operating system says of its process.

Exits with 1 if the store has not every record, if `sync` brings less than half as many a second as `pull`, or if the most
records need a good deal more memory than the fewest.
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

processes = multiprocessing.get_context("spawn")  # a fork has the memory of its parent
console = Console(width=120)


@attrs.frozen
class Taken:
    """
    What a process took.

    Attributes:
        seconds: From its start to its end.
        cpu: Its own CPU, in seconds.
        peak: Its resident memory at most, in MiB.
    """

    seconds: float
    cpu: float
    peak: float


def serve_records(service: Service, records: int, told: Connection) -> None:
    """Serve so many records of all but the last hour of the days, until the other end is closed; tell the configuration."""
    fake: Any = make_fake(service, records=records, epoch=time.time_ns() - HOUR, growing=False)
    fake = attrs.evolve(fake, spacing=(DAYS - 1) * 86_400 / records)
    if hasattr(fake, "retention"):
        fake = attrs.evolve(fake, retention=None)
    with serve(Recorder(fake, check=False, keep=1)) as url:
        told.send(configuration({service.name: fake}, {service.name: url}))
        told.poll(None)


@contextmanager
def account(service: Service, records: int, folder: Path) -> Generator[Path]:
    """Run the service; the path of a configuration with its account."""
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
    """Run `logferry` with these arguments, its output into nothing."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "logferry", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Taken(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def count(store: str) -> int:
    """How many records a store has."""
    from logferry.stores import open_store  # noqa: PLC0415  # see where it is called

    with open_store(store, mode="read") as opened:
        return sum(opened.counts().values())


@attrs.frozen
class Size:
    """What both took for a number of records, and how many the store has then."""

    records: int
    pull: Taken
    sync: Taken
    stored: int

    @property
    def share(self) -> float:
        """How many records `sync` brings while `pull` brings one."""
        return self.pull.seconds / self.sync.seconds


def measure(service: Service, stream: str, records: int) -> Size:
    """Pull and sync so many records."""
    with (
        tempfile.TemporaryDirectory(prefix="logferry-backfill-") as name,
        account(service, records, Path(name)) as config,
    ):
        asked = (stream, "--config", str(config), "--since", f"{DAYS}d")
        store = str(Path(name) / "logs.duckdb")
        pull = run("pull", *asked, "--format", "jsonl")
        sync = run("sync", *asked, "--to", store)
        # In a process of its own: what this one needs would count as needed by those that it starts.
        with ProcessPoolExecutor(1, mp_context=processes) as others:
            stored = others.submit(count, store).result()
        return Size(records, pull, sync, stored)


def show(sizes: list[Size]) -> None:
    """Print what they took."""
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
    """What is not as it has to be."""
    found = [f"{size.records:,}: the store has {size.stored:,}" for size in sizes if size.stored != size.records]
    found += [f"{size.records:,}: sync is slower than {rate} of pull" for size in sizes if size.share < rate]
    fewest, most = min(sizes, key=lambda size: size.records), max(sizes, key=lambda size: size.records)
    if most.sync.peak > growth * fewest.sync.peak:
        found.append(f"{most.records:,}: sync takes more than {growth} times the memory of {fewest.records:,}")
    return found


def main() -> int:
    """Fill them; 0 if all is as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", type=int, default=[100_000, 1_000_000], help="how many; several sizes")
    parser.add_argument("--stream", default="logto.audit_logs", help="which stream")
    parser.add_argument("--rate", type=float, default=0.5, help="the least share of pull's rate that will do")
    parser.add_argument("--growth", type=float, default=1.25, help="the most that memory may grow, as a factor")
    options = parser.parse_args()
    service = next((one for one in SERVICES if options.stream in [known.name for known in one.streams]), None)
    if service is None:
        parser.error(f"there is no stream {options.stream}")
    sizes = [measure(service, options.stream, records) for records in options.records]
    show(sizes)
    found = failures(sizes, options.rate, options.growth)
    for text in found:
        console.print(text, markup=False)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
