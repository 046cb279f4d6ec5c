"""Delays Ctrl-C, SIGTERM and SIGHUP until the current record has been written."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType

ENDING: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end a command between two records: Ctrl-C, the stop of a service, the loss of the terminal."""

PATIENCE: Final = 1.0
"""
Seconds in which further signals count as the same one: a sender that signals a process and its group, such as timeout(1),
sends the signal twice.
"""


class Interrupts:
    """
    Decides when Ctrl-C becomes a KeyboardInterrupt: at once while no record is being written, else when ``check`` is called.

    So every record that a checkpoint counts as delivered has been written.  A second Ctrl-C, ``PATIENCE`` later, always raises at
    once.

    Args:
        now: A monotonic clock, in seconds.

    Attributes:
        forced: Whether a second Ctrl-C raised at once, so that the current record may be lost.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._first: float | None = None
        self._waiting = True
        self._pending = False
        self.forced = False

    def waiting(self) -> None:
        """From now on no record is being written."""
        self._waiting = True
        self.check()

    def working(self) -> None:
        """From now on records are being written."""
        self._waiting = False

    def check(self) -> None:
        """
        Raise the KeyboardInterrupt that waits; to be called while no record is being written.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed in the meantime.
        """
        if self._pending:
            raise KeyboardInterrupt

    @contextmanager
    def watched(self) -> Generator[None]:
        """Handle the signals that end a command in this block, except those that other code handles or that are ignored."""
        usual: dict[int, Any] = dict.fromkeys(ENDING, signal.SIG_DFL)
        usual[signal.SIGINT] = signal.default_int_handler
        taken = [number for number, handler in usual.items() if signal.getsignal(number) is handler]
        try:
            for number in taken:
                signal.signal(number, self._receive)
        except ValueError:  # not the main thread, which alone receives signals
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
