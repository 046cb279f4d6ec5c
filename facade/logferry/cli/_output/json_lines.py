"""Records as lines of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

from logferry._redaction import printable

if TYPE_CHECKING:
    from logferry._records.record import LogRecord


class JsonLines:
    """
    Writes one JSON object per line.

    Args:
        file: The target; it has a buffer.
        raw: Add the item as received.
    """

    def __init__(self, file: BinaryIO, *, raw: bool) -> None:
        self._file = file
        self._raw = raw
        self._shown = file.isatty()

    def begin(self) -> None:
        """Do nothing: the format has no header."""

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        line = record.to_json(raw=self._raw)
        self._file.write((harmless_json(line.decode()).encode() if self._shown else line) + b"\n")

    def flush(self) -> None:
        """Flush the buffer."""
        self._file.flush()

    def end(self) -> bool:
        """Do nothing: the format has no footer."""
        return True


def harmless_json(text: str) -> str:
    """Return JSON text of the same value without control characters for a terminal."""
    return text if printable(text) == text else json.dumps(json.loads(text), separators=(",", ":"))
