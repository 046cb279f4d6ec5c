"""What the tests of the core share: one body for both worlds, and clients that ask a fake."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Generic, Self, TypeVar

import orjson
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

import logferry
from logferry.testing import Fake, Faults, InProcessTransport, LogtoFake

T = TypeVar("T")


class _FromTasks(Generic[T]):
    """An async iterator as a blocking one: each item is awaited on an event loop in another thread."""

    def __init__(self, portal: BlockingPortal, view: Any) -> None:
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
def portal() -> Generator[BlockingPortal]:
    """An event loop in a thread of its own."""
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="session", params=["sync", "async"])
def walk(request: pytest.FixtureRequest, portal: BlockingPortal) -> Callable[[Any], Iterator[Any]]:
    """Iterate a view with ``for``, or with ``async for`` item by item: one test for both worlds."""
    if request.param == "sync":
        return iter

    def from_tasks(view: Any) -> Iterator[Any]:
        return _FromTasks[Any](portal, view)

    return from_tasks


@pytest.fixture(scope="session")
def client() -> Callable[..., logferry.Logto]:
    """Make a client that asks a fake in process; further arguments are the client's."""

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
        }
        return logferry.Logto(**given | options)

    return make


@pytest.fixture(scope="session")
def real_logs(samples: Any) -> list[dict[str, Any]]:
    """150 audit logs, as a real server 1.42.0 sent them."""
    logs: list[dict[str, Any]] = orjson.loads((samples / "logto/list_audit_logs/logs.json").read_bytes())
    return logs
