"""
A suite that any service's streams have to pass: nothing lost, nothing doubled, never endless, whatever the world does.

A *trial* is decided by its seed: a hostile history (rows that arrive late, vanish, share their time, are dated in the
future), a variant of the service, a schedule of faults, a window, a page size, where the caller stops and resumes from a
checkpoint, blocking or not, and sometimes a filter that the service ignores.  It runs in process and in virtual time, so that thousands take seconds::

    from logferry.testing.conformance import Trial

    def test_my_stream(seed):
        Trial(Mine, MineFake.of_rows, "mine.logs", seed).run().check()

What a pull has to give is what the service lists from its beginning to its end, each item once; what it may give is what
the service lists at any time in between.  Nothing else, nothing twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final

import anyio
import attrs

from logferry._client import Client
from logferry._config.hooks import IssueEvent, RequestEvent
from logferry._errors import LogferryError, PagingError
from logferry._records.record import LogRecord
from logferry.testing._interleaving import Blocking, Launched
from logferry.testing._relay import relay
from logferry.testing._scenario import Scenario
from logferry.testing._server import serve
from logferry.testing._trials import MakeFake, Seeded, Verdict, seeded
from logferry.testing._wiring import connected

__all__ = ["MakeFake", "Outcome", "Trial"]

_UNKNOWN: Final = 20
"""So many requests may find out what pages do not tell."""

_ENDLESS: Final = 50_000
"""No walk through a few hundred rows takes so many requests."""

_PATIENCE: Final = 200
"""So many errors in a row without a record in between mean that a caller gets nowhere."""


@attrs.frozen(kw_only=True)
class Outcome(Verdict):
    """
    What came of a trial.

    Attributes:
        records: How many records came.
        requests: How many requests were sent, those for tokens included.
        bound: How many there may be at most, see `Trial.run`.
        faults: How many requests something happened to.
        errors: How many errors the caller got, and went on from.
        resumed: How often it went on from a checkpoint with another client.
        lost: How many items of those that had to come did not.
        doubled: How many records came that were there already, by identity or by `uid`, or are none of the service's.
        doubts: Issues of pages: what the service makes it impossible to be sure of, so that items may be missing, or
            come twice.
        untold: How many items show that the service ignores a filter, though the caller did not get to know it.
        stuck: The error at which the caller got nowhere any more, or `None`.
        violations: What in the requests goes against the service's spec.
    """

    records: int
    requests: int
    bound: int
    faults: int
    errors: int
    resumed: int
    lost: int
    doubled: int
    doubts: tuple[str, ...]
    untold: int
    stuck: str | None
    violations: tuple[str, ...]

    @property
    def _found(self) -> Mapping[str, object]:
        return {
            f"{self.lost} lost": self.lost and not self.doubts,
            f"{self.doubled} doubled": self.doubled and not self.doubts,
            f"{self.requests} requests, {self.bound} allowed": self.requests > self.bound,
            f"{self.untold} left out, and the issue is missing": self.untold,
            f"stuck: {self.stuck}": self.stuck is not None,
            f"against the spec: {self.violations}": self.violations,
        }


@attrs.frozen
class Trial(Seeded):
    """
    One hostile schedule.

    Args:
        client: The client's class.
        make_fake: Makes its fake; those of logferry have `of_rows`.
        stream: The stream's name.
        seed: Decides everything.
        sync: Whether to iterate with ``for``, or with ``async for``.
        loopback: Whether to ask over a real loopback server, behind a relay that breaks connections, instead of in process;
            what would take real time is left out then.
        concurrency: How many requests may be under way; `None` for what the seed says, 1 to 8.
    """

    sync: bool = True
    loopback: bool = False
    concurrency: int | None = None

    def run(self) -> Outcome:
        """
        Pull, and compare.

        With P for the pages that hold all rows, and one more; B for how often the caller began: once, after each error, and
        from each checkpoint; F for the faults, each of which costs a request at most, there may be so many requests::

            2 P + (20 + C) B + F        where cursors are good for ever
            2 P + (20 + C) B + F + P B  where they can be refused, so that the way back is walked once more

        Each page may be asked for twice, since what shifts has to be looked at again; and what cannot be known from pages
        (whether a page is the last, whether bounds are kept to, rows of one time that no page shows whole) may take twenty
        requests after each beginning, those for tokens among them; with them goes what was under way, C - 1 requests at most
        where C may be at once.
        """
        with seeded(self.seed):
            return anyio.run(_Pull(self).run)


class _Pull:
    """A caller who wants everything, and does not give up."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._world = Scenario(trial, loopback=trial.loopback, concurrency=trial.concurrency)
        self._address: str | None = None
        self._got: list[LogRecord] = []
        self._doubts: list[str] = []
        self._has_told = False
        self._errors = self._resumed = self._idle = 0

    async def run(self) -> Outcome:
        with ExitStack() as stack:
            if self._trial.loopback:
                url = stack.enter_context(serve(self._world.transport))
                self._address = stack.enter_context(relay(url, self._world.broken))
            stuck = await self._pull()
        end = self._world.clock.now()
        got = Counter(self._world.fake.identity(self._trial.stream, record.raw) for record in self._got)
        certain = self._world.truth(lambda row: row.is_visible(self._world.start) and row.is_visible(end))
        possible = self._world.truth(
            lambda row: (row.appears or 0) <= end and (row.vanishes is None or row.vanishes > self._world.start)
        )
        uids = len(self._got) - len({record.uid for record in self._got})
        untold = 0
        if self._world.ignored is not None:
            certain, possible, others = self._world.ignored.sifted(certain, possible)
            untold = 0 if stuck or self._has_told else others
        return Outcome(
            trial=self._trial,
            records=len(self._got),
            requests=self._world.transport.count,
            bound=self._bound(),
            faults=self._world.schedule.counts.total(),
            errors=self._errors,
            resumed=self._resumed,
            lost=0 if stuck else (certain - got).total(),
            doubled=(got - possible).total() + uids,
            doubts=tuple(self._doubts),
            untold=untold,
            stuck=stuck,
            violations=tuple(self._world.transport.violations),
        )

    def _connected(self) -> Client:
        options: Any = {
            "clock": self._world.clock,
            "on_request": self._pass_time,
            "on_issue": self._note,
            "concurrency": self._world.concurrency,
        }
        if self._address is None:
            client = connected(self._trial.client, self._world.fake, transport=self._world.transport, **options)
            # Threads would come in another order on each run.
            vars(client)["_pool"].launch = self._launch
            return client
        settings = {self._trial.client.address: self._address, **self._world.fake.settings}
        make: Any = self._trial.client  # a service's own settings are not among those that all clients take
        made: Client = make(**settings, **options)
        return made

    def _bound(self) -> int:
        """How many requests there may be at most, see `Trial.run`."""
        pages = -(-len(self._world.rows) // self._world.page_size) + 1
        beginnings = 1 + self._errors + self._resumed
        back = pages * beginnings if self._world.refuses else 0
        known = 2 * pages + (_UNKNOWN + self._world.concurrency) * beginnings
        return known + self._world.schedule.counts.total() + len(self._world.broken) + back

    async def _pull(self) -> str | None:
        """Pull everything; the error at which there is no getting on, or ``None``."""
        checkpoint: str | None = None
        while True:
            client = self._connected()
            if checkpoint is None:
                options: dict[str, Any] = {**self._world.window, "page_size": self._world.page_size}
                filters = (
                    self._world.filters
                    if self._world.ignored is None
                    else self._world.ignored.asked(self._world.filters)
                )
                opened = client.stream(self._trial.stream, filters=filters, **options)
            else:
                self._resumed += 1
                opened = client.stream(self._trial.stream, resume=checkpoint, page_size=self._world.page_size)
            view = opened.records()
            iterator = Blocking(iter(view)) if self._trial.sync else aiter(view)
            stop = self._world.chance.choice((None, self._world.chance.randint(1, 50)))
            while stop != 0:
                try:
                    self._got.append(await anext(iterator))
                except StopAsyncIteration:
                    await client.aclose()
                    return None
                except LogferryError as error:
                    self._errors, self._idle = self._errors + 1, self._idle + 1
                    if self._idle > _PATIENCE:
                        await client.aclose()
                        return str(error)
                    if error.checkpoint is None:
                        raise AssertionError(f"an error without a checkpoint: {error!r}") from error
                    if isinstance(error, PagingError) or self._world.chance.random() < 0.3:  # noqa: PLR2004 - a share
                        break
                else:
                    self._idle = 0
                    stop = None if stop is None else stop - 1
            checkpoint = view.checkpoint
            await client.aclose()

    def _launch(self, work: Callable[[], None]) -> Launched:
        return Launched(work, at_once=self._world.interleaving.random() < 0.5)  # noqa: PLR2004 - a share

    def _pass_time(self, _event: RequestEvent) -> None:
        self._world.clock.advance(self._world.chance.random() * self._world.pace)
        if self._world.transport.count > _ENDLESS:
            raise AssertionError(f"endless: {self._trial}")

    def _note(self, event: IssueEvent) -> None:
        ignored = (
            [] if self._world.ignored is None else [one for one in event.issues if one == self._world.ignored.remark]
        )
        self._has_told = self._has_told or bool(ignored)
        if event.is_doubt:
            self._doubts += [one for one in event.issues if one not in ignored]
