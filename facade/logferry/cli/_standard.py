"""
Makes the standard streams of the process safe to use, whatever they are connected to.

Messages never stop the work: those that stderr does not accept are dropped.  Characters that an encoding lacks are escaped.
A closed descriptor is opened on the null device; otherwise a file or socket of this process would get its number, and
with it the messages of libraries.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO, RawIOBase, TextIOWrapper
from typing import TYPE_CHECKING, Final, TextIO

from logferry._errors import InvalidRequestError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PATIENCE: Final = 2.0
"""Seconds that a message waits for the reader of a full pipe; while the reader accepts nothing, further messages do not wait."""

_PIECE: Final = 512
"""Bytes that a pipe accepts without blocking once it is ready, as POSIX guarantees."""

_ESCAPED: Final = "backslashreplace"


class Messages(RawIOBase):
    """
    Writes messages to a descriptor, and drops those that cannot be written: it never raises and never blocks for long.

    Args:
        descriptor: The target.
        patience: Seconds to wait for a reader that accepts nothing.
    """

    def __init__(self, descriptor: int, *, patience: float = _PATIENCE) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._patience = patience
        self._stalled = False

    @property
    def name(self) -> str:
        """The name of the stream in Python."""
        return "<stderr>"

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Return true: messages are always accepted."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as much as possible, and count all as written."""
        view = memoryview(data).cast("B")
        left = view
        with suppress(OSError, ValueError):
            while left and self._is_ready():
                left = left[os.write(self._descriptor, left[:_PIECE]) :]
        return len(view)

    def _is_ready(self) -> bool:
        if sys.platform == "win32":
            return True
        ready = select.poll()
        ready.register(self._descriptor, select.POLLOUT)
        self._stalled = not ready.poll(0 if self._stalled else self._patience * 1000)
        return not self._stalled


class ClosedOutput(RawIOBase):
    """Stands in for a closed stdout."""

    @property
    def name(self) -> str:
        """The name of the stream in Python."""
        return "<stdout>"

    def writable(self) -> bool:
        """Return true, so that a write is tried and raises."""
        return True

    def write(self, _data: ReadableBuffer, /) -> int:
        """
        Refuse the write.

        Raises:
            InvalidRequestError: Always.
        """
        raise InvalidRequestError("stdout is closed", hint="Redirect it, as in > records.jsonl")


def prepare_standard_streams() -> None:
    """Make the standard streams of the process safe to use, also for messages that are written while it ends."""
    _fill_descriptors()
    sys.stdout = _output(sys.stdout)
    sys.stderr = _messages(sys.stderr)


def require_stdout() -> None:
    """
    Make sure that stdout is open, before records are requested.

    Raises:
        InvalidRequestError: It is closed.
    """
    if isinstance(sys.stdout.buffer, ClosedOutput):
        sys.stdout.buffer.write(b"")


def _fill_descriptors() -> None:
    """Open closed descriptors on the null device; stdout for reading only, so that a write to it raises instead of losing bytes."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            descriptor = os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)
            if descriptor == number:
                os.set_inheritable(number, True)  # noqa: FBT003  # it takes no keyword
            else:
                os.dup2(descriptor, number)
                os.close(descriptor)


def _output(stream: TextIO | None) -> TextIO:
    if stream is None:
        return TextIOWrapper(ClosedOutput(), "utf-8", _ESCAPED, write_through=True)
    if getattr(stream, "errors", None) in ("strict", "surrogateescape"):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream of an embedding program can lack it
        if reconfigure is not None:
            reconfigure(errors=_ESCAPED)
    return stream


def _messages(stream: TextIO | None) -> TextIO:
    if stream is None:
        return TextIOWrapper(Messages(2), "utf-8", _ESCAPED, write_through=True)
    binary = getattr(stream, "buffer", None)
    if not isinstance(binary, BufferedWriter | FileIO):  # a stream of an embedding program, such as a test; or ours
        return stream
    with suppress(OSError, ValueError):
        stream.flush()
    return TextIOWrapper(Messages(binary.fileno()), stream.encoding, _ESCAPED, write_through=True)
