"""Iterators over what a source gives batch by batch: by item or by batch, with ``for`` and with ``async for``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Generic, Protocol, Self, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """Gives batches.  After an error the next call goes on where it was."""

    def next_batch(self) -> T_co | None:
        """The next batch, blocking the thread; ``None`` at the end."""
        ...

    async def anext_batch(self) -> T_co | None:
        """The same, blocking only the task."""
        ...

    def stop(self) -> None:
        """Abandon what is in flight: the caller has left."""
        ...


class Batches(Generic[T]):
    """The batches of a source, one by one.  A caller that leaves a loop early drops its iterator, which stops the source."""

    __slots__ = ("_source",)

    def __init__(self, source: Source[T]) -> None:
        self._source = source

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> T:
        batch = self._source.next_batch()
        if batch is None:
            raise StopIteration
        return batch

    async def __anext__(self) -> T:
        batch = await self._source.anext_batch()
        if batch is None:
            raise StopAsyncIteration
        return batch

    def close(self) -> None:
        """Stop the source before its end."""
        self._source.stop()

    def __del__(self) -> None:
        self._source.stop()


class _Chained(Batches[Iterator[T]]):
    """Batches for a chain, which ends for good once its source has raised: a failure becomes a batch that raises it."""

    __slots__ = ()

    def __next__(self) -> Iterator[T]:
        try:
            batch = self._source.next_batch()
        except BaseException as error:  # noqa: BLE001  # it is raised by what is returned
            # No generator: another thread in the same chain would get an error of the interpreter.
            return map(_raise, (error,))
        if batch is None:
            raise StopIteration
        return batch


def _raise(error: BaseException) -> Any:
    raise error


def items(source: Source[Iterator[T]]) -> Iterator[T]:
    """The items of a source, blocking."""
    # Chained by the interpreter itself: a ``__next__`` of our own would cost each item more than the JSON decoder.
    return chain.from_iterable(_Chained(source))


class AsyncItems(Generic[T]):
    """The items of a source, blocking only the task."""

    __slots__ = ("_batches", "_items")

    def __init__(self, source: Source[Iterator[T]]) -> None:
        self._batches = Batches(source)
        self._items: Iterator[T] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            self._items = await anext(self._batches)

    async def aclose(self) -> None:
        """Stop the source before its end."""
        self._batches.close()
