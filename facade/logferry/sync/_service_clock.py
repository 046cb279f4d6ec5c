"""Estimates the service's clock from the pages of a walk, since the local clock can be ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

if TYPE_CHECKING:
    from logferry._records.record import LogRecord
    from logferry._streams.views import Page
    from logferry.stores._coverage import Coverage


@define
class ServiceClock:
    """
    The service's clock, estimated from the pages of a walk.

    Times are in nanoseconds since the epoch.

    Attributes:
        begun: When the walk began, by the local clock.
    """

    begun: int
    _ahead: int = 0
    _newest: int = 0
    _is_told: bool | None = None

    def note(self, page: Page[LogRecord]) -> None:
        """Take the time of a page: its ``Date`` header, or else the time of its newest record."""
        self._ahead = max(self._ahead, page.clock_ahead_nano)
        if page.tells_time:
            self._is_told = self._is_told is not False
            return
        self._is_told = False
        times = (record.time_unix_nano for record in page.items)
        self._newest = max((time for time in times if self._newest < time <= self.begun), default=self._newest)

    def over(self, moment: int, coverage: Coverage, *, settling: int) -> int:
        """
        A moment of the local clock, or an earlier one that has passed by the service's clock.

        Without a ``Date`` header it is at most the time of the newest record, or the settled end of the complete
        stretches.

        Args:
            moment: The moment.
            coverage: The coverage of the store.
            settling: How late records may arrive, in nanoseconds.
        """
        if not self._is_told:
            complete = max((one.until for one in coverage.stretches if one.state == "complete"), default=0)
            moment = min(moment, max(self._newest, complete + settling))
        return moment - self._ahead
