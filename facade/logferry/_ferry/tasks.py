"""The task group and event loop in which several accounts are read, and the way into them from other threads."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from threading import Event
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from anyio.from_thread import BlockingPortal
from attrs import define, field

from logferry._client import Client
from logferry._errors import InvalidRequestError
from logferry._forks import keep
from logferry._records.record import LogRecord

T = TypeVar("T")

Task: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@define(eq=False, kw_only=True)
class Reading(ABC):
    """
    Reads streams, a task for each lane.

    Attributes:
        summary: What an error at the end says of this number of failures.
        failures: The errors of accounts that could not be opened, then those of streams that ended early.
        change: Set when something has arrived or ended.
    """

    summary: ClassVar[str]
    failures: list[Exception]
    change: anyio.Event = field(factory=anyio.Event)
    closed: bool = False
    _scope: anyio.CancelScope = field(factory=anyio.CancelScope)

    async def run(self) -> None:
        """Read all lanes at once, until each has ended or ``close`` is called."""
        with self._scope:
            async with anyio.create_task_group() as tasks:
                for lane in self.tasks():
                    tasks.start_soon(lane)

    @abstractmethod
    def tasks(self) -> Iterator[Task]:
        """The task of each lane."""

    @abstractmethod
    async def records(self) -> Iterator[LogRecord] | None:
        """The next records, or the rest of the last ones; taking one delivers it.  ``None`` at the end."""

    def close(self) -> None:
        """Stop: all lanes have ended, or the caller has left."""
        self.closed = True
        self._scope.cancel()
        self.change.set()

    def failure(self) -> ExceptionGroup[Exception] | None:
        """Return the error to raise at the end, if any."""
        return ExceptionGroup(self.summary.format(len(self.failures)), self.failures) if self.failures else None


@define
class Tasks:
    """
    Runs readings while its ``async with`` block runs; at the end it stops them and closes the clients.

    *portal* is the way into its event loop from the thread of a ``with`` block; ``None`` in ``async with``.
    """

    clients: Mapping[str, Client]
    portal: BlockingPortal | None = None
    _group: TaskGroup | None = None
    _loop: Any = None
    _begun: list[Reading] = field(factory=list["Reading"])
    _process: int | None = None

    @property
    def is_inherited(self) -> bool:
        """Whether the event loop is that of a parent process, whose threads a fork leaves behind."""
        return self._process not in (None, os.getpid())

    def run(self, reading: Reading) -> None:
        """Start a reading in a task."""
        group = self._require_group()
        self._begun.append(reading)
        group.start_soon(reading.run)

    def stop(self, reading: Reading) -> None:
        """End a reading, on the event loop's thread."""
        if reading in self._begun:
            self._begun.remove(reading)
            reading.close()

    def stop_soon(self, reading: Reading) -> None:
        """End a reading, from any thread: an iterator is dropped where the last reference to it is."""
        if self.is_inherited:
            return
        soon = getattr(self._loop, "call_soon_threadsafe", None) or getattr(self._loop, "run_sync_soon", None)
        if soon is not None:
            with suppress(RuntimeError):  # the event loop has ended
                soon(self.stop, reading)

    def require(self, reading: Reading) -> None:
        """Raise InvalidRequestError where the block in which a reading has begun has ended."""
        self._require_group()
        if reading not in self._begun:
            raise InvalidRequestError(
                "the block of open_accounts() in which this iteration began has ended",
                hint="Begin another iteration in a block of its own",
            )

    def call(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine on the event loop, from the thread of a ``with`` block; Ctrl-C cancels it and waits for its end."""
        over = Event()

        async def run_to_the_end() -> T:
            try:
                return await run()
            finally:
                over.set()

        self._require_own()
        if self.portal is None:
            raise InvalidRequestError(
                "the accounts are not open for 'for'", hint="Use a with block; in async with, iterate with 'async for'"
            )
        future = self.portal.start_task_soon(run_to_the_end)
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                over.wait()
            raise

    def _require_own(self) -> None:
        if self.is_inherited:
            raise InvalidRequestError(
                "the accounts were opened before this process was forked, and cannot be read here",
                hint="Call open_accounts() in each process",
            )

    def _require_group(self) -> TaskGroup:
        self._require_own()
        if self._group is None:
            raise InvalidRequestError("the accounts are not open", hint="Iterate inside the block of open_accounts()")
        return self._group

    async def __aenter__(self) -> Self:
        if self.is_inherited:
            keep(self._group, self._loop, self._begun, self.portal)
            self._begun = []
        self._process = os.getpid()
        self._group = await anyio.create_task_group().__aenter__()
        self._loop = anyio.lowlevel.current_token().native_token
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._group is not None:
            group, self._group = self._group, None
            group.cancel_scope.cancel()
            # The group does not get the exception of the block, which it would wrap into an ExceptionGroup.
            await group.__aexit__(None, None, None)
        for reading in tuple(self._begun):
            self.stop(reading)
        with anyio.CancelScope(shield=True):
            for client in self.clients.values():
                await client.aclose()
