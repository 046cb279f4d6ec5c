"""
How much faster streams are read where answers take their time: ratios to one request after the other, in one run.

Fakes are served on loopback by a process of their own, and every answer comes late.  Each contestant runs in a process of its
own too, so that its peak memory is its own: a hand-written loop of httpx and orjson, logferry with one request after the
other, and with several in flight, blocking and async.  What comes has to be the same, and so has its order where the service
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
"""Seconds, megabytes at the peak, items, and a digest of them: of their order, too, where the service sorts by time."""

EPOCH: Final = 1_767_225_600_000_000_000
"""When the newest record was written."""

UNTIL: Final = "2027-01-01"

STREAMS: Final = tuple(one.name for service in SERVICES for one in service.streams if one.resolution is not None)
"""Those that are read several pages at once."""


def fake_of(stream: str, records: int) -> Fake:
    """A fake with so many records."""
    return make_fake(service_of(stream), records=records, epoch=EPOCH)


def service_of(stream: str) -> Service:
    """The service of a stream."""
    return next(service for service in SERVICES if stream in [one.name for one in service.streams])


class Prepared(Recorder):
    """Sends again what it has sent for the same address: making pages takes the fakes longer than the network would."""

    def __init__(self, fake: Fake, delay: float) -> None:
        super().__init__(fake, keep=1, check=False)
        self._delay = delay
        self._made: dict[str, FakeResponse] = {}

    def answer(self, request: FakeRequest) -> FakeResponse:
        """Answer late."""
        made = self._made.get(request.target)
        if made is not None:
            return made
        begin = time.perf_counter()
        answer = super().answer(request)
        spent = time.perf_counter() - begin
        self._made[request.target] = attrs.evolve(answer, delay=self._delay)
        # Partitions are not cut at the same moments in every run, and what it takes to make a page is not on top of its delay.
        return attrs.evolve(answer, delay=max(0.0, self._delay - spent))


def served(stream: str, records: int, delay: float, url: Any) -> None:
    """Serve until killed."""
    with serve(Prepared(fake_of(stream, records), delay)) as address:
        url.send(address)
        time.sleep(3600)


def by_hand(stream: str, url: str, fake: Any) -> Iterator[Any]:  # noqa: C901  # one loop per service, as people write them
    """The loop that people write."""
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
                    if len(items) < 100:  # noqa: PLR2004  # as people write it
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
    """The stream through logferry, without a bound on its rate."""
    service = service_of(stream)
    make: Any = service.client
    client = make(**settings_for(fake, url), concurrency=concurrency, rate=None)
    filters = dict(fake.questions(stream)[0]) if stream.startswith("daily") else {}
    return client.stream(stream, filters=filters, until=UNTIL).raw()


def timed(  # noqa: PLR0917  # called by a process
    contestant: str, stream: str, url: str, records: int, concurrency: int, answer: Any
) -> None:
    """Read everything, and tell how it went."""
    fake = fake_of(stream, records)
    (order,) = (one.order for one in service_of(stream).streams if one.name == stream)
    seen, count, whatever = hashlib.blake2b(digest_size=8), 0, 0

    def take(item: Any) -> None:
        nonlocal count, whatever
        count += 1
        text = orjson.dumps(item.get("id") or item.get("_id") or item)
        if order == "as sent":
            whatever ^= int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
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
        (seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, count, f"{seen.hexdigest()}{whatever:x}")
    )


def measured(contestant: str, *arguments: Any) -> Result:
    """One contestant in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=timed, args=(contestant, *arguments, sender))
    process.start()
    sender.close()
    result: Result = receiver.recv()
    process.join()
    return result


def main() -> int:
    """Measure, print, and say by the exit code whether the same came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200, help="how many pages a stream has")
    parser.add_argument("--delay", type=float, default=0.05, help="how late an answer is, in seconds")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--stream", action="append", help="only this stream; repeatable")
    options = parser.parse_args()
    table = Table("stream", "contestant", "seconds", "times as fast", "peak MB", "of the loop's", "items", "what came")
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
                measured(contestant, stream, url, records, options.concurrency)  # its pages are made now
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
                    "same" if same else "other",
                )
        finally:
            server.kill()
            server.join()
        table.add_section()
    console = Console(width=130)
    console.print(table)
    console.print(
        f"{options.delay * 1000:g} ms an answer, {options.concurrency} requests in flight, {options.pages} pages"
    )
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
