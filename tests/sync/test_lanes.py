"""Concurrent windows of one account, within the account's rate."""

from __future__ import annotations

from pathlib import Path

import anyio
import attrs
import httpx
from tests.conftest import PATIENCE, EventLoop
from tests.sync.conftest import DAY, NOON, SECOND, MakeWorld, MemoryStore, rows_of

import logferry
from logferry.testing import CognigyFake, FakeRequest, InProcessTransport, VirtualClock, configuration

STREAM = "cognigy.project_logs"
LASTING = 'retention = "365d"\n'
TEN_DAYS = rows_of(range(NOON - 10 * DAY, NOON, DAY // 4))


@attrs.define
class Holding(httpx.AsyncBaseTransport):
    """
    Holds requests back until several are in flight.

    Attributes:
        asked: Answers the requests.
        several: The number to wait for.
        under_way: The current number in flight.
        most: The highest number in flight.
    """

    asked: httpx.AsyncBaseTransport
    several: int
    under_way: int = 0
    most: int = 0
    _enough: anyio.Event = attrs.field(factory=anyio.Event)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request once enough are in flight."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == self.several:
            self._enough.set()
        try:
            with anyio.fail_after(PATIENCE):
                await self._enough.wait()
            return await self.asked.handle_async_request(request)
        finally:
            self.under_way -= 1


def test_four_windows_of_an_account_are_read_concurrently(portal: EventLoop, tmp_path: Path) -> None:
    """A sync of ten days has four requests in flight and never more, and stores all days."""
    fake = CognigyFake(rows=TEN_DAYS, retention=None)
    clock, store = VirtualClock(NOON), MemoryStore()
    config = tmp_path / "logferry.toml"
    config.write_text(configuration({"bot": fake}) + LASTING)

    async def bring() -> Holding:
        holding = Holding(InProcessTransport(fake, clock=clock), several=4)
        async with logferry.open_accounts(config, transport=holding, clock=clock) as ferry:
            (await ferry.sync(store, since="11d").arun()).raise_failures()
        return holding

    assert portal.call(bring).most == 4
    assert len(store.records) == len(TEN_DAYS)


def test_concurrent_windows_respect_the_rate_of_the_account(world: MakeWorld) -> None:
    """All windows together send no more requests in any span than the account's `rate` allows."""
    times: list[int] = []

    def note(_request: FakeRequest, _number: int) -> None:
        times.append(accounts.clock.now())

    accounts = world(CognigyFake(rows=TEN_DAYS, retention=None), faults=note)
    accounts.config.write_text(accounts.config.read_text() + f'rate = "3/10s"\n{LASTING}')
    accounts.bring(STREAM, since="11d")
    assert accounts.stored(STREAM) == accounts.truth(STREAM)
    assert len(times) > 10
    assert max(sum(0 <= later - time < 10 * SECOND for later in times) for time in times) == 3
