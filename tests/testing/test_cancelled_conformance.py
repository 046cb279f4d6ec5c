"""Every built-in stream passes the suites of cancelled iterations and of forks."""

from __future__ import annotations

import os

import pytest

from logferry._accounts.registry import SERVICES, Service
from logferry.testing._registry import scripted_fake
from logferry.testing.cancelled_conformance import CancelledTrial, ForkedTrial

STREAMS = [(service, definition.name) for service in SERVICES for definition in service.streams]
NAMES = [name for _, name in STREAMS]


@pytest.mark.parametrize(("service", "stream"), STREAMS, ids=NAMES)
def test_cancelled_iterations_of_all_accounts_lose_no_record(service: Service, stream: str) -> None:
    """The seeds are a few of those of scripts/soak --ferry."""
    for seed in range(4):
        CancelledTrial(service.client, scripted_fake(service), stream, seed).run().check()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(("service", "stream"), STREAMS[-2:], ids=NAMES[-2:])
def test_both_processes_of_a_fork_lose_no_record(service: Service, stream: str) -> None:
    """The seeds are a few of those of scripts/soak --fork."""
    for seed in range(3):
        ForkedTrial(service.client, scripted_fake(service), stream, seed).run().check()
