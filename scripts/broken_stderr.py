"""
Schedules for scripts/soak --shell: commands whose stderr cannot be written or is not read.

A process of ``logferry pull`` or ``logferry sync`` reads from a fake on loopback, with a stderr that is closed, full, not read, or
read up to a line that the seed decides.  Every record has to come once, and the exit code has to be 0.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from attrs import field, frozen

from logferry._accounts.registry import SERVICES
from logferry.testing import Comparison, FakeResponse, Recorder, failing, serve
from logferry.testing._registry import make_fake, variables_for

if TYPE_CHECKING:
    from logferry._accounts.registry import Service
    from logferry.testing import Fake

PATIENCE: Final = 300
KINDS: Final = ("closed", "full", "unread", "left")


@frozen
class ShellOutcome:
    """
    The result of a schedule.

    Attributes:
        records: Number of records of the service.
        lost: Number of records that did not come.
        doubled: Number of records that came more than once.
        codes: The exit codes of all commands.
        what: The command and the kind of its stderr.
    """

    records: int
    lost: int
    doubled: int
    codes: tuple[int, ...]
    what: str

    @property
    def problems(self) -> Iterator[str]:
        """The problems, as text."""
        if self.lost or self.doubled:
            yield f"{self.what}: {self.lost} lost, {self.doubled} doubled"
        if any(self.codes):
            yield f"{self.what}: exit codes {self.codes}"

    def check(self) -> None:
        """Raise an ``AssertionError`` if there are problems."""
        assert not [*self.problems], [*self.problems]  # noqa: S101  # as the other outcomes do


@frozen
class ShellTrial:
    """
    A schedule.

    Args:
        service: The service of the stream.
        stream: The name of the stream.
        seed: Decides the schedule.
    """

    service: Service
    stream: str
    seed: int
    _random: random.Random = field(init=False, factory=random.Random)

    def __attrs_post_init__(self) -> None:
        self._random.seed(f"{self.stream} {self.seed}")

    def run(self) -> ShellOutcome:
        """Run the schedule."""
        now = time.time_ns()
        fake = make_fake(
            self.service, records=self._random.randrange(1, 60), epoch=now - now % 1_000_000, growing=False
        )
        faults = failing(FakeResponse(503), at=[self._random.randrange(1, 6)])  # retries are messages, too
        kind = self._random.choice(KINDS)
        command = self._random.choice(("pull", "sync"))
        with (
            serve(Recorder(fake, clock=time.time_ns, faults=faults)) as url,
            tempfile.TemporaryDirectory() as folder,
        ):
            environment = {**os.environ, **variables_for(fake, url)}
            ask = self._pulled if command == "pull" else self._synced
            comparison, codes = ask(fake, kind, environment, Path(folder))
        differences = comparison.differences()
        return ShellOutcome(
            comparison.expected,
            sum(differences.missing.values()),
            sum(differences.doubled.values()),
            codes,
            f"{command} with a stderr that is {kind}",
        )

    def _pulled(
        self, fake: Fake, kind: str, environment: Mapping[str, str], _folder: Path
    ) -> tuple[Comparison, tuple[int, ...]]:
        comparison, codes = Comparison.of(fake, self.stream), list[int]()
        for question in fake.questions(self.stream):
            asked = ["pull", self.stream, "--raw", "--since", "1 year", *filters_of(question)]
            code, lines = self._ended(asked, kind, environment)
            codes.append(code)
            for line in lines.splitlines():
                comparison.add(fake.identity(self.stream, json.loads(line)["raw"]))
        return comparison, tuple(codes)

    def _synced(
        self, fake: Fake, kind: str, environment: Mapping[str, str], folder: Path
    ) -> tuple[Comparison, tuple[int, ...]]:
        import duckdb  # noqa: PLC0415  # slow to import, and a pull does not need it

        store = folder / "logs.duckdb"
        first, *others = fake.questions(self.stream)
        filters = [] if others else filters_of(first)  # a sync sends all queries by itself
        asked = ["sync", self.stream, "--raw", "--to", str(store), "--since", "1 year", *filters]
        code, _ = self._ended(asked, kind, environment)
        comparison = Comparison.of(fake, self.stream)
        with duckdb.connect(store, read_only=True) as database:
            for (raw,) in database.execute("SELECT raw FROM logs").fetchall():
                comparison.add(fake.identity(self.stream, json.loads(raw)))
        return comparison, (code,)

    def _ended(self, arguments: list[str], kind: str, environment: Mapping[str, str]) -> tuple[int, bytes]:
        command = [sys.executable, "-m", "logferry", "-v", *arguments]
        if kind in ("closed", "full"):
            redirection = "2>&-" if kind == "closed" else "2>/dev/full"
            command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *command]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None  # noqa: S101  # for the checkers
            assert process.stderr is not None  # noqa: S101
            if kind == "left":
                lines = self._random.randrange(8)
                threading.Thread(target=leave_after, args=(process.stderr, lines), daemon=True).start()
            output = process.stdout.read()
            return process.wait(PATIENCE), output


def filters_of(question: Mapping[str, str]) -> list[str]:
    """Return the options of the query."""
    return [word for name, value in question.items() for word in ("--filter", f"{name}={value}")]


def leave_after(reader: IO[bytes], lines: int) -> None:
    """Read this number of lines, then close the pipe."""
    for _ in range(lines):
        reader.readline()
    reader.close()


def shell_trial(stream: str, seed: int) -> ShellTrial:
    """Return the schedule of a stream and a seed."""
    service = next(one for one in SERVICES if stream in [definition.name for definition in one.streams])
    return ShellTrial(service, stream, seed)
