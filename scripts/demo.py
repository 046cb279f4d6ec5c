"""
logferry's main job, on an embedded Logto: pull its audit logs by the Python API and by the shell, and compare.

Exits with 1 if a record is missing or comes twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from itertools import islice

from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax

import logferry
from logferry.testing import FakeResponse, Faults, LogtoFake, Recorder, serve

console = Console()


def show(title: str, code: str) -> None:
    """Print the lines that are about to run."""
    console.print(Rule(title, align="left"))
    console.print(Syntax(code, "python", background_color="default"))


def one_failure(fake: LogtoFake) -> Faults:
    """Answer one request in the middle of the second pull with 503, so that a retry can be seen."""
    pages = -(-fake.records // 100)
    return lambda _request, number: FakeResponse(503) if number == pages + pages // 2 + 3 else None


def demo_entries() -> list[str]:
    """Typed entries, blocking; the ids."""
    show(
        "typed entries",
        "with logferry.Logto.from_env() as logto:\n"
        '    for entry in logto.audit_logs(log_key="Interaction.SignIn.Submit"):\n'
        "        print(entry.payload.result, entry.payload.user_id)",
    )
    with logferry.Logto.from_env() as logto:
        for entry in islice(logto.audit_logs(log_key="Interaction.SignIn.Submit"), 3):
            console.print(f"  {entry.payload.result}  {entry.payload.user_id}", highlight=False, soft_wrap=True)
        return [entry.id for entry in logto.audit_logs()]


async def demo_records() -> list[logferry.LogRecord]:
    """Normalized records, in tasks."""
    show(
        "normalized records, async",
        "async with logferry.Logto.from_env() as logto:\n"
        "    async for record in logto.audit_logs().records():\n"
        "        print(record.timestamp, record.severity_text, record.body)",
    )
    async with logferry.Logto.from_env() as logto:
        stream = logto.audit_logs()
        records = [record async for record in stream.records()]
    for record in records[:3]:
        line = f"  {record.timestamp}  {record.severity_text}  {record.body}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"  ... {stream.stats}", highlight=False)
    return records


def shell(*arguments: str, show_output: bool = True) -> str:
    """Run the shell command; its standard output."""
    console.print(f"$ logferry {shlex.join(arguments)}", style="bold", markup=False, highlight=False)
    command = [sys.executable, "-m", "logferry", *arguments]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    if show_output:
        console.print(output, end="", markup=False, highlight=False)
    return output


def main() -> int:
    """Run it all; 0 if everything came, once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2_000, help="how many records the embedded service has")
    options = parser.parse_args()

    started = time.perf_counter()
    fake = LogtoFake(records=options.records, epoch=time.time_ns() - 10**9, growing=False)
    with serve(Recorder(fake, clock=time.time_ns, faults=one_failure(fake))) as url:
        for variable in ("LOGTO_ACCESS_TOKEN", "LOGTO_RESOURCE"):
            os.environ.pop(variable, None)
        os.environ |= {
            "LOGTO_ENDPOINT": url,
            "LOGTO_APP_ID": fake.app_id,
            "LOGTO_APP_SECRET": fake.app_secret,
        }
        console.print(f"An embedded Logto with {options.records:,} audit logs answers at {url}", highlight=False)
        ids = demo_entries()
        records = asyncio.run(demo_records())
        console.print(Rule("the shell", align="left"))
        shell("streams", "--format", "table")
        shell("check")
        shell("pull", "--since", "1 year", "--max-items", "6", "--format", "table")
        lines = shell("pull", "--since", "10 years", show_output=False).splitlines()
        console.print(f"{lines[0][:320]} ...\n... {len(lines):,} lines", markup=False, highlight=False)

    truth = list(fake.truth())
    pulled = {
        "entries": ids,
        "records": [record.uid.rpartition(":")[2] for record in records],
        "jsonl lines": [json.loads(line)["uid"].rpartition(":")[2] for line in lines],
    }
    console.print(Rule("compared with what the service has", align="left"))
    failed = False
    for name, got in pulled.items():
        missing, doubled = len(set(truth) - set(got)), sum(count - 1 for count in Counter(got).values())
        failed |= bool(missing or doubled or got != truth)
        console.print(
            f"  {name:<12} {len(got):>9,} of {len(truth):,}: {missing} missing, {doubled} double", highlight=False
        )
    console.print(f"  {time.perf_counter() - started:.1f} s; to go on: .venv/bin/logferry simulate", highlight=False)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
