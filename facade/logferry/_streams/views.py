"""Streams: iterable with ``for`` and ``async for``, as typed entries, records, raw items or pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from attrs import define, evolve, frozen

from logferry._config.arguments import LONGEST, SHORTEST
from logferry._errors import CheckpointError, InvalidRequestError
from logferry._flow.steps import Batch
from logferry._http.retry import clock_ahead_nano
from logferry._records.record import LogRecord
from logferry._streams.checkpoint import read_checkpoint
from logferry._streams.convert import Convert, ItemsOf, converted, entries, raw, records
from logferry._streams.iteration import Iteration
from logferry._streams.iterators import AsyncItems, Batches, items
from logferry._streams.plan import Plan, Stats

E = TypeVar("E")
T = TypeVar("T")


@frozen(kw_only=True, eq=False, repr=False)
class Page(Generic[T]):
    """
    One page of a stream.

    Attributes:
        items: In server order, within the window, each once.
        undecoded: Items, as received, that could not become an entry.
        checkpoint: Resumes after this page; JSON text.
        request_id: What the service calls the request, or ``None``.
        total: How many items the service counts for the query, or ``None`` where it does not say.
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
            checkpoint = read_checkpoint(self.checkpoint)
        except CheckpointError:  # made by hand
            return f"<Page {counts}>"
        return f"<Page {checkpoint.stream} {counts}, window {checkpoint.window}>"


def page_of(convert: Convert[T], iteration: Iteration[Any], batch: Batch) -> Page[T]:
    """Make a page of a batch, which is delivered by that."""
    undecoded: list[Any] = []
    return Page(
        items=converted(convert, undecoded, iteration, batch),
        undecoded=undecoded,
        checkpoint=iteration.checkpoint,
        request_id=batch.response.request_id,
        total=batch.total,
        issues=batch.issues,
        remarks=batch.remarks,
        clock_ahead_nano=clock_ahead_nano(batch.response),
        tells_time=batch.response.header("date") is not None,
    )


@define
class Iterations:
    """The iterations of a stream and of its views; *latest* is ``None`` before any."""

    plan: Plan
    latest: Iteration[Any] | None = None

    def begin(self, make: Callable[[Iteration[Any], Batch], T]) -> Iteration[T]:
        """An iteration that begins now; CheckpointError for a checkpoint of the other kind, see ``Plan.require_kind``."""
        self.plan.require_kind()
        latest = self.latest = Iteration(self.plan, make)
        return latest


class View(Generic[T]):
    """
    A stream seen as one kind of thing.  Iterate it with ``for`` or with ``async for``, any number of times.

    Each iteration asks the service anew, from the start or from the checkpoint given as ``resume``.  After an error the
    same iterator goes on where it was.
    """

    def __init__(self, iterations: Iterations, convert: Convert[T]) -> None:
        self._iterations = iterations
        self._convert = convert

    def __iter__(self) -> Iterator[T]:
        return items(self._iterations.begin(ItemsOf(self._convert)))

    def __aiter__(self) -> AsyncIterator[T]:
        return AsyncItems(self._iterations.begin(ItemsOf(self._convert)))

    def pages(self) -> Pages[T]:
        """The same, page by page."""
        return Pages(self._iterations, self._convert)

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
        from logferry._streams.follow import Follow  # noqa: PLC0415  # most programs follow nothing
        from logferry._streams.pace import Polling  # noqa: PLC0415

        plan = self._iterations.plan
        if plan.until is not None or plan.kind != "pull":
            raise InvalidRequestError(
                f"{plan.stream} {'is followed already' if plan.kind != 'pull' else 'cannot be followed until a moment'}",
                hint="Leave until out" if plan.until is not None else "Iterate it as it is",
            )
        pace = Polling(shortest=shortest, longest=longest)
        walk = Follow(walk=plan.reader.walk, forward=plan.reader.forward, definition=plan.definition, pace=pace)
        following = evolve(plan, reader=evolve(plan.reader, walk=walk, resolution=None), kind="follow")
        following.require_kind()
        return View(Iterations(following), self._convert)

    def onward(self) -> View[T]:
        """
        What has come since `resume`, or without it since `since`, up to now: the same forward from a cursor, as `sync` reads it.

        It is for streams whose service says what came after a cursor.  Its checkpoints are where the next one goes on.

        Raises:
            InvalidRequestError: The service of the stream does not say it.
            CheckpointError: The checkpoint is not one of such a view.
        """
        from logferry._streams.onward import Onward  # noqa: PLC0415  # most programs read nothing so

        plan = self._iterations.plan
        if plan.reader.forward is None or plan.kind != "pull":
            raise InvalidRequestError(f"{plan.stream} cannot be read forward from a cursor")
        reader = evolve(plan.reader, walk=Onward(plan.reader.forward), resolution=None)
        onward = evolve(plan, reader=reader, kind="onward")
        onward.require_kind()
        return View(Iterations(onward), self._convert)

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

    def begin(self) -> Iteration[list[T]]:
        """An iteration that begins now and gives lists of items, for a caller that drives several at once and stops each."""
        return self._iterations.begin(lambda iteration, batch: converted(self._convert, [], iteration, batch))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._iterations.plan}>"

    @property
    def stats(self) -> Stats:
        """What the latest iteration has done so far."""
        latest = self._iterations.latest
        return Stats() if latest is None else latest.stats

    @property
    def checkpoint(self) -> str:
        """
        Resumes after the last item that the latest iteration has delivered; JSON text.

        Before any iteration, it is where one would begin.
        """
        latest = self._iterations.latest
        return self._iterations.plan.beginning().to_text() if latest is None else latest.checkpoint


class Pages(Generic[T]):
    """The pages of a stream.  Iterate it with ``for`` or with ``async for``, any number of times."""

    def __init__(self, iterations: Iterations, convert: Convert[T]) -> None:
        self._iterations = iterations
        self._convert = convert

    def __iter__(self) -> Iterator[Page[T]]:
        return self._batches()

    def __aiter__(self) -> AsyncIterator[Page[T]]:
        return self._batches()

    def _batches(self) -> Batches[Page[T]]:
        return Batches(self._iterations.begin(partial(page_of, self._convert)))

    def __repr__(self) -> str:
        return f"<Pages {self._iterations.plan}>"


class Stream(View[E]):
    """
    The entries of one log endpoint, as typed models.

    Iterating yields entries only: an item that cannot become one is in ``page.undecoded``, goes to the ``on_issue``
    hook, and is counted in ``stats``.  ``records()`` and ``raw()`` leave nothing out.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(Iterations(plan), entries(plan.definition))

    def records(self) -> View[LogRecord]:
        """The same, normalized to the OpenTelemetry log data model; one record for every item."""
        return View(self._iterations, records(self._iterations.plan.definition))

    def raw(self) -> View[Any]:
        """The same as decoded JSON values, as received and unchecked."""
        return View(self._iterations, raw)
