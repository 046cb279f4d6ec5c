"""
Applies one mutation of the core after the other, and checks that the tests notice each.

The script mutates a copy of the package and runs ``SUITE`` against it, up to the first test that fails.  It exits with 1 if the
tests do not notice a mutation, or if the code that a mutation replaces has changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from attrs import frozen
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
SUITE = (
    "tests/hostile",
    "tests/testing/test_conformance.py",
    "tests/testing/test_cancelled_conformance.py",
    "tests/ferry/test_ferry_cancelled.py",
    "tests/client/test_fork.py",
    "tests/cli/test_telling.py",
)
PATIENCE = 240
"""Seconds after which a run is ended.  Such a run counts as noticed: without its guards a walk is endless."""


@frozen
class Mutation:
    """
    A mutation of the core.

    Attributes:
        name: The defect.
        file: The file, below the package.
        before: The code that is replaced; it occurs once in the file.
        after: The mutated code.
    """

    name: str
    file: str
    before: str
    after: str


MUTATIONS = (
    Mutation(
        "the filters of the caller are not checked",
        "_concurrency/reader.py",
        "return flow if self.sift is None else self.sift(flow)\n",
        "return flow\n",
    ),
    Mutation(
        "an ignored filter is not reported",
        "_streams/matching.py",
        "        remarks = tuple(check.remark for check in failed if check.name not in reported)\n",
        "        remarks = ()\n",
    ),
    Mutation(
        "pages do not overlap",
        "services/daily/_sessions/position.py",
        "else self.tick - 1\n",
        "else self.tick + 2\n",
    ),
    Mutation(
        "no loop guard",
        "_paging/loop_guard.py",
        "        digest = hashlib.blake2b(dumps(cursor), digest_size=16).digest()\n",
        "        return\n",
    ),
    Mutation(
        "a set instead of a multiset",
        "services/daily/_sessions/position.py",
        "                left[rows.identity(index)] -= 1\n",
        "                pass\n",
    ),
    Mutation(
        "checkpoint before delivery",
        "_streams/iteration.py",
        "partial(self._batch.position, self.delivered)\n        return start",
        "partial(self._batch.position, len(self._batch.items))\n        return start",
    ),
    Mutation(
        "a renewed token without a replay",
        "_flow/layers.py",
        "return (yield from _outcome(Receive(replay)))",
        "return outcome",
    ),
    Mutation(
        "a retry without a replay",
        "_flow/layers.py",
        "                step = Receive((yield step.ticket.send))\n",
        "                return _attempted(outcome, attempt)\n",
    ),
    Mutation(
        "a message that cannot be written stops the work",
        "cli/_standard.py",
        "        with suppress(OSError, ValueError):\n            while left",
        "        with suppress(KeyError):\n            while left",
    ),
    Mutation(
        "a retry whose response is dropped",
        "_flow/layers.py",
        "                step = Receive((yield step.ticket.send))\n",
        "                yield from _outcome(Receive((yield step.ticket.send)))\n",
    ),
    Mutation(
        "an end is believed at once",
        "_paging/end.py",
        "        return not agrees(page, full=self._full, follows_short=self._follows_short)\n",
        "        return False\n",
    ),
    Mutation(
        "forked processes share connections",
        "_http/pool.py",
        "        self._blocking, self._tasks, self._running, self._lock = None, {}, WeakSet(), Lock()\n",
        "        self._shared = False\n",
    ),
    Mutation(
        "an iteration in a child goes on with its parent's requests",
        "_streams/iteration.py",
        "        if self._process != os.getpid():\n",
        "        if self._process == -1:\n",
    ),
    Mutation(
        "a page is dropped with the wait for it",
        "_ferry/records.py",
        "        while not length_hint(self._left):\n",
        "        self._left = iter(())\n        while not length_hint(self._left):\n",
    ),
    Mutation(
        "an interruption is the end",
        "_streams/iterators.py",
        "            return map(_raise, (error,))\n",
        "            raise StopIteration from error\n",
    ),
)


def noticed(mutation: Mutation, folder: Path) -> str | None:
    """Return the first test that notices a mutation, or ``None``."""
    package = folder / "logferry"
    shutil.copytree(ROOT / "facade/logferry", package, ignore=shutil.ignore_patterns("__pycache__"))
    file = package / mutation.file
    code = file.read_text(encoding="utf-8")
    if code.count(mutation.before) != 1:
        raise SystemExit(f"{mutation.name}: {mutation.file} has changed: update the mutation")
    file.write_text(code.replace(mutation.before, mutation.after), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-n", str(os.cpu_count() or 1), *SUITE]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'generated'}"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the suite does not end within {PATIENCE} s"
    if str(package) not in done.stdout:
        raise SystemExit(f"the tests do not use the copy:\n{done.stdout[:500]}{done.stderr[:500]}")
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return failed[0] if failed else None


def main() -> int:
    """Run all mutations; return 0 if the tests notice each."""
    table = Table("mutation", "noticed by", title="mutations")
    survivors = 0
    for mutation in MUTATIONS:
        with tempfile.TemporaryDirectory() as folder:
            found = noticed(mutation, Path(folder))
        survivors += found is None
        table.add_row(mutation.name, found or "[bold red]no test")
    Console(width=160).print(table)
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
