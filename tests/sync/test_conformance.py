"""Every stream syncs without loss on hostile histories, wherever it is stopped; and the suite notices where one does not."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logferry
from logferry._accounts.registry import SERVICES, Service
from logferry.testing import FakeRequest, FakeResponse, LogtoFake
from logferry.testing._registry import scripted_fake
from logferry.testing.sync_conformance import SyncTrial

STREAMS = [(service, definition.name) for service in SERVICES for definition in service.streams]


@pytest.mark.parametrize(("service", "stream"), STREAMS, ids=[name for _, name in STREAMS])
@given(seed=st.integers(0, 2**32))
@settings(derandomize=True, max_examples=6)  # scripts/soak --sync runs thousands
def test_nothing_is_lost_doubled_or_outdated(service: Service, stream: str, seed: int) -> None:
    """After syncs that were stopped anywhere, one that is left alone makes the store what the service has."""
    SyncTrial(service.client, scripted_fake(service), stream, seed).run().check()


@pytest.mark.parametrize(
    ("stream", "seed"),
    [
        ("signalwire.video_logs", 19),  # a later window was complete before an earlier one was begun
        ("cognigy.project_logs", 26),  # late records of a walk that was interrupted
        ("daily.session_metrics", 1050),  # lines of the future, of a session found by a window that ended in the past
        ("daily.api_logs", 3189),  # records of the future, met by a walk that ended in the past
        ("daily.session_metrics", 1155),  # lines without ids, gone on with after others had come
    ],
)
def test_what_was_found_once_stays_found(stream: str, seed: int) -> None:
    """Schedules that syncs did not pass before they were mended."""
    (service,) = [service for service, name in STREAMS if name == stream]
    SyncTrial(service.client, scripted_fake(service), stream, seed).run().check()


def test_a_seed_can_be_had_again() -> None:
    """The same trial has the same outcome, so that a failing seed can be looked into; odd ones read several slices at once."""
    service, stream = STREAMS[0]
    once, again = (SyncTrial(service.client, scripted_fake(service), stream, 8).run() for _ in range(2))
    assert once == again


def test_trials_are_hostile() -> None:
    """Some syncs are stopped, some fail, and something happens to some requests."""
    service, stream = STREAMS[0]
    outcomes = [SyncTrial(service.client, scripted_fake(service), stream, seed).run() for seed in range(16)]
    for name in ("stopped", "failed", "faults", "records"):
        assert sum(getattr(outcome, name) for outcome in outcomes) > 0, name


@attrs.frozen(kw_only=True)
class Losing(LogtoFake):
    """A Logto that never lists one log in ten."""

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer without them."""
        if self.rows is None:
            return LogtoFake.answer(self, request, now)
        kept = tuple(attrs.evolve(row, vanishes=0) if place % 10 == 3 else row for place, row in enumerate(self.rows))
        return LogtoFake.answer(attrs.evolve(self, rows=kept), request, now)


def test_a_loss_is_noticed() -> None:
    """The message says what, and how to run it again."""
    losing: Any = Losing
    outcomes = [SyncTrial(logferry.Logto, losing.of_rows, "logto.audit_logs", seed).run() for seed in range(12)]
    (first, *_) = [outcome for outcome in outcomes if outcome.lost]
    with pytest.raises(AssertionError, match=rf"logto.audit_logs: \d+ lost.*seed={first.trial.seed}\)"):
        first.check()
