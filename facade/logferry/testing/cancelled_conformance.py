"""
A suite for iterations over all accounts that are cancelled repeatedly, and for clients in forked processes.

A schedule is drawn from its seed: the histories of the services, the faults, when the caller is cancelled, and where it
stops and resumes from its checkpoints; or how far an iteration is when its process forks.  Every record must arrive,
exactly once::

    from logferry.testing.cancelled_conformance import CancelledTrial

    def test_my_stream(seed):
        CancelledTrial(Mine, MineFake.of_rows, "mine.logs", seed).run().check()

A `CancelledTrial` opens accounts, so it takes the services that logferry knows; a `ForkedTrial` takes any client.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anyio
import anyio.lowlevel
import attrs

from logferry import open_accounts
from logferry._client import Client
from logferry._errors import LogferryError
from logferry._records.record import LogRecord
from logferry._time.timestamps import rfc3339
from logferry.testing._accounts import Hosts, configuration
from logferry.testing._clock import VirtualClock
from logferry.testing._http import Fake
from logferry.testing._rows import random_rows
from logferry.testing._schedule import PASSING, Schedule
from logferry.testing._server import serve
from logferry.testing._transport import InProcessTransport
from logferry.testing._trials import BEGIN, SECOND, Seeded, Verdict, seeded
from logferry.testing._wiring import just_after

__all__ = ["CancelledOutcome", "CancelledTrial", "ForkedTrial"]

_PATIENCE: Final = 60
"""Seconds after which a hanging child process is killed."""

_ENDLESS: Final = 5_000
"""Maximum number of cancellations of one iteration over a few hundred rows."""


@attrs.frozen(kw_only=True)
class CancelledOutcome(Verdict):
    """
    The result of a schedule.

    Attributes:
        records: Number of records that arrived.
        stopped: Number of cancellations or forks.
        resumed: Number of times the caller resumed from checkpoints.
        lost: Number of records that did not arrive.
        doubled: Number of records that arrived more than once, or are not the service's.
        stuck: Any other failure, or `None`.
    """

    records: int
    stopped: int
    resumed: int
    lost: int
    doubled: int
    stuck: str | None = None

    @property
    def _found(self) -> Mapping[str, object]:
        return {
            f"{self.lost} lost": self.lost,
            f"{self.doubled} doubled": self.doubled,
            f"stuck: {self.stuck}": self.stuck,
        }


def _settled_fake(trial: Seeded, chance: random.Random) -> Fake:
    """A fake whose rows arrived in time and stay, so that every iteration must return the same."""
    count = chance.choice((1, 30, 120))
    rows = random_rows(trial.seed, count, BEGIN, BEGIN + 3600 * SECOND, late=0.0, vanishing=0.0, future=0.0)
    return trial.make_fake(rows, epoch=BEGIN + 7200 * SECOND, chance=chance)


def _compared(trial: Seeded, due: Counter[str], got: Counter[str], **counts: Any) -> CancelledOutcome:
    lost, doubled = (due - got).total(), (got - due).total()
    return CancelledOutcome(trial=trial, records=got.total(), lost=lost, doubled=doubled, **counts)


@attrs.frozen
class CancelledTrial(Seeded):
    """
    One schedule of a stream of two accounts.

    Args:
        client: The client's class.
        make_fake: Makes its fake with a scripted history.
        stream: The stream's name.
        seed: Decides everything.
    """

    def run(self) -> CancelledOutcome:
        """Read everything, and compare with an undisturbed iteration."""
        with seeded(self.seed):
            return anyio.run(self._run)

    async def _run(self) -> CancelledOutcome:
        chance = self.chance("cancelled")
        fake = _settled_fake(self, chance)
        filters = {} if not service_needs(self.client, self.stream) else dict(fake.questions(self.stream)[0])
        options: dict[str, Any] = {
            "streams": self.stream,
            "filters": {self.stream: filters},
            "page_size": self.allowed_page_size(chance.choice((1, 5, 20))),
            # Faults advance the clock, so a window without an end would grow.
            "until": rfc3339(BEGIN + 7200 * SECOND),
        }
        with TemporaryDirectory() as folder:
            path = Path(folder) / "logferry.toml"
            path.write_text(configuration({"first": fake, "second": fake}), encoding="utf-8")

            def opened(*, faults: bool) -> Any:
                clock = VirtualClock(just_after(fake))
                told = Schedule(self.seed, 0.1, PASSING, clock) if faults else None
                transports = {
                    name: InProcessTransport(fake, clock=clock, faults=told, check=False)
                    for name in ("first", "second")
                }
                return open_accounts(path, transport=Hosts(transports), clock=clock, concurrency=1, retries=9)

            async with opened(faults=False) as ferry:
                due = Counter([_name(one) async for one in ferry.records(**options)])
            got, stopped, resumed = await self._cancelled(lambda: opened(faults=True), options, chance)
        return _compared(self, due, got, stopped=stopped, resumed=resumed)

    async def _cancelled(
        self, opened: Callable[[], Any], options: dict[str, Any], chance: random.Random
    ) -> tuple[Counter[str], int, int]:
        got, stopped, resumed, checkpoints = Counter[str](), 0, 0, None
        while True:
            async with opened() as ferry:
                records = ferry.records(**options, resume=checkpoints)
                left = aiter(records)
                stop = chance.choice((None, chance.randint(1, 40)))
                while stop != 0:
                    with anyio.CancelScope() as scope:
                        if chance.random() < 0.7:  # noqa: PLR2004 - a share
                            scope.cancel()
                        else:
                            # Enough turns of the event loop for pages to arrive meanwhile.
                            for _ in range(chance.randint(1, 30)):
                                await anyio.lowlevel.checkpoint()
                        try:
                            got[_name(await anext(left))] += 1
                        except StopAsyncIteration:
                            return got, stopped, resumed
                        stop = None if stop is None else stop - 1
                    stopped += scope.cancelled_caught
                    if stopped > _ENDLESS:
                        raise AssertionError(f"endless: {self}")
                    await anyio.lowlevel.checkpoint()
                checkpoints = json.loads(json.dumps(records.checkpoints))
            resumed += 1


def service_needs(client: type[Client], stream: str) -> bool:
    """Whether a stream requires a filter."""
    return any(one.name == stream and one.needs_one_of for one in client.streams)


def _name(record: LogRecord) -> str:
    return f"{record.account} {record.uid}"


@attrs.frozen
class ForkedTrial(Seeded):
    """
    One schedule of an iteration that a parent and a child process both continue, over loopback.

    Args:
        client: The client's class.
        make_fake: Makes its fake with a scripted history.
        stream: The stream's name.
        seed: Decides everything.
    """

    def run(self) -> CancelledOutcome:
        """Read everything in both processes, and compare with a single process."""
        chance = self.chance("forked")
        fake = _settled_fake(self, chance)
        filters = dict(fake.questions(self.stream)[0])
        make: Any = self.client  # a service's own settings are not in the base class
        with serve(fake) as url:
            settings = {self.client.address: url, **fake.settings}
            client: Client = make(**settings, clock=VirtualClock(just_after(fake)), concurrency=chance.choice((1, 4)))
            view = client.stream(
                self.stream, filters=filters, page_size=self.allowed_page_size(chance.choice((1, 5, 20)))
            ).records()
            due = Counter([one.uid for one in view])
            left = iter(view)
            first = Counter([one.uid for _, one in zip(range(chance.randint(0, due.total())), left, strict=False)])
            reading, child = _forked(lambda: [one.uid for one in left])
            rest = Counter([one.uid for one in left])
            with os.fdopen(reading) as file:
                said = json.loads(file.read() or '"the child process returned nothing"')
            os.waitpid(child, 0)
            client.close()
        stuck = said if isinstance(said, str) else None
        other = Counter[str]() if stuck else first + Counter(said)
        own = _compared(self, due, first + rest, stopped=1, resumed=0, stuck=stuck)
        its = _compared(self, due, other, stopped=1, resumed=0)
        return attrs.evolve(own, lost=own.lost + (0 if stuck else its.lost), doubled=own.doubled + its.doubled)


def _forked(work: Callable[[], list[str]]) -> tuple[int, int]:
    """Run work in a child process; return the pipe of its result, and its process id."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return reading, child
    with suppress(BaseException):
        import faulthandler  # noqa: PLC0415 - in the child only

        faulthandler.dump_traceback_later(_PATIENCE, exit=True)
        try:
            said: list[str] | str = work()
        except LogferryError as error:
            said = str(error)
        os.write(writing, json.dumps(said).encode())
    os._exit(0)
