"""Streams: iterable with ``for`` and ``async for``, as typed entries, records, raw items or pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import chain, count, islice, repeat
from typing import Any, Generic, Self, TypeAlias, TypeVar

from attrs import evolve, field, frozen

from logferry._arguments import LONGEST, SHORTEST
from logferry._definition import StreamDefinition
from logferry._errors import InvalidRequestError
from logferry._iteration import Iteration, Plan, Stats
from logferry._origin import Origin
from logferry._record import LogRecord, numbered
from logferry._retry import clock_ahead_nano
from logferry._steps import Batch

E = TypeVar("E")
T = TypeVar("T")

Convert: TypeAlias = Callable[[Iteration, Batch, Iterator[Any], "list[Any]"], Iterator[T]]
"""From the items of a batch to what a view yields; appends what cannot be yielded to the list."""


@frozen(kw_only=True, eq=False)
class Page(Generic[T]):
    """
    One page of a stream.

    Attributes:
        items: In server order, within the window, each once.
        undecoded: Items, as received, that could not become an entry.
        checkpoint: Resumes after this page; JSON text.
        request_id: What the service calls the request, or ``None``.
        total: How many items the service counts for the question, or ``None`` where it does not say.
        issues: What may be missing, where the service makes it impossible to be sure.
        clock_ahead_nano: How far the local clock is ahead of the service's, in nanoseconds, as its ``Date`` header says; 0
            where it is not, or where the service does not say.
        tells_time: Whether the service says what time it is.
    """

    items: list[T] = field(repr=False)
    undecoded: list[Any] = field(repr=False)
    checkpoint: str
    request_id: str | None
    total: int | None
    issues: tuple[str, ...] = ()
    clock_ahead_nano: int = 0
    tells_time: bool = True


class View(Generic[T]):
    """
    A stream seen as one kind of thing.  Iterate it with ``for`` or with ``async for``, any number of times.

    Each iteration asks the service anew, from the start or from the checkpoint given as ``resume``.  After an error the
    same iterator goes on where it was.
    """

    def __init__(self, plan: Plan, convert: Convert[T]) -> None:
        self._plan = plan
        self._convert = convert

    def __iter__(self) -> Iterator[T]:
        # Chained by the interpreter itself: a ``__next__`` of our own would cost each item more than the JSON decoder.
        return chain.from_iterable(_Batches(self._plan.iteration(), self._convert))

    def __aiter__(self) -> AsyncIterator[T]:
        return _AsyncItems(self._plan.iteration(), self._convert)

    def pages(self) -> Pages[T]:
        """The same, page by page."""
        return Pages(self._plan, self._convert)

    def follow(self, *, shortest: float = SHORTEST, longest: float = LONGEST) -> View[T]:
        """
        What is new from now on, or from `since`, or from `resume` on: the same without an end, each item once.

        The stream is polled again and again.  Each poll reads again what came since shortly before the last one (the
        stream's settling time, mostly ten minutes), so items that come late or out of order come too; they come in the
        order of time within a poll.  Without `since`, what is there already is left out.  An item that changes, such as a
        session that goes on, comes when it is first seen, and once more when it is final and says something else.

        A page is what a poll has brought, and empty where it has brought nothing.  A checkpoint holds 16 characters for
        each item of the overlap, and resumes a follow in another process without loss or doubles.  A client's `deadline`
        ends it in an error after so long; as after any other, the same iterator goes on.

        Args:
            shortest: Seconds between two polls while something comes.
            longest: Seconds between two polls at most: the time doubles while nothing comes.

        Raises:
            InvalidRequestError: The stream has an end, `until`, or is followed already.
            CheckpointError: The checkpoint is not one of a follow.
        """
        from logferry._follow import Polling, followed  # noqa: PLC0415  # most programs follow nothing

        plan = self._plan
        if plan.until is not None or plan.following:
            raise InvalidRequestError(
                f"{plan.stream} {'is followed already' if plan.following else 'cannot be followed until a moment'}",
                hint="Leave until out" if plan.until is not None else "Iterate it as it is",
            )
        pace = Polling(shortest=shortest, longest=longest)
        following = evolve(plan, reader=followed(plan.reader, plan.definition, pace), following=True)
        following.iteration()
        return View(following, self._convert)

    def to_list(self, n: int | None = None) -> list[T]:
        """
        Collect, blocking.

        Args:
            n: How many at most; ``None`` for all.
        """
        return list(islice(self, n))

    async def ato_list(self, n: int | None = None) -> list[T]:
        """
        Collect, blocking only the task.

        Args:
            n: How many at most; ``None`` for all.
        """
        collected: list[T] = []
        if n != 0:
            async for item in self:
                collected.append(item)
                if len(collected) == n:
                    break
        return collected

    def begin(self) -> tuple[Iteration, Convert[T]]:
        """An iteration that begins now, and what makes its items: for whoever drives several at once."""
        return self._plan.iteration(), self._convert

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._plan}>"

    @property
    def stats(self) -> Stats:
        """What the latest iteration has done so far."""
        return self._plan.latest.stats

    @property
    def checkpoint(self) -> str:
        """
        Resumes after the last item that the latest iteration has delivered; JSON text.

        Before any iteration, it is where one would begin.
        """
        return self._plan.latest.checkpoint


class Pages(Generic[T]):
    """The pages of a stream.  Iterate it with ``for`` or with ``async for``, any number of times."""

    def __init__(self, plan: Plan, convert: Convert[T]) -> None:
        self._plan = plan
        self._convert = convert

    def __iter__(self) -> Iterator[Page[T]]:
        return _Pages(self._plan.iteration(), self._convert)

    def __aiter__(self) -> AsyncIterator[Page[T]]:
        return _Pages(self._plan.iteration(), self._convert)

    def __repr__(self) -> str:
        return f"<Pages {self._plan}>"


class Stream(View[E]):
    """
    The entries of one log endpoint, as typed models.

    Iterating yields entries only: an item that cannot become one is in ``page.undecoded``, goes to the ``on_issue``
    hook, and is counted in ``stats``.  ``records()`` and ``raw()`` leave nothing out.
    """

    def __init__(self, definition: StreamDefinition[E, Any, Any], plan: Plan) -> None:
        super().__init__(plan, _entries(definition))
        self._definition = definition

    def records(self) -> View[LogRecord]:
        """The same, normalized to the OpenTelemetry log data model; one record for every item."""
        return View(self._plan, _records(self._definition))

    def raw(self) -> View[Any]:
        """The same as decoded JSON values, as received and unchecked."""
        return View(self._plan, _raw)


def _raw(_iteration: Iteration, _batch: Batch, items: Iterator[Any], _undecoded: list[Any]) -> Iterator[Any]:
    return items


def _records(definition: StreamDefinition[Any, Any, Any]) -> Convert[LogRecord]:
    fits, repair, normalizer = definition.fits, definition.repair, definition.normalizer
    make = normalizer.make

    def convert(iteration: Iteration, batch: Batch, items: Iterator[Any], _undecoded: list[Any]) -> Iterator[LogRecord]:
        runtime = iteration.plan.runtime
        origin = Origin(
            stream=definition.name,
            account=runtime.account,
            server_address=runtime.server_address,
            observed_time_unix_nano=batch.reply.received_unix_nano,
            normalizer=normalizer,
            tenant=runtime.tenant,
            filters=iteration.plan.filters,
        )
        begin = iteration.delivered
        times = (normalizer.times(batch.items) if batch.times is None else batch.times)[begin:].read()
        ordinals = batch.ordinals()
        counts = map(ordinals.get, count(begin), repeat(0)) if ordinals else repeat(0)
        with _taking_back(iteration):
            for item, time, ordinal in zip(items, times, counts, strict=False):  # the last items may not be wanted
                if fits(item):
                    made = make(item, origin, time)
                    if time is None and made.issues:
                        iteration.report(made.issues, item, delivered=True)
                    yield numbered(made, ordinal) if ordinal else made
                else:
                    repaired = repair(item)
                    iteration.report(repaired.issues, item, delivered=True)
                    yield make(repaired.value, origin, time).as_received(item, repaired.issues, ordinal)

    return convert


def _entries(definition: StreamDefinition[E, Any, Any]) -> Convert[E]:
    fits, repair, entry = definition.fits, definition.repair, definition.entry

    def convert(iteration: Iteration, _batch: Batch, items: Iterator[Any], undecoded: list[Any]) -> Iterator[E]:
        with _taking_back(iteration):
            for item in items:
                if fits(item):
                    yield entry(item)
                else:
                    repaired = repair(item)
                    iteration.report(repaired.issues, item, delivered=repaired.complete)
                    if repaired.complete:
                        yield entry(repaired.value)
                    else:
                        undecoded.append(item)

    return convert


@contextmanager
def _taking_back(iteration: Iteration) -> Generator[None]:
    """An item whose turn fails has not been delivered; it is the next one again."""
    try:
        yield
    except GeneratorExit:
        raise
    except BaseException as error:
        iteration.take_back(error, delivered=iteration.delivered - 1)
        raise


class _Batches(Generic[T]):
    """
    What a view yields, batch by batch, for a chain.

    A chain ends for good once its source has raised, though its iterator is to go on after an error.  So a failure to get
    the next batch is handed over as one more batch, which raises it.
    """

    __slots__ = ("_convert", "_iteration")

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        self._iteration = iteration
        self._convert = convert

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Iterator[T]:
        try:
            batch = self._iteration.unfinished() or self._iteration.next_batch()
        except BaseException as error:  # noqa: BLE001  # it is raised by what is returned
            return _raised(error)
        if batch is None:
            raise StopIteration
        return self._convert(self._iteration, batch, self._iteration.deliver(), [])

    def __del__(self) -> None:
        # Who leaves a loop early drops its iterator, while the stream keeps what it has done.
        self._iteration.stop()


def _raised(error: BaseException) -> Iterator[Any]:
    raise error
    yield


class _AsyncItems(Generic[T]):
    """One iteration, item by item, with ``async for``."""

    __slots__ = ("_convert", "_items", "_iteration")

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        self._iteration = iteration
        self._convert = convert
        self._items: Iterator[T] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            batch = self._iteration.unfinished() or await self._iteration.anext_batch()
            if batch is None:
                raise StopAsyncIteration
            self._items = self._convert(self._iteration, batch, self._iteration.deliver(), [])

    def __del__(self) -> None:
        # Who leaves a loop early drops its iterator, while the stream keeps what it has done.
        self._iteration.stop()


class _Pages(Generic[T]):
    """One iteration, page by page, in whichever way it is driven."""

    __slots__ = ("_convert", "_iteration")

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        self._iteration = iteration
        self._convert = convert

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> Page[T]:
        batch = self._iteration.unfinished() or self._iteration.next_batch()
        if batch is None:
            raise StopIteration
        return self._page(batch)

    async def __anext__(self) -> Page[T]:
        batch = self._iteration.unfinished() or await self._iteration.anext_batch()
        if batch is None:
            raise StopAsyncIteration
        return self._page(batch)

    def __del__(self) -> None:
        # Who leaves a loop early drops its iterator, while the stream keeps what it has done.
        self._iteration.stop()

    def _page(self, batch: Batch) -> Page[T]:
        undecoded: list[Any] = []
        try:
            items = list(self._convert(self._iteration, batch, self._iteration.deliver(), undecoded))
        except BaseException as error:
            self._iteration.take_back(error, delivered=0)
            raise
        return Page(
            items=items,
            undecoded=undecoded,
            checkpoint=self._iteration.checkpoint,
            request_id=self._iteration.request_id(batch),
            total=batch.total,
            issues=batch.issues,
            clock_ahead_nano=clock_ahead_nano(batch.reply),
            tells_time=batch.reply.header("date") is not None,
        )
