"""What the seed of a trial draws: a hostile history, a variant of the service, faults, and how the caller reads."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import attrs

from logferry._time.timestamps import rfc3339
from logferry.testing._clock import VirtualClock
from logferry.testing._faults import shortened
from logferry.testing._http import Fake, FakeRequest
from logferry.testing._ignored_filter import IgnoredFilter
from logferry.testing._ignoring import Ignoring
from logferry.testing._noticeable import noticeably_shortened
from logferry.testing._recorder import Outcome as FaultOutcome
from logferry.testing._recorder import Recorder
from logferry.testing._relay import random_disruptions
from logferry.testing._rows import Row, random_rows
from logferry.testing._schedule import ALL, FATAL, NETWORK, PASSING, QUIET, Kind, Schedule
from logferry.testing._transport import InProcessTransport
from logferry.testing._trials import BEGIN, DAY, SECOND, Seeded, ever_listed

__all__ = ["Scenario"]


class Scenario:
    """
    What the seed of a trial draws, in an order that never changes, so that a seed stays the same trial.

    Args:
        trial: Its seed decides.
        loopback: Whether requests go to a loopback server behind a relay that breaks connections.
        concurrency: How many requests may be in flight; `None` for what the seed says, 1 to 8.
    """

    def __init__(self, trial: Seeded, *, loopback: bool, concurrency: int | None) -> None:
        chance = trial.chance("trial")
        self.trial = trial
        self.chance = chance
        self.since = BEGIN + chance.randrange(DAY)
        self.until = self.since + chance.choice((600, 3600, 6 * 3600)) * SECOND
        self.start = self.since + round((self.until - self.since) * chance.choice((0.5, 1.0, 1.1, 2.0)))
        resolution = chance.choice((1_000_000, 1_000_000_000))
        told: Any = {
            "resolution": resolution,
            "tie": chance.choice((2, 12, 60)),
            "late": chance.choice((0.0, 0.1, 0.3)),
            "vanishing": chance.choice((0.0, 0.05, 0.2)),
        }
        count = chance.choice((0, 1, 7, 60, 200))
        within = random_rows(trial.seed, count, self.since, self.until, **told)
        # The half day before the window, which a service that does not filter by time lists as well.
        earlier = chance.choice((0, 3, 40, 150))
        before = random_rows(trial.seed + 1, earlier, self.since - DAY // 2, self.since - 1, future=0.0, **told)
        self.rows = tuple(sorted((*before, *within), key=lambda row: row.appears or 0))
        self.fake = trial.make_fake(self.rows, epoch=self.start, chance=chance)
        self.clock = VirtualClock(self.start)
        definition = trial.definition
        fake: Any = self.fake
        by_cursor = definition.paging not in {"offset", "page number"}
        self.refuses = by_cursor and (
            getattr(fake, "cursor_life", None) is not None or getattr(fake, "lost_cursors", "") == "refuse"
        )
        kinds: AbstractSet[Kind] = chance.choice((ALL, PASSING, FATAL, PASSING | QUIET))
        kinds -= NETWORK if loopback else set()
        self.schedule = Schedule(trial.seed, chance.choice((0.0, 0.1, 0.3)), kinds, self.clock)
        self.broken = random_disruptions(trial.seed) if loopback else {}
        self.pace = chance.choice((0.0, 0.5, 10.0))
        self.page_size = trial.allowed_page_size(chance.choice((1, 2, 5, 10, 33, 100)))
        self.filters: Mapping[str, str] = chance.choice(self.fake.questions(trial.stream))
        self.ignored = IgnoredFilter.found(trial.client, self.fake, definition, self.filters, trial.seed)
        self.asked: Fake = self.fake if self.ignored is None else Ignoring(self.fake, self.ignored.parameters)
        adapter = Recorder if loopback else InProcessTransport
        self.transport: Recorder = adapter(self.asked, clock=self.clock, faults=self.fault)
        self.window = {
            "since": rfc3339(self.since) if chance.random() < 0.8 else None,  # noqa: PLR2004 - a share
            "until": rfc3339(self.until) if chance.random() < 0.5 else None,  # noqa: PLR2004
        }
        self.interleaving = random.Random(f"interleaving {trial.seed}")  # noqa: S311 - the same on every run
        self.concurrency = concurrency or self.interleaving.choice((1, 2, 3, 4, 8))

    def fault(self, request: FakeRequest, number: int) -> FaultOutcome | None:
        """Return what happens to a request, as a transport asks for it."""
        outcome = self.schedule(request, number)
        return noticeably_shortened(self.asked, request, self.clock.now) if outcome is shortened else outcome

    def truth(self, there: Callable[[Row], bool]) -> Counter[str]:
        """The identities in the window of the rows that are there, however often."""
        fake: Any = self.fake
        told = attrs.evolve(fake, rows=ever_listed(self.rows, there))
        since = self.since if self.window["since"] else None
        until = self.until if self.window["until"] else self.start
        return Counter(told.truth(self.trial.stream, since, until, now=BEGIN + 400 * DAY, **self.filters))
