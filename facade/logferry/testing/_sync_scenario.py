"""What the seed of a trial of syncs draws: a history, the service and its faults, its clock, and what is synced."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from logferry._time.clock import Clock
from logferry.testing._clock import VirtualClock
from logferry.testing._faults import shortened
from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._noticeable import noticeably_shortened
from logferry.testing._recorder import Outcome
from logferry.testing._rows import Row, random_rows
from logferry.testing._schedule import ALL, PASSING, Schedule
from logferry.testing._transport import InProcessTransport
from logferry.testing._trials import BEGIN, DAY, SECOND, Seeded, ever_listed

__all__ = ["SyncScenario"]

_LATENESS: Final = 590.0
"""Rows come at most so late, in seconds: within the settling time, also where a service cuts times to whole seconds."""


class SyncScenario:
    """
    What the seed of a trial of syncs draws, in an order that never changes, so that a seed stays the same trial.

    Args:
        trial: Its seed decides.

    Attributes:
        disturbed: Whether faults happen; false for the last sync.
    """

    def __init__(self, trial: Seeded) -> None:
        chance = trial.chance("sync trial")
        self.trial = trial
        self.chance = chance
        self.since = BEGIN + chance.randrange(2 * DAY)
        until = self.since + chance.choice((600, 3600, 6 * 3600)) * SECOND
        rows = random_rows(
            trial.seed,
            chance.choice((1, 7, 60, 200)),
            self.since,
            until,
            resolution=chance.choice((1_000_000, 1_000_000_000)),
            tie=chance.choice((2, 12)),
            late=chance.choice((0.0, 0.1, 0.3)),
            lateness=_LATENESS,
            vanishing=chance.choice((0.0, 0.05, 0.2)),
        )
        # What lists the sessions of calls has the row that came first as the one whose logs there are.
        self.rows = (attrs.evolve(rows[0], vanishes=None), *rows[1:])
        # Drawn apart, so that the rest of a seed's schedule is as it was without.
        self.skew = trial.chance("clock")
        self.dateless = self.skew.random() < 0.3  # noqa: PLR2004 - a share
        if self.dateless:
            # Nothing tells a record that is dated days ahead from one of now, where no clock can be believed.
            self.rows = tuple(row for row in self.rows if row.time <= (row.appears or row.time) + DAY)
        self.settled = max((row.appears or 0 for row in self.rows), default=until) + 600 * SECOND
        self.fake = trial.make_fake(self.rows, epoch=self.settled, chance=chance)
        self.length = until - self.since
        self.clock = VirtualClock(self.since + round(self.length * chance.choice((0.0, 0.3, 1.0))))
        self.first = self.clock.now()
        self.schedule = Schedule(trial.seed, chance.choice((0.0, 0.05, 0.2)), chance.choice((ALL, PASSING)), self.clock)
        self.disturbed = True
        self.transport = InProcessTransport(self.fake, clock=self.clock, faults=self.fault)
        self.pace = chance.choice((0.0, 0.5, 10.0))
        self.definition = trial.definition
        self.filters = self._chosen_filters()
        self.page_size = min(chance.choice((1, 3, 10, 100)), self.definition.page_size)
        # Several slices at once are read in an order that threads decide: one seed in two can be had again exactly.
        self.concurrency = 1 + 3 * (trial.seed % 2)

    def _chosen_filters(self) -> Mapping[str, str]:
        """None, or those of a question that finds something."""
        return self.chance.choice(({}, {}, *self.fake.questions(self.trial.stream)))

    def questions(self) -> Iterator[Mapping[str, str]]:
        """What the syncs ask, together."""
        sessions = self.definition.incremental.sessions is not None
        if sessions and not self.filters:
            yield from self.fake.questions(self.trial.stream)
        else:
            yield from self.definition.incremental.asked(self.filters)

    def fault(self, request: FakeRequest, number: int) -> Outcome | None:
        """Return what happens to a request, as a transport asks for it."""
        outcome = self.schedule(request, number) if self.disturbed else None
        if outcome is shortened:
            outcome = noticeably_shortened(self.fake, request, self.clock.now)
        return _without_date(outcome) if self.dateless else outcome

    def skewed(self) -> Clock:
        """The clock of who syncs: where the service does not say what time it is, it is thirty days ahead now and then."""
        ahead = self.disturbed and self.dateless and self.skew.random() < 0.5  # noqa: PLR2004 - a share
        return _Ahead(self.clock) if ahead else self.clock

    def until(self) -> int | None:
        """Mostly now; else some moment before."""
        if not self.disturbed or self.chance.random() < 0.8:  # noqa: PLR2004 - a share
            return None
        return self.clock.now() - self.chance.randrange(self.length)

    def truth(self, there: Callable[[Row], bool]) -> Counter[str]:
        """The identities of the rows that are there, however often."""
        told: Any = attrs.evolve(self.fake, rows=ever_listed(self.rows, there))  # type: ignore[misc]  # a fake that scripts make is attrs
        return Counter(
            identity
            for question in self.questions()
            for identity in told.truth(self.trial.stream, None, None, now=BEGIN + 400 * DAY, **question)
        )


@attrs.frozen
class _Ahead:
    """A clock that is thirty days ahead of another."""

    _clock: VirtualClock

    def now(self) -> int:
        return self._clock.now() + 30 * DAY

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
