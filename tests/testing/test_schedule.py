"""Random faults: reproducible from a seed, of the selected kinds, with a bounded number in a row."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from email.utils import parsedate_to_datetime
from itertools import groupby
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import logferry
from logferry._accounts.registry import SERVICES, Service
from logferry.testing import (
    ALL,
    FATAL,
    PASSING,
    FakeRequest,
    FakeResponse,
    InProcessTransport,
    Kind,
    Outcome,
    Schedule,
    VirtualClock,
)
from logferry.testing._registry import make_fake, settings_for

EPOCH = 1_767_225_600_000_000_000
STREAMS = [(service, stream.name) for service in SERVICES for stream in service.streams]
BEARER = (("Authorization", "Bearer token"),)


def met(schedule: Schedule, targets: list[str]) -> list[Outcome | None]:
    """Return the outcomes of requests for these targets."""
    return [schedule(FakeRequest("GET", target, BEARER), number) for number, target in enumerate(targets, 1)]


def told(outcomes: list[Outcome | None]) -> list[str]:
    """Return outcomes as texts, since two errors are never equal; changes by name."""
    return [getattr(outcome, "__qualname__", repr(outcome)) for outcome in outcomes]


@given(seed=st.integers(), targets=st.lists(st.sampled_from("abc"), max_size=60), longest_run=st.integers(0, 3))
def test_a_schedule_is_reproducible(seed: int, targets: list[str], longest_run: int) -> None:
    """The repr makes an equal schedule, and no target fails more often in a row than allowed."""
    schedule = Schedule(seed, 0.7, longest_run=longest_run)
    outcomes = met(schedule, targets)
    again: Schedule = eval(str(schedule))  # noqa: S307 - its own text
    assert told(met(again, targets)) == told(outcomes)
    assert schedule.counts.total() == sum(outcome is not None for outcome in outcomes)
    for target in set(targets):
        failed = [outcome is not None for outcome, asked in zip(outcomes, targets, strict=True) if asked == target]
        assert max((len([*run]) for fails, run in groupby(failed) if fails), default=0) <= longest_run


def test_kinds_can_be_selected() -> None:
    """Only the selected kinds occur, at about the given rate, and each of them at some time."""
    targets = [str(number) for number in range(3000)]
    for kinds in (PASSING, FATAL, ALL, frozenset[Kind]({"html"})):
        schedule = Schedule(1, 0.3, kinds)
        met(schedule, targets)
        assert set(schedule.counts) == kinds
        assert 800 < schedule.counts.total() < 1000
    assert not PASSING & FATAL
    assert str(Schedule(1, kinds=["html", "401"])) == "Schedule(1, 0.2, kinds=['401', 'html'], longest_run=2)"
    assert str(Schedule(1)) == "Schedule(1, 0.2, longest_run=2)"


def test_a_schedule_can_have_no_faults() -> None:
    """Without a rate or without kinds, no fault occurs."""
    for schedule in (Schedule(1, 0), Schedule(1, 1, ())):
        assert met(schedule, ["a"] * 50) == [None] * 50


def test_invalid_arguments_are_refused() -> None:
    """A rate that is no fraction, and an unknown kind, are refused by name."""
    with pytest.raises(ValueError, match="rate is a share from 0 to 1, not 2"):
        Schedule(1, 2)
    unknown: Any = ["nothing"]
    with pytest.raises(ValueError, match="there is no kind 'nothing'; there are 401, 408"):
        Schedule(1, kinds=unknown)


def waits(kind: Kind, clock: VirtualClock | None = None) -> set[str | None]:
    """Return the ``Retry-After`` of answers of a kind."""
    outcomes = met(Schedule(1, 1, [kind], clock), [str(number) for number in range(100)])
    answers = [outcome for outcome in outcomes if isinstance(outcome, FakeResponse)]
    assert {answer.status for answer in answers} == {429}
    assert len(answers) == 100
    return {answer.header("Retry-After") for answer in answers}


def test_retry_after_has_every_form() -> None:
    """The header has seconds, a date by the clock, zero, an hour or an invalid text, or is missing."""
    assert waits("429") == {None}
    assert waits("429 seconds") == set("12345")
    assert waits("429 zero") == {"0"}
    assert waits("429 hour") == {"3600"}
    assert len(waits("429 garbage")) > 2
    dates = [parsedate_to_datetime(date or "") for date in waits("429 date", VirtualClock(EPOCH))]
    assert sorted(date.timestamp() - EPOCH // 10**9 for date in dates) == [1, 2, 3, 4, 5]


def test_network_errors_are_raised_as_by_httpx() -> None:
    """Each error has the type that httpx raises, and is a new instance each time."""
    errors: dict[Kind, type[Exception]] = {
        "connect error": httpx.ConnectError,
        "connect timeout": httpx.ConnectTimeout,
        "read error": httpx.ReadError,
        "read timeout": httpx.ReadTimeout,
        "disconnected": httpx.RemoteProtocolError,
    }
    for kind, error in errors.items():
        one, other = met(Schedule(1, 1, [kind]), ["a", "b"])
        assert type(one) is type(other) is error
        assert one is not other


def test_a_token_expires_once() -> None:
    """The replay with the new token is accepted, and requests without a token are never refused."""
    schedule = Schedule(1, 1, ["401"], longest_run=3)
    assert [outcome is not None for outcome in met(schedule, ["a"] * 4)] == [True, False, True, False]
    assert schedule(FakeRequest("POST", "/token", (("Authorization", "Basic xyz"),)), 5) is None


def test_threads_may_share_a_schedule() -> None:
    """Each request is counted once."""
    schedule = Schedule(1, 1, PASSING, longest_run=10**6)

    def ask() -> None:
        met(schedule, ["a"] * 500)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert schedule.counts.total() == 4 * 500


def pull(service: Service, stream: str, schedule: Schedule, clock: VirtualClock) -> tuple[Counter[str], Counter[str]]:
    """Return the records that a pull yields in spite of a schedule, and the expected ones."""
    fake = make_fake(service, records=403, epoch=EPOCH)
    options: dict[str, Any] = settings_for(fake, "https://fake.example") | {
        "transport": InProcessTransport(fake, clock=clock, faults=schedule),
        "clock": clock,
    }
    make: Any = service.client
    found, truth = Counter[str](), Counter[str]()
    with make(**options) as client:
        for question in fake.questions(stream):
            filters: dict[str, Any] = dict(question)
            now = clock.now()
            items = client.stream(stream, filters=filters, page_size=20).raw()
            found.update(fake.identity(stream, item) for item in items)
            truth.update(fake.truth(stream, None, now, now, **filters))
    return found, truth


@pytest.mark.parametrize(("service", "stream"), STREAMS, ids=[name for _, name in STREAMS])
@pytest.mark.parametrize("seed", range(3))
def test_transient_faults_lose_no_record(service: Service, stream: str, seed: int) -> None:
    """With the default of four attempts, a pull through transient faults yields every record once."""
    kinds: Collection[Kind] = {*PASSING, "401"} if service.name == "logto" else PASSING
    clock = VirtualClock(EPOCH + 10**9)
    schedule = Schedule(seed, 0.4, kinds, clock)
    found, truth = pull(service, stream, schedule, clock)
    assert found == truth, str(schedule)
    assert schedule.counts.total() > 3


@pytest.mark.parametrize("kind", sorted(FATAL))
def test_lasting_faults_raise_an_error(kind: Kind) -> None:
    """An error of logferry ends the pull; the iteration never ends as if complete."""
    service = next(service for service in SERVICES if service.name == "daily")
    clock = VirtualClock(EPOCH + 10**9)
    with pytest.raises(logferry.LogferryError):
        pull(service, "daily.api_logs", Schedule(1, 1, [kind], clock), clock)
