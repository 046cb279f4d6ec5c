"""What a service does not keep any more, and what it will not for long."""

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
        length: In nanoseconds; ``None`` where it keeps them for good, or nobody knows.
    """

    length: int | None

    def since(self, now: int) -> int | None:
        """Since when it keeps records; ``None`` where nobody knows."""
        return None if self.length is None else now - self.length

    def gone(self, before: Coverage, piece: Piece, oldest: int, *, begun: int, now: int) -> Iterator[Stretch]:
        """
        What of a piece was never read and is not kept any more: nothing came of the time before the retention.

        It is lost, but for what was gone before reading the store's first piece began: that is expired.  There, a minute
        or less is neither, since a store that begins where the service's memory does has missed nothing by that.

        Args:
            before: What the store had before the piece was read.
            piece: What was read.
            oldest: The earliest time of the records that came.
            begun: When reading the piece began, perhaps by a sync that was interrupted.
            now: When reading was planned.
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
        """What to tell of a store whose end is older than half the retention."""
        until = coverage.complete_until
        if self.length is None or until is None or now - until <= self.length // 2:
            return []
        hours = self.length / SECOND / 3600
        return [
            f"the store ends at {rfc3339(until)}, and the service keeps records for {hours:g} h only: sync more often"
        ]
