"""The protocol of a store: it takes records and their coverage, both or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias

from attrs import frozen

from logferry._errors import StoreError
from logferry._json import dumps
from logferry.stores._coverage import Coverage

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa


@frozen(order=True)
class Question:
    """
    What a coverage is about: one stream of one account, with these filters.

    Attributes:
        account: The account's name.
        stream: The stream's name, such as ``"logto.audit_logs"``.
        filters: The filters as JSON text with sorted keys; ``"{}"`` for none.
    """

    account: str
    stream: str
    filters: str = "{}"

    @classmethod
    def of(cls, account: str, stream: str, filters: Mapping[str, str]) -> Self:
        """The query with these filters, by their names in Python."""
        return cls(account, stream, dumps(dict(filters), sorted_keys=True).decode())


class Store(Protocol):
    """
    Keeps records and their coverage; both change in one step.

    One thread at a time uses it, not always the same thread.  `logferry.testing.stores` has a test suite for a store of
    your own.  A store raises `StoreError` when it cannot work; any other exception ends a `sync` too, but is reported
    as a bug.
    """

    def __enter__(self) -> Self:
        """Open it for this process alone."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> bool | None:
        """Close it; committed data stays."""
        ...

    def coverage(self) -> Mapping[Question, Coverage]:
        """The coverage by query."""
        ...

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """
        Write records and coverage, so that a kill at any instant neither loses nor duplicates records.

        Best is one transaction.  Without transactions, write the records first: records without their coverage are read
        again, and replaced.

        Args:
            records: Rows of `logferry.stores.SCHEMA`, each ``uid`` once; a row whose ``uid`` the store has is replaced.
            coverage: Replaces the coverage of these queries.
        """
        ...


Mode: TypeAlias = Literal["make", "change", "read"]
"""
What a store is opened for.

``make``: create a missing store.  ``change``: refuse what is not a store of logferry.  ``read``: the same, and change
nothing, so that other processes can read it meanwhile.
"""


def no_store(place: object) -> StoreError:
    """The error for a path that is not a store."""
    return StoreError(f"{place} is not a store of logferry", hint="Is the path right? logferry sync makes one")


class Described(Store, Protocol):
    """A store that can describe its contents, for `logferry state show`."""

    def counts(self) -> Mapping[tuple[str, str], int]:
        """The number of records, by names of account and stream."""
        ...

    def size(self) -> int | None:
        """The size on disk, in bytes; ``None`` if unknown."""
        ...
