"""Forked processes: each has its own connections, locks, token renewal and rate, or an error says why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import PATIENCE

from logferry.testing import Change, FakeRequest, LogtoFake, Recorder, late, serve

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
fast = pytest.mark.skipif(find_spec("pyreqwest") is None, reason="needs logferry[fast]")

RECORDS = 500

Scenario = Callable[[str], Any]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A Logto on loopback, slow enough for several requests in flight."""

    def slow(request: FakeRequest, _number: int) -> Change | None:
        return late(0.03) if request.path.endswith("/logs") else None

    with serve(Recorder(LogtoFake(records=RECORDS), faults=slow)) as served:
        yield served


@pytest.fixture
def run(url: str, tmp_path: Path) -> Scenario:
    """Run a scenario of forking.py in a separate process, and return its output."""

    def scenario(name: str) -> Any:
        command = [sys.executable, str(Path(__file__).with_name("forking.py")), name, url, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        assert "Error" not in done.stderr, done.stderr
        return json.loads(done.stdout)

    return scenario


def test_a_used_client_works_in_the_processes_of_a_pool(run: Scenario) -> None:
    """Each process gets all logs, and the parent continues with its own connections."""
    assert run("pool") == [RECORDS] * 6


def test_each_process_can_have_an_event_loop(run: Scenario) -> None:
    """An event loop in each process gets all logs."""
    assert run("tasks") == [RECORDS] * 4


def test_a_fork_within_a_running_event_loop(run: Scenario) -> None:
    """The child process reads with its own loop, and the iteration of the parent continues."""
    assert run("running_loop") == [RECORDS] * 2


@pytest.mark.parametrize("scenario", ["iteration", "pages"])
def test_both_processes_continue_an_iteration(run: Scenario, scenario: str) -> None:
    """Both continue from the position at the fork, with each item once, whatever requests were in flight."""
    assert run(scenario) == [[RECORDS, RECORDS]] * 2


def test_threads_of_the_parent_do_not_block_a_child(run: Scenario) -> None:
    """Threads use the client during the forks, so locks and connections are in use."""
    assert run("busy_threads") == [RECORDS] * 3


def test_a_child_fetches_its_own_token(run: Scenario) -> None:
    """The child does not wait for the parent's token request, whose thread it does not have."""
    assert run("token") == RECORDS


@fast
def test_a_used_fast_transport_is_refused_after_a_fork(run: Scenario) -> None:
    """The error is raised at once, also for a new client; other transports and the parent still work."""
    before, *refused, usual, after = run("fast")
    assert (before, usual, after) == (RECORDS,) * 3
    for said in refused:
        assert said.startswith("ConfigurationError: ")
        assert "forked from one that had used it" in said
        assert "'spawn'" in said


@fast
def test_an_unused_fast_transport_works_after_a_fork(run: Scenario) -> None:
    """Its threads start in the child process."""
    assert run("fast_unused") == RECORDS


def test_a_used_custom_transport_is_refused_after_a_fork(run: Scenario) -> None:
    """The connections of a used custom transport are unknown; an unused one has none."""
    before, refused, unused, after = run("given")
    assert (before, unused, after) == (RECORDS,) * 3
    assert refused.startswith("ConfigurationError: ")
    assert "used before this process was forked" in refused


def test_accounts_opened_before_a_fork_are_refused(run: Scenario) -> None:
    """Their event loop belongs to the parent; clients, a block opened in the child, and the parent still work."""
    (*refused, of_client, again, of_own), parent = run("ferry")
    assert len(refused) == 3
    assert all("opened before this process was forked" in said for said in refused)
    assert (of_client, again, of_own, parent) == (*[str(RECORDS)] * 3, RECORDS)
