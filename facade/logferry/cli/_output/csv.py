"""Records as comma-separated values (RFC 4180), in which no cell is a formula."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from logferry._json import dumps
from logferry._records.fields import FIELDS
from logferry._redaction import printable
from logferry.cli._output.json_lines import harmless_json

if TYPE_CHECKING:
    from logferry._records.record import LogRecord

_RISKY: Final = re.compile(
    # Characters that spreadsheets skip: white space, a byte order mark, zero-width characters.  Quotes are skipped here so
    # that the escaping can be undone: a quote of the text itself is doubled where it looks like an added one.
    "['\\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
)


def harmless_cell(text: str) -> str:
    """
    Return *text*, after a single quote if a spreadsheet could take it for a formula (OWASP, CSV Injection).

    A formula starts with ``=``, ``+``, ``-``, ``@``, a tab or a line end, also after white space, or in full width.
    """
    return f"'{text}" if _RISKY.match(text) else text


class CsvRows:
    """
    Writes a header, and a row per record.

    Objects and arrays are JSON in their cell; absent values are empty cells.

    Args:
        file: The target; it has a buffer.
        raw: Add the item as received.
        header: Whether to write the header.
    """

    def __init__(self, file: BinaryIO, *, raw: bool, header: bool) -> None:
        self._file = file
        self._raw = raw
        self._begun = not header
        self._shown = file.isatty()
        self._columns = (*FIELDS, "raw") if raw else FIELDS
        # All cells in quotes, since a spreadsheet may split at semicolons and tabs too, and a part could be a formula.
        self._rows = csv.writer(_Encoded(file), quoting=csv.QUOTE_ALL)

    def begin(self) -> None:
        """Write the header, unless it has been written."""
        if not self._begun:
            self._begun = True
            self._rows.writerow(self._columns)

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        self.begin()
        fields = record.to_dict(raw=self._raw)
        self._rows.writerow([self._cell(name, fields[name]) if name in fields else "" for name in self._columns])

    def flush(self) -> None:
        """Flush the buffer."""
        self._file.flush()

    def end(self) -> bool:
        """Do nothing: csv has no footer."""
        return True

    def _cell(self, name: str, value: Any) -> str:
        if name != "raw" and isinstance(value, str):  # a text item is JSON too
            return harmless_cell(printable(value) if self._shown else value)
        text = dumps(value).decode()
        return harmless_cell(harmless_json(text) if self._shown else text)


class _Encoded:
    """Encodes text for a binary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write *text* in UTF-8."""
        return self._file.write(text.encode())
