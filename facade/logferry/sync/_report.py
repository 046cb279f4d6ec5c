"""What a sync has done, and what is wrong, by stream of each account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from attrs import define, field, frozen

from logferry._errors import LogferryError
from logferry._redaction import short


@define(kw_only=True)
class StreamReport:
    """
    How one stream of one account got on.

    Attributes:
        account: The account's name.
        stream: The stream's name.
        records: How many records have been read; those that the store had already, too.
        slices: How many slices have been read to their end.
        planned: How many slices are to be read, as far as is known.
        sessions: How many sessions have been read to their end, of a stream that is read session by session.
        span: How much time the slices cover that are to be read, in nanoseconds.
        covered: How much of it has been read to its end.
        issues: In how many items something did not decode.
        doubts: What may be missing, where the service makes it impossible to be sure.
        lost: Stretches of time, in nanoseconds since the epoch, of which the service keeps nothing any more, though the
            store had what came before.
        warnings: What should be looked after, such as a store that falls behind the service's retention.
        failure: What ended the reading of the stream; ``None`` where nothing did.
        done: Whether its reading has ended, so that no further slices are found.
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
    How a sync got on.

    Attributes:
        streams: A report of each stream of each account.
    """

    streams: Sequence[StreamReport]

    @property
    def records(self) -> int:
        """How many records have been read."""
        return sum(one.records for one in self.streams)

    @property
    def failures(self) -> list[LogferryError]:
        """What ended the reading of streams; the others have been read to their end."""
        return [one.failure for one in self.streams if one.failure is not None]

    def __iter__(self) -> Iterator[StreamReport]:
        return iter(self.streams)

    def __repr__(self) -> str:
        return f"<SyncReport {len(self.streams)} streams, {self.records} records, {len(self.failures)} failed>"

    def raise_failures(self) -> None:
        """
        Nothing, if every stream was read to its end.

        Raises:
            ExceptionGroup: Some were not.
        """
        if self.failures:
            raise ExceptionGroup(f"{len(self.failures)} of the accounts' streams failed", self.failures)


Told: TypeAlias = Callable[[StreamReport], None]
"""Is told whenever something has changed in a report."""
