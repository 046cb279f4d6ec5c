"""
A moment with more logs than a page holds.

The server has no tie-break: each page of a wide window can have another order of logs of one time, so that some logs
come twice and others never.  In a narrow window around the moment their order is stable and their count exact (both
measured).  So the walk reads that window page by page, and the count shows whether all logs have come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import asdict, evolve, field, frozen

from logferry.extend import (
    MILLISECOND,
    Key,
    Window,
    rfc3339,
)

_BELOW: Final = 2 * MILLISECOND
"""The window begins this long before the moment, in nanoseconds: see ``Crowd.edge``."""

_READINGS: Final = 3
"""The window is read at most this many times, until as many logs have come as the server counts."""


@frozen
class Crowd:
    """
    The state of reading a crowded moment.

    Attributes:
        time: The moment, in nanoseconds since the epoch, whole milliseconds.
        met: Time by identity, of all logs received in its window, including those outside the caller's window.
        read: How many times its window has been read to the end.
    """

    time: int
    met: Mapping[str, int | None] = field(factory=dict[str, "int | None"])
    read: int = 0

    def to_json(self) -> dict[str, Any]:
        """The crowd as JSON values."""
        return asdict(self)

    @property
    def edge(self) -> int:
        """
        The latest time of the remaining logs after the window has been read, in nanoseconds since the epoch.

        Bounds are inclusive since 1.42 and exclusive before.  In both cases the window has all logs of the moment and
        of the millisecond before it, and a bound in between covers the rest.
        """
        return self.time - _BELOW

    def bounds(self, window: Window, bound: int) -> tuple[int, int]:
        """
        The bounds of a request, in nanoseconds since the epoch, whole milliseconds.

        It has at most one more millisecond than the caller's window, which ends at *bound*.
        """
        least = 0 if window.since is None else (window.since // MILLISECOND - 1) * MILLISECOND
        return max(least, self.edge), min(bound, self.time + MILLISECOND)

    @property
    def keys(self) -> list[Key]:
        """The keys of the received logs."""
        return [(time, identity) for identity, time in self.met.items()]

    def after(self, keys: Sequence[Key]) -> Crowd:
        """The crowd after logs with these keys have been received."""
        return evolve(self, met={**self.met, **{identity: time for time, identity in keys}})

    def again(self) -> Crowd | None:
        """The crowd at the start of its window; ``None`` after the last reading."""
        return evolve(self, read=self.read + 1) if self.read + 1 < _READINGS else None

    def has_all(self, total: int | None) -> bool:
        """Whether as many logs have been received as the server counts."""
        return total is not None and len(self.met) >= total

    def doubt(self, total: int | None) -> str:
        """The issue after the last reading: what may be missing."""
        counted = "an unknown number of" if total is None else f"{total:,}"
        return (
            f"createdAt: the server counts {counted} logs around {rfc3339(self.time)} and sent {len(self.met):,}; "
            "some may be missing"
        )
