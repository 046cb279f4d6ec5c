"""Ctrl-C between records: never while one is on its way from the iterator to the output."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Interrupts:
    """
    Decides when Ctrl-C becomes a KeyboardInterrupt: at once while nothing is in hand, else when ``check`` is called.

    So what a checkpoint counts as delivered has been written.  A second Ctrl-C is obeyed at once in any case.

    Attributes:
        forced: Whether it was, so that a record may have been lost on its way.
    """

    def __init__(self) -> None:
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
        """While this runs, Ctrl-C comes here, unless somebody else has taken it or it is ignored."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        try:
            signal.signal(signal.SIGINT, self._receive)
        except ValueError:  # not the main thread, to which signals go anyway
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._waiting or self._pending:
            self.forced = not self._waiting
            signal.default_int_handler(number, frame)
        self._pending = True
