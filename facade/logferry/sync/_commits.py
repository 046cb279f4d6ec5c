"""Gathers what slices have read, and commits it to a store with the stretches that are then complete."""

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
"""So much is committed at once at most, give or take a page: a store needs some times as much meanwhile."""


class Commits:
    """
    What stands between slices, which read at the same time, and a store, which takes one commit at a time.

    Slices go on while a commit is under way, until the next one is due: memory is bounded by two commits, and a page of
    each slice.

    Args:
        store: Takes the commits, in a thread of its own.
        coverage: What the store has.
        now: Tells the time, in nanoseconds since the epoch.
        every: How long what has been read waits at most, as long as more comes, in seconds.
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
        """What the store has of a question, and will have once all that was added is committed."""
        return self._coverage.get(question, Coverage())

    async def add(self, question: Question, stretches: Iterable[Stretch], batch: pa.RecordBatch | None = None) -> None:
        """
        Take what a slice has read, and what the store has of its question then; commit if it is time to.

        Raises:
            StoreError: The commit failed; nothing that was added since the last one is in the store.
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
        await anyio.lowlevel.checkpoint()  # who is cancelled stops here, with nothing in hand

    @property
    def _is_due(self) -> bool:
        waiting = bool(self._oldest) and self._now() - self._oldest >= self._every
        return waiting or self._bytes >= _MOST_BYTES

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def flush(self) -> None:
        """
        Commit what has been added; nothing once a commit has failed, as what it held is not in the store.

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
            # From now on the coverage says more than the store has.
            self._failure = error
            raise


def _distinct(batches: list[pa.RecordBatch]) -> pa.Table:
    """The rows of the batches, of those with equal ``uid`` the last one only."""
    table = pa.Table.from_batches(batches, SCHEMA)
    uids = table.column("uid").to_pylist()
    latest = {uid: place for place, uid in enumerate(uids)}
    return table if len(latest) == len(uids) else table.take(pa.array(latest.values(), pa.int64()))
