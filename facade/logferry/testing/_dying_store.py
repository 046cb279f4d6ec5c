"""Doubles for trials of syncs: a store that fails like a killed process, and a client with small pages."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import pyarrow as pa
from anyio import from_thread

from logferry._client import Client
from logferry._errors import StoreError
from logferry._streams.views import Stream
from logferry.stores import Coverage, Question

__all__ = ["DyingStore", "SmallPages"]


class DyingStore:
    """
    A store in memory.

    Attributes:
        items: The received items as JSON text, by account, stream and `uid`.
        left: Number of commits that it still accepts; `None` for no limit.
        told: Called after each commit, on the event loop.
    """

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.left: int | None = None
        self.told: Callable[[], None] = lambda: None
        self._coverage: dict[Question, Coverage] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def coverage(self) -> Mapping[Question, Coverage]:
        """Its coverage."""
        return dict(self._coverage)

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Take records and coverage; raise if no commits are left."""
        if self.left == 0:
            raise StoreError("made up: killed")
        self.left = None if self.left is None else self.left - 1
        columns = [records.column(name).to_pylist() for name in ("uid", "raw")]
        self.items.update(zip(*columns, strict=True))
        self._coverage.update(coverage)
        from_thread.run_sync(self.told)


class SmallPages:
    """A client whose pages are small, so that a short history has many pages."""

    def __init__(self, client: Client, page_size: int) -> None:
        self._client = client
        self._page_size = page_size
        self.account = client.account
        self.streams = client.streams

    def with_options(self, **changes: Any) -> "SmallPages":
        """A view with other options."""
        return SmallPages(self._client.with_options(**changes), self._page_size)

    def stream(self, name: str, **options: Any) -> Stream[Any]:
        """Open a stream."""
        return self._client.stream(name, **options, page_size=self._page_size)
