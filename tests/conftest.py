"""Shared parts of all tests: sample paths, golden files, async tests, and one test body for sync and async."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final, Generic, Self, TypeVar, overload

import hypothesis
import orjson
import pytest

import logferry
from logferry._accounts.registry import SERVICES
from logferry.testing import Fake, Faults, InProcessTransport, LogtoFake

T = TypeVar("T")

PATIENCE: Final = 600.0
"""The seconds that a test waits for an expected event; only a failing test waits that long."""

# Results depend neither on the speed of the machine nor on earlier runs.
hypothesis.settings.register_profile(
    "logferry", deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("logferry")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the golden files anew instead of comparing")
    parser.addoption("--all", action="store_true", help="run what needs a server of its own, too")


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = [f"logferry: {Path(logferry.__file__).parent}"]
    if not config.getoption("--all"):
        lines.append("deselected: what needs a server of its own (marker server); scripts/test --all runs it")
    return lines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests that need a server of their own, unless they are requested."""
    if not config.getoption("--all"):
        left_out = [item for item in items if item.get_closest_marker("server")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("server")]


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def no_account_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide accounts of the environment and of files, unless a test sets one."""
    monkeypatch.delenv("LOGFERRY_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    for service in SERVICES:
        for variable in (*service.variables, *service.optional_variables):
            monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session", autouse=True)
def foreground() -> Generator[None]:
    """
    Give signals their foreground behaviour, here and in processes that tests start.

    A background run, as from cron or under nohup, starts with some signals ignored, and its children inherit that.
    """
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of real payloads."""
    return Path(__file__).parent / "samples"


class EventLoop:
    """
    An event loop of the calling thread, which runs only within ``call``.

    A loop in another thread would cost two changes of thread for each item that a test takes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    @overload
    def call(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T: ...

    @overload
    def call(self, function: Callable[..., T], *arguments: Any) -> T: ...

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a task, await its result if it is a coroutine, and return the result."""

        async def task() -> Any:
            result = function(*arguments)
            return await result if inspect.isawaitable(result) else result

        return self._loop.run_until_complete(task())


class _FromTasks(Generic[T]):
    """An async iterator as a blocking one: each item is awaited in a task of its own."""

    def __init__(self, portal: EventLoop, view: Any) -> None:
        self._portal = portal
        self._iterator: Any = portal.call(aiter, view)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        found: list[T] = self._portal.call(self._next)
        if not found:
            raise StopIteration
        return found[0]

    async def _next(self) -> list[T]:
        try:
            return [await anext(self._iterator)]
        except StopAsyncIteration:
            return []


@pytest.fixture(scope="session")
def portal() -> Generator[EventLoop]:
    """Return an event loop that all tests share."""
    with asyncio.Runner() as runner:
        yield EventLoop(runner.get_loop())


@pytest.fixture(scope="session", params=["sync", "async"])
def walk(request: pytest.FixtureRequest, portal: EventLoop) -> Callable[[Any], Iterator[Any]]:
    """Iterate a view with ``for``, or with ``async for`` item by item: one test body for sync and async."""
    if request.param == "sync":
        return iter

    def from_tasks(view: Any) -> Iterator[Any]:
        return _FromTasks[Any](portal, view)

    return from_tasks


@pytest.fixture(scope="session")
def client() -> Callable[..., logferry.Logto]:
    """Make a client of a fake in process; further arguments go to the client."""

    def make(fake: Fake | None = None, *, faults: Faults | None = None, **options: Any) -> logferry.Logto:
        clock = options.get("clock")
        transport = InProcessTransport(
            fake or LogtoFake(), faults=faults, clock=None if clock is None else clock.now, check=False
        )
        given: dict[str, Any] = {
            "endpoint": "https://default.logto.app",
            "app_id": LogtoFake().app_id,
            "app_secret": LogtoFake().app_secret,
            "transport": transport,
            "rate": None,  # most tests use the machine's clock, and none waits for the rate limiter
        }
        return logferry.Logto(**given | options)

    return make


@pytest.fixture(scope="session")
def real_logs(samples: Any) -> list[dict[str, Any]]:
    """Return 150 audit logs of a real server 1.42.0."""
    logs: list[dict[str, Any]] = orjson.loads((samples / "logto/list_audit_logs/logs.json").read_bytes())
    return logs
