"""The options of a sync."""

from __future__ import annotations

from attrs import frozen

from logferry.sync._report import Told


@frozen(kw_only=True)
class Order:
    """
    The options of a sync.

    Attributes:
        since: Start of the interval to read, in nanoseconds since the epoch; ``None`` for where the store begins.
        first: Start for a stream of which the store has nothing, unless `since` is given.
        until: End of the interval; ``None`` for now.
        raw: Keep the items as received, too.
        config: The configuration file that the caller named; ``None`` for none.
        commit_every: A batch waits at most this long for its commit, in seconds.
        told: Called with the report after every change.
    """

    since: int | None = None
    first: int = 0
    until: int | None = None
    raw: bool = False
    config: str | None = None
    commit_every: float = 2.0
    told: Told | None = None

    def span(self, begin: int | None, now: int) -> tuple[int, int]:
        """
        The start and end of the records to read.

        Args:
            begin: Where the store begins; ``None`` if it has nothing of the stream.
            now: The current time.
        """
        if self.since is None:
            since = self.first if begin is None else begin
        else:
            since = self.since if begin is None else min(self.since, begin)
        return since, now if self.until is None else min(self.until, now)
