"""Every stream syncs hostile histories without loss, with stops anywhere; and the suite detects a loss."""

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
def test_interrupted_syncs_end_with_the_content_of_the_service(service: Service, stream: str, seed: int) -> None:
    """After syncs with stops anywhere, one uninterrupted sync gives the store the content of the service."""
    SyncTrial(service.client, scripted_fake(service), stream, seed).run().check()


@pytest.mark.parametrize(
    ("stream", "seed"),
    [
        ("signalwire.video_logs", 19),  # a later window was complete before an earlier one was begun
        ("cognigy.project_logs", 26),  # late records of an interrupted walk
        ("daily.session_metrics", 1050),  # future lines of a session that was found by a window which ended in the past
        ("daily.api_logs", 3189),  # future records in a walk that ended in the past
        ("daily.session_metrics", 1155),  # lines without ids, resumed after others had arrived
    ],
)
def test_fixed_failures_do_not_return(stream: str, seed: int) -> None:
    """Schedules that once failed pass."""
    (service,) = [service for service, name in STREAMS if name == stream]
    SyncTrial(service.client, scripted_fake(service), stream, seed).run().check()


def test_a_seed_reproduces_its_trial() -> None:
    """A seed always gives the same outcome, so a failure can be examined; odd seeds read several slices at once."""
    service, stream = STREAMS[0]
    once, again = (SyncTrial(service.client, scripted_fake(service), stream, 8).run() for _ in range(2))
    assert once == again


def test_trials_are_hostile() -> None:
    """Some syncs are stopped, some fail, and some requests meet faults."""
    service, stream = STREAMS[0]
    outcomes = [SyncTrial(service.client, scripted_fake(service), stream, seed).run() for seed in range(16)]
    for name in ("stopped", "failed", "faults", "records"):
        assert sum(getattr(outcome, name) for outcome in outcomes) > 0, name


@attrs.frozen(kw_only=True)
class Losing(LogtoFake):
    """A Logto that never lists one log in ten."""

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer without these logs."""
        if self.rows is None:
            return LogtoFake.answer(self, request, now)
        kept = tuple(attrs.evolve(row, vanishes=0) if place % 10 == 3 else row for place, row in enumerate(self.rows))
        return LogtoFake.answer(attrs.evolve(self, rows=kept), request, now)


def test_a_loss_is_noticed() -> None:
    """The message names the loss and the command that repeats the trial."""
    losing: Any = Losing
    outcomes = [SyncTrial(logferry.Logto, losing.of_rows, "logto.audit_logs", seed).run() for seed in range(12)]
    (first, *_) = [outcome for outcome in outcomes if outcome.lost]
    with pytest.raises(AssertionError, match=rf"logto.audit_logs: \d+ lost.*seed={first.trial.seed}\)"):
        first.check()
