"""The position at which a reading in partitions resumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from attrs import evolve, frozen

from logferry._flow.steps import Position
from logferry._json import is_object
from logferry._time.window import Window

_TIMELESS: Final = 1000
"""At most this many items without a readable time are remembered."""


@frozen(kw_only=True)
class PartitionPosition:
    """
    The position of a reading in partitions.

    Attributes:
        window: The window that is requested for the partition being delivered.
        position: The position of its walk; ``None`` at the start.
        rest: The window behind it; ``None`` if that partition is the last one.
        span: The earliest and the latest time of its items, in nanoseconds since the epoch; ``None`` for none.
        total: How many items the service counts for the whole query, or ``None``.
        timeless: Digests of items without a readable time that have been delivered: every partition may list them.
    """

    window: Window
    position: Position | None = None
    rest: Window | None = None
    span: tuple[int, int] | None = None
    total: int | None = None
    timeless: tuple[str, ...] = ()

    def to_json(self) -> Position:
        """The position as a JSON value."""
        return {
            "partition": [self.window.since, self.window.until],
            "position": self.position,
            "rest": None if self.rest is None else [self.rest.since, self.rest.until],
            "span": self.span,
            "total": self.total,
            "timeless": list(self.timeless),
        }

    @classmethod
    def from_json(cls, position: Position) -> PartitionPosition:
        """The position that ``to_json`` gave."""
        rest, span = position["rest"], position["span"]
        return cls(
            window=_window(position["partition"]),
            position=position["position"],
            rest=None if rest is None else _window(rest),
            span=None if span is None else (int(span[0]), int(span[1])),
            total=position["total"],
            timeless=tuple(position["timeless"]),
        )

    def within(
        self, position: Callable[[int], Position], timeless: Sequence[tuple[int, str]], delivered: int
    ) -> Position:
        """
        The position within a page, as a JSON value.

        The page has *timeless* items, by their indexes and digests; *position* is the walk's, behind the *delivered* ones.
        """
        known = remembered(self.timeless, [one for one in timeless if one[0] < delivered])
        return evolve(self, position=position(delivered), timeless=known).to_json()


def remembered(known: tuple[str, ...], more: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """Join known and further digests, without the earliest ones if there are too many."""
    return (*known, *(digest for _, digest in more))[-_TIMELESS:] if more else known


def is_partitioned(position: Position | None) -> bool:
    """Whether a position is one of a reading in partitions."""
    return is_object(position) and "partition" in position


def is_outdated(position: Position | None) -> bool:
    """Whether a position is one of an earlier version, whose partitions were different."""
    return is_object(position) and "part" in position


def _window(values: Sequence[Any]) -> Window:
    since, until = values
    return Window(None if since is None else int(since), int(until))
