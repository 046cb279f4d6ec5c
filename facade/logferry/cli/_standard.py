"""
The standard streams of the process, whatever they are connected to.

Messages never stop the work: what stderr does not take is dropped.  What an encoding lacks is escaped.  A descriptor that is
closed is opened on the null device, since a file or socket of this process would get its number otherwise, and with it
the messages of libraries.
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
"""Seconds that a message waits for the reader of a full pipe; while none is taken, the next messages do not wait."""

_PIECE: Final = 512
"""Bytes that a pipe takes without blocking once it is ready; POSIX guarantees that many."""

_ESCAPED: Final = "backslashreplace"


class Messages(RawIOBase):
    """
    Takes messages for a descriptor, and drops those that cannot be written: it never raises and never blocks for long.

    Args:
        descriptor: Where to.
        patience: Seconds to wait for a reader that takes nothing.
    """

    def __init__(self, descriptor: int, *, patience: float = _PATIENCE) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._patience = patience
        self._stalled = False

    @property
    def name(self) -> str:
        """What Python calls it."""
        return "<stderr>"

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Whether it takes anything: always."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written, and take the rest as written."""
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
    """Stands for a stdout that is closed."""

    @property
    def name(self) -> str:
        """What Python calls it."""
        return "<stdout>"

    def writable(self) -> bool:
        """Whether it takes anything: so it says, to be asked."""
        return True

    def write(self, _data: ReadableBuffer, /) -> int:
        """
        Refuse.

        Raises:
            InvalidRequestError: Always.
        """
        raise InvalidRequestError("stdout is closed", hint="Redirect it, as in > records.jsonl")


def prepare_standard_streams() -> None:
    """Make the process's standard streams safe to use, until it ends: also for what is written while it ends."""
    _fill_descriptors()
    sys.stdout = _output(sys.stdout)
    sys.stderr = _messages(sys.stderr)


def require_stdout() -> None:
    """
    Make sure that there is an output, before anything is asked for that would go there.

    Raises:
        InvalidRequestError: It is closed.
    """
    if isinstance(sys.stdout.buffer, ClosedOutput):
        sys.stdout.buffer.write(b"")


def _fill_descriptors() -> None:
    """Open those that are closed on the null device; stdout only for reading, so that no byte written there is lost."""
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
        reconfigure = getattr(stream, "reconfigure", None)  # a stream of the program that runs this can lack it
        if reconfigure is not None:
            reconfigure(errors=_ESCAPED)
    return stream


def _messages(stream: TextIO | None) -> TextIO:
    if stream is None:
        return TextIOWrapper(Messages(2), "utf-8", _ESCAPED, write_through=True)
    binary = getattr(stream, "buffer", None)
    if not isinstance(
        binary, BufferedWriter | FileIO
    ):  # one of a program that runs the command, such as a test; or ours
        return stream
    with suppress(OSError, ValueError):
        stream.flush()
    return TextIOWrapper(Messages(binary.fileno()), stream.encoding, _ESCAPED, write_through=True)
