"""
A moment with more logs than a page holds.

The server has no tie-break: on each page of a wide window it can order logs of one time anew, so that some come twice and
others never.  In a window around the moment it keeps their order and counts them exactly (both measured), so they are read
there, page by page, and the count says whether all have come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from logferry.extend import (
    MILLISECOND,
    Key,
    Window,
    rfc3339,
)

_BELOW: Final = 2 * MILLISECOND
"""How long before the moment its window begins, in nanoseconds: see ``Crowd.edge``."""

_READINGS: Final = 3
"""How many times the window is read at most, until as many logs have come as the server counts."""


@frozen
class Crowd:
    """
    Where the reading of such a moment is.

    Attributes:
        time: The moment, in nanoseconds since the epoch, whole milliseconds.
        met: Identity to time, of all logs met in its window, those outside of the caller's window included.
        read: How many times its window has been read to the end.
    """

    time: int
    met: Mapping[str, int | None] = field(factory=dict[str, "int | None"])
    read: int = 0

    def to_json(self) -> dict[str, Any]:
        """The crowd as JSON values."""
        return {"time": self.time, "met": dict(self.met), "read": self.read}

    @property
    def edge(self) -> int:
        """
        The latest time of which a log can be left once the window has been read, in nanoseconds since the epoch.

        Bounds are inclusive since 1.42 and exclusive before.  So the window has all logs of the moment and of the
        millisecond before it, whichever the server means, and what is left can be asked for by a bound in between.
        """
        return self.time - _BELOW

    def bounds(self, window: Window, bound: int) -> tuple[int, int]:
        """
        The bounds to ask for, in nanoseconds since the epoch, whole milliseconds.

        Args:
            window: What the caller wants: at most a millisecond more is asked for.
            bound: Where it ends.
        """
        least = 0 if window.since is None else (window.since // MILLISECOND - 1) * MILLISECOND
        return max(least, self.edge), min(bound, self.time + MILLISECOND)

    @property
    def keys(self) -> list[Key]:
        """The keys of the logs met."""
        return [(time, identity) for identity, time in self.met.items()]

    def after(self, keys: Sequence[Key]) -> Crowd:
        """The crowd once logs with these keys have been met."""
        return evolve(self, met={**self.met, **{identity: time for time, identity in keys}})

    def again(self) -> Crowd | None:
        """The crowd at the start of its window; ``None`` where that has been read often enough."""
        return evolve(self, read=self.read + 1) if self.read + 1 < _READINGS else None

    def has_all(self, total: int | None) -> bool:
        """Whether all have been met that the server counts."""
        return total is not None and len(self.met) >= total

    def doubt(self, total: int | None) -> str:
        """What may be missing, where it has been read often enough."""
        counted = "an unknown number of" if total is None else f"{total:,}"
        return (
            f"createdAt: the server counts {counted} logs around {rfc3339(self.time)} and sent {len(self.met):,}; "
            "some may be missing"
        )
