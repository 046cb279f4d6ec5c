"""Processes that are forked: each has connections, locks, token renewal and pace of its own, or an error says why not."""

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
    """Logto on a loopback port, slow enough for several requests to be under way at once."""

    def slow(request: FakeRequest, _number: int) -> Change | None:
        return late(0.03) if request.path.endswith("/logs") else None

    with serve(Recorder(LogtoFake(records=RECORDS), faults=slow)) as served:
        yield served


@pytest.fixture
def run(url: str, tmp_path: Path) -> Scenario:
    """Run a scenario of forking.py in a process of its own; what it says."""

    def scenario(name: str) -> Any:
        command = [sys.executable, str(Path(__file__).with_name("forking.py")), name, url, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        assert "Error" not in done.stderr, done.stderr
        return json.loads(done.stdout)

    return scenario


def test_a_client_that_was_used_serves_the_processes_of_a_pool(run: Scenario) -> None:
    """Each gets everything, and the parent goes on with its own connections."""
    assert run("pool") == [RECORDS] * 6


def test_each_process_can_have_an_event_loop(run: Scenario) -> None:
    """The same for tasks."""
    assert run("tasks") == [RECORDS] * 4


def test_a_fork_below_a_running_event_loop(run: Scenario) -> None:
    """The child process reads with a loop of its own, and the parent's iteration goes on."""
    assert run("running_loop") == [RECORDS] * 2


@pytest.mark.parametrize("scenario", ["iteration", "pages"])
def test_both_processes_go_on_with_an_iteration(run: Scenario, scenario: str) -> None:
    """From where it was at the fork, each item once, whatever was under way."""
    assert run(scenario) == [[RECORDS, RECORDS]] * 2


def test_threads_of_the_parent_do_not_matter(run: Scenario) -> None:
    """They use the client while processes are forked, so locks and connections are in use."""
    assert run("busy_threads") == [RECORDS] * 3


def test_a_token_that_is_being_fetched_is_fetched_by_the_child_itself(run: Scenario) -> None:
    """It does not wait for the parent's thread, which does not exist there."""
    assert run("token") == RECORDS


@fast
def test_a_fast_transport_that_was_used_is_refused(run: Scenario) -> None:
    """At once, and not only by the same client; without it, and in the parent, all is well."""
    before, *refused, usual, after = run("fast")
    assert (before, usual, after) == (RECORDS,) * 3
    for said in refused:
        assert said.startswith("ConfigurationError: ")
        assert "forked from one that had used it" in said
        assert "'spawn'" in said


@fast
def test_a_fast_transport_that_was_not_used_works(run: Scenario) -> None:
    """Its threads begin in the child process."""
    assert run("fast_unused") == RECORDS


def test_a_transport_of_the_callers_that_was_used_is_refused(run: Scenario) -> None:
    """Nothing is known of its connections; one that was not used has none."""
    before, refused, unused, after = run("given")
    assert (before, unused, after) == (RECORDS,) * 3
    assert refused.startswith("ConfigurationError: ")
    assert "used before this process was forked" in refused


def test_accounts_that_were_opened_before_are_refused(run: Scenario) -> None:
    """Their event loop is the parent's; clients serve, a block that begins in the child does, and the parent goes on."""
    (*refused, of_client, again, of_own), parent = run("ferry")
    assert len(refused) == 3
    assert all("opened before this process was forked" in said for said in refused)
    assert (of_client, again, of_own, parent) == (*[str(RECORDS)] * 3, RECORDS)
