"""Shared parts of the tests of sync: accounts of fake services in virtual time, and a store in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import orjson
import pyarrow as pa
import pytest
from tests.conftest import EventLoop

import logferry
from logferry.stores import Coverage, Question, Store
from logferry.sync import StreamReport, SyncReport
from logferry.testing import Fake, FakeRequest, Faults, Hosts, InProcessTransport, Row, VirtualClock, configuration
from logferry.testing._registry import service_of

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
EPOCH: Final = 1_767_225_600 * SECOND
"""2026-01-01."""
NOON: Final = EPOCH + 12 * HOUR
"""The time at which tests begin."""

Run: TypeAlias = Callable[..., SyncReport]


def plain(records: pa.Table) -> list[dict[str, Any]]:
    """Rows with times in nanoseconds, which Python's own times cannot hold."""
    columns = [column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in records.columns]
    return pa.Table.from_arrays(columns, names=records.schema.names).to_pylist()


class MemoryStore:
    """
    A store in memory.

    Attributes:
        records: The rows, by `uid`.
        commits: The number of rows and the coverage of each commit, in order.
    """

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.commits: list[tuple[int, Mapping[Question, Coverage]]] = []
        self._coverage: dict[Question, Coverage] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def coverage(self) -> Mapping[Question, Coverage]:
        """Return the coverage."""
        return dict(self._coverage)

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Store both."""
        self.records.update({row["uid"]: row for row in plain(records)})
        self._coverage.update(coverage)
        self.commits.append((records.num_rows, coverage))

    def states(self, stream: str, filters: str = "{}") -> list[tuple[int, int, str]]:
        """Return begin, end and state of each stretch of a stream."""
        covered = [one for asked, one in self._coverage.items() if (asked.stream, asked.filters) == (stream, filters)]
        return [(part.since, part.until, part.state) for one in covered for part in one.stretches]

    def state_at(self, stream: str, moment: int, filters: str = "{}") -> str:
        """Return the state of a stream at a moment."""
        found = self.states(stream, filters)
        return next((state for since, until, state in found if since <= moment < until), "unknown")

    def items(self, stream: str) -> list[Any]:
        """Return the stored items of a stream, as received."""
        return [orjson.loads(row["raw"]) for row in self.records.values() if row["stream"] == stream]


class World:
    """
    Accounts, each named after its service, whose services share a virtual clock.

    Attributes:
        clock: The clock of the services and of the sync.
        transports: The transports, which record the requests, by account.
        store: The default store.
    """

    def __init__(self, folder: Path, portal: EventLoop | None, *fakes: Fake, faults: Faults | None = None) -> None:
        self.clock = VirtualClock(NOON)
        self.store = MemoryStore()
        self._fakes = {service_of(fake).name: fake for fake in fakes}
        self._portal = portal
        self.transports = {
            name: InProcessTransport(fake, clock=self.clock, faults=faults) for name, fake in self._fakes.items()
        }
        self.config = folder / "logferry.toml"
        self.config.write_text(configuration(self._fakes))

    def ferry(self, **options: Any) -> logferry.Ferry:
        """Return the accounts."""
        return logferry.open_accounts(self.config, transport=Hosts(self.transports), clock=self.clock, **options)

    def sync(
        self, store: Store | str | None = None, *, hooks: Mapping[str, Any] | None = None, **options: Any
    ) -> SyncReport:
        """Sync, blocking or in a task, as the parameter of the test says."""
        to = self.store if store is None else store
        ferry = self.ferry(**(hooks or {}))
        if self._portal is None:
            with ferry:
                return ferry.sync(to, raw=True, **options).run()

        async def bring() -> SyncReport:
            async with ferry:
                return await ferry.sync(to, raw=True, **options).arun()

        return self._portal.call(bring)

    def bring(self, *streams: str, **options: Any) -> StreamReport:
        """Sync one stream, and assert that it does not fail."""
        report = self.sync(streams=streams, **options)
        report.raise_failures()
        (one,) = report
        return one

    def asked(self) -> list[FakeRequest]:
        """Return the requests for logs since the last call, without those for tokens."""
        found = [one for transport in self.transports.values() for one in transport.requests if one.method == "GET"]
        for transport in self.transports.values():
            transport.requests.clear()
        return found

    def stored(self, stream: str) -> list[str]:
        """Return the identities of the stored items of a stream, sorted."""
        fake = self._fakes[stream.partition(".")[0]]
        return sorted(fake.identity(stream, item) for item in self.store.items(stream))

    def truth(self, stream: str, **filters: str) -> list[str]:
        """Return the identities of the items that the service lists now, sorted."""
        fake: Any = self._fakes[stream.partition(".")[0]]
        return sorted(fake.truth(stream, now=self.clock.now(), **filters))


MakeWorld: TypeAlias = Callable[..., World]


@pytest.fixture(params=["sync", "async"])
def world(request: pytest.FixtureRequest, portal: EventLoop, tmp_path: Path) -> MakeWorld:
    """Make accounts of fakes that are synced with ``run`` or with ``arun``."""

    def make(*fakes: Fake, faults: Faults | None = None) -> World:
        return World(tmp_path, None if request.param == "sync" else portal, *fakes, faults=faults)

    return make


@pytest.fixture
def blocking_world(tmp_path: Path) -> MakeWorld:
    """Make accounts of fakes that are synced with ``run``."""

    def make(*fakes: Fake, faults: Faults | None = None) -> World:
        return World(tmp_path, None, *fakes, faults=faults)

    return make


def rows_of(times: Iterable[int], **options: Any) -> tuple[Row, ...]:
    """Return rows at these times; without `appears`, each is listed from its time on."""
    return tuple(
        Row(**{"appears": time, "time": time, "content": number, **options}) for number, time in enumerate(times)
    )
