"""Gathers the batches that slices read, and commits them to a store with their coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel
import pyarrow as pa

from logferry._time.timestamps import SECOND
from logferry.stores._coverage import Coverage, Stretch
from logferry.stores._schema import SCHEMA
from logferry.sync._threads import in_thread

if TYPE_CHECKING:
    from logferry.stores._store import Question, Store

_MOST_BYTES: Final = 8 * 2**20
"""A commit is due at this size; it exceeds it by a page at most.  A store needs some times as much memory meanwhile."""


class Commits:
    """
    Gathers what concurrent slices read, for a store that takes one commit at a time.

    While a commit runs, slices continue until the next commit is due.  Memory is bounded by two commits and one page of
    each slice.

    Args:
        store: Takes the commits, each in a thread.
        coverage: The coverage of the store.
        now: Returns the time, in nanoseconds since the epoch.
        every: A batch waits at most this long while further batches arrive, in seconds.
    """

    def __init__(
        self, store: Store, coverage: Mapping[Question, Coverage], now: Callable[[], int], *, every: float
    ) -> None:
        self._store = store
        self._now = now
        self._every = round(every * SECOND)
        self._coverage = dict(coverage)
        self._lock = anyio.Lock()
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0
        self._changed: set[Question] = set()
        self._oldest = 0
        self._failure: Exception | None = None

    def coverage(self, question: Question) -> Coverage:
        """The coverage of a query once everything that was added is committed."""
        return self._coverage.get(question, Coverage())

    async def add(self, question: Question, stretches: Iterable[Stretch], batch: pa.RecordBatch | None = None) -> None:
        """
        Add a batch and the stretches of its query; commit if a commit is due.

        Raises:
            StoreError: A commit failed; nothing that was added after the last successful commit is in the store.
        """
        self._refuse_after_failure()
        coverage = self.coverage(question)
        for stretch in stretches:
            coverage = coverage.having(stretch)
        self._coverage[question] = coverage
        self._changed.add(question)
        if batch is not None and batch.num_rows:
            self._batches.append(batch)
            self._bytes += batch.nbytes
        self._oldest = self._oldest or self._now()
        if self._is_due:
            async with self._lock:
                self._refuse_after_failure()
                if self._is_due:  # another slice may have committed meanwhile
                    await self._commit()
        await anyio.lowlevel.checkpoint()  # a cancelled task ends here, after its batch is added

    @property
    def _is_due(self) -> bool:
        waiting = bool(self._oldest) and self._now() - self._oldest >= self._every
        return waiting or self._bytes >= _MOST_BYTES

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def flush(self) -> None:
        """
        Commit everything that was added; do nothing after a failed commit.

        Its batches are lost, but the gathered coverage includes them.

        Raises:
            StoreError: The commit failed.
        """
        async with self._lock:
            if self._changed and self._failure is None:
                await self._commit()

    async def _commit(self) -> None:
        batches, self._batches, self._bytes, self._oldest = self._batches, [], 0, 0
        changed, self._changed = self._changed, set()
        coverage = {question: self._coverage[question] for question in sorted(changed)}
        try:
            await in_thread(partial(self._store.commit, _distinct(batches), coverage))
        except Exception as error:
            # From here the coverage claims more than the store has.
            self._failure = error
            raise


def _distinct(batches: list[pa.RecordBatch]) -> pa.Table:
    """The rows of the batches, the last one of each ``uid``."""
    table = pa.Table.from_batches(batches, SCHEMA)
    uids = table.column("uid").to_pylist()
    latest = {uid: place for place, uid in enumerate(uids)}
    return table if len(latest) == len(uids) else table.take(pa.array(latest.values(), pa.int64()))
