"""An iterator with two users: the second is refused at once, and the first continues as if alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import EventLoop

import logferry
from logferry.hooks import IssueEvent
from logferry.testing import Hosts, InProcessTransport, LogtoFake, VirtualClock, configuration
from logferry.testing._wiring import just_after

FAKE = LogtoFake(records=250)
WORDS = "in use by another thread or task"

View = Callable[[Any], Any]

VIEWS: dict[str, View] = {
    "entries": lambda stream: stream,
    "raw": lambda stream: stream.raw(),
    "records": lambda stream: stream.records(),
    "pages": lambda stream: stream.pages(),
    "follow": lambda stream: stream.records().follow(),
}


class _Asking(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Takes from the iterator in another thread or task while the iterator waits for its third page."""

    def __init__(self) -> None:
        self._clock = VirtualClock(just_after(FAKE))
        self._asked = InProcessTransport(FAKE, clock=self._clock)
        self.clock = self._clock
        self.iterator: Any = None
        self.refused: list[BaseException] = []
        self._pages = 0

    def _is_time(self, request: httpx.Request) -> bool:
        self._pages += request.method == "GET"
        return request.method == "GET" and self._pages == 3

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Let another thread try to take an item, then answer."""
        if self._is_time(request):
            self.refused += _refusal_of_another_thread(self.iterator)
        return self._asked.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Try to take an item as another task, then answer."""
        if self._is_time(request):
            if hasattr(self.iterator, "__anext__"):
                try:
                    await anext(self.iterator)
                except Exception as error:  # noqa: BLE001  # any error is the result to examine
                    self.refused.append(error)
            else:
                self.refused += _refusal_of_another_thread(self.iterator)
        return await self._asked.handle_async_request(request)


def _refusal_of_another_thread(iterator: Iterator[Any]) -> list[BaseException]:
    errors: list[BaseException] = []

    def take() -> None:
        try:
            next(iterator)
        except Exception as error:  # noqa: BLE001  # any error is the result to examine
            errors.append(error)

    other = threading.Thread(target=take)
    other.start()
    other.join()
    return errors


def client(transport: httpx.BaseTransport, clock: VirtualClock, **options: Any) -> logferry.Logto:
    """Return a client of the fake."""
    made: Any = logferry.Logto
    opened: logferry.Logto = made(
        endpoint="https://default.logto.app",
        app_id=FAKE.app_id,
        app_secret=FAKE.app_secret,
        transport=transport,
        clock=clock,
        concurrency=1,
        **options,
    )
    return opened


def _count(item: Any) -> int:
    page: Any = item
    return len(page.items) if isinstance(item, logferry.Page) else 1


def _refused(asking: _Asking) -> None:
    assert [type(error) for error in asking.refused] == [logferry.InvalidRequestError]
    assert WORDS in str(asking.refused[0])
    assert "iterator of its own" in str(asking.refused[0])


@pytest.mark.parametrize("view", VIEWS)
def test_a_second_thread_is_refused_while_the_first_waits(view: str) -> None:
    """The second thread gets an error that says what to do; the first gets all items, each once."""
    asking = _Asking()
    left = iter(VIEWS[view](client(asking, asking.clock).audit_logs(since="1d", page_size=50)))
    asking.iterator, count = left, 0
    while count < 250:
        count += _count(next(left))
    assert count == 250
    _refused(asking)


@pytest.mark.parametrize("view", VIEWS)
def test_a_second_task_is_refused_while_the_first_waits(view: str, portal: EventLoop) -> None:
    """The second task of an event loop gets the same error; the first gets all items, each once."""
    asking = _Asking()

    async def read() -> int:
        left = aiter(VIEWS[view](client(asking, asking.clock).audit_logs(since="1d", page_size=50)))
        asking.iterator, count = left, 0
        while count < 250:
            count += _count(await anext(left))
        return count

    assert portal.call(read) == 250
    _refused(asking)


@pytest.mark.parametrize("view", ["entries", "records"])
def test_a_second_thread_is_refused_while_the_first_converts_an_item(
    view: str, real_logs: list[dict[str, Any]]
) -> None:
    """The item returns to the iterator, so the first thread still gets all items, each once."""
    errors: list[BaseException] = []
    left: Any = None

    def on_issue(_event: IssueEvent) -> None:
        if not errors:
            errors.extend(_refusal_of_another_thread(left))

    rows = [{**log, "key": 7} if number == 4 else log for number, log in enumerate(real_logs[:20])]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        page = rows if "page=1" in str(request.url) or "page=" not in str(request.url) else []
        return httpx.Response(200, json=page, headers={"Total-Number": "20"})

    clock = VirtualClock(1_900_000_000 * 1_000_000_000)
    stream = client(httpx.MockTransport(answer), clock, on_issue=on_issue).audit_logs()
    left = iter(VIEWS[view](stream))
    got = list(left)
    assert [type(error) for error in errors] == [logferry.InvalidRequestError]
    assert WORDS in str(errors[0])
    known = [getattr(item, "id", None) or item.raw["id"] for item in got]
    undecoded = [rows[4]["id"]] if view == "entries" else []
    assert known == [row["id"] for row in rows if row["id"] not in undecoded]


@pytest.mark.parametrize("view", ["entries", "raw", "records"])
def test_many_threads_never_lose_or_double_an_item(view: str) -> None:
    """Each thread that is not refused gets items that no other thread has."""
    fake = LogtoFake(records=3000)
    clock = VirtualClock(just_after(fake))
    left = iter(VIEWS[view](client(InProcessTransport(fake, clock=clock, check=False), clock).audit_logs(since="30d")))
    refused: list[BaseException] = []
    got: list[Any] = []

    def take() -> None:
        while True:
            try:
                for item in left:
                    got.append(item)  # noqa: PERF402  # items before an error count
            except logferry.InvalidRequestError as error:
                refused.append(error)
                time.sleep(0)  # else the refused threads keep the interpreter from the one that has the iterator
            else:
                return

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(take) for _ in range(8)]:
            done.result()
    ids = [item["id"] if view == "raw" else getattr(item, "id", None) or item.raw["id"] for item in got]
    assert sorted(ids) == sorted(fake.truth())
    if view == "records":
        assert all(record.time_unix_nano == record.raw["createdAt"] * 1_000_000 for record in got)


@pytest.mark.parametrize("kind", ["records", "follow"])
@pytest.mark.parametrize("world", ["sync", "async"])
def test_iterators_of_all_accounts_refuse_a_second_user(
    kind: str, world: str, tmp_path: Path, portal: EventLoop
) -> None:
    """``ferry.records()`` and ``ferry.follow()`` refuse a second user as well."""
    asking = _Asking()
    path = tmp_path / "logferry.toml"
    path.write_text(configuration({"login": FAKE}))
    ferry = logferry.open_accounts(path, transport=Hosts({"login": asking}), clock=asking.clock, concurrency=1)

    def begin() -> Any:
        options: Any = {"since": "1d", "page_size": 50}
        return ferry.records(**options) if kind == "records" else ferry.follow(**options)

    def read() -> int:
        with ferry:
            left = asking.iterator = iter(begin())
            return sum(1 for _ in zip(range(250), left, strict=False))

    async def aread() -> int:
        async with ferry:
            left = asking.iterator = aiter(begin())
            return len([await anext(left) for _ in range(250)])

    assert (read() if world == "sync" else portal.call(aread)) == 250
    _refused(asking)
