"""A clock that advances only when a task or thread sleeps."""

import threading

import anyio.lowlevel

__all__ = ["VirtualClock"]

_NANOSECONDS = 1_000_000_000


class VirtualClock:
    """
    A clock that stands still; sleeping advances it at once.

    Pass its methods to code that takes a clock: ``now=clock.now, sleep=clock.sleep, async_sleep=clock.asleep``.
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
        """The durations of the sleeps so far, in seconds, in order."""
        return tuple(self._naps)

    def now(self) -> int:
        """Return the time in nanoseconds since 1970-01-01 UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Advance the clock by `seconds` without a sleep."""
        with self._lock:
            self._now += round(seconds * _NANOSECONDS)

    def reach(self, moment: int) -> None:
        """Advance the clock to `moment`, in nanoseconds since 1970-01-01 UTC; do nothing if it is past."""
        with self._lock:
            self._now = max(self._now, moment)

    def sleep(self, seconds: float) -> None:
        """Advance the clock by `seconds` at once."""
        self._naps.append(seconds)
        self.advance(max(seconds, 0))

    async def asleep(self, seconds: float) -> None:
        """Advance the clock by `seconds` at once; other tasks run meanwhile, and a cancelled task ends here."""
        await anyio.lowlevel.checkpoint()
        self.sleep(seconds)
