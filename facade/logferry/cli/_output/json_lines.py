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
        file: Where to; it has a buffer.
        raw: Add the item as received.
    """

    def __init__(self, file: BinaryIO, *, raw: bool) -> None:
        self._file = file
        self._raw = raw
        self._shown = file.isatty()

    def begin(self) -> None:
        """Do nothing: there is no header."""

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        line = record.to_json(raw=self._raw)
        self._file.write((harmless_json(line.decode()).encode() if self._shown else line) + b"\n")

    def flush(self) -> None:
        """Hand over what has been written."""
        self._file.flush()

    def end(self) -> bool:
        """Do nothing: nothing stands behind the lines."""
        return True


def harmless_json(text: str) -> str:
    """JSON text of the same value, without characters that drive a terminal."""
    return text if printable(text) == text else json.dumps(json.loads(text), separators=(",", ":"))
