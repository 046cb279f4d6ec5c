"""Every stream passes the suite on hostile histories and schedules of faults, and the suite detects a loss."""

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
from logferry.testing.conformance import Trial

STREAMS = [(service, definition.name) for service in SERVICES for definition in service.streams]


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@pytest.mark.parametrize(("service", "stream"), STREAMS, ids=[name for _, name in STREAMS])
@given(seed=st.integers(0, 2**32))
@settings(derandomize=True, max_examples=10)  # scripts/soak runs thousands
def test_a_walk_loses_and_repeats_no_item(service: Service, stream: str, sync: bool, seed: int) -> None:
    """The delivered identities are those of the window, each uid comes once, and requests are bounded."""
    Trial(service.client, scripted_fake(service), stream, seed, sync).run().check()


@pytest.mark.parametrize(("service", "stream"), STREAMS, ids=[name for _, name in STREAMS])
def test_a_walk_over_a_real_server_loses_and_repeats_no_item(service: Service, stream: str) -> None:
    """The loopback server is behind a relay that resets and closes connections; sync and async alternate."""
    outcomes = [
        Trial(service.client, scripted_fake(service), stream, seed, sync=seed % 2 == 1, loopback=True).run()
        for seed in (6, 7, 8)
    ]
    for outcome in outcomes:
        outcome.check()
    assert sum(outcome.requests for outcome in outcomes) > 5
    assert any(outcome.records for outcome in outcomes)


def test_a_seed_reproduces_its_trial() -> None:
    """A seed always gives the same outcome, sync and async, so a failure can be examined."""
    service, stream = STREAMS[0]
    once, again, tasks = (
        attrs.asdict(Trial(service.client, scripted_fake(service), stream, 7, sync).run(), recurse=False)
        for sync in (True, True, False)
    )
    for one in (once, again, tasks):
        del one["trial"]
    assert once == again == tasks


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
    outcomes = [Trial(logferry.Logto, losing.of_rows, "logto.audit_logs", seed).run() for seed in range(12)]
    (first, *_) = [outcome for outcome in outcomes if outcome.lost]
    with pytest.raises(AssertionError, match=rf"logto.audit_logs: \d+ lost; .*seed={first.trial.seed}, sync=True"):
        first.check()
