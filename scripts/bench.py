"""
What logferry costs beside a hand-written httpx + orjson loop.

Every contestant reads the same audit logs, 100 a page, from the fake in a process of its own.  Rounds are interleaved,
and the client's CPU is compared within each round, so that a machine whose speed drifts does not matter.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any

import httpx
import orjson
import psutil
from rich.console import Console
from rich.table import Table

import logferry
from logferry.testing import LogtoFake, serve

PAGE = 100


def hand_written(url: str, fake: LogtoFake) -> int:
    """The loop that people write: typed as nothing, checked for nothing."""
    count = 0
    with httpx.Client(base_url=url) as client:
        basic = b64encode(f"{fake.app_id}:{fake.app_secret}".encode()).decode()
        form = {"grant_type": "client_credentials", "resource": "https://default.logto.app/api", "scope": "all"}
        answer = client.post("/oidc/token", data=form, headers={"Authorization": f"Basic {basic}"})
        client.headers["Authorization"] = f"Bearer {orjson.loads(answer.content)['access_token']}"
        page = 1
        while True:
            response = client.get("/api/logs", params={"page": page, "page_size": PAGE})
            response.raise_for_status()
            items = orjson.loads(response.content)
            for _item in items:
                count += 1
            if len(items) < PAGE:
                return count
            page += 1


def open_stream(url: str, fake: LogtoFake) -> logferry.Stream[Any]:
    """The audit logs through logferry; the fake's clock stands still, so the window must reach beyond it."""
    logto = logferry.Logto(endpoint=url, app_id=fake.app_id, app_secret=fake.app_secret)
    return logto.audit_logs(until=datetime(2027, 1, 1, tzinfo=UTC))


def raw_items(url: str, fake: LogtoFake) -> int:
    """Decoded JSON, as received, each once."""
    count = 0
    for _item in open_stream(url, fake).raw():
        count += 1
    return count


def records(url: str, fake: LogtoFake) -> int:
    """Records: checked and normalized; time, severity and body read."""
    count = 0
    for record in open_stream(url, fake).records():
        _ = record.time_unix_nano, record.severity_number, record.body
        count += 1
    return count


def whole_records(url: str, fake: LogtoFake) -> int:
    """Records with every field and attribute read."""
    count = 0
    for record in open_stream(url, fake).records():
        _ = record.uid, record.time_unix_nano, record.severity_number, record.body, record.attributes, record.resource
        count += 1
    return count


def entries(url: str, fake: LogtoFake) -> int:
    """Typed models."""
    count = 0
    for entry in open_stream(url, fake):
        _ = entry.id, entry.key, entry.created_at, entry.payload.result, entry.payload.user_id
        count += 1
    return count


CONTESTANTS: dict[str, Callable[[str, LogtoFake], int]] = {
    "hand-written loop": hand_written,
    "raw items": raw_items,
    "records": records,
    "records, all attributes": whole_records,
    "entries": entries,
}


@contextmanager
def server(records: int) -> Generator[str]:
    """The fake in a process of its own."""
    with subprocess.Popen(
        [sys.executable, __file__, "--serve", "--records", str(records)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101  # for the type checkers: it is a pipe
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def measured(contestant: Callable[[str, LogtoFake], int], url: str, fake: LogtoFake) -> tuple[float, float]:
    """CPU seconds of this process, and seconds by the clock."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    count = contestant(url, fake)
    result = time.process_time() - cpu, time.perf_counter() - wall
    if count != fake.records:
        raise SystemExit(f"{contestant.__name__} read {count} of {fake.records}")
    return result


def compare(records: int, rounds: int) -> dict[str, Any]:
    """Run all contestants, round by round."""
    fake = LogtoFake(records=records)
    cpu: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    with server(records) as url:
        for turn in range(rounds + 1):
            for name, contestant in CONTESTANTS.items():
                seconds, _ = measured(contestant, url, fake)
                if turn:  # the first round warms up
                    cpu[name].append(seconds)
    loop = cpu["hand-written loop"]
    ratios = {name: [mine / theirs for mine, theirs in zip(cpu[name], loop, strict=True)] for name in CONTESTANTS}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "records": records,
        "rounds": rounds,
        "results": {
            name: {
                "microseconds_per_item": median(cpu[name]) / records * 1e6,
                "ratio": median(ratios[name]),
                "lowest": min(ratios[name]),
                "highest": max(ratios[name]),
            }
            for name in CONTESTANTS
        },
    }


def memory(counts: list[int]) -> None:
    """Resident memory of this process after reading so many records, one after the other."""
    process = psutil.Process()
    for count in counts:
        fake = LogtoFake(records=count)
        with server(count) as url:
            read = records(url, fake)
        print(f"{read:>10,} records read: {process.memory_info().rss / 2**20:7.1f} MiB resident", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000, help="how many records each contestant reads")
    parser.add_argument("--rounds", type=int, default=7, help="how many rounds are counted")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--memory", action="store_true", help="resident memory at 10,000, 100,000 and 1,000,000 records"
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        with serve(LogtoFake(records=options.records, compression=False)) as url:
            print(url, flush=True)
            sys.stdin.read()
        return
    if options.memory:
        memory([10_000, 100_000, 1_000_000])
        return
    result = compare(options.records, options.rounds)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    table = Table(title=f"{result['records']:,} audit logs, {PAGE} a page: client CPU, hand-written loop = 1")
    for heading in ("work", "ratio", "lowest", "highest", "µs per item"):
        table.add_column(heading, justify="left" if heading == "work" else "right")
    for name, row in result["results"].items():
        figures = [row["ratio"], row["lowest"], row["highest"], row["microseconds_per_item"]]
        table.add_row(name, *(f"{figure:.2f}" for figure in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
