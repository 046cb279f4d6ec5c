"""
Kills syncs at random instants, and compares the store with the records of the service.

In each round an embedded service runs on loopback, with a history that is fixed or that grows.  One process after the other
syncs a stream into a new store and gets SIGKILL between its start and its end; the last process runs to its end.  Then the store
has to open, and to have every record once.

Exits with 1 if a record was lost or came twice, or a store did not open.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import duckdb
import orjson
from rich.console import Console
from rich.table import Table

from logferry import open_accounts
from logferry._accounts.registry import SERVICES, Service
from logferry._streams.definition import StreamDefinition
from logferry.stores import open_store
from logferry.testing import Fake, configuration, serve
from logferry.testing._registry import make_fake

COLUMNS = ("rounds", "kills", "too late", "records", "lost", "doubled", "unopened")
FAILURES = COLUMNS[-3:]
IN_A_ROW = 6
"""Syncs into one store that are killed, one after the other."""

PATIENCE = 120
"""Seconds that a sync may take that is not killed."""

SECOND = 1_000_000_000

processes = multiprocessing.get_context("forkserver")  # a quick fork for each sync; the parent has threads
console = Console(width=120)


def bring(config: str, store: str, stream: str) -> None:
    """Sync a stream, with a commit for each page; the target of the process."""
    with open_accounts(config) as ferry:
        ferry.sync(store, streams=[stream], raw=True, commit_every=0).run().raise_failures()


@attrs.frozen
class Round:
    """
    One store, into which syncs run that are killed one after the other.

    Attributes:
        service: The service of the stream.
        definition: The stream.
        store: The store, as `logferry sync --to` takes it.
        growing: Whether the history grows during the round.
        chance: Decides the instants.
    """

    service: Service
    definition: StreamDefinition[Any, Any, Any]
    store: str
    growing: bool
    chance: random.Random

    def run(self, folder: Path, kills: int) -> Counter[str]:
        """Kill this number of syncs; return the counts for the table."""
        fake = self._fake()
        store = str(folder / self.store) + ("/" if self.store.endswith("/") else "")
        with serve(fake, clock=time.time_ns if self.growing else None) as url:
            config = str(self._configuration(fake, url, folder))
            # The time of a whole sync into an empty store.
            length, _ = self._whole(config, f"{folder}/other-{self.store}")
            late = sum(self._killed(config, store, None if number == 0 else length) for number in range(kills))
            begin = time.time_ns() if self.growing else fake.epoch
            _, code = self._whole(config, store)
            end = time.time_ns() if self.growing else fake.epoch
        tally = Counter({"rounds": 1, "kills": kills, "too late": late})
        try:
            got = self._identities(fake, store)
        except Exception as error:  # noqa: BLE001  # any error keeps a user from the records
            console.print(f"{self.definition.name}: {error}", markup=False)
            return tally + Counter(unopened=1)
        if code:
            console.print(f"{self.definition.name}: the last sync ended with {code}")
            tally["unopened"] += 1
        lost, doubled = self._truth(fake, begin) - got, got - self._truth(fake, end)
        return tally + Counter(records=got.total(), lost=lost.total(), doubled=doubled.total())

    def _fake(self) -> Fake:
        # Each session costs a request.  A fixed history is old enough to be final.
        records = 60 if self.definition.incremental.sessions is not None else 1200
        epoch = time.time_ns() - (0 if self.growing else 7200 * SECOND)
        return make_fake(self.service, records=records, epoch=epoch, growing=self.growing)

    def _configuration(self, fake: Fake, url: str, folder: Path) -> Path:
        path = folder / "logferry.toml"
        path.write_text(configuration({self.service.name: fake}, {self.service.name: url}))
        return path

    def _whole(self, config: str, store: str) -> tuple[float, int | None]:
        """Sync without a kill; return the seconds and the exit code of the process."""
        begin = time.monotonic()
        process = processes.Process(target=bring, args=(config, store, self.definition.name))
        process.start()
        process.join(PATIENCE)
        process.kill()
        return time.monotonic() - begin, process.exitcode

    def _killed(self, config: str, store: str, length: float | None) -> bool:
        """Sync and kill it, between its start and a bit after its end, or while it makes the store; return whether it had ended."""
        process = processes.Process(target=bring, args=(config, store, self.definition.name))
        process.start()
        if length is None:
            made = Path(store)
            while process.is_alive() and not any(
                made.parent.glob(f"{made.name}*")
            ):  # the store, or what comes before it
                time.sleep(0.0005)
            process.join(0.05 * self.chance.random() ** 2)
        else:
            process.join(length * 1.1 * self.chance.random() ** 1.5)
        process.kill()
        process.join()
        return process.exitcode == 0

    def _identities(self, fake: Fake, store: str) -> Counter[str]:
        """Return the identities of the records in the store, as a user reads them."""
        with open_store(store, mode="read") as opened:
            counts = opened.counts()
        table = f"read_parquet('{store}stream=*/**/*.parquet')" if store.endswith("/") else "logs"
        with duckdb.connect(":memory:" if store.endswith("/") else store, read_only=not store.endswith("/")) as reading:
            rows = reading.execute(f"SELECT raw FROM {table}").fetchall()  # noqa: S608  # a path of our own
        if sum(counts.values()) != len(rows):
            raise AssertionError(f"the store counts {counts} records, but has {len(rows)}")
        return Counter(fake.identity(self.definition.name, orjson.loads(raw)) for (raw,) in rows)

    def _truth(self, fake: Fake, now: int) -> Counter[str]:
        asked: Any = fake
        return Counter(
            identity
            for question in self._questions(fake)
            for identity in asked.truth(self.definition.name, now=now, **question)
        )

    def _questions(self, fake: Fake) -> Iterator[Mapping[str, str]]:
        if self.definition.incremental.sessions is not None:
            yield from fake.questions(self.definition.name)
        else:
            yield from self.definition.incremental.asked({})


def main() -> int:
    """Run the rounds; return 0 if no record was lost or doubled and all stores opened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", default="logs.duckdb", help="the store to sync into, such as folder/")
    parser.add_argument("--kills", type=int, default=210, help="number of kills, divided among the streams")
    parser.add_argument("--seed", type=int, default=0, help="decides the instants, as far as that is possible")
    parser.add_argument("--stream", action="append", help="only this stream; repeatable")
    options = parser.parse_args()
    wanted = [(service, one) for service in SERVICES for one in service.streams]
    if options.stream:
        wanted = [(service, one) for service, one in wanted if one.name in options.stream]
    if not wanted:
        parser.error(f"unknown stream {options.stream[0]}")
    processes.set_forkserver_preload(["logferry.sync", "logferry.stores", "duckdb", "pyarrow", *map(_home, SERVICES)])
    table = Table("stream", *(f"[bold]{name}" if name in FAILURES else name for name in COLUMNS))
    for column in table.columns[1:]:
        column.justify = "right"
    begin, total = time.perf_counter(), Counter[str]()
    for service, definition in wanted:
        tally = Counter[str]()
        left = -(-options.kills // len(wanted))
        while left > 0:
            chance = random.Random(f"{options.seed} {definition.name} {left}")  # noqa: S311  # no secret
            folder = Path(tempfile.mkdtemp(prefix="logferry-kills-"))
            try:
                one = Round(service, definition, options.store, bool(tally["rounds"] % 2), chance)
                tally += one.run(folder, min(left, IN_A_ROW))
            finally:
                shutil.rmtree(folder)
            left -= IN_A_ROW
        table.add_row(definition.name, *(f"{tally[name]:,}" for name in COLUMNS))
        total += tally
    table.add_section()
    table.add_row("all", *(f"{total[name]:,}" for name in COLUMNS))
    console.print(table)
    console.print(f"{options.store}: {time.perf_counter() - begin:.0f} s; too late: the sync had ended before the kill")
    return int(any(total[name] for name in FAILURES))


def _home(service: Service) -> str:
    return service.client.__module__


if __name__ == "__main__":
    sys.exit(main())
