"""How often a stream that is followed is polled."""

from __future__ import annotations

from attrs import frozen

from logferry._config.arguments import LONGEST, SHORTEST
from logferry._errors import InvalidRequestError
from logferry._time.timestamps import SECOND


@frozen(kw_only=True)
class Polling:
    """How often a stream is polled: seconds between two polls, doubled from *shortest* to *longest* while no items come."""

    shortest: float = SHORTEST
    longest: float = LONGEST

    def __attrs_post_init__(self) -> None:
        if not 0 < self.shortest <= self.longest < float("inf"):
            raise InvalidRequestError(
                f"a stream cannot be polled every {self.shortest!r} to {self.longest!r} seconds",
                hint="Both are more than 0, and the second is not less than the first",
            )

    def pause(self, quiet: int, took: int) -> float:
        """Seconds until the next poll after *quiet* ones without items; at least what the last one *took*, in nanoseconds."""
        backed_off = self.shortest * 2.0 ** min(quiet, 30)
        return min(max(backed_off, took / SECOND), self.longest)
