"""The iterators of a stream's views: item by item or page by page, with ``for`` and with ``async for``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Self, TypeVar

from logferry._flow.steps import Batch
from logferry._http.retry import clock_ahead_nano
from logferry._streams.convert import Convert, converted
from logferry._streams.iteration import Iteration
from logferry._streams.page import Page

T = TypeVar("T")


class _Driver:
    """Drives an iteration.  A caller that leaves a loop early drops its iterator, while the stream keeps what it has done."""

    __slots__ = ("_iteration",)

    def __init__(self, iteration: Iteration) -> None:
        self._iteration = iteration

    def __del__(self) -> None:
        self._iteration.stop()


class Batches(_Driver, Generic[T]):
    """
    What a view yields, batch by batch, for a chain.

    A chain ends for good once its source has raised, though its iterator is to go on after an error.  So a failure to get
    the next batch is handed over as one more batch, which raises it.
    """

    __slots__ = ("_items_of",)

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        super().__init__(iteration)
        self._items_of = _ItemsOf(iteration, convert)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Iterator[T]:
        try:
            items = self._iteration.next_batch(self._items_of)
        except BaseException as error:  # noqa: BLE001  # it is raised by what is returned
            return raised(error)
        if items is None:
            raise StopIteration
        return items


class _ItemsOf(Generic[T]):
    """
    Makes what a view yields of a batch, once.

    Where two threads ask for the same batch, they get the same iterator: of two, each would go its own way through times
    and counts, and only one through the items.
    """

    __slots__ = ("_convert", "_items", "_iteration", "_made")

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        self._iteration = iteration
        self._convert = convert
        self._items: Iterator[Any] | None = None
        self._made: Iterator[T] = iter(())

    def __call__(self, batch: Batch) -> Iterator[T]:
        items = self._iteration.deliver()
        if items is not self._items:
            self._made = self._convert(self._iteration, batch, items, [])
            self._items = items
        return self._made


def raised(error: BaseException) -> Iterator[Any]:
    """An iterator that raises an error.  No generator: another thread in the same chain would get an error of the interpreter."""
    return map(_raise, (error,))


def _raise(error: BaseException) -> Any:
    raise error


class AsyncItems(_Driver, Generic[T]):
    """One iteration, item by item, with ``async for``."""

    __slots__ = ("_items", "_items_of")

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        super().__init__(iteration)
        self._items_of = _ItemsOf(iteration, convert)
        self._items: Iterator[T] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            items = await self._iteration.anext_batch(self._items_of)
            if items is None:
                raise StopAsyncIteration
            self._items = items


class PageIterator(_Driver, Generic[T]):
    """One iteration, page by page, in whichever way it is driven."""

    __slots__ = ("_convert",)

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        super().__init__(iteration)
        self._convert = convert

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> Page[T]:
        page = self._iteration.next_batch(self._page)
        if page is None:
            raise StopIteration
        return page

    async def __anext__(self) -> Page[T]:
        page = await self._iteration.anext_batch(self._page)
        if page is None:
            raise StopAsyncIteration
        return page

    def _page(self, batch: Batch) -> Page[T]:
        undecoded: list[Any] = []
        return Page(
            items=converted(self._iteration, self._convert, batch, undecoded),
            undecoded=undecoded,
            checkpoint=self._iteration.checkpoint,
            request_id=batch.response.request_id,
            total=batch.total,
            issues=batch.issues,
            remarks=batch.remarks,
            clock_ahead_nano=clock_ahead_nano(batch.response),
            tells_time=batch.response.header("date") is not None,
        )
