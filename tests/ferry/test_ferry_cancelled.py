"""All accounts at once, repeatedly cancelled and interrupted: the same iterator continues and never ends early."""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from tests.conftest import EventLoop

import logferry
from logferry.testing import CognigyFake, Fake, Hosts, InProcessTransport, LogtoFake, VirtualClock, configuration

SECOND = 1_000_000_000
EPOCH = 1_767_225_600 * SECOND
LOGIN = LogtoFake(records=250, epoch=EPOCH, spacing=2.0)
BOT = CognigyFake(records=140, epoch=EPOCH, spacing=3.0)
IDS = {*LOGIN.truth(), *BOT.truth()}

interrupting = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="a thread cannot be sent a signal here")


class _Interrupting(httpx.AsyncBaseTransport):
    """Presses Ctrl-C while a page is requested, up to the allowed number of times."""

    def __init__(self, asked: httpx.AsyncBaseTransport) -> None:
        self._asked = asked
        self.allowed = Queue[None]()
        self.interrupts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Press Ctrl-C and answer."""
        with suppress(Empty):
            self.allowed.get_nowait()
            self.interrupts += 1
            main = threading.main_thread().ident
            assert main is not None
            signal.pthread_kill(main, signal.SIGINT)
        return await self._asked.handle_async_request(request)


Opened = Callable[..., logferry.Ferry]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Open both accounts, with these transports where given."""

    def make(**transports: httpx.AsyncBaseTransport) -> logferry.Ferry:
        fakes: dict[str, Fake] = {"login": LOGIN, "bot": BOT}
        clock = VirtualClock(EPOCH + 1_000_000)
        hosts = {name: InProcessTransport(fake, clock=clock) for name, fake in fakes.items()} | transports
        path = tmp_path / "logferry.toml"
        path.write_text(configuration(fakes))
        return logferry.open_accounts(path, transport=Hosts(hosts), clock=clock)

    return make


def ids(records: list[logferry.LogRecord]) -> list[str]:
    """Return the ids of the services."""
    return [record.uid.rpartition(":")[2] for record in records]


def records_of(ferry: logferry.Ferry, **options: Any) -> logferry.FerryRecords:
    """Return all ids that exist."""
    return ferry.records(page_size=10, **options)


def follow_of(ferry: logferry.Ferry, **options: Any) -> logferry.FerryFollow:
    """Return all ids that exist and those that come."""
    return ferry.follow(since="1d", page_size=10, reordering=0.1, **options)


async def _cancelled_all_the_time(left: AsyncIterator[logferry.LogRecord], enough: int) -> list[logferry.LogRecord]:
    got: list[logferry.LogRecord] = []
    cancelled = 0
    for turns in cycle((0, 0, 0, 0, 0, 0, 1, 2, 5, 13)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel, tasks.cancel_scope, turns)
            async for record in left:
                got.append(record)
                if len(got) == enough:
                    tasks.cancel_scope.cancel()
                    break
            else:
                raise AssertionError(f"an end after {len(got)} records and {cancelled} cancellations")
        if len(got) == enough:
            break
        cancelled += 1
    assert cancelled > 5
    return got


async def _cancel(scope: anyio.CancelScope, turns: int) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


@pytest.mark.parametrize("asked", [records_of, follow_of])
def test_a_cancelled_iteration_continues(opened: Opened, portal: EventLoop, asked: Callable[[Any], Any]) -> None:
    """After any number of cancellations each record comes once, and a pull ends after the last record."""

    async def read() -> list[logferry.LogRecord]:
        async with opened() as ferry:
            left = aiter(asked(ferry))
            got = await _cancelled_all_the_time(left, len(IDS))
            if asked is records_of:
                with pytest.raises(StopAsyncIteration):
                    await anext(left)
            return got

    got = ids(portal.call(read))
    assert len(got) == len(IDS)
    assert set(got) == IDS


@interrupting
@pytest.mark.parametrize("asked", [records_of, follow_of])
def test_an_iteration_continues_after_ctrl_c(opened: Opened, asked: Callable[..., Any]) -> None:
    """The next call continues after the last delivered record."""
    interrupting = _Interrupting(InProcessTransport(LOGIN, clock=VirtualClock(EPOCH + 1_000_000)))
    got: list[logferry.LogRecord] = []
    with opened(login=interrupting) as ferry:
        left = iter(asked(ferry, accounts=["login"]))
        caught = 0
        while True:
            try:
                interrupting.allowed.put(None)
                # Without Python code of its own for each record, so that Ctrl-C hits only the iterator.
                got.extend(islice(left, len(LOGIN.truth()) - len(got)))
                if interrupting.allowed.empty():
                    threading.Event().wait()  # until it comes
                interrupting.allowed.get_nowait()
                break
            except KeyboardInterrupt:
                caught += 1
        if asked is records_of:
            assert next(left, None) is None
    assert caught == interrupting.interrupts
    # A follow polls while the interruption arrives, so the number of interruptions depends on the threads.
    assert caught > (5 if asked is records_of else 0)
    assert len(got) == len(LOGIN.truth())
    assert set(ids(got)) == set(LOGIN.truth())
