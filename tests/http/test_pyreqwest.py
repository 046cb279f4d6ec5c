"""The transport ``fast``: what it requires and refuses; ``test_sender`` and ``test_proxies`` test the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.conftest import PATIENCE

import logferry
from logferry._http.options import WireOptions
from logferry._http.pyreqwest import AsyncFastTransport
from logferry.testing import LogtoFake, serve

GIVEN: dict[str, Any] = {"endpoint": "https://acme.logto.app", "access_token": "hush", "transport": "fast"}


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package to install, before any request."""
    monkeypatch.setitem(sys.modules, "pyreqwest", None)
    with pytest.raises(logferry.ConfigurationError, match="pyreqwest") as caught:
        logferry.Logto(**GIVEN)
    assert caught.value.hint == "pip install 'logferry[fast]'"


def test_given_authorities_are_refused(tmp_path: Path) -> None:
    """The transport refuses authorities, since it would trust others beside them."""
    with pytest.raises(logferry.ConfigurationError, match="verify"):
        logferry.Logto(**GIVEN, verify=str(tmp_path / "ca.pem"))


def test_the_event_loop_must_be_asyncio() -> None:
    """Without an event loop of asyncio, the error describes the wrong setup in one line."""
    with pytest.raises(logferry.ConfigurationError, match="asyncio"):
        AsyncFastTransport(WireOptions(base_url="https://acme.logto.app"))


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_plain_http_to_this_machine_uses_no_proxy(sync: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment could read the credentials."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    fake = LogtoFake(records=250)
    with serve(fake) as url:
        found = _collected(sync, endpoint=url, app_id=fake.app_id, app_secret=fake.app_secret, transport="fast")
    assert found == list(fake.truth("logto.audit_logs"))


def _collected(sync: bool, **given: Any) -> list[str]:
    if sync:
        with logferry.Logto(**given) as logto:
            return [entry.id for entry in logto.audit_logs(until="2030-01-01")]

    async def collect() -> list[str]:
        async with logferry.Logto(**given) as logto:
            return [entry.id async for entry in logto.audit_logs(until="2030-01-01")]

    return anyio.run(collect)


_HURRIED = """
import asyncio, sys, threading
import logferry
from logferry.testing import LogtoFake, serve

entered = threading.Event()

class Dawdling(asyncio.SelectorEventLoop):
    # It lets go of a thread that tells it something only after a while, as a busy machine does.
    def call_soon_threadsafe(self, *args, **options):
        handle = super().call_soon_threadsafe(*args, **options)
        if threading.current_thread() is not threading.main_thread():
            entered.set()
            for _ in range(200):
                threading.Event().wait(0.001)
        return handle

async def main(url, fake):
    async with logferry.Logto(endpoint=url, access_token=fake.access_token(), transport="fast") as logto:
        print(len(await logto.audit_logs(until="2030-01-01").ato_list()), flush=True)

fake = LogtoFake(records=3)
with serve(fake) as url, asyncio.Runner(loop_factory=Dawdling) as runner:
    runner.run(main(url, fake))
assert entered.wait(600)
"""


def test_a_program_may_exit_right_after_its_last_answer() -> None:
    """The thread that delivered the answer may still be in Python, and must not abort the process."""
    ended = subprocess.run(
        [sys.executable, "-c", _HURRIED], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "3\n"), ended.stderr


def test_views_with_other_timeouts_share_a_client() -> None:
    """The timeouts of a view apply to each of its requests, although the views share one client."""
    fake = LogtoFake(records=150)
    with (
        serve(fake) as url,
        logferry.Logto(endpoint=url, app_id=fake.app_id, app_secret=fake.app_secret, transport="fast") as logto,
    ):
        for view in (logto, logto.with_options(timeout=5), logto.with_options(deadline=20)):
            assert [entry.id for entry in view.audit_logs(until="2030-01-01")] == list(fake.truth("logto.audit_logs"))
