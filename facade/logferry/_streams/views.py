"""Streams: iterable with ``for`` and ``async for``, as typed entries, records, raw items or pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import chain, count, filterfalse, islice, repeat
from operator import is_
from typing import Any, Generic, Self, TypeAlias, TypeVar

from attrs import evolve, frozen

from logferry._config.arguments import LONGEST, SHORTEST
from logferry._errors import CheckpointError, InvalidRequestError, ShortTraceback
from logferry._flow.steps import Batch
from logferry._http.retry import clock_ahead_nano
from logferry._records.origin import Origin
from logferry._records.record import LogRecord, numbered
from logferry._streams.checkpoint import read_checkpoint
from logferry._streams.definition import StreamDefinition
from logferry._streams.iteration import Iteration, Plan, Stats, used_at_once

E = TypeVar("E")
T = TypeVar("T")

Convert: TypeAlias = Callable[[Iteration, Batch, Iterator[Any], "list[Any]"], Iterator[T]]
"""From the items of a batch to what a view yields; appends what cannot be yielded to the list."""


@frozen(kw_only=True, eq=False, repr=False)
class Page(Generic[T]):
    """
    One page of a stream.

    Attributes:
        items: In server order, within the window, each once.
        undecoded: Items, as received, that could not become an entry.
        checkpoint: Resumes after this page; JSON text.
        request_id: What the service calls the request, or ``None``.
        total: How many items the service counts for the question, or ``None`` where it does not say.
        issues: What may be missing, where the service makes it impossible to be sure.  `sync` does not call the window complete
            then.
        remarks: What is odd about the page otherwise; nothing is missing because of it.
        clock_ahead_nano: How far the local clock is ahead of the service's, in nanoseconds, as its ``Date`` header says; 0
            where it is not, or where the service does not say.
        tells_time: Whether the service says what time it is.
    """

    items: list[T]
    undecoded: list[Any]
    checkpoint: str
    request_id: str | None
    total: int | None
    issues: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    clock_ahead_nano: int = 0
    tells_time: bool = True

    def __repr__(self) -> str:
        facts = {f"{len(self.undecoded)} undecoded": self.undecoded, f"{len(self.issues)} issues": self.issues}
        counts = ", ".join([f"{len(self.items)} items", *(fact for fact, known in facts.items() if known)])
        try:
            place = read_checkpoint(self.checkpoint)
        except CheckpointError:  # made by hand
            return f"<Page {counts}>"
        return f"<Page {place.stream} {counts}, window {place.window}>"


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
        from logferry._streams.follow import Polling, followed  # noqa: PLC0415  # most programs follow nothing

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
            observed_time_unix_nano=batch.response.received_unix_nano,
            normalizer=normalizer,
            tenant=runtime.tenant,
            filters=iteration.plan.filters,
        )
        begin = iteration.delivered
        times = (normalizer.times(batch.items) if batch.times is None else batch.times)[begin:].read()
        ordinals = batch.ordinals()
        counts = map(ordinals.get, count(begin), repeat(0)) if ordinals else repeat(0)

        def record(item: Any, time: int | None, ordinal: int) -> LogRecord:
            if iteration.converting:
                raise _second(iteration)
            iteration.converting = True
            try:
                if fits(item):
                    made = make(item, origin, time)
                    if time is None and made.issues:
                        with ShortTraceback():
                            iteration.report(made.issues, item, delivered=True)
                    return numbered(made, ordinal) if ordinal else made
                repaired = repair(item)
                with ShortTraceback():
                    iteration.report(repaired.issues, item, delivered=True)
                return make(repaired.value, origin, time).as_received(item, repaired.issues, ordinal)
            except BaseException as error:
                iteration.take_back(error, delivered=iteration.delivered - 1)
                raise
            finally:
                iteration.converting = False

        return map(record, items, times, counts)  # the last times may be those of items that are not wanted

    return convert


def _entries(definition: StreamDefinition[E, Any, Any]) -> Convert[E]:
    fits, repair, entry = definition.fits, definition.repair, definition.entry

    def convert(iteration: Iteration, _batch: Batch, items: Iterator[Any], undecoded: list[Any]) -> Iterator[E]:
        def decoded(item: Any) -> Any:
            if iteration.converting:
                raise _second(iteration)
            iteration.converting = True
            try:
                if fits(item):
                    return entry(item)
                repaired = repair(item)
                with ShortTraceback():
                    iteration.report(repaired.issues, item, delivered=repaired.complete)
                if repaired.complete:
                    return entry(repaired.value)
                undecoded.append(item)
            except BaseException as error:
                iteration.take_back(error, delivered=iteration.delivered - 1)
                raise
            finally:
                iteration.converting = False
            return None

        return filterfalse(partial(is_, None), map(decoded, items))

    return convert


def _second(iteration: Iteration) -> InvalidRequestError:
    """
    What another thread gets while the first one converts an item: the one that it took is the next one again.

    A generator would refuse it, too, but in words of the interpreter.
    """
    iteration.rewind(iteration.delivered - 1)
    return used_at_once(iteration.plan.stream)


class _Batches(Generic[T]):
    """
    What a view yields, batch by batch, for a chain.

    A chain ends for good once its source has raised, though its iterator is to go on after an error.  So a failure to get
    the next batch is handed over as one more batch, which raises it.
    """

    __slots__ = ("_items_of", "_iteration")

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        self._iteration = iteration
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

    def __del__(self) -> None:
        # Who leaves a loop early drops its iterator, while the stream keeps what it has done.
        self._iteration.stop()


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
    """
    An iterator that raises an error.

    No generator: another thread that takes from the same chain meanwhile would get an error of the interpreter's.
    """
    return map(_raise, (error,))


def _raise(error: BaseException) -> Any:
    raise error


class _AsyncItems(Generic[T]):
    """One iteration, item by item, with ``async for``."""

    __slots__ = ("_items", "_items_of", "_iteration")

    def __init__(self, iteration: Iteration, convert: Convert[T]) -> None:
        self._iteration = iteration
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
        page = self._iteration.next_batch(self._page)
        if page is None:
            raise StopIteration
        return page

    async def __anext__(self) -> Page[T]:
        page = await self._iteration.anext_batch(self._page)
        if page is None:
            raise StopAsyncIteration
        return page

    def __del__(self) -> None:
        # Who leaves a loop early drops its iterator, while the stream keeps what it has done.
        self._iteration.stop()

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


def converted(iteration: Iteration, convert: Convert[T], batch: Batch, undecoded: list[Any]) -> list[T]:
    """All items of a batch, which count as delivered; none of them where one fails."""
    try:
        return list(convert(iteration, batch, iteration.deliver(), undecoded))
    except BaseException as error:
        iteration.take_back(error, delivered=0)
        raise
