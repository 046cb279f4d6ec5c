"""What a service does not keep any more, and what it will not for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from logferry._time.timestamps import SECOND, rfc3339

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

    def lost(self, before: Coverage, piece: Piece, oldest: int, now: int) -> list[tuple[int, int]]:
        """
        What of a piece was never read, and is not kept any more: nothing came of the time before the retention.

        Args:
            before: What the store had before the piece was read.
            piece: What was read.
            oldest: The earliest time of the records that came.
            now: When reading was planned.
        """
        since = self.since(now)
        if since is None or oldest < since:
            return []
        return before.missing(piece.since, min(piece.until, since))

    def warnings(self, coverage: Coverage, now: int) -> list[str]:
        """What to tell of a store whose end is older than half the retention."""
        until = coverage.complete_until
        if self.length is None or until is None or now - until <= self.length // 2:
            return []
        hours = self.length / SECOND / 3600
        return [
            f"the store ends at {rfc3339(until)}, and the service keeps records for {hours:g} h only: sync more often"
        ]
