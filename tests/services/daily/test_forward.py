"""Daily's API logs are followed from the newest log."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

import logferry
from logferry._time.timestamps import SECOND
from logferry.hooks import IssueEvent
from logferry.testing import DailyFake, InProcessTransport, Row, VirtualClock, connected, random_rows

Walk = Callable[[Any], Iterator[Any]]
EPOCH: Final = 1_767_225_600 * SECOND


@pytest.mark.parametrize("records", [50, 5000])
@pytest.mark.parametrize("spacing", [0.1, 60.0], ids=["busy", "quiet"])
def test_a_poll_without_news_is_one_request(walk: Walk, records: int, spacing: float) -> None:
    """However many logs the settling time has; it is read again at most once in five minutes."""
    fake = DailyFake(records=records, growing=False, spacing=spacing)
    clock = VirtualClock(fake.epoch + SECOND)
    transport = InProcessTransport(fake, clock=clock.now)
    with connected(logferry.Daily, fake, clock=clock, transport=transport) as daily:
        pages = walk(daily.api_logs(since="7d").follow(shortest=2, longest=2).pages())
        for _ in range(3):
            next(pages)
        counts: list[int] = []
        for _ in range(290):
            before = transport.count
            next(pages)
            counts.append(transport.count - before)
    assert counts.count(1) >= 288


@pytest.mark.parametrize("gone", [1, 2])
def test_a_log_that_is_gone_loses_nothing(walk: Walk, gone: int) -> None:
    """Where the log of the cursor is not listed any more, an issue says so and the settling time is read."""
    vanishes = [EPOCH + 30 * SECOND] * gone
    rows = [Row(time=EPOCH - (60 - place) * SECOND, content=place) for place in range(5)]
    rows += [Row(time=EPOCH - 5 * SECOND, content=5, vanishes=one) for one in vanishes]
    rows += [Row(time=EPOCH + 40 * SECOND, appears=EPOCH + 41 * SECOND, content=6)]
    fake = DailyFake(epoch=EPOCH, rows=tuple(rows))
    clock, issues = VirtualClock(EPOCH), list[str]()

    def note(event: IssueEvent) -> None:
        issues.extend(event.issues)

    with connected(logferry.Daily, fake, clock=clock, on_issue=note) as daily:
        pages = walk(daily.api_logs(since="10m", source="api").follow(shortest=5, longest=5).pages())
        came = [log.id for _ in range(20) for log in next(pages).items]
    assert len(came) == len({*came}) == len(fake.truth("daily.api_logs", now=EPOCH, source="api")) + 1
    assert any("forgotten the cursor" in issue for issue in issues)


@pytest.mark.parametrize("seed", range(12))
def test_hostile_histories_are_followed_without_loss(walk: Walk, seed: int) -> None:
    """Logs that come late, in the second of others, that vanish and whose ids expire: each comes once."""
    chance = random.Random(seed)  # noqa: S311  # the same on every run
    rows = random_rows(seed, 200, EPOCH, EPOCH + 3600 * SECOND, late=0.3, lateness=500.0, vanishing=0.0, tie=20)
    fake = DailyFake.of_rows(rows, epoch=EPOCH - 120 * SECOND, chance=chance)
    clock, came, resume = VirtualClock(EPOCH - 119 * SECOND), list[str](), None
    while clock.now() < EPOCH + 4600 * SECOND:
        with connected(logferry.Daily, fake, clock=clock) as daily:
            options: Any = {"since": "2m", "source": "api"} if resume is None else {"resume": resume}
            view = daily.api_logs(page_size=chance.choice((3, 20, 100)), **options).follow(longest=60)
            pages = walk(view.pages())
            for _ in range(chance.randint(1, 9)):
                came += [log.id for log in next(pages).items]
            resume = view.checkpoint
        clock.advance(chance.choice((1, 30, 200)))
    assert sorted(came) == sorted(fake.truth("daily.api_logs", now=clock.now(), source="api"))
