"""Delivers what tasks have read to a caller in another thread or task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import chain
from typing import Any, Generic, Self, TypeVar

from logferry._ferry.tasks import Reading, Tasks
from logferry._streams.iteration import used_at_once
from logferry._streams.iterators import raised

T = TypeVar("T")
R = TypeVar("R", bound=Reading)


class Delivery(Generic[R, T]):
    """
    One iteration over the batches of a reading.

    A batch stays with the reading until the caller takes it.  So a call that is cancelled, or interrupted by Ctrl-C,
    loses nothing, and the next call goes on.

    Args:
        tasks: Run the reading.
        make: Make the reading, when the first batch is asked for.
        wait: Waits for the next batch, and returns the same one again until the caller has taken it; ``None`` at the end.
        where: The name of the iteration in errors.
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
        """Return the next batch, blocking the thread; ``None`` at the end, if nothing has failed."""
        # The thread's own guard: Ctrl-C can leave it before it has the task's future, and then the task still runs.
        if self._in_use:
            raise used_at_once(self._where)
        self._in_use = True
        try:
            return self._tasks.call(self._next)
        finally:
            self._in_use = False

    async def anext_batch(self) -> T | None:
        """Return the next batch, blocking only the task; ``None`` at the end, if nothing has failed."""
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
            # Otherwise the end of the block looks like the end of the logs.
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
    """Batches for ``itertools.chain``, which ends for good once its source has raised: a failure becomes a batch that raises it."""

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
        except BaseException as error:  # noqa: BLE001  # the returned iterator raises it
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
        """End the reading before its end."""
        self._delivery.leave()

    def __del__(self) -> None:
        self._delivery.leave()
