"""Reading several accounts at once: a task for each, and their pages in the order in which they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from threading import Event
from typing import Protocol, Self, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import BlockingPortal
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from attrs import define, field, frozen

from logferry._client import Client
from logferry._errors import InvalidRequestError, LogferryError
from logferry._iteration import Stats
from logferry._record import LogRecord
from logferry._selection import Skipped
from logferry._stream import Page, View

T = TypeVar("T")


class Reading(Protocol):
    """Reads streams as a task."""

    async def run(self) -> None:
        """Read them until they have ended."""
        ...

    def close(self) -> None:
        """Nobody takes what has been read any more."""
        ...


@define
class Tasks:
    """
    Reads accounts while its ``async with`` block runs, and ends with it, whatever has happened in the block.

    Attributes:
        clients: By account; closed at the end.
        portal: The way into its event loop from the thread of a ``with`` block; ``None`` in ``async with``.
    """

    clients: Mapping[str, Client]
    portal: BlockingPortal | None = None
    _group: TaskGroup | None = None
    _begun: list[Reading] = field(factory=list["Reading"])

    def start(self, lanes: Sequence[Sequence[View[LogRecord]]]) -> Arrivals:
        """Begin to read lanes at once, the views of each one after the other."""
        self._require_group()
        sender, receiver = anyio.create_memory_object_stream[Page[LogRecord]](0)
        arrivals = Arrivals(receiver, sender, lanes)
        self.run(arrivals)
        return arrivals

    def run(self, reading: Reading) -> None:
        """Let a task read until it has ended, or is stopped."""
        group = self._require_group()
        self._begun.append(reading)
        group.start_soon(reading.run)

    async def stop(self, arrivals: Reading) -> None:
        """Nobody takes what this one reads any more: it ends."""
        if arrivals in self._begun:
            self._begun.remove(arrivals)
            arrivals.close()

    def require_portal(self) -> BlockingPortal:
        """The way into the event loop, for blocking iterations."""
        if self.portal is None:
            raise InvalidRequestError(
                "the accounts are not open for 'for'", hint="Use a with block; in async with, iterate with 'async for'"
            )
        return self.portal

    def call(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run it on the event loop, from the thread of a ``with`` block; Ctrl-C cancels it, and waits for its end."""
        over = Event()

        async def run_to_the_end() -> T:
            try:
                return await run()
            finally:
                over.set()

        future = self.require_portal().start_task_soon(run_to_the_end)
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                over.wait()
            raise

    def _require_group(self) -> TaskGroup:
        if self._group is None:
            raise InvalidRequestError("the accounts are not open", hint="Iterate inside the block of open_accounts()")
        return self._group

    async def __aenter__(self) -> Self:
        self._group = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._group is not None:
            group, self._group = self._group, None
            group.cancel_scope.cancel()
            # What was raised in the block is not the group's, which would wrap it into an ExceptionGroup.
            await group.__aexit__(None, None, None)
        for arrivals in tuple(self._begun):
            await self.stop(arrivals)
        with anyio.CancelScope(shield=True):
            for client in self.clients.values():
                await client.aclose()


@define(eq=False)
class Arrivals:
    """
    The pages of several lanes, in the order in which they arrive.

    A lane asks for its next page once the caller has taken the last one, so memory is bounded by a page per lane.

    Attributes:
        failures: What went wrong so far, of streams that ended early.
    """

    _receiver: MemoryObjectReceiveStream[Page[LogRecord]]
    _sender: MemoryObjectSendStream[Page[LogRecord]]
    _lanes: Sequence[Sequence[View[LogRecord]]]
    failures: list[Exception] = field(factory=list[Exception])

    async def run(self) -> None:
        """Read all lanes at once."""
        async with anyio.create_task_group() as tasks:
            for lane in self._lanes:
                tasks.start_soon(self.read, lane, self._sender.clone())
            self._sender.close()

    async def read(self, lane: Sequence[View[LogRecord]], sender: MemoryObjectSendStream[Page[LogRecord]]) -> None:
        """Send the pages of a lane's views; one that fails does not stop the next."""
        with sender:
            for view in lane:
                try:
                    async for page in view.pages():
                        await sender.send(page)
                except anyio.BrokenResourceError:  # nobody listens any more
                    return
                except Exception as error:  # noqa: BLE001  # a caller's hook may raise anything, too
                    self.failures.append(error)

    async def next(self) -> Page[LogRecord] | None:
        """The next page; ``None`` when all lanes have ended."""
        try:
            return await self._receiver.receive()
        except anyio.EndOfStream:
            return None

    def close(self) -> None:
        """Nobody takes pages any more: lanes that want to send one end."""
        self._sender.close()
        self._receiver.close()


@frozen(eq=False)
class FerryRecords:
    """
    The records of several accounts.  Iterate with ``for`` in a ``with`` block, with ``async for`` in ``async with``.

    When all that can be read has been read, the failures of the others are raised as one ``ExceptionGroup``: mostly
    ``LogferryError``, each with its account, its stream and the checkpoint that resumes it.

    Attributes:
        skipped: Streams that are not asked, and why.
    """

    _tasks: Tasks
    _lanes: Mapping[str, Mapping[str, View[LogRecord]]]
    skipped: tuple[Skipped, ...]
    _unopened: tuple[LogferryError, ...]

    @property
    def stats(self) -> dict[tuple[str, str], Stats]:
        """By names of account and stream: what the latest iteration has done so far."""
        return {(account, name): view.stats for account, lane in self._lanes.items() for name, view in lane.items()}

    def __iter__(self) -> Iterator[LogRecord]:
        portal = self._tasks.require_portal()
        arrivals = portal.call(self._start)
        try:
            while page := self._tasks.require_portal().call(arrivals.next):
                yield from page.items
        finally:
            if self._tasks.portal is portal:
                portal.call(self._tasks.stop, arrivals)
        self._raise_failures(arrivals)

    async def __aiter__(self) -> AsyncIterator[LogRecord]:
        arrivals = await self._start()
        try:
            while page := await arrivals.next():
                for record in page.items:
                    yield record
        finally:
            await self._tasks.stop(arrivals)
        self._raise_failures(arrivals)

    async def _start(self) -> Arrivals:
        return self._tasks.start([tuple(lane.values()) for lane in self._lanes.values()])

    def _raise_failures(self, arrivals: Arrivals) -> None:
        failures = [*self._unopened, *arrivals.failures]
        if failures:
            raise ExceptionGroup(f"{len(failures)} of the accounts' streams failed", failures)

    def __repr__(self) -> str:
        return f"<FerryRecords {', '.join(self._lanes)}>"
