"""
Measure how much faster streams are read with several requests in flight than with a hand-written loop.

A separate process serves the fakes on loopback, and delays every response.  Each contestant runs in a separate process too, so
that its peak memory is its own: a hand-written loop of httpx and orjson, logferry with one request at a time, and logferry with
several requests in flight, blocking and async.  All contestants have to read the same items, in the same order where the service
sorts by time.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import attrs
import httpx
import orjson
from rich.console import Console
from rich.table import Table

from logferry._accounts.registry import SERVICES, Service
from logferry.testing import (
    Fake,
    FakeRequest,
    FakeResponse,
    Recorder,
    serve,
)
from logferry.testing._registry import make_fake, settings_for

Result: TypeAlias = tuple[float, float, int, str]
"""Seconds, peak megabytes, number of items, and a digest of the items, which covers their order where the service sorts by time."""

EPOCH: Final = 1_767_225_600_000_000_000
"""The time of the newest record, in nanoseconds since the epoch."""

UNTIL: Final = "2027-01-01"

STREAMS: Final = tuple(one.name for service in SERVICES for one in service.streams if one.resolution is not None)
"""The streams that logferry reads several pages at once."""


def fake_of(stream: str, records: int) -> Fake:
    """Return a fake with this number of records."""
    return make_fake(service_of(stream), records=records, epoch=EPOCH)


def service_of(stream: str) -> Service:
    """Return the service of a stream."""
    return next(service for service in SERVICES if stream in [one.name for one in service.streams])


class Prepared(Recorder):
    """Keeps the response to each address, because a fake takes longer to make a page than a network to send it."""

    def __init__(self, fake: Fake, delay: float) -> None:
        super().__init__(fake, keep=1, check=False)
        self._delay = delay
        self._made: dict[str, FakeResponse] = {}

    def answer(self, request: FakeRequest) -> FakeResponse:
        """Answer after the delay."""
        made = self._made.get(request.target)
        if made is not None:
            return made
        begin = time.perf_counter()
        answer = super().answer(request)
        spent = time.perf_counter() - begin
        self._made[request.target] = attrs.evolve(answer, delay=self._delay)
        # Partitions differ from run to run, so a page may be new: the time to make it counts towards the delay.
        return attrs.evolve(answer, delay=max(0.0, self._delay - spent))


def served(stream: str, records: int, delay: float, url: Any) -> None:
    """Serve until killed."""
    with serve(Prepared(fake_of(stream, records), delay)) as address:
        url.send(address)
        time.sleep(3600)


def by_hand(stream: str, url: str, fake: Any) -> Iterator[Any]:  # noqa: C901  # one loop per service
    """Read a stream with a plain loop of httpx and orjson."""
    with httpx.Client(base_url=url, headers={"Accept": "application/json"}) as client:

        def get(path: str, **params: Any) -> Any:
            return orjson.loads(client.get(path, params=params or None).raise_for_status().content)

        match stream:
            case "logto.audit_logs":
                client.headers["Authorization"] = f"Bearer {fake.access_token()}"
                page = 0
                while True:
                    page += 1
                    items = get("/api/logs", page=page, page_size=100)
                    yield from items
                    if len(items) < 100:  # noqa: PLR2004  # a plain loop has the number
                        return
            case "cognigy.project_logs":
                client.headers["X-API-Key"] = fake.api_key
                more: dict[str, Any] = {}
                while True:
                    body = get(
                        f"/v2.1/projects/{fake.project_id}/logs",
                        limit=100,
                        startDate="1970-01-01T00:00:00.000Z",
                        endDate=f"{UNTIL}T00:00:00.000Z",
                        **more,
                    )
                    yield from body["items"]
                    more = {"next": body["nextCursor"]}
                    if not more["next"]:
                        return
            case "daily.session_logs" | "daily.session_metrics":
                client.headers["Authorization"] = f"Bearer {fake.api_key}"
                metrics = stream == "daily.session_metrics"
                asked = {
                    "includeLogs": "false" if metrics else "true",
                    "includeMetrics": "true" if metrics else "false",
                    "mtgSessionId": dict(fake.questions(stream)[0])["mtg_session_id"],
                    "order": "ASC",
                    "limit": "500",
                }
                offset = 0
                while True:
                    items = get("/logs", **asked, offset=offset)["metrics" if metrics else "logs"]
                    yield from items
                    offset += len(items)
                    if not items:
                        return
            case _:
                raise ValueError(stream)


def opened(stream: str, url: str, fake: Any, concurrency: int) -> Any:
    """Open the stream with logferry, without a rate limit."""
    service = service_of(stream)
    make: Any = service.client
    client = make(**settings_for(fake, url), concurrency=concurrency, rate=None)
    filters = dict(fake.questions(stream)[0]) if stream.startswith("daily") else {}
    return client.stream(stream, filters=filters, until=UNTIL).raw()


def timed(  # noqa: PLR0917  # called by a process
    contestant: str, stream: str, url: str, records: int, concurrency: int, answer: Any
) -> None:
    """Read all items, and send the result through the pipe."""
    fake = fake_of(stream, records)
    (order,) = (one.order for one in service_of(stream).streams if one.name == stream)
    seen, count, unordered = hashlib.blake2b(digest_size=8), 0, 0

    def take(item: Any) -> None:
        nonlocal count, unordered
        count += 1
        text = orjson.dumps(item.get("id") or item.get("_id") or item)
        if order == "as sent":
            unordered ^= int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
        else:
            seen.update(text)

    async def tasks() -> None:
        async for item in opened(stream, url, fake, concurrency):
            take(item)

    begin = time.perf_counter()
    if contestant == "async":
        asyncio.run(tasks())
    else:
        width = concurrency if contestant == "sync" else 1
        for item in by_hand(stream, url, fake) if contestant == "by hand" else opened(stream, url, fake, width):
            take(item)
    seconds = time.perf_counter() - begin
    answer.send(
        (seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, count, f"{seen.hexdigest()}{unordered:x}")
    )


def measured(contestant: str, *arguments: Any) -> Result:
    """Run one contestant in a separate process."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=timed, args=(contestant, *arguments, sender))
    process.start()
    sender.close()
    result: Result = receiver.recv()
    process.join()
    return result


def main() -> int:
    """Measure and print; return 1 if a contestant read other items."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200, help="number of pages of a stream")
    parser.add_argument("--delay", type=float, default=0.05, help="delay of a response, in seconds")
    parser.add_argument("--concurrency", type=int, default=8, help="requests in flight at most")
    parser.add_argument("--stream", action="append", help="only this stream; repeatable")
    options = parser.parse_args()
    table = Table("stream", "contestant", "seconds", "times as fast", "peak MB", "of the loop's", "items", "result")
    context = multiprocessing.get_context("spawn")
    wrong = False
    for stream in options.stream or STREAMS:
        definition = next(one for one in service_of(stream).streams if one.name == stream)
        records = options.pages * definition.page_size
        receiver, sender = context.Pipe(duplex=False)
        server = context.Process(target=served, args=(stream, records, options.delay, sender), daemon=True)
        server.start()
        try:
            url = receiver.recv()
            loop: Result | None = None
            for contestant in ("by hand", "one by one", "sync", "async"):
                measured(contestant, stream, url, records, options.concurrency)  # the fake makes its pages now
                result = measured(contestant, stream, url, records, options.concurrency)
                loop = loop or result
                same: bool = result[2:] == loop[2:]
                wrong = wrong or not same
                table.add_row(
                    stream,
                    contestant,
                    f"{result[0]:.2f}",
                    f"{loop[0] / result[0]:.2f}",
                    f"{result[1]:.0f}",
                    f"{result[1] / loop[1]:.2f}",
                    f"{result[2]:,}",
                    "same" if same else "differs",
                )
        finally:
            server.kill()
            server.join()
        table.add_section()
    console = Console(width=130)
    console.print(table)
    console.print(
        f"{options.delay * 1000:g} ms a response, {options.concurrency} requests in flight, {options.pages} pages"
    )
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
