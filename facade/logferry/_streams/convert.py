"""From the items of a batch to what a view yields: entries, records, or the items as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, filterfalse, repeat
from operator import is_
from typing import Any, Generic, TypeAlias, TypeVar

from logferry._errors import InvalidRequestError, ShortTraceback
from logferry._flow.steps import Batch
from logferry._records.origin import Origin
from logferry._records.record import LogRecord, numbered
from logferry._streams.definition import StreamDefinition
from logferry._streams.iteration import Iteration, used_at_once

E = TypeVar("E")
T = TypeVar("T")

Convert: TypeAlias = Callable[[Iteration[Any], Batch, Iterator[Any], "list[Any]"], Iterator[T]]
"""From the items of a batch to what a view yields; appends what cannot be yielded to the list."""


def raw(_iteration: Iteration[Any], _batch: Batch, items: Iterator[Any], _undecoded: list[Any]) -> Iterator[Any]:
    """The items as they are."""
    return items


def records(definition: StreamDefinition[Any, Any, Any]) -> Convert[LogRecord]:
    """Makes records: one of every item."""
    fits, repair, normalizer = definition.fits, definition.repair, definition.normalizer
    make = normalizer.make

    def convert(
        iteration: Iteration[Any], batch: Batch, items: Iterator[Any], _undecoded: list[Any]
    ) -> Iterator[LogRecord]:
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
                    if time is not None:
                        made = make(item, origin, time)
                        return numbered(made, ordinal) if ordinal else made
                    made = normalizer.without_time(item, origin, ordinal)
                    with ShortTraceback():
                        iteration.report(made.issues, item, delivered=True)
                    return made
                repaired = repair(item)
                with ShortTraceback():
                    iteration.report(repaired.issues, item, delivered=True)
                return make(repaired.value, origin, time or 0).as_received(item, repaired.issues, ordinal)
            except BaseException as error:
                iteration.take_back(error, delivered=iteration.delivered - 1)
                raise
            finally:
                iteration.converting = False

        return map(record, items, times, counts)  # the last times may be those of items that are not wanted

    return convert


def entries(definition: StreamDefinition[E, Any, Any]) -> Convert[E]:
    """Makes typed models of the items that can become one."""
    fits, repair, entry = definition.fits, definition.repair, definition.entry

    def convert(iteration: Iteration[Any], _batch: Batch, items: Iterator[Any], undecoded: list[Any]) -> Iterator[E]:
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


def _second(iteration: Iteration[Any]) -> InvalidRequestError:
    """Refuse a second thread that takes an item while the first one converts it, and make that item the next one again."""
    iteration.rewind(iteration.delivered - 1)
    return used_at_once(iteration.plan.stream)


def converted(convert: Convert[T], undecoded: list[Any], iteration: Iteration[Any], batch: Batch) -> list[T]:
    """All items of a batch, which count as delivered; none of them where one fails."""
    try:
        return list(convert(iteration, batch, iteration.deliver(), undecoded))
    except BaseException as error:
        iteration.take_back(error, delivered=0)
        raise


class ItemsOf(Generic[T]):
    """
    Makes what a view yields of a batch, once.

    Where two threads request the same batch, they get the same iterator: of two, each would go its own way through times
    and counts, and only one through the items.
    """

    __slots__ = ("_convert", "_items", "_made")

    def __init__(self, convert: Convert[T]) -> None:
        self._convert = convert
        self._items: Iterator[Any] | None = None
        self._made: Iterator[T] = iter(())

    def __call__(self, iteration: Iteration[Any], batch: Batch) -> Iterator[T]:
        items = iteration.deliver()
        if items is not self._items:
            self._made = self._convert(iteration, batch, items, [])
            self._items = items
        return self._made
