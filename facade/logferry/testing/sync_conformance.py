"""
A suite for syncs of any service's stream: no record lost, none doubled, wherever a sync is stopped.

A *trial* is drawn from its seed, as in `logferry.testing.conformance`: a hostile history, a variant of the service, a
schedule of faults, and several syncs into one store, at random moments.  Each is stopped or killed at some point: it is
cancelled before a request or after a commit, or its store accepts no more commits, as if the process had died.  Some
services send no date; then the local clock is sometimes thirty days ahead.  The last sync, after all rows have
settled, runs undisturbed::

    from logferry.testing.sync_conformance import SyncTrial

    def test_my_stream(seed):
        SyncTrial(Mine, MineFake.of_rows, "mine.logs", seed).run().check()

The store must have every item that the service lists from the beginning to the end of any sync that was read to its
end.  It may have what the service has ever listed.  It must have nothing else, and nothing twice.  Items that did not
change during the last sync must be stored as they were then.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import anyio
import attrs
import orjson

from logferry._config.hooks import RequestEvent
from logferry._errors import PagingError, StoreError
from logferry._time.timestamps import rfc3339
from logferry.sync._order import Order
from logferry.sync._sync import Lane, Sync
from logferry.testing._clock import VirtualClock
from logferry.testing._dying_store import DyingStore, SmallPages
from logferry.testing._sync_scenario import SyncScenario
from logferry.testing._trials import DAY, SECOND, Seeded, Verdict, seeded
from logferry.testing._wiring import connected

__all__ = ["SyncOutcome", "SyncTrial"]

T = TypeVar("T")

_PATIENCE: Final = 200
"""After this many syncs in a row that were not read to their end, the trial is stuck."""

_ENDLESS: Final = 50_000
"""A sync of a few hundred rows never takes this many requests."""


@attrs.frozen(kw_only=True)
class SyncOutcome(Verdict):
    """
    The result of a trial.

    Attributes:
        syncs: Number of syncs.
        stopped: Number of syncs that were stopped or killed.
        failed: Number of the others that did not read their stream to its end.
        records: Number of records in the store.
        requests: Number of requests.
        faults: Number of requests that met a fault.
        lost: Number of items that had to be in the store and are not.
        doubled: Number of records that are in the store twice, or are not the service's.
        outdated: Number of records that differ from what the service had throughout the last sync.
        unread: Number of stretches that the last sync left unread.
        violations: Violations of the service's spec in the requests.
    """

    syncs: int
    stopped: int
    failed: int
    records: int
    requests: int
    faults: int
    lost: int
    doubled: int
    outdated: int
    unread: int
    violations: tuple[str, ...]

    @property
    def _found(self) -> Mapping[str, object]:
        return {
            f"{self.lost} lost": self.lost,
            f"{self.doubled} doubled": self.doubled,
            f"{self.outdated} outdated": self.outdated,
            f"{self.unread} stretches unread": self.unread,
            f"against the spec: {self.violations}": self.violations,
        }


@attrs.frozen
class SyncTrial(Seeded):
    """
    One hostile schedule of syncs.

    Args:
        client: The client's class.
        make_fake: Makes its fake; those of logferry have `of_rows`.
        stream: The stream's name.
        seed: Decides everything.
    """

    def run(self) -> SyncOutcome:
        """
        Sync, and compare.

        Raises:
            AssertionError: The last, undisturbed sync failed; or a sync did not end.
        """
        with seeded(self.seed):
            return anyio.run(_Syncs(self).run)


class _Syncs:
    """A caller whose syncs are stopped repeatedly."""

    def __init__(self, trial: SyncTrial) -> None:
        self._trial = trial
        self._world = SyncScenario(trial)
        self._store = DyingStore()
        self._seen: list[tuple[int, int]] = []
        self._stop: Callable[[], None] = lambda: None
        self._requests: int | None = None

    async def run(self) -> SyncOutcome:
        syncs, stopped, failed = self._world.chance.randint(0, 6), 0, 0
        for _ in range(syncs):
            done = await self._sync()
            stopped += done is None
            failed += done is False
            self._world.clock.advance(self._world.chance.random() ** 2 * self._world.length / SECOND)
        self._world.disturbed = False
        self._world.clock.reach(self._world.settled + 3600 * SECOND)
        before = await self._listed()
        # If a walk does not advance, another one continues from its position, as with a pull.
        for _ in range(_PATIENCE):
            if await self._sync():
                break
        else:
            raise AssertionError(f"no sync was read to its end: {self._trial}")
        begin, end = self._seen[-1]
        got = Counter(self._identity(text) for text in self._store.items.values())
        certain = Counter[str]()
        for first, last in self._seen:
            # Without ids, equal lines can be counted only while they are listed at the same time.
            certain |= self._world.truth(lambda row: row.is_visible(first) and row.is_visible(last))  # noqa: B023
        possible = self._world.truth(
            lambda row: (row.appears or 0) <= end and (row.vanishes is None or row.vanishes > self._world.first)
        )
        return SyncOutcome(
            trial=self._trial,
            syncs=syncs + 1,
            stopped=stopped,
            failed=failed,
            records=len(self._store.items),
            requests=self._world.transport.count,
            faults=self._world.schedule.counts.total(),
            lost=(certain - got).total(),
            doubled=(got - possible).total(),
            outdated=((before & await self._listed()) - self._stored()).total(),
            unread=sum(len(one.missing(one.begin or 0, begin)) for one in self._store.coverage().values()),
            violations=tuple(self._world.transport.violations),
        )

    async def _sync(self) -> bool | None:
        """Sync once; return whether all was read, or ``None`` if it was stopped."""
        clock = self._world.skewed()
        client = connected(
            self._trial.client,
            self._world.fake,
            transport=self._world.transport,
            clock=clock,
            on_request=self._pass_time,
        )
        paged: Any = SmallPages(client, self._world.page_size)
        until = self._world.until()
        sync = Sync(
            store=self._store,
            lanes=[
                Lane(
                    client=paged,
                    streams=[(self._world.definition, self._world.filters)],
                    concurrency=self._world.concurrency,
                )
            ],
            order=Order(until=until, raw=True),
            clock=clock,
            blocking=_awaited_only,
        )
        self._arm()
        begin, report = self._world.clock.now(), None
        try:
            with anyio.CancelScope() as scope:
                self._stop = scope.cancel
                report = await sync.arun()
        except StoreError:
            pass
        finally:
            await client.aclose()
        if report is None:
            return None
        for failure in report.failures:
            if not self._world.disturbed and not isinstance(failure, PagingError):
                raise failure
        if not report.failures and until is None:
            self._seen.append((begin, self._world.clock.now()))
        return not report.failures

    def _arm(self) -> None:
        """Decide where to stop the sync."""
        store = self._store
        self._requests, store.left, store.told = None, None, lambda: None
        if not self._world.disturbed:
            return
        stop = self._world.chance.choice(("no", "request", "commit", "killed"))
        after = self._world.chance.choice((0, 1, 2, 3, self._world.chance.randint(1, 40)))
        if stop == "request":
            self._requests = after
        elif stop == "killed":
            store.left = after
        elif stop == "commit":
            commits = iter(range(after))
            store.told = lambda: None if next(commits, None) is not None else self._stop()

    def _pass_time(self, _event: RequestEvent) -> None:
        self._world.clock.advance(self._world.chance.random() * self._world.pace)
        if self._world.transport.count > _ENDLESS:
            raise AssertionError(f"endless: {self._trial}")
        if self._requests is not None:
            self._requests -= 1
            if self._requests < 0:
                self._stop()

    def _identity(self, text: str) -> str:
        return self._world.fake.identity(self._trial.stream, orjson.loads(text))

    def _stored(self) -> Counter[str]:
        """The items in the store, as JSON text."""
        return Counter(_canonical(orjson.loads(text)) for text in self._store.items.values())

    async def _listed(self) -> Counter[str]:
        """The items that the service lists now, as JSON text."""
        clock = VirtualClock(self._world.clock.now())
        until = rfc3339(clock.now() + 400 * DAY)
        async with connected(self._trial.client, self._world.fake, clock=clock) as client:
            return Counter(
                [
                    _canonical(item)
                    for question in self._world.questions()
                    async for item in client.stream(self._trial.stream, filters=question, until=until).raw()
                ]
            )


def _canonical(item: Any) -> str:
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()


def _awaited_only(run: Callable[[], Awaitable[T]]) -> T:
    raise AssertionError(f"a trial awaits {run}")
