"""A loopback server of the fake, an environment with an account of it, and the command in process."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from attrs import frozen
from click.testing import CliRunner, Result

from logferry._accounts.registry import SERVICES
from logferry.cli import main
from logferry.testing import Fake, FakeResponse, Faults, LogtoFake, Recorder, serve
from logferry.testing import failing as refusing

Account = Callable[[LogtoFake, str], None]
"""Configures an account of a fake that is served at a URL, in the environment."""

Run = Callable[..., Result]
"""Runs the command in process."""


@frozen
class Server:
    """
    A fake and its address.

    Attributes:
        fake: The fake, with the expected records.
        url: The address.
    """

    fake: LogtoFake
    url: str

    @property
    def uids(self) -> list[str]:
        """Return the ``uid`` of every record, newest first."""
        return [f"logto:{self.fake.tenant}:{identity}" for identity in self.fake.truth()]


def made_fake(records: int = 417, spacing: float = 60.0) -> LogtoFake:
    """Return a fake whose newest record is from now."""
    now = time.time_ns()
    return LogtoFake(records=records, spacing=spacing, epoch=now - now % 1_000_000, growing=False)


@contextmanager
def serving(fake: Fake, faults: Faults | None = None) -> Generator[str]:
    """Serve a fake in real time."""
    with serve(Recorder(fake, clock=time.time_ns, faults=faults)) as url:
        yield url


@pytest.fixture(scope="session")
def server() -> Generator[Server]:
    """Return one server for all tests without special needs; its records are all of the last 24 hours."""
    fake = made_fake()
    with serving(fake) as url:
        yield Server(fake, url)


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    prefixes = (*(f"{service.name.upper()}_" for service in SERVICES), "NO_COLOR", "FORCE_COLOR")
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Configure an account of a fake that is served at a URL, in the environment."""

    def describe(fake: LogtoFake, url: str) -> None:
        monkeypatch.setenv("LOGTO_ENDPOINT", url)
        monkeypatch.setenv("LOGTO_APP_ID", fake.app_id)
        monkeypatch.setenv("LOGTO_APP_SECRET", fake.app_secret)

    return describe


@pytest.fixture
def configured(server: Server, account: Account) -> Server:
    """Return the server, with an account of it in the environment."""
    account(server.fake, server.url)
    return server


REFUSED = FakeResponse(
    403, (("Content-Type", "application/json"),), b'{"code":"auth.forbidden","message":"Forbidden."}'
)


def on_page(number: int, response: FakeResponse) -> Faults:
    """Give this answer once to the request for this page of Logto's logs, counted from 1."""
    return refusing(response, path="/api/logs", at=[number])


@pytest.fixture
def failing(account: Account) -> Generator[Server]:
    """Return a server that refuses its third page once."""
    fake = made_fake()
    with serving(fake, on_page(3, REFUSED)) as url:
        account(fake, url)
        yield Server(fake, url)


@pytest.fixture
def run() -> Run:
    """Run the command in process; a test gets any exception it raises."""

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, prog_name="logferry", catch_exceptions=False)

    return invoke


def uids(text: str | bytes) -> list[str]:
    """Return the ``uid`` of each line."""
    return [json.loads(line)["uid"] for line in text.splitlines()]


def resume_line(stderr: str) -> str:
    """Return the command that resumes, from the line that prints it."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("resume with: ")]
    return line.removeprefix("resume with: ")


def resume_arguments(stderr: str) -> list[str]:
    """Return the arguments of that command, as a shell parses them."""
    program, *arguments = shlex.split(resume_line(stderr))
    assert program == "logferry"
    return arguments


# A background test run may ignore Ctrl-C, which its children would inherit.
FOREGROUND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from logferry.cli import main
main(prog_name="logferry")
"""


class Started(subprocess.Popen[bytes]):
    """Return a process that ends with its block, also on failure."""

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(None, None, None)


def started(*arguments: str, stdout: int = subprocess.PIPE) -> Started:
    """Start the command as a process, with Ctrl-C enabled as in the foreground of a shell."""
    return Started([sys.executable, "-c", FOREGROUND, *arguments], stdout=stdout, stderr=subprocess.PIPE, bufsize=0)
