"""What a caller wants of a sync."""

from __future__ import annotations

from attrs import frozen

from logferry.sync._report import Told


@frozen(kw_only=True)
class Order:
    """
    What a caller wants of a sync.

    Attributes:
        since: How far back to go, in nanoseconds since the epoch; ``None`` for where the store begins.
        first: Where to begin a stream of which the store has nothing, unless `since` says.
        until: Up to where; ``None`` for now.
        raw: Keep the items as received, too.
        config: The configuration file, where one was named.
        commit_every: How long what has been read waits to be committed at most, in seconds.
        told: Is told how it gets on.
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
        From when on and up to when records of a stream are wanted.

        Args:
            begin: Where the store begins; ``None`` where it has nothing of the stream.
            now: The time now.
        """
        if self.since is None:
            since = self.first if begin is None else begin
        else:
            since = self.since if begin is None else min(self.since, begin)
        return since, now if self.until is None else min(self.until, now)
