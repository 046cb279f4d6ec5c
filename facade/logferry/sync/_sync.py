"""A sync: the slices of several accounts, read concurrently into one store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import anyio
from attrs import evolve, field, frozen

from logferry._errors import LogferryError, StoreError
from logferry._redaction import short
from logferry._time.clock import Clock
from logferry.sync._commits import Commits
from logferry.sync._onward import OnwardReader
from logferry.sync._order import Order
from logferry.sync._reader import Reader
from logferry.sync._report import StreamReport, SyncReport
from logferry.sync._session_reader import SessionReader
from logferry.sync._threads import in_thread

if TYPE_CHECKING:
    from logferry._client import Client
    from logferry._streams.definition import StreamDefinition
    from logferry.stores._store import Store
    from logferry.sync._slices import Slice

T = TypeVar("T")

CONCURRENCY: Final = 4
"""Default number of slices of an account that are read concurrently."""


class Blocking(Protocol):
    """Runs an asynchronous function from a thread."""

    def __call__(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run it to its end."""
        ...


@frozen(kw_only=True)
class Lane:
    """
    What is read of one account; its slices share the account's rate limit.

    Attributes:
        client: The account's client.
        streams: Its streams, each with its filters as text.
        concurrency: Number of slices that are read concurrently.
        retention: How long the service keeps the account's logs, in nanoseconds; ``None`` for the default of each
            stream.
    """

    client: Client
    streams: Sequence[tuple[StreamDefinition[Any, Any, Any], Mapping[str, str]]] = field(repr=short)
    concurrency: int = CONCURRENCY
    retention: int | None = None

    def with_stream(self, definition: StreamDefinition[Any, Any, Any], filters: Mapping[str, str]) -> Lane:
        """
        The same lane with one more stream, whose filters are checked before a store is opened.

        Raises:
            InvalidRequestError: The stream does not have one of the filters, or a filter cannot have its value.
        """
        sessions, asked = definition.incremental.sessions, dict(filters)
        if sessions is not None and asked.keys().isdisjoint(definition.needs_one_of):
            narrowing = {name: asked.pop(name) for name in sessions.filters if name in asked}
            self.client.stream(sessions.stream, filters=narrowing)
            asked[definition.needs_one_of[0]] = "any"  # the list of sessions gives the ids
        for question in definition.incremental.asked(asked):
            self.client.stream(definition.name, filters=question)
        return evolve(self, streams=[*self.streams, (definition, filters)])


@frozen(kw_only=True, repr=False)
class Sync:
    """
    A sync that has not begun: `run` it in a ``with`` block of its accounts, `arun` it in an ``async with`` block.

    It can run any number of times; each run reads what is new.

    Attributes:
        unopened: The errors of accounts that could not be opened, by the account's name.
    """

    _store: Store = field(alias="store")
    _lanes: Sequence[Lane] = field(alias="lanes")
    _order: Order = field(alias="order")
    _clock: Clock = field(alias="clock")
    _blocking: Blocking = field(alias="blocking")
    unopened: Mapping[str, LogferryError] = field(factory=dict[str, LogferryError])

    def __repr__(self) -> str:
        return f"<Sync {short([lane.client.account for lane in self._lanes])} to {short(self._store)}>"

    def run(self) -> SyncReport:
        """
        Read what is new, blocking; a stream that fails does not stop the others, and the report has its error.

        Raises:
            StoreError: The store cannot be opened, or does not work; what it has committed stays.
        """
        return self._blocking(self.arun)

    async def arun(self) -> SyncReport:
        """The same, asynchronous; if it is cancelled, it commits what it has read."""
        with_store = ExitStack()
        try:
            return await self._bring(await in_thread(partial(with_store.enter_context, self._store)))
        finally:
            await in_thread(with_store.close)

    def slices(self) -> list[Slice]:
        """
        The slices that a run would read now, blocking; other processes or machines can read them.

        It reads the coverage of the store only, and sends requests to list sessions.  A service that ignores time
        bounds, such as an old Logto, returns all newer records with each slice.

        Raises:
            LogferryError: The store does not work, or sessions cannot be listed.
        """
        return self._blocking(self.aslices)

    async def aslices(self) -> list[Slice]:
        """The same, asynchronous."""
        with_store = ExitStack()
        try:
            store = await in_thread(partial(with_store.enter_context, self._store))
            readers = self._readers(await self._commits(store))
        finally:
            await in_thread(with_store.close)
        return [one for reader in readers for one in await reader.slices()]

    async def _commits(self, store: Store) -> Commits:
        return Commits(store, await in_thread(store.coverage), self._clock.now, every=self._order.commit_every)

    def _readers(self, commits: Commits) -> list[Reader]:
        return [
            _reader_of(definition)(
                lane.client,
                definition,
                filters,
                retention=lane.retention or definition.incremental.retention,
                order=self._order,
                commits=commits,
                limiter=limiter,
                clock=self._clock,
            )
            for lane in self._lanes
            for limiter in [anyio.CapacityLimiter(lane.concurrency)]
            for definition, filters in lane.streams
        ]

    async def _bring(self, store: Store) -> SyncReport:
        commits = await self._commits(store)
        readers = self._readers(commits)
        broken: list[StoreError] = []
        try:
            async with anyio.create_task_group() as tasks:
                for reader in readers:
                    tasks.start_soon(reader.run)
        except* StoreError as group:
            broken.append(_first(group))
        finally:
            with anyio.CancelScope(shield=True):
                await commits.flush()
        if broken:
            raise broken[0]
        failed = [StreamReport(account=name, stream="", failure=error) for name, error in self.unopened.items()]
        return SyncReport([*failed, *(reader.report for reader in readers)])


def _reader_of(definition: StreamDefinition[Any, Any, Any]) -> type[Reader]:
    if definition.incremental.sessions is not None:
        return SessionReader
    return OnwardReader if definition.forward is not None and definition.forward.catches_late else Reader


def _first(group: BaseExceptionGroup[StoreError]) -> StoreError:
    """The first error in a group of groups."""
    error: StoreError | BaseExceptionGroup[StoreError] = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
