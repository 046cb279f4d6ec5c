"""The clock that everything asks: injected, so that no test waits."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What logferry needs to know of time."""

    def now(self) -> int:
        """Nanoseconds since the epoch, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass, blocking the thread."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Let *seconds* pass, blocking only the task."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Nanoseconds since the epoch, UTC."""
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass, blocking the thread."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Let *seconds* pass, blocking only the task; on asyncio and on trio."""
        import anyio  # noqa: PLC0415  # blocking programs need not load it

        await anyio.sleep(seconds)
