"""What the tasks of several accounts read, on its way to a caller in another thread or task."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from threading import Event
from typing import Any, Generic, Protocol, Self, TypeVar

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from anyio.from_thread import BlockingPortal
from attrs import define, field

from logferry._client import Client
from logferry._errors import InvalidRequestError
from logferry._forks import keep
from logferry._streams.iteration import used_at_once
from logferry._streams.iterators import raised

T = TypeVar("T")


class Reading(Protocol):
    """Reads streams as a task."""

    async def run(self) -> None:
        """Read them until they have ended."""
        ...

    def close(self) -> None:
        """Stop: the caller has left."""
        ...

    def failure(self) -> ExceptionGroup[Exception] | None:
        """What to raise at the end, if anything."""
        ...


R = TypeVar("R", bound=Reading)


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
    _loop: Any = None
    _begun: list[Reading] = field(factory=list["Reading"])
    _process: int | None = None

    @property
    def is_inherited(self) -> bool:
        """Whether the event loop is that of a parent process, whose threads a fork leaves behind."""
        return self._process not in (None, os.getpid())

    def run(self, reading: Reading) -> None:
        """Let a task read until it has ended, or is stopped."""
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
        """
        Nothing, while the block in which a reading has begun goes on.

        Raises:
            InvalidRequestError: The block has ended.
        """
        self._require_group()
        if reading not in self._begun:
            raise InvalidRequestError(
                "the block of open_accounts() in which this iteration began has ended",
                hint="Begin another iteration in a block of its own",
            )

    def require_portal(self) -> BlockingPortal:
        """The way into the event loop, for blocking iterations."""
        self._require_own()
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
            # What was raised in the block is not the group's, which would wrap it into an ExceptionGroup.
            await group.__aexit__(None, None, None)
        for reading in tuple(self._begun):
            self.stop(reading)
        with anyio.CancelScope(shield=True):
            for client in self.clients.values():
                await client.aclose()


class Delivery(Generic[R, T]):
    """
    One iteration over what a reading brings.

    What has been read stays with the reading until the caller takes it.  So a call that is cancelled, or interrupted by
    Ctrl-C, loses nothing, and the next one goes on.

    Args:
        tasks: Run the reading.
        make: Make the reading, when the first batch is asked for.
        wait: Waits for the next batch, and gives the same one again until the caller has taken it; ``None`` at the end.
        where: What to call the iteration in errors.
    """

    __slots__ = ("_in_use", "_make", "_reading", "_tasks", "_wait", "_where")

    def __init__(
        self, tasks: Tasks, make: Callable[[], R], wait: Callable[[R], Awaitable[T | None]], where: str
    ) -> None:
        self._tasks = tasks
        self._make = make
        self._wait = wait
        self._where = where
        self._reading: R | None = None
        self._in_use = False

    def next_batch(self) -> T | None:
        """The next batch, blocking the thread; ``None`` at the end, if nothing has failed."""
        if self._in_use:
            raise used_at_once(self._where)
        self._in_use = True
        try:
            return self._tasks.call(self._next)
        finally:
            self._in_use = False

    async def anext_batch(self) -> T | None:
        """The next batch, blocking only the task; ``None`` at the end, if nothing has failed."""
        if self._in_use:
            raise used_at_once(self._where)
        self._in_use = True
        try:
            return await self._next()
        finally:
            self._in_use = False

    def leave(self) -> None:
        """End the reading: the iterator is dropped."""
        if self._reading is not None:
            self._tasks.stop_soon(self._reading)

    async def _next(self) -> T | None:
        if self._reading is None:
            reading = self._make()
            self._tasks.run(reading)
            self._reading = reading
        self._tasks.require(self._reading)
        batch = await self._wait(self._reading)
        if batch is None:
            # Otherwise the end of the block would look like the end of the logs.
            self._tasks.require(self._reading)
            failure = self._reading.failure()
            if failure is not None:
                raise failure
        return batch


class Batches(Generic[T]):
    """The batches of a delivery, blocking."""

    __slots__ = ("_delivery",)

    def __init__(self, delivery: Delivery[Any, T]) -> None:
        self._delivery = delivery

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        batch = self._delivery.next_batch()
        if batch is None:
            raise StopIteration
        return batch

    def close(self) -> None:
        """End the reading before its end."""
        self._delivery.leave()

    def __del__(self) -> None:
        self._delivery.leave()


class _Unending(Generic[T]):
    """Batches for a chain, which ends for good once its source has raised: a failure is one more batch, which raises it."""

    __slots__ = ("_batches",)

    def __init__(self, batches: Batches[Iterator[T]]) -> None:
        self._batches = batches

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Iterator[T]:
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except BaseException as error:  # noqa: BLE001  # it is raised by what is returned
            return raised(error)


def items(delivery: Delivery[Any, Iterator[T]]) -> Iterator[T]:
    """The items of a delivery, blocking."""
    return chain.from_iterable(_Unending(Batches(delivery)))


class AsyncItems(AsyncIterator[T]):
    """The items of a delivery, blocking only the task."""

    __slots__ = ("_delivery", "_items")

    def __init__(self, delivery: Delivery[Any, Iterator[T]]) -> None:
        self._delivery = delivery
        self._items: Iterator[T] = iter(())

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            batch = await self._delivery.anext_batch()
            if batch is None:
                raise StopAsyncIteration
            self._items = batch

    async def aclose(self) -> None:
        """End it before its end."""
        self._delivery.leave()

    def __del__(self) -> None:
        self._delivery.leave()
