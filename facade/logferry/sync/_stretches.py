"""The stretches that reading a piece to its end adds to the coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from logferry.stores._coverage import Stretch

if TYPE_CHECKING:
    from logferry.stores._coverage import Coverage
    from logferry.sync._plan import Piece


def read_stretches(piece: Piece, begun: int, changing: Sequence[int], *, settling: int) -> Iterator[Stretch]:
    """
    The stretches of a piece of which nothing is missing.

    Args:
        piece: The piece.
        begun: When its walk began, by the service's clock if that is behind the local one: records after it are not yet
            written.
        changing: Times of records that may still change.
        settling: How late records may arrive, in nanoseconds.
    """
    settled = min(max(begun - settling, piece.since), piece.until)
    yield Stretch(since=piece.since, until=settled, state="complete")
    yield Stretch(since=settled, until=piece.until, state="provisional")
    for time in changing:
        if piece.since <= time < piece.until:
            yield Stretch(since=time, until=time + 1, state="provisional")


def doubtful_stretches(piece: Piece, before: Coverage) -> Iterator[Stretch]:
    """
    The stretches of a piece in which something may be missing: gaps, except where it was complete before.

    Args:
        piece: The piece.
        before: The coverage before the piece was read.
    """
    for since, until in before.unsettled(piece.since, piece.until):
        yield Stretch(since=since, until=until, state="gap")
