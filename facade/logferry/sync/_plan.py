"""From what a store has to what is to be read: a list of pieces, each a window or a walk that goes on."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from attrs import frozen

from logferry._time.timestamps import SECOND
from logferry.stores._coverage import Coverage

_DAY: Final = 86_400 * SECOND
_MOST_DAYS: Final = 400
"""So many days are windows of their own; what lies before is one window."""

_NEAR: Final = 3600 * SECOND
"""Gaps that are nearer to each other are read at once: a request costs more than some records that are known."""

SLIVER: Final = 60 * SECOND
"""What is shorter is no window of its own."""


@frozen(kw_only=True)
class Piece:
    """
    A stretch of time to be read.

    Attributes:
        since: First nanosecond within, since the epoch.
        until: First nanosecond after it.
        checkpoint: Where an interrupted reading goes on; ``None`` for the start.
        begun: When that reading began, in nanoseconds since the epoch; 0 for one that has not begun.
    """

    since: int
    until: int
    checkpoint: str | None = None
    begun: int = 0


def plan(coverage: Coverage, *, since: int, until: int, windowed: bool, kept_since: int | None = None) -> list[Piece]:
    """
    What has to be read so that a store has an interval: oldest first, hence gaps first.

    Args:
        coverage: What the store has.
        since: Beginning of the interval, in nanoseconds since the epoch.
        until: End of the interval.
        windowed: Whether a window costs what is in it: then windows are cut at UTC midnight.  Elsewhere a gap is one
            walk from the newest record, and gaps without an interrupted walk between them are walked at once.
        kept_since: Where the service's retention begins, if it is known; windows are cut there.
    """
    interrupted = [
        Piece(since=one.since, until=one.until, checkpoint=one.checkpoint, begun=one.begun) for one in coverage.partial
    ]
    barriers = [piece.since for piece in interrupted]
    pieces = list(interrupted)
    for begin, end in _joined(coverage.gaps(since, until), barriers, near=_NEAR if windowed else None):
        edges = _edges(begin, end, kept_since) if windowed else [begin, end]
        pieces += [Piece(since=first, until=last) for first, last in pairwise(edges)]
    return sorted(pieces, key=lambda piece: piece.since)


def _joined(gaps: list[tuple[int, int]], barriers: list[int], *, near: int | None) -> list[tuple[int, int]]:
    """Gaps with what lies between them, where they are near, or at any distance; never across a barrier."""
    joined: list[tuple[int, int]] = []
    for begin, end in gaps:
        last = joined[-1] if joined else None
        if (
            last is not None
            and (near is None or begin - last[1] < near)
            and not any(last[1] <= barrier < begin for barrier in barriers)
        ):
            joined[-1] = (last[0], end)
        else:
            joined.append((begin, end))
    return joined


def _edges(begin: int, end: int, kept_since: int | None) -> list[int]:
    # From the epoch on means that nobody knows where the first record is: most of those days would be asked in vain.
    first_day = max(begin // _DAY + 1, end // _DAY - _MOST_DAYS) if begin else end // _DAY
    edges = {begin, end, *(day * _DAY for day in range(first_day, -(-end // _DAY)))}
    if kept_since is not None and begin + SLIVER < kept_since < end:
        # What the service has removed is one window: nothing is there to be cut.
        edges = {edge for edge in edges if edge in (begin, end) or edge > kept_since} | {kept_since}
    elif kept_since is not None and end <= kept_since:
        edges = {begin, end}
    return sorted(edges)
