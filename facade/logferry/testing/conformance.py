"""
A suite that any service's streams have to pass: nothing lost, nothing doubled, never endless, whatever the world does.

A *trial* is decided by its seed: a hostile history (rows that arrive late, vanish, share their time, are dated in the
future), a variant of the service, a schedule of faults, a window, a page size, where the caller stops and resumes from a
checkpoint, blocking or not, and sometimes a filter that the service ignores.  It runs in process and in virtual time, so that thousands take seconds::

    from logferry.testing.conformance import Trial

    def test_my_stream(seed):
        Trial(Mine, MineFake.of_rows, "mine.logs", seed).run().check()

What a pull has to give is what the service lists from its beginning to its end, each item once; what it may give is what
the service lists at any time in between.  Nothing else, nothing twice.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from typing import Any, Final, Protocol

import anyio
import attrs

from logferry._client import Client
from logferry._config.hooks import IssueEvent, RequestEvent
from logferry._errors import LogferryError, PagingError
from logferry._records.record import LogRecord
from logferry._time.timestamps import rfc3339
from logferry.testing._clock import VirtualClock
from logferry.testing._faults import shortened
from logferry.testing._http import Fake, FakeRequest
from logferry.testing._ignored_filter import IgnoredFilter
from logferry.testing._ignoring import Ignoring
from logferry.testing._noticeable import noticeably_shortened
from logferry.testing._recorder import Outcome as FaultOutcome
from logferry.testing._recorder import Recorder
from logferry.testing._relay import random_disruptions, relay
from logferry.testing._rows import Row, random_rows
from logferry.testing._schedule import ALL, FATAL, NETWORK, PASSING, QUIET, Kind, Schedule
from logferry.testing._server import serve
from logferry.testing._transport import InProcessTransport
from logferry.testing._wiring import connected, service_of

__all__ = ["MakeFake", "Outcome", "Trial"]

_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400 * _SECOND
_BEGIN: Final = 1_767_225_600 * _SECOND
_UNKNOWN: Final = 20
"""So many requests may find out what pages do not tell."""

_ENDLESS: Final = 50_000
"""No walk through a few hundred rows takes so many requests."""

_PATIENCE: Final = 200
"""So many errors in a row without a record in between mean that a caller gets nowhere."""


class MakeFake(Protocol):
    """Makes a fake with a scripted history, in a variant of the service that *chance* decides."""

    def __call__(self, rows: tuple[Row, ...], *, epoch: int, chance: random.Random) -> Fake:
        """
        Make it.

        Args:
            rows: Its history.
            epoch: Where its clock stands by default, in nanoseconds since 1970-01-01 UTC.
            chance: Decides what the service's documentation leaves open, such as whether bounds are inclusive.
        """
        ...


@attrs.frozen(kw_only=True)
class Outcome:
    """
    What came of a trial.

    Attributes:
        trial: Which one.
        records: How many records came.
        requests: How many requests were sent, those for tokens included.
        bound: How many there may be at most, see `Trial.run`.
        faults: How many requests something happened to.
        errors: How many errors the caller got, and went on from.
        resumed: How often it went on from a checkpoint with another client.
        lost: How many items of those that had to come did not.
        doubled: How many records came that were there already, by identity or by `uid`, or are none of the service's.
        doubts: Issues of pages: what the service makes it impossible to be sure of, so that items may be missing, or
            come twice.
        untold: How many items show that the service ignores a filter, though the caller did not get to know it.
        stuck: The error at which the caller got nowhere any more, or `None`.
        violations: What in the requests goes against the service's spec.
    """

    trial: "Trial"
    records: int
    requests: int
    bound: int
    faults: int
    errors: int
    resumed: int
    lost: int
    doubled: int
    doubts: tuple[str, ...]
    untold: int
    stuck: str | None
    violations: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """What breaks the promise; empty for a trial that was passed."""
        found = {
            f"{self.lost} lost": self.lost and not self.doubts,
            f"{self.doubled} doubled": self.doubled and not self.doubts,
            f"{self.requests} requests, {self.bound} allowed": self.requests > self.bound,
            f"{self.untold} left out, and the issue is missing": self.untold,
            f"stuck: {self.stuck}": self.stuck is not None,
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
class Trial:
    """
    One hostile schedule.

    Args:
        client: The client's class.
        make_fake: Makes its fake; those of logferry have `of_rows`.
        stream: The stream's name.
        seed: Decides everything.
        sync: Whether to iterate with ``for``, or with ``async for``.
        loopback: Whether to ask over a real loopback server, behind a relay that breaks connections, instead of in process;
            what would take real time is left out then.
        concurrency: How many requests may be under way; `None` for what the seed says, 1 to 8.
    """

    client: type[Client] = attrs.field(repr=lambda client: client.__name__)
    make_fake: MakeFake = attrs.field(repr=lambda make: getattr(make, "__qualname__", "..."))
    stream: str
    seed: int
    sync: bool = True
    loopback: bool = False
    concurrency: int | None = None

    def run(self) -> Outcome:
        """
        Pull, and compare.

        With P for the pages that hold all rows, and one more; B for how often the caller began: once, after each error, and
        from each checkpoint; F for the faults, each of which costs a request at most, there may be so many requests::

            2 P + (20 + C) B + F        where cursors are good for ever
            2 P + (20 + C) B + F + P B  where they can be refused, so that the way back is walked once more

        Each page may be asked for twice, since what shifts has to be looked at again; and what cannot be known from pages
        (whether a page is the last, whether bounds are kept to, rows of one time that no page shows whole) may take twenty
        requests after each beginning, those for tokens among them; with them goes what was under way, C - 1 requests at most
        where C may be at once.
        """
        before = random.getstate()
        random.seed(self.seed)  # the jitter of retries
        try:
            return anyio.run(_Pull(self).run)
        finally:
            random.setstate(before)


class _Pull:
    """A caller who wants everything, and does not give up."""

    def __init__(self, trial: Trial) -> None:
        chance = random.Random(f"trial {trial.stream} {trial.seed}")  # noqa: S311 - the same on every run
        self._trial = trial
        self._chance = chance
        self._since = _BEGIN + chance.randrange(_DAY)
        self._until = self._since + chance.choice((600, 3600, 6 * 3600)) * _SECOND
        self._start = self._since + round((self._until - self._since) * chance.choice((0.5, 1.0, 1.1, 2.0)))
        resolution = chance.choice((1_000_000, 1_000_000_000))
        told: Any = {
            "resolution": resolution,
            "tie": chance.choice((2, 12, 60)),
            "late": chance.choice((0.0, 0.1, 0.3)),
            "vanishing": chance.choice((0.0, 0.05, 0.2)),
        }
        count = chance.choice((0, 1, 7, 60, 200))
        within = random_rows(trial.seed, count, self._since, self._until, **told)
        # The half day before the window, which a service that does not filter by time lists as well.
        earlier = chance.choice((0, 3, 40, 150))
        before = random_rows(trial.seed + 1, earlier, self._since - _DAY // 2, self._since - 1, future=0.0, **told)
        self._rows = tuple(sorted((*before, *within), key=lambda row: row.appears or 0))
        self._fake = trial.make_fake(self._rows, epoch=self._start, chance=chance)
        self._clock = VirtualClock(self._start)
        definition = next(one for one in trial.client.streams if one.name == trial.stream)
        fake: Any = self._fake
        by_cursor = definition.paging not in {"offset", "page number"}
        self._refuses = by_cursor and (
            getattr(fake, "cursor_life", None) is not None or getattr(fake, "lost_cursors", "") == "refuse"
        )
        kinds: AbstractSet[Kind] = chance.choice((ALL, PASSING, FATAL, PASSING | QUIET))
        kinds -= NETWORK if trial.loopback else set()
        self._schedule = Schedule(trial.seed, chance.choice((0.0, 0.1, 0.3)), kinds, self._clock)
        self._broken = random_disruptions(trial.seed) if trial.loopback else {}
        self._address: str | None = None
        self._pace = chance.choice((0.0, 0.5, 10.0))
        self._page_size = chance.choice((1, 2, 5, 10, 33, 100))
        self._filters: Mapping[str, str] = chance.choice(self._fake.questions(trial.stream))
        self._ignored = IgnoredFilter.found(trial.client, self._fake, definition, self._filters, trial.seed)
        self._asked: Fake = self._fake if self._ignored is None else Ignoring(self._fake, self._ignored.parameters)
        adapter = Recorder if trial.loopback else InProcessTransport
        self._transport: Recorder = adapter(self._asked, clock=self._clock, faults=self._fault)
        self._window = {
            "since": rfc3339(self._since) if chance.random() < 0.8 else None,  # noqa: PLR2004 - a share
            "until": rfc3339(self._until) if chance.random() < 0.5 else None,  # noqa: PLR2004
        }
        self._interleaving = random.Random(f"interleaving {trial.seed}")  # noqa: S311 - the same on every run
        self._concurrency = trial.concurrency or self._interleaving.choice((1, 2, 3, 4, 8))
        self._got: list[LogRecord] = []
        self._doubts: list[str] = []
        self._has_told = False
        self._errors = self._resumed = self._idle = 0

    def _fault(self, request: FakeRequest, number: int) -> FaultOutcome | None:
        outcome = self._schedule(request, number)
        return noticeably_shortened(self._asked, request, self._clock.now) if outcome is shortened else outcome

    async def run(self) -> Outcome:
        with ExitStack() as stack:
            if self._trial.loopback:
                url = stack.enter_context(serve(self._transport))
                self._address = stack.enter_context(relay(url, self._broken))
            stuck = await self._pull()
        end = self._clock.now()
        got = Counter(self._fake.identity(self._trial.stream, record.raw) for record in self._got)
        certain = self._truth(lambda row: row.is_visible(self._start) and row.is_visible(end))
        possible = self._truth(
            lambda row: (row.appears or 0) <= end and (row.vanishes is None or row.vanishes > self._start)
        )
        uids = len(self._got) - len({record.uid for record in self._got})
        untold = 0
        if self._ignored is not None:
            certain, possible, others = self._ignored.sifted(certain, possible)
            untold = 0 if stuck or self._has_told else others
        return Outcome(
            trial=self._trial,
            records=len(self._got),
            requests=self._transport.count,
            bound=self._bound(),
            faults=self._schedule.counts.total(),
            errors=self._errors,
            resumed=self._resumed,
            lost=0 if stuck else (certain - got).total(),
            doubled=(got - possible).total() + uids,
            doubts=tuple(self._doubts),
            untold=untold,
            stuck=stuck,
            violations=tuple(self._transport.violations),
        )

    def _connected(self) -> Client:
        options: Any = {
            "clock": self._clock,
            "on_request": self._pass_time,
            "on_issue": self._note,
            "concurrency": self._concurrency,
        }
        if self._address is None:
            client = connected(self._trial.client, self._fake, transport=self._transport, **options)
            # Threads would come in another order on each run.
            vars(client)["_pool"].launch = self._launch
            return client
        settings = service_of(self._fake).settings_for(self._fake, self._address)
        make: Any = self._trial.client  # a service's own settings are not among those that all clients take
        made: Client = make(**settings, **options)
        return made

    def _bound(self) -> int:
        """How many requests there may be at most, see `Trial.run`."""
        pages = -(-len(self._rows) // self._page_size) + 1
        beginnings = 1 + self._errors + self._resumed
        back = pages * beginnings if self._refuses else 0
        known = 2 * pages + (_UNKNOWN + self._concurrency) * beginnings
        return known + self._schedule.counts.total() + len(self._broken) + back

    async def _pull(self) -> str | None:
        """Pull everything; the error at which there is no getting on, or ``None``."""
        checkpoint: str | None = None
        while True:
            client = self._connected()
            if checkpoint is None:
                options: dict[str, Any] = {**self._window, "page_size": self._page_size}
                filters = self._filters if self._ignored is None else self._ignored.asked(self._filters)
                opened = client.stream(self._trial.stream, filters=filters, **options)
            else:
                self._resumed += 1
                opened = client.stream(self._trial.stream, resume=checkpoint, page_size=self._page_size)
            view = opened.records()
            iterator = _Blocking(iter(view)) if self._trial.sync else aiter(view)
            stop = self._chance.choice((None, self._chance.randint(1, 50)))
            while stop != 0:
                try:
                    self._got.append(await anext(iterator))
                except StopAsyncIteration:
                    await client.aclose()
                    return None
                except LogferryError as error:
                    self._errors, self._idle = self._errors + 1, self._idle + 1
                    if self._idle > _PATIENCE:
                        await client.aclose()
                        return str(error)
                    if error.checkpoint is None:
                        raise AssertionError(f"an error without a checkpoint: {error!r}") from error
                    if isinstance(error, PagingError) or self._chance.random() < 0.3:  # noqa: PLR2004 - a share
                        break
                else:
                    self._idle = 0
                    stop = None if stop is None else stop - 1
            checkpoint = view.checkpoint
            await client.aclose()

    def _launch(self, work: Callable[[], None]) -> "_Launched":
        return _Launched(work, at_once=self._interleaving.random() < 0.5)  # noqa: PLR2004 - a share

    def _pass_time(self, _event: RequestEvent) -> None:
        self._clock.advance(self._chance.random() * self._pace)
        if self._transport.count > _ENDLESS:
            raise AssertionError(f"endless: {self._trial}")

    def _note(self, event: IssueEvent) -> None:
        ignored = [] if self._ignored is None else [one for one in event.issues if one == self._ignored.remark]
        self._has_told = self._has_told or bool(ignored)
        if event.is_doubt:
            self._doubts += [one for one in event.issues if one not in ignored]

    def _truth(self, there: Callable[[Row], bool]) -> Counter[str]:
        """The identities in the window of the rows that are there, however often."""
        never = 2 * _BEGIN
        rows = [attrs.evolve(row, vanishes=None, appears=row.appears if there(row) else never) for row in self._rows]
        fake: Any = self._fake
        told = attrs.evolve(fake, rows=tuple(rows))
        since = self._since if self._window["since"] else None
        until = self._until if self._window["until"] else self._start
        return Counter(told.truth(self._trial.stream, since, until, now=_BEGIN + 400 * _DAY, **self._filters))


class _Launched:
    """A request under way that is done at one of two moments: when it is sent, or when its answer is waited for."""

    def __init__(self, work: Callable[[], None], *, at_once: bool) -> None:
        self._work: Callable[[], None] | None = work
        if at_once:
            self.join()

    def join(self) -> None:
        """Do it, once."""
        work, self._work = self._work, None
        if work is not None:
            work()


class _Blocking:
    """A blocking iterator for who awaits: one body of a pull serves both worlds."""

    def __init__(self, iterator: Iterator[LogRecord]) -> None:
        self._iterator = iterator

    def __aiter__(self) -> AsyncIterator[LogRecord]:
        return self

    async def __anext__(self) -> LogRecord:
        for record in self._iterator:
            return record
        raise StopAsyncIteration
