"""What writes records, whatever the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from logferry._records.record import LogRecord

NO_PLACE: Final = "there is no place to resume at: what was received lacks the end that its format needs"
"""Of an output that takes no more, and needs its end."""


class Output(Protocol):
    """Takes records."""

    def begin(self) -> None:
        """Write what has to stand in front of the records, also where there is none, unless it has been written."""
        ...

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        ...

    def flush(self) -> None:
        """Hand over what has been written; what can be read only in large groups waits."""
        ...

    def end(self) -> bool:
        """
        Write what has to stand behind the records, once; after an error it does nothing.

        Returns:
            Whether what has been written can be read, and is worth it.
        """
        ...
