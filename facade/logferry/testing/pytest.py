"""
Fixtures for pytest: set ``pytest_plugins = ["logferry.testing.pytest"]`` in a test module or the top ``conftest.py``.

They hide the accounts of the environment, so that a test never sends requests to a real service.
"""

from collections.abc import Generator
from contextlib import ExitStack
from typing import Unpack

import pytest

from logferry._accounts.registry import all_services
from logferry._config.arguments import ClientOptions
from logferry.testing._clock import VirtualClock
from logferry.testing._http import Fake
from logferry.testing._recorder import Faults, Recorder
from logferry.testing._registry import variables_for
from logferry.testing._server import serve
from logferry.testing._wiring import C, MakeAccount, MakeClient, connected, just_after

__all__ = ["logferry_account", "logferry_client", "logferry_clock"]


@pytest.fixture
def logferry_clock() -> VirtualClock:
    """
    The clock of the test's clients and of their fakes.

    It stands a millisecond after the latest epoch of the fakes, and a waiting client advances it.  Call ``advance`` to
    let logs arrive.
    """
    return VirtualClock()


@pytest.fixture
def _logferry_no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in all_services():
        for name in (*service.variables, *service.optional_variables):
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def logferry_client(logferry_clock: VirtualClock, _logferry_no_accounts: None) -> Generator[MakeClient]:
    """
    Make clients of fakes in process, and close them after the test.

    ::

        def test_my_code(logferry_client: MakeClient) -> None:
            logto = logferry_client(logferry.Logto, LogtoFake(records=250))
    """
    with ExitStack() as stack:

        def make(client: type[C], fake: Fake, *, faults: Faults | None = None, **options: Unpack[ClientOptions]) -> C:
            logferry_clock.reach(just_after(fake))
            options.setdefault("clock", logferry_clock)
            made = connected(client, fake, faults=faults, **options)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def logferry_account(monkeypatch: pytest.MonkeyPatch, _logferry_no_accounts: None) -> Generator[MakeAccount]:
    """
    Serve fakes on loopback while the test runs, for code that makes its own clients, or runs the shell command.

    The environment variables describe an account of each fake.  Needs ``logferry[simulate]``.

    ::

        def test_my_program(logferry_account: MakeAccount) -> None:
            logferry_account(LogtoFake(records=250))
            subprocess.run(["my-program"], check=True)
    """
    with ExitStack() as stack:

        def make(fake: Fake, *, faults: Faults | None = None) -> Recorder:
            recorder = Recorder(fake, faults=faults)
            url = stack.enter_context(serve(recorder))
            for name, value in variables_for(fake, url).items():
                monkeypatch.setenv(name, value)
            return recorder

        yield make
