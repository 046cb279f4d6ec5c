"""The records that a service has removed, and those that it will remove soon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from logferry._time.timestamps import SECOND, rfc3339
from logferry.stores._coverage import Stretch
from logferry.sync._plan import SLIVER

if TYPE_CHECKING:
    from logferry.stores._coverage import Coverage
    from logferry.sync._plan import Piece


@frozen
class Retention:
    """
    How long a service keeps records.

    Attributes:
        length: In nanoseconds; ``None`` if it keeps them for good, or if unknown.
    """

    length: int | None

    def since(self, now: int) -> int | None:
        """The start of the retention; ``None`` if unknown."""
        return None if self.length is None else now - self.length

    def gone(self, before: Coverage, piece: Piece, oldest: int, *, begun: int, now: int) -> Iterator[Stretch]:
        """
        The stretches of a piece that were never read, and that the service has removed.

        There are none if the service returned a record from before its retention.  They are lost, except for those that
        were removed before the walk of the store's first piece began: these are expired.  There, a minute or less is
        neither: a store that begins where the retention begins has missed nothing.

        Args:
            before: The coverage before the piece was read.
            piece: The piece that was read.
            oldest: The earliest time of its records.
            begun: When the walk of the piece began, perhaps in an earlier sync.
            now: The time of the plan.
        """
        since, began = self.since(now), self.since(begun)
        if since is None or began is None or oldest < since:
            return
        is_first = before.begin is None or before.begin >= piece.since
        for first, last in before.missing(piece.since, min(piece.until, since)):
            border = first
            if is_first:
                border = last if last - began <= SLIVER else max(first, began)
            if border - first > SLIVER:
                yield Stretch(since=first, until=border, state="expired")
            if border < last:
                yield Stretch(since=border, until=last, state="lost")

    def warnings(self, coverage: Coverage, now: int) -> list[str]:
        """The warning for a store whose end is older than half the retention."""
        until = coverage.complete_until
        if self.length is None or until is None or now - until <= self.length // 2:
            return []
        hours = self.length / SECOND / 3600
        return [
            f"the store ends at {rfc3339(until)}, and the service keeps records for {hours:g} h only: sync more often"
        ]
