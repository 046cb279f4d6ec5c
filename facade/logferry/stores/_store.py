"""What a store is: it takes records and the windows that it then has, both or neither."""

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
    What a stretch of time is complete of: one stream of one account, asked with these filters.

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
        """The question that these filters make, by their names in Python."""
        return cls(account, stream, dumps(dict(filters), sorted_keys=True).decode())


class Store(Protocol):
    """
    Keeps records, and which stretches of time it has; both change in one step.

    It is used by one thread at a time, though not always the same.  `logferry.testing.stores` has a suite that tries all of
    it on a store of your own.  Whatever keeps it from working is a `StoreError`
    (other exceptions end a `sync`, too, but are told as bugs).
    """

    def __enter__(self) -> Self:
        """Open it, for this process alone."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> bool | None:
        """Close it; what was committed stays."""
        ...

    def coverage(self) -> Mapping[Question, Coverage]:
        """What it has, by question."""
        ...

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """
        Take records and what the store then has, so that a kill at any instant loses nothing and doubles nothing.

        Best both or neither, in one transaction; where there is none, the records first: whatever has come without its
        coverage comes again, and is replaced.

        Args:
            records: Rows of `logferry.stores.SCHEMA`, each ``uid`` once; one that the store has already is replaced.
            coverage: Replaces what the store has of these questions.
        """
        ...


Mode: TypeAlias = Literal["make", "change", "read"]
"""
What a store is opened for.

``make``: it is made where there is none.  ``change``: what is no store of logferry's is refused.  ``read``: that too, and
nothing is changed, so that it can be looked at while others read it.
"""


def no_store(place: object) -> StoreError:
    """The error that something else is there than a store."""
    return StoreError(f"{place} is no store of logferry's", hint="Is the path right? logferry sync makes one")


class Described(Store, Protocol):
    """A store that can tell what is in it, for `logferry state show`."""

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many records it has, by names of account and stream."""
        ...

    def size(self) -> int | None:
        """How many bytes it takes on disk; ``None`` where it does not know."""
        ...
