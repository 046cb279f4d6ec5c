"""The interface of all writers of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from logferry._records.record import LogRecord

NO_PLACE: Final = "it cannot be resumed: the output lacks the footer that its format needs"
"""Message for an output that fails before its footer is written."""


class Output(Protocol):
    """Writes records."""

    def begin(self) -> None:
        """Write the header, if the format has one and it has not been written; also if no record follows."""
        ...

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        ...

    def flush(self) -> None:
        """Flush the buffer; rows that wait for a large group stay in it."""
        ...

    def end(self) -> bool:
        """
        Write the footer, once; do nothing after an error.

        Returns:
            Whether the output can be read, and has a record.
        """
        ...
