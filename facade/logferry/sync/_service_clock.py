"""What the pages of a reading say about the service's clock, since ours can be ahead of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

if TYPE_CHECKING:
    from logferry._records.record import LogRecord
    from logferry._streams.page import Page
    from logferry.stores._coverage import Coverage


@define
class ServiceClock:
    """
    The service's clock, as far as the pages of a reading show it.

    Times are in nanoseconds since the epoch.

    Attributes:
        begun: When the reading began, by our clock.
    """

    begun: int
    _ahead: int = 0
    _newest: int = 0
    _is_told: bool | None = None

    def note(self, page: Page[LogRecord]) -> None:
        """Take what a page says: in its ``Date`` header, or else by the time of its newest record."""
        self._ahead = max(self._ahead, page.clock_ahead_nano)
        if page.tells_time:
            self._is_told = self._is_told is not False
            return
        self._is_told = False
        times = (record.time_unix_nano for record in page.items)
        self._newest = max((time for time in times if self._newest < time <= self.begun), default=self._newest)

    def over(self, moment: int, coverage: Coverage, *, settling: int) -> int:
        """
        A moment of our clock, or an earlier one that is certainly over by the service's clock.

        Without a ``Date``, that is the time of the newest record, or the end of what is complete, which was settled then.

        Args:
            moment: The moment.
            coverage: What the store has.
            settling: How late records may come, in nanoseconds.
        """
        if not self._is_told:
            complete = max((one.until for one in coverage.stretches if one.state == "complete"), default=0)
            moment = min(moment, max(self._newest, complete + settling))
        return moment - self._ahead
