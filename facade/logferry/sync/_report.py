"""The result of a sync, by account and stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from attrs import define, field, frozen

from logferry._errors import LogferryError
from logferry._redaction import short


@define(kw_only=True)
class StreamReport:
    """
    The result of one stream of one account.

    Attributes:
        account: The account's name.
        stream: The stream's name.
        records: Number of records that were read, including those that the store had already.
        slices: Number of slices that were read to their end.
        planned: Number of slices to read, known so far.
        sessions: Number of sessions that were read to their end, of a stream that is read session by session.
        span: Total time of the slices to read, in nanoseconds.
        covered: Total time of those that were read to their end, in nanoseconds.
        issues: Number of items in which something did not decode.
        doubts: What may be missing, where the service gives no certainty.
        lost: Stretches of time, in nanoseconds since the epoch, whose records the service removed before they were
            read, though the store has earlier ones.
        warnings: What needs attention, such as a store that falls behind the service's retention.
        failure: The error that ended the reading of the stream; ``None`` without one.
        done: Whether the reading has ended, so that no further slices are planned.
    """

    account: str
    stream: str
    records: int = 0
    slices: int = 0
    planned: int = 0
    sessions: int = 0
    span: int = 0
    covered: int = 0
    issues: int = 0
    doubts: list[str] = field(factory=list[str], repr=short)
    lost: list[tuple[int, int]] = field(factory=list[tuple[int, int]], repr=short)
    warnings: list[str] = field(factory=list[str], repr=short)
    failure: LogferryError | None = field(default=None, repr=short)
    done: bool = False


@frozen(repr=False)
class SyncReport:
    """
    The result of a sync.

    Attributes:
        streams: The report of each stream of each account.
    """

    streams: Sequence[StreamReport]

    @property
    def records(self) -> int:
        """Number of records that were read."""
        return sum(one.records for one in self.streams)

    @property
    def failures(self) -> list[LogferryError]:
        """The errors that ended the reading of streams; the other streams were read to their end."""
        return [one.failure for one in self.streams if one.failure is not None]

    def __iter__(self) -> Iterator[StreamReport]:
        return iter(self.streams)

    def __repr__(self) -> str:
        return f"<SyncReport {len(self.streams)} streams, {self.records} records, {len(self.failures)} failed>"

    def raise_failures(self) -> None:
        """
        Raise if any stream was not read to its end.

        Raises:
            ExceptionGroup: The failures.
        """
        if self.failures:
            raise ExceptionGroup(f"{len(self.failures)} of the accounts' streams failed", self.failures)


Told: TypeAlias = Callable[[StreamReport], None]
"""Called with a report after every change of it."""
