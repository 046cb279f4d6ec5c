"""A stream that says what came after a cursor is followed and synced from there."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import anyio
import pytest
from logferry_okta.client import Okta
from logferry_okta.fake import OktaFake

import logferry
from logferry._time.timestamps import SECOND
from logferry.hooks import IssueEvent
from logferry.sync._order import Order
from logferry.sync._sync import Lane, Sync
from logferry.testing import (
    FakeRequest,
    FakeResponse,
    InProcessTransport,
    LogtoFake,
    Row,
    VirtualClock,
    connected,
    random_rows,
)
from logferry.testing._dying_store import DyingStore

EPOCH: Final = 1_767_225_600 * SECOND
STREAM: Final = "okta.system_log"
FORGOTTEN: Final = "the service has forgotten the cursor"
Walk = Callable[[Any], Iterator[Any]]


class World:
    """A fake on a virtual clock, whose requests are counted, and a store."""

    def __init__(self, fake: OktaFake, faults: Callable[[FakeRequest, int], FakeResponse | None] | None = None) -> None:
        self.fake = fake
        self.clock = VirtualClock(fake.epoch + SECOND)
        self.transport = InProcessTransport(fake, clock=self.clock.now, faults=faults)
        self.store = DyingStore()
        self.issues: list[str] = []

    def client(self) -> Okta:
        """Return a client of the fake."""
        return connected(Okta, self.fake, clock=self.clock, transport=self.transport, on_issue=self._note)

    def _note(self, event: IssueEvent) -> None:
        self.issues += event.issues

    def requests(self, act: Callable[[], object]) -> int:
        """Return how many requests a call sends."""
        before = self.transport.count
        act()
        return self.transport.count - before

    def sync(self) -> list[str]:
        """Sync, and return what may be missing."""

        async def run() -> list[str]:
            async with self.client() as okta:
                (definition,) = okta.streams
                lanes = [Lane(client=okta, streams=[(definition, {})])]
                order = Order(first=self.fake.epoch - 30 * 86_400 * SECOND, raw=True)
                told: Any = None
                report = await Sync(store=self.store, lanes=lanes, order=order, clock=self.clock, blocking=told).arun()
                report.raise_failures()
                return [doubt for one in report for doubt in one.doubts]

        return anyio.run(run)

    def stored(self) -> list[str]:
        """Return the ids of the events in the store."""
        return sorted(uid.rpartition(":")[2] for uid in self.store.items)

    def truth(self) -> list[str]:
        """Return the ids of the events that the service has now."""
        return sorted(self.fake.truth(now=self.clock.now()))


@pytest.mark.parametrize("records", [50, 5000])
def test_a_poll_without_news_is_one_request(walk: Walk, records: int) -> None:
    """However many records were read before, blocking and async."""
    world = World(OktaFake(records=records, growing=False))
    with world.client() as okta:
        pages = walk(okta.system_log(since="30d").follow().pages())
        first = next(pages)
        while len(first.items) == 5000:
            first = next(pages)
        next(pages)  # reads the settling time once more, and has a cursor from then on
        assert [world.requests(lambda: next(pages)) for _ in range(5)] == [1] * 5
    assert world.issues == []


@pytest.mark.parametrize("records", [50, 5000])
def test_a_followed_checkpoint_goes_on_with_one_request(walk: Walk, records: int) -> None:
    """The cursor is part of the checkpoint, so another process goes on from it."""
    world = World(OktaFake(records=records, growing=False))
    with world.client() as okta:
        view = okta.system_log(since="30d").follow()
        pages = walk(view.pages())
        for _ in range(4):
            next(pages)
    with world.client() as okta:
        again = walk(okta.system_log(resume=view.checkpoint).follow().pages())
        assert world.requests(lambda: next(again)) == 1


@pytest.mark.parametrize("records", [50, 5000])
def test_a_sync_without_news_is_one_request(records: int) -> None:
    """From the second sync on; and one with news is two: a page with them, and one that is empty."""
    world = World(OktaFake(records=records))
    world.sync()
    assert world.stored() == world.truth()
    world.clock.advance(30)
    assert world.requests(world.sync) == 1
    world.clock.advance(60)
    assert world.requests(world.sync) == 2
    assert world.stored() == world.truth()
    assert world.requests(world.sync) == 1


def test_late_events_come_after_the_cursor(walk: Walk) -> None:
    """However late: the service lists them by the time at which they were stored."""
    late = Row(time=EPOCH - 86_400 * SECOND, appears=EPOCH + 600 * SECOND)
    world = World(OktaFake(epoch=EPOCH, rows=(Row(time=EPOCH - 60 * SECOND, appears=None), late)))
    with world.client() as okta:
        events = walk(okta.system_log(since="7d", max_items=2).follow())
        assert [event.uuid[-1] for event in events] == ["0", "1"]
    world = World(world.fake)
    world.sync()
    world.clock.advance(60)
    world.sync()
    world.clock.advance(3600)
    assert world.requests(world.sync) == 2
    assert world.stored() == world.truth()
    assert len(world.stored()) == 2


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_forgotten_cursor_falls_back_to_the_time_without_loss(walk: Walk, status: int) -> None:
    """The issue says so; nothing is missing and nothing comes twice."""
    refusals = list[int]()

    def forget(request: FakeRequest, _number: int) -> FakeResponse | None:
        if "after=" in request.query and "until=" not in request.query and refusals:
            return FakeResponse.of_json(refusals.pop(), {"errorCode": "E0000053"}, EPOCH)
        return None

    world = World(OktaFake(records=50, epoch=EPOCH), forget)
    with world.client() as okta:
        pages = walk(okta.system_log(since="1h").follow().pages())
        came = [event.uuid for _ in range(4) for event in next(pages).items]
        world.clock.advance(150)
        refusals.append(status)
        came += [event.uuid for _ in range(3) for event in next(pages).items]
    truth = world.fake.truth(since=EPOCH - 3600 * SECOND + SECOND, now=world.clock.now())
    assert came == list(truth)
    assert len(world.issues) == 1
    assert FORGOTTEN in world.issues[0]
    world = World(world.fake, forget)
    world.sync()
    world.clock.advance(90)
    assert world.sync() == []
    world.clock.advance(300)
    refusals.append(status)
    (doubt,) = world.sync()
    assert FORGOTTEN in doubt
    assert world.stored() == world.truth()
    assert world.sync() == []
    assert world.requests(world.sync) == 1


@pytest.mark.parametrize("seed", range(12))
def test_hostile_histories_are_followed_without_loss(walk: Walk, seed: int) -> None:
    """Late events, cursors that expire, checkpoints at any moment: each event comes once, those of the settling time included."""
    chance = random.Random(seed)  # noqa: S311  # the same on every run
    rows = random_rows(seed, 120, EPOCH, EPOCH + 3600 * SECOND, late=0.3, lateness=500.0, vanishing=0.0, tie=20)
    fake = OktaFake(epoch=EPOCH - 120 * SECOND, rows=rows, cursor_life=chance.choice((None, 1.0, 60.0)))
    world, came, resume = World(fake), list[str](), None
    while world.clock.now() < EPOCH + 4400 * SECOND:
        with world.client() as okta:
            options: Any = {"since": "2m"} if resume is None else {"resume": resume}
            view = okta.system_log(page_size=chance.choice((1, 5, 1000)), **options).follow(longest=60)
            pages = walk(view.pages())
            for _ in range(chance.randint(1, 9)):
                came += [event.uuid for event in next(pages).items]
            resume = view.checkpoint
        world.clock.advance(chance.choice((1, 30, 200)))
    assert sorted(came) == world.truth()


def test_a_cursor_and_a_pull_have_checkpoints_of_their_own() -> None:
    """One is refused for the other, by name."""
    with World(OktaFake()).client() as okta:
        view = okta.system_log(since="1h").onward()
        assert len(view.to_list()) == 60
        with pytest.raises(logferry.CheckpointError, match=r"with onward\(\)"):
            okta.system_log(resume=view.checkpoint).to_list()
        assert okta.system_log(resume=view.checkpoint).onward().to_list() == []
    with (
        connected(logferry.Logto, LogtoFake()) as logto,
        pytest.raises(logferry.InvalidRequestError, match="cannot be read forward"),
    ):
        logto.audit_logs().onward()
