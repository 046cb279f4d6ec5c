"""The pytest plugin, as tests of users see it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from anyio import run
from tests.conftest import PATIENCE

import logferry
from logferry._accounts.registry import SERVICES, Service
from logferry.hooks import PageEvent
from logferry.testing import (
    CognigyFake,
    Comparison,
    DailyFake,
    FakeResponse,
    InProcessTransport,
    LogtoFake,
    MakeAccount,
    MakeClient,
    VirtualClock,
    connected,
    failing,
)
from logferry.testing._registry import make_fake

pytest_plugins = ["logferry.testing.pytest"]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_client_of_every_service(service: Service, logferry_client: MakeClient) -> None:
    """A client and a fake of one service need no further arguments, and all logs come."""
    fake = make_fake(service, records=417, epoch=1_767_225_600_000_000_000)
    client = logferry_client(service.client, fake)
    for stream in fake.streams:
        comparison = Comparison.of(fake, stream)
        for filters in fake.questions(stream):
            for item in client.stream(stream, filters=filters).raw():
                comparison.add(fake.identity(stream, item))
        assert not comparison.differences()
        assert comparison.arrived == 417


def test_types_are_those_of_the_client(logferry_client: MakeClient) -> None:
    """The fixture returns a client of the given class, sync or async."""
    fake = LogtoFake(records=30)
    logto = logferry_client(logferry.Logto, fake)

    async def collect() -> list[str]:
        return [entry.id async for entry in logto.audit_logs()]

    assert [entry.id for entry in logto.audit_logs()] == run(collect) == list(fake.truth())


def test_retries_and_follows_do_not_wait(logferry_client: MakeClient, logferry_clock: VirtualClock) -> None:
    """Retries advance the clock of the test, and logs arrive as it advances."""
    fake = CognigyFake(records=30)
    limited = failing(FakeResponse(429, (("Retry-After", "7"),)), at=[1])
    cognigy = logferry_client(logferry.Cognigy, fake, faults=limited)
    assert len(cognigy.project_logs().to_list()) == 30
    assert logferry_clock.naps == (7,)
    logferry_clock.advance(3600)
    assert len(cognigy.project_logs().to_list()) == 90


def test_the_clock_starts_after_the_latest_fake(logferry_client: MakeClient, logferry_clock: VirtualClock) -> None:
    """A fake with a later epoch advances the clock, one with an earlier epoch does not."""
    early, late = LogtoFake(epoch=10**18), LogtoFake(epoch=10**18 + 5)
    for fake in (late, early):
        logferry_client(logferry.Logto, fake)
    assert logferry_clock.now() == late.epoch + 1_000_000


def test_clients_are_closed(logferry_client: MakeClient) -> None:
    """A client can also be used in a block, and is closed after the test."""
    with logferry_client(logferry.Logto, LogtoFake()) as logto:
        assert logto.audit_logs().to_list(1)
    with pytest.raises(logferry.InvalidRequestError, match="closed"):
        logto.audit_logs().to_list(1)


def test_options_go_to_the_client(logferry_client: MakeClient) -> None:
    """Account name, hooks, and a transport of the test's own are passed on."""
    fake, pages = LogtoFake(records=250), list[PageEvent]()
    transport = InProcessTransport(fake)
    logto = logferry_client(logferry.Logto, fake, account="login", on_page=pages.append, transport=transport)
    assert {record.account for record in logto.audit_logs().records()} == {"login"}
    assert (len(pages), transport.count) == (3, 4)


def test_the_fake_of_another_service_is_refused() -> None:
    """The mix-up is reported before any request."""
    with pytest.raises(TypeError, match="Logto is not a client of daily, the service of DailyFake"):
        connected(logferry.Logto, DailyFake())


def test_the_account_fixture_configures_the_environment(logferry_account: MakeAccount) -> None:
    """The environment describes the served fakes, also for other processes, and the requests can be inspected."""
    daily, logto = DailyFake(records=30, growing=False), LogtoFake(records=30, growing=False)
    asked = logferry_account(daily), logferry_account(logto, faults=failing(FakeResponse(503), at=[2]))
    with logferry.Logto.from_env() as client:
        assert [entry.id for entry in client.audit_logs()] == list(logto.truth())
    command: list[Any] = [sys.executable, "-m", "logferry", "pull", "daily.api_logs", "--since", "10 years"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert len(done.stdout.splitlines()) == len(daily.truth("daily.api_logs"))
    assert [recorder.violations for recorder in asked] == [[], []]
    assert asked[1].count == 3


@pytest.mark.parametrize("fixture", ["logferry_client", "logferry_account"])
def test_accounts_of_the_developer_are_hidden(
    fixture: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A test that uses a fixture never contacts a real service by mistake."""
    monkeypatch.setenv("SIGNALWIRE_API_TOKEN", "real")
    request.getfixturevalue(fixture)
    assert "SIGNALWIRE_API_TOKEN" not in os.environ
