"""Ctrl-C, SIGTERM and SIGHUP between records: never while one is on its way from the iterator to the output."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType

ENDING: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end a command between two records: Ctrl-C, what stops a service, and a terminal that goes away."""

PATIENCE: Final = 1.0
"""
Seconds in which further signals are the same one: who sends a signal to a group of processes can send it twice in a row,
as timeout(1) does.
"""


class Interrupts:
    """
    Decides when Ctrl-C becomes a KeyboardInterrupt: at once while nothing is in hand, else when ``check`` is called.

    So what a checkpoint counts as delivered has been written.  A second Ctrl-C, a while later, is obeyed at once in any case.

    Args:
        now: Tells seconds that pass.

    Attributes:
        forced: Whether it was, so that a record may have been lost on its way.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._first: float | None = None
        self._waiting = True
        self._pending = False
        self.forced = False

    def waiting(self) -> None:
        """From now on nothing is in hand."""
        self._waiting = True
        self.check()

    def working(self) -> None:
        """From now on records are on their way."""
        self._waiting = False

    def check(self) -> None:
        """
        Say that no record is in hand.

        Raises:
            KeyboardInterrupt: Ctrl-C has been pressed meanwhile.
        """
        if self._pending:
            raise KeyboardInterrupt

    @contextmanager
    def watched(self) -> Generator[None]:
        """While this runs, the signals that end a command come here, unless other code has taken them or they are ignored."""
        usual: dict[int, Any] = dict.fromkeys(ENDING, signal.SIG_DFL)
        usual[signal.SIGINT] = signal.default_int_handler
        taken = [number for number, handler in usual.items() if signal.getsignal(number) is handler]
        try:
            for number in taken:
                signal.signal(number, self._receive)
        except ValueError:  # not the main thread, to which signals go anyway
            taken = []
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, usual[number])

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        if self._first is None:
            self._first = self._now()
        elif self._now() - self._first < PATIENCE:
            return
        if self._waiting or self._pending:
            self.forced = not self._waiting
            raise KeyboardInterrupt
        self._pending = True
