"""Programs around a fork, which test_fork.py runs in a separate process; each prints one line of JSON."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx

import logferry
from logferry.hooks import RequestEvent
from logferry.testing import LogtoFake, configuration

PATIENCE = 600
"""The seconds after which a blocked child process is killed."""

URL = sys.argv[2] if len(sys.argv) > 2 else ""


def client(**options: Any) -> logferry.Logto:
    """Return a client of the loopback server."""
    fake = LogtoFake()
    return logferry.Logto(endpoint=URL, app_id=fake.app_id, app_secret=fake.app_secret, **options)


def count(one: logferry.Logto, page_size: int = 20) -> int:
    """Read everything, blocking."""
    return len({item["id"] for item in one.audit_logs(page_size=page_size).raw()})


async def acount(one: logferry.Logto) -> int:
    """Read everything in a task."""
    return len({item["id"] async for item in one.audit_logs(page_size=20).raw()})


def in_child(work: Callable[[], Any]) -> Any:
    """Fork a child process, and return the result of its work or its error."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        try:
            said: Any = work()
        except BaseException as error:  # noqa: BLE001  # the parent examines it
            said = f"{type(error).__name__}: {error}"
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text or '"nothing"')


_USED: list[logferry.Logto] = []


def _count_in_pool(_number: int) -> int:
    return count(_USED[0], 5)


def pool() -> Any:
    """Use a client, then use it in the processes of a pool."""
    _USED.append(client())
    before = count(_USED[0])
    with multiprocessing.get_context("fork").Pool(4) as processes:
        return [before, *processes.map(_count_in_pool, range(4), chunksize=1), count(_USED[0])]


def tasks() -> Any:
    """Use a client, then use it in an event loop of each process."""
    one = client()
    before = asyncio.run(acount(one))
    return [before, *(in_child(lambda: asyncio.run(acount(one))) for _ in range(2)), asyncio.run(acount(one))]


def running_loop() -> Any:
    """Fork while an event loop has requests in flight."""
    one = client()

    async def main() -> Any:
        left = aiter(one.audit_logs(page_size=20).raw())
        first = [(await anext(left))["id"] for _ in range(250)]
        child = in_child(lambda: _in_thread(lambda: asyncio.run(acount(one))))
        return [child, len({*first, *[item["id"] async for item in left]})]

    return asyncio.run(main())


def _in_thread(work: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def iteration() -> Any:
    """Fork within an iteration with requests in flight, and continue it in both processes."""
    return _both(iter(client(concurrency=4).audit_logs(page_size=20).raw()), 250)


def pages() -> Any:
    """Do the same page by page."""
    return _both(iter(client(concurrency=4).audit_logs(page_size=20).raw().pages()), 12)


def _both(left: Any, taken: int) -> Any:
    first = [next(left) for _ in range(taken)]
    own = [in_child(lambda: _ids(left)), _ids(left)]
    return [[len(one) + len(_ids(first)), len({*one, *_ids(first)})] for one in own]


def _ids(items: Iterable[Any]) -> list[str]:
    found: list[str] = []
    for item in items:
        page: Any = item
        found += [one["id"] for one in page.items] if isinstance(item, logferry.Page) else [item["id"]]
    return found


def busy_threads() -> Any:
    """Fork while other threads use the client."""
    one = client()
    count(one)  # import lazy modules now: a child process would wait for ever for an import in another thread
    over = threading.Event()

    def use() -> None:
        while not over.is_set():
            count(one)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    found = [in_child(lambda: count(one)) for _ in range(3)]
    over.set()
    for thread in threads:
        thread.join()
    return found


def token() -> Any:
    """Fork while another thread fetches the token."""
    asked, forked = threading.Event(), threading.Event()

    def on_request(event: RequestEvent) -> None:
        if event.path.endswith("/token"):
            asked.set()
            forked.wait(PATIENCE)

    one = client(on_request=on_request)
    thread = threading.Thread(target=count, args=(one,))
    thread.start()
    asked.wait(PATIENCE)
    found = in_child(lambda: count(one.with_options(on_request=None)))
    forked.set()
    thread.join()
    return found


def fast() -> Any:
    """Use ``transport="fast"`` before the fork, and then the same client and a new one."""
    one = client(transport="fast")
    before = count(one)
    return [
        before,
        in_child(lambda: count(one)),
        in_child(lambda: count(client(transport="fast"))),
        in_child(lambda: asyncio.run(acount(one))),
        in_child(lambda: count(client())),
        count(one),
    ]


def fast_unused() -> Any:
    """Use ``transport="fast"`` only after the fork."""
    one = client(transport="fast")
    return in_child(lambda: count(one))


def given() -> Any:
    """Use a custom transport before the fork, or only after it."""
    one, other = (client(transport=httpx.HTTPTransport()) for _ in range(2))
    before = count(one)
    return [before, in_child(lambda: count(one)), in_child(lambda: count(other)), count(one)]


def ferry() -> Any:
    """Open all accounts before the fork."""
    path = Path(sys.argv[3]) / "logferry.toml"
    path.write_text(configuration({"login": LogtoFake()}, {"login": URL}))
    said: list[Any] = []

    def child() -> Any:
        errors: list[str] = []
        inherited: list[Iterable[Any]] = [opened.records(), left, opened.follow()]
        for one in inherited:
            try:
                list(one)
            except logferry.InvalidRequestError as error:
                errors.append(str(error))
        errors.append(str(count(opened.client("login", logferry.Logto))))
        opened.__exit__(None, None, None)
        for own in (opened, logferry.open_accounts(path)):
            with own:
                errors.append(str(sum(1 for _ in own.records())))
        return errors

    with logferry.open_accounts(path) as opened:
        left = iter(opened.records(page_size=20))
        first = [next(left).uid for _ in range(30)]
        said.append(in_child(child))
        said.append(len({*first, *(record.uid for record in left)}))
    return said


SCENARIOS = (pool, tasks, running_loop, iteration, pages, busy_threads, token, fast, fast_unused, given, ferry)

if __name__ == "__main__":
    (scenario,) = (one for one in SCENARIOS if one.__name__ == sys.argv[1])
    sys.stdout.write(json.dumps(scenario()))
