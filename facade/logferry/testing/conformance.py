"""
A suite for any service's streams: no record lost, none doubled, every walk ends, whatever the service and network do.

A *trial* is drawn from its seed: a hostile history (rows that arrive late, vanish, share their time, are dated in the
future), a variant of the service, a schedule of faults, a window, a page size, where the caller stops and resumes from
a checkpoint, blocking or not, and sometimes a filter that the service ignores.  It runs in process and in virtual time,
so thousands of trials take seconds::

    from logferry.testing.conformance import Trial

    def test_my_stream(seed):
        Trial(Mine, MineFake.of_rows, "mine.logs", seed).run().check()

A pull must return each item once that the service lists from the beginning to the end of the pull.  It may return what
the service lists at any time in between.  It must return nothing else, and nothing twice.
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
"""At most this many requests for what pages do not show."""

_ENDLESS: Final = 50_000
"""A walk through a few hundred rows never takes this many requests."""

_PATIENCE: Final = 200
"""After this many errors in a row without a record in between, the caller is stuck."""


@attrs.frozen(kw_only=True)
class Outcome(Verdict):
    """
    The result of a trial.

    Attributes:
        records: Number of records that arrived.
        requests: Number of requests, including those for tokens.
        bound: Maximum number of requests, see `Trial.run`.
        faults: Number of requests that met a fault.
        errors: Number of errors after which the caller resumed.
        resumed: Number of times it resumed from a checkpoint with another client.
        lost: Number of items that had to arrive and did not.
        doubled: Number of records that arrived before, by identity or by `uid`, or are not the service's.
        doubts: Issues of pages: where the service gives no certainty, items may be missing or come twice.
        untold: Number of items that show that the service ignores a filter, if no page said so.
        stuck: The error after which the caller could not advance, or `None`.
        violations: Violations of the service's spec in the requests.
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
        loopback: Whether to use a real loopback server, behind a relay that breaks connections, instead of a call in
            process; this leaves out what would take real time.
        concurrency: Maximum number of requests in flight; `None` to draw it, 1 to 8.
    """

    sync: bool = True
    loopback: bool = False
    concurrency: int | None = None

    def run(self) -> Outcome:
        """
        Pull, and compare.

        The number of requests is bounded.  P is the number of pages of all rows, plus one; B the number of beginnings:
        the first, one after each error, and one from each checkpoint; F the number of faults, each of which costs at
        most one request; C the concurrency::

            2 P + (20 + C) B + F        where cursors are valid for ever
            2 P + (20 + C) B + F + P B  where they can be refused, so that the walk starts again

        Each page may be requested twice, since the walk reads shifted pages again.  After each beginning, twenty
        requests may find out what pages do not show (whether a page is the last, whether the service respects bounds,
        rows of one time that no page shows whole), including those for tokens; and C - 1 requests may have been in
        flight.
        """
        with seeded(self.seed):
            return anyio.run(_Pull(self).run)


class _Pull:
    """A caller that reads everything, and resumes after errors."""

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
            # Threads would change the order on each run.
            vars(client)["_pool"].launch = self._launch
            return client
        settings = {self._trial.client.address: self._address, **self._world.fake.settings}
        make: Any = self._trial.client  # a service's own settings are not among those that all clients take
        made: Client = make(**settings, **options)
        return made

    def _bound(self) -> int:
        """The maximum number of requests, see `Trial.run`."""
        pages = -(-len(self._world.rows) // self._world.page_size) + 1
        beginnings = 1 + self._errors + self._resumed
        back = pages * beginnings if self._world.refuses else 0
        known = 2 * pages + (_UNKNOWN + self._world.concurrency) * beginnings
        return known + self._world.schedule.counts.total() + len(self._world.broken) + back

    async def _pull(self) -> str | None:
        """Pull everything; return the error after which the caller is stuck, or ``None``."""
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
