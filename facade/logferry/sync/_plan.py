"""Plans what to read: from the coverage of a store to pieces, each a window or an interrupted walk to continue."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from attrs import frozen

from logferry._time.timestamps import SECOND
from logferry.stores._coverage import Coverage

_DAY: Final = 86_400 * SECOND
_MOST_DAYS: Final = 400
"""At most this many days are windows of their own; the time before them is one window."""

_NEAR: Final = 3600 * SECOND
"""Gaps nearer than this are read as one: a request costs more than a few records that the store has already."""

SLIVER: Final = 60 * SECOND
"""Anything shorter does not get a window of its own."""


@frozen(kw_only=True)
class Piece:
    """
    A stretch of time to be read.

    Attributes:
        since: First nanosecond within, since the epoch.
        until: First nanosecond after it.
        checkpoint: Where an interrupted walk continues; ``None`` for the start.
        begun: When that walk began, in nanoseconds since the epoch; 0 for a new one.
    """

    since: int
    until: int
    checkpoint: str | None = None
    begun: int = 0


def plan(coverage: Coverage, *, since: int, until: int, windowed: bool, kept_since: int | None = None) -> list[Piece]:
    """
    The pieces to read so that a store covers an interval, oldest first.

    Args:
        coverage: The coverage of the store.
        since: Start of the interval, in nanoseconds since the epoch.
        until: End of the interval.
        windowed: Whether the service reads only the records of a window: then windows are cut at UTC midnight.
            Otherwise a gap is one walk from the newest record, and gaps without an interrupted walk between them are
            one walk.
        kept_since: Start of the service's retention; windows are cut there.  ``None`` if unknown.
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
    """Gaps, joined if they are nearer to each other than this (``None``: always), but not across a barrier."""
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
    # From the epoch on: the first record is unknown, and most requests for single days would return nothing.
    first_day = max(begin // _DAY + 1, end // _DAY - _MOST_DAYS) if begin else end // _DAY
    edges = {begin, end, *(day * _DAY for day in range(first_day, -(-end // _DAY)))}
    if kept_since is not None and begin + SLIVER < kept_since < end:
        # The service has removed everything before its retention, so that time is one window.
        edges = {edge for edge in edges if edge in (begin, end) or edge > kept_since} | {kept_since}
    elif kept_since is not None and end <= kept_since:
        edges = {begin, end}
    return sorted(edges)
