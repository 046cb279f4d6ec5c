"""
A suite that syncing any service's stream has to pass: nothing lost, nothing doubled, wherever it was stopped.

A *trial* is decided by its seed, as in `logferry.testing.conformance`: a hostile history, a variant of the service, a
schedule of faults, and several syncs into one store, at random moments.  Each is stopped somewhere, or killed: cancelled
before a request or behind a commit, or its store takes nothing any more, as if the process had died there.  Some services
do not say what time it is, and the clock of who syncs is then thirty days ahead now and then.  The last one,
when all has settled, is left alone::

    from logferry.testing.sync_conformance import SyncTrial

    def test_my_stream(seed):
        SyncTrial(Mine, MineFake.of_rows, "mine.logs", seed).run().check()

What the store has to have is what the service lists from the beginning to the end of any sync that was read to its end;
what it may have is what the service has ever listed.  Nothing else, nothing twice, and what did not change while the last
sync ran as it was then.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import anyio
import attrs
import orjson

from logferry._client import Client
from logferry._config.hooks import RequestEvent
from logferry._errors import PagingError, StoreError
from logferry._streams.definition import StreamDefinition
from logferry._time.clock import Clock
from logferry._time.timestamps import rfc3339
from logferry.sync._order import Order
from logferry.sync._sync import Lane, Sync
from logferry.testing._clock import VirtualClock
from logferry.testing._dying_store import DyingStore, SmallPages
from logferry.testing._faults import shortened
from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._noticeable import noticeably_shortened
from logferry.testing._recorder import Outcome
from logferry.testing._rows import Row, random_rows
from logferry.testing._schedule import ALL, PASSING, Schedule
from logferry.testing._transport import InProcessTransport
from logferry.testing._wiring import connected
from logferry.testing.conformance import MakeFake

__all__ = ["SyncOutcome", "SyncTrial"]

T = TypeVar("T")

_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400 * _SECOND
_BEGIN: Final = 1_767_225_600 * _SECOND
_LATENESS: Final = 590.0
"""Rows come at most so late, in seconds: within the settling time, also where a service cuts times to whole seconds."""

_PATIENCE: Final = 200
"""So many syncs in a row that are not read to their end mean that nobody gets anywhere."""

_ENDLESS: Final = 50_000
"""No sync of a few hundred rows takes so many requests."""


@attrs.frozen(kw_only=True)
class SyncOutcome:
    """
    What came of a trial.

    Attributes:
        trial: Which one.
        syncs: How many syncs there were.
        stopped: How many of them were stopped or killed.
        failed: How many of the others did not read their stream to its end.
        records: How many records the store has.
        requests: How many requests were sent.
        faults: How many requests something happened to.
        lost: How many items of those that had to be in the store are not.
        doubled: How many records are in the store twice, or are none of the service's.
        outdated: How many records are not as the service had them from the beginning to the end of the last sync.
        unread: How many stretches the last sync left unread.
        violations: What in the requests goes against the service's spec.
    """

    trial: "SyncTrial"
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
    def problems(self) -> list[str]:
        """What breaks the promise; empty for a trial that was passed."""
        found = {
            f"{self.lost} lost": self.lost,
            f"{self.doubled} doubled": self.doubled,
            f"{self.outdated} outdated": self.outdated,
            f"{self.unread} stretches unread": self.unread,
            f"against the spec: {self.violations}": self.violations,
        }
        return [problem for problem, holds in found.items() if holds]

    def check(self) -> None:
        """
        Nothing, if the trial was passed.

        Raises:
            AssertionError: It was not; the message says what is wrong, and how to run it again.
        """
        if self.problems:
            raise AssertionError(f"{self.trial.stream}: {'; '.join(self.problems)}; {self.trial}")


@attrs.frozen
class SyncTrial:
    """
    One hostile schedule of syncs.

    Args:
        client: The client's class.
        make_fake: Makes its fake; those of logferry have `of_rows`.
        stream: The stream's name.
        seed: Decides everything.
    """

    client: type[Client] = attrs.field(repr=lambda client: client.__name__)
    make_fake: MakeFake = attrs.field(repr=lambda make: getattr(make, "__qualname__", "..."))
    stream: str
    seed: int

    def run(self) -> SyncOutcome:
        """
        Sync, and compare.

        Raises:
            AssertionError: The last sync, which nothing disturbs, failed; or one did not end.
        """
        before = random.getstate()
        random.seed(self.seed)  # the jitter of retries
        try:
            return anyio.run(_Syncs(self).run)
        finally:
            random.setstate(before)


class _Syncs:
    """Somebody whose syncs are stopped again and again."""

    def __init__(self, trial: SyncTrial) -> None:
        chance = random.Random(f"sync trial {trial.stream} {trial.seed}")  # noqa: S311 - the same on every run
        self._trial = trial
        self._chance = chance
        self._since = _BEGIN + chance.randrange(2 * _DAY)
        until = self._since + chance.choice((600, 3600, 6 * 3600)) * _SECOND
        rows = random_rows(
            trial.seed,
            chance.choice((1, 7, 60, 200)),
            self._since,
            until,
            resolution=chance.choice((1_000_000, 1_000_000_000)),
            tie=chance.choice((2, 12)),
            late=chance.choice((0.0, 0.1, 0.3)),
            lateness=_LATENESS,
            vanishing=chance.choice((0.0, 0.05, 0.2)),
        )
        # What lists the sessions of calls has the row that came first as the one whose logs there are.
        self._rows = (attrs.evolve(rows[0], vanishes=None), *rows[1:])
        # Drawn apart, so that the rest of a seed's schedule is as it was without.
        self._skew = random.Random(f"clock {trial.stream} {trial.seed}")  # noqa: S311 - the same on every run
        self._dateless = self._skew.random() < 0.3  # noqa: PLR2004 - a share
        if self._dateless:
            # Nothing tells a record that is dated days ahead from one of now, where no clock can be believed.
            self._rows = tuple(row for row in self._rows if row.time <= (row.appears or row.time) + _DAY)
        self._settled = max(row.appears or 0 for row in self._rows) + 600 * _SECOND
        self._fake = trial.make_fake(self._rows, epoch=self._settled, chance=chance)
        self._length = until - self._since
        self._clock = VirtualClock(self._since + round(self._length * chance.choice((0.0, 0.3, 1.0))))
        self._first = self._clock.now()
        self._schedule = Schedule(
            trial.seed, chance.choice((0.0, 0.05, 0.2)), chance.choice((ALL, PASSING)), self._clock
        )
        self._disturbed = True
        self._transport = InProcessTransport(self._fake, clock=self._clock, faults=self._fault)
        self._pace = chance.choice((0.0, 0.5, 10.0))
        self._definition: StreamDefinition[Any, Any, Any] = next(
            one for one in trial.client.streams if one.name == trial.stream
        )
        self._filters = self._chosen_filters()
        self._page_size = min(chance.choice((1, 3, 10, 100)), self._definition.page_size)
        # Several slices at once are read in an order that threads decide: one seed in two can be had again exactly.
        self._concurrency = 1 + 3 * (trial.seed % 2)
        self._store = DyingStore()
        self._seen: list[tuple[int, int]] = []
        self._stop: Callable[[], None] = lambda: None
        self._requests: int | None = None
        # Drawn apart, so that the rest of a seed's schedule is as it was without.
        self._skew = random.Random(f"clock {trial.stream} {trial.seed}")  # noqa: S311 - the same on every run
        self._dateless = self._skew.random() < 0.3  # noqa: PLR2004 - a share

    def _chosen_filters(self) -> Mapping[str, str]:
        """None, or those of a question that finds something."""
        return self._chance.choice(({}, {}, *self._fake.questions(self._trial.stream)))

    def _questions(self) -> Iterator[Mapping[str, str]]:
        """What the syncs ask, together."""
        sessions = self._definition.incremental.sessions is not None
        if sessions and not self._filters:
            yield from self._fake.questions(self._trial.stream)
        else:
            yield from self._definition.incremental.asked(self._filters)

    def _fault(self, request: FakeRequest, number: int) -> Outcome | None:
        outcome = self._schedule(request, number) if self._disturbed else None
        if outcome is shortened:
            outcome = noticeably_shortened(self._fake, request, self._clock.now)
        return _without_date(outcome) if self._dateless else outcome

    def _skewed(self) -> Clock:
        """The clock of who syncs: where the service does not say what time it is, it is thirty days ahead now and then."""
        ahead = self._disturbed and self._dateless and self._skew.random() < 0.5  # noqa: PLR2004 - a share
        return _Ahead(self._clock) if ahead else self._clock

    async def run(self) -> SyncOutcome:
        syncs, stopped, failed = self._chance.randint(0, 6), 0, 0
        for _ in range(syncs):
            done = await self._sync()
            stopped += done is None
            failed += done is False
            self._clock.advance(self._chance.random() ** 2 * self._length / _SECOND)
        self._disturbed = False
        self._clock.reach(self._settled + 3600 * _SECOND)
        before = await self._listed()
        # Where a walk does not get on, another one goes on from where it was, as with a pull.
        for _ in range(_PATIENCE):
            if await self._sync():
                break
        else:
            raise AssertionError(f"no sync is read to its end, however often: {self._trial}")
        begin, end = self._seen[-1]
        got = Counter(self._identity(text) for text in self._store.items.values())
        certain = Counter[str]()
        for first, last in self._seen:
            # Where lines have no ids, equal ones are told apart only while they are listed at the same time.
            certain |= self._truth(lambda row: row.is_visible(first) and row.is_visible(last))  # noqa: B023
        possible = self._truth(
            lambda row: (row.appears or 0) <= end and (row.vanishes is None or row.vanishes > self._first)
        )
        return SyncOutcome(
            trial=self._trial,
            syncs=syncs + 1,
            stopped=stopped,
            failed=failed,
            records=len(self._store.items),
            requests=self._transport.count,
            faults=self._schedule.counts.total(),
            lost=(certain - got).total(),
            doubled=(got - possible).total(),
            outdated=((before & await self._listed()) - self._stored()).total(),
            unread=sum(len(one.missing(one.begin or 0, begin)) for one in self._store.coverage().values()),
            violations=tuple(self._transport.violations),
        )

    async def _sync(self) -> bool | None:
        """Sync once; whether all was read, or ``None`` where it was stopped."""
        clock = self._skewed()
        client = connected(
            self._trial.client,
            self._fake,
            transport=self._transport,
            clock=clock,
            on_request=self._pass_time,
        )
        paged: Any = SmallPages(client, self._page_size)
        until = self._until()
        sync = Sync(
            store=self._store,
            lanes=[Lane(client=paged, streams=[(self._definition, self._filters)], concurrency=self._concurrency)],
            order=Order(until=until, raw=True),
            clock=clock,
            blocking=_awaited_only,
        )
        self._arm()
        begin, report = self._clock.now(), None
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
            if not self._disturbed and not isinstance(failure, PagingError):
                raise failure
        if not report.failures and until is None:
            self._seen.append((begin, self._clock.now()))
        return not report.failures

    def _until(self) -> int | None:
        """Mostly now; else some moment before."""
        if not self._disturbed or self._chance.random() < 0.8:  # noqa: PLR2004 - a share
            return None
        return self._clock.now() - self._chance.randrange(self._length)

    def _arm(self) -> None:
        """Decide where the sync will be stopped."""
        store = self._store
        self._requests, store.left, store.told = None, None, lambda: None
        if not self._disturbed:
            return
        stop = self._chance.choice(("no", "request", "commit", "killed"))
        after = self._chance.choice((0, 1, 2, 3, self._chance.randint(1, 40)))
        if stop == "request":
            self._requests = after
        elif stop == "killed":
            store.left = after
        elif stop == "commit":
            commits = iter(range(after))
            store.told = lambda: None if next(commits, None) is not None else self._stop()

    def _pass_time(self, _event: RequestEvent) -> None:
        self._clock.advance(self._chance.random() * self._pace)
        if self._transport.count > _ENDLESS:
            raise AssertionError(f"endless: {self._trial}")
        if self._requests is not None:
            self._requests -= 1
            if self._requests < 0:
                self._stop()

    def _identity(self, text: str) -> str:
        return self._fake.identity(self._trial.stream, orjson.loads(text))

    def _stored(self) -> Counter[str]:
        """What the store has, in full."""
        return Counter(_canonical(orjson.loads(text)) for text in self._store.items.values())

    async def _listed(self) -> Counter[str]:
        """What the service lists at this moment, in full."""
        clock = VirtualClock(self._clock.now())
        until = rfc3339(clock.now() + 400 * _DAY)
        async with connected(self._trial.client, self._fake, clock=clock) as client:
            return Counter(
                [
                    _canonical(item)
                    for question in self._questions()
                    async for item in client.stream(self._trial.stream, filters=question, until=until).raw()
                ]
            )

    def _truth(self, there: Callable[[Row], bool]) -> Counter[str]:
        """The identities of the rows that are there, however often."""
        never = 2 * _BEGIN
        rows = [attrs.evolve(row, vanishes=None, appears=row.appears if there(row) else never) for row in self._rows]
        told: Any = attrs.evolve(self._fake, rows=tuple(rows))  # type: ignore[misc]  # a fake that scripts make is attrs
        return Counter(
            identity
            for question in self._questions()
            for identity in told.truth(self._trial.stream, None, None, now=_BEGIN + 400 * _DAY, **question)
        )


@attrs.frozen
class _Ahead:
    """A clock that is thirty days ahead of another."""

    _clock: VirtualClock

    def now(self) -> int:
        return self._clock.now() + 30 * _DAY

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        await self._clock.asleep(seconds)


def _without_date(outcome: Outcome | None) -> Outcome:
    """The same outcome, of a service that does not say what time it is."""

    def changed(answer: FakeResponse) -> FakeResponse:
        if callable(outcome) and not isinstance(outcome, FakeResponse):
            answer = outcome(answer)
        return attrs.evolve(answer, headers=tuple(pair for pair in answer.headers if pair[0].lower() != "date"))

    if isinstance(outcome, FakeResponse):
        return attrs.evolve(outcome, headers=tuple(pair for pair in outcome.headers if pair[0].lower() != "date"))
    return outcome if isinstance(outcome, Exception) else changed


def _canonical(item: Any) -> str:
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()


def _awaited_only(run: Callable[[], Awaitable[T]]) -> T:
    raise AssertionError(f"a trial awaits {run}")
