"""Time that passes only when somebody sleeps."""

import threading

import anyio.lowlevel

__all__ = ["VirtualClock"]

_NANOSECONDS = 1_000_000_000


class VirtualClock:
    """
    A clock that stands still, and that sleeping moves on at once.

    Give its methods to whatever takes a clock: ``now=clock.now, sleep=clock.sleep, async_sleep=clock.asleep``.
    Threads may share it.

    Args:
        start: Nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, start: int = 0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self._naps: list[float] = []

    def __repr__(self) -> str:
        return f"VirtualClock({self._now})"

    @property
    def naps(self) -> tuple[float, ...]:
        """How long each sleep was to take, in seconds, in order."""
        return tuple(self._naps)

    def now(self) -> int:
        """Return the time in nanoseconds since 1970-01-01 UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass without anybody sleeping."""
        with self._lock:
            self._now += round(seconds * _NANOSECONDS)

    def reach(self, moment: int) -> None:
        """Let time pass up to `moment`, in nanoseconds since 1970-01-01 UTC; none if that is over."""
        with self._lock:
            self._now = max(self._now, moment)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._naps.append(seconds)
        self.advance(max(seconds, 0))

    async def asleep(self, seconds: float) -> None:
        """Let `seconds` pass at once; other tasks get their turn, and a cancelled one stops here."""
        await anyio.lowlevel.checkpoint()
        self.sleep(seconds)
