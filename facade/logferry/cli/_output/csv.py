"""Records as comma-separated values: RFC 4180, and never a formula."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from logferry._json import dumps
from logferry._redaction import printable
from logferry.cli._output.json_lines import harmless_json

if TYPE_CHECKING:
    from logferry._records.record import LogRecord

COLUMNS: Final = (
    "uid",
    "stream",
    "account",
    "timestamp",
    "observed_timestamp",
    "severity_number",
    "severity_text",
    "event_name",
    "body",
    "trace_id",
    "attributes",
    "resource",
    "issues",
)
"""The columns: a record's fields as in JSON, in their order; ``raw`` follows where it is asked for."""

_RISKY: Final = re.compile(
    # What spreadsheets skip before they look: white space, a byte order mark, what has no width.  Quotes are skipped here
    # so that neutralizing can be undone: a quote that the text itself has is doubled where one would be taken for ours.
    "['\\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
)


def harmless_cell(text: str) -> str:
    """
    *text*, behind a single quote where a spreadsheet could take it for a formula (OWASP, CSV Injection).

    That is text that starts with ``=``, ``+``, ``-``, ``@``, a tab or a line end, also after white space, or in full width.
    """
    return f"'{text}" if _RISKY.match(text) else text


class CsvRows:
    """
    Writes a header, and a row per record.

    Objects and arrays are JSON in their cell; absent values are empty cells.

    Args:
        file: Where to; it has a buffer.
        raw: Add the item as received.
        header: Whether to write the header.
    """

    def __init__(self, file: BinaryIO, *, raw: bool, header: bool) -> None:
        self._file = file
        self._raw = raw
        self._begun = not header
        self._shown = file.isatty()
        self._columns = (*COLUMNS, "raw") if raw else COLUMNS
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
        """Hand over what has been written."""
        self._file.flush()

    def end(self) -> bool:
        """Do nothing: nothing stands behind the rows."""
        return True

    def _cell(self, name: str, value: Any) -> str:
        if name != "raw" and isinstance(value, str):  # an item that is a text is JSON too
            return harmless_cell(printable(value) if self._shown else value)
        text = dumps(value).decode()
        return harmless_cell(harmless_json(text) if self._shown else text)


class _Encoded:
    """Takes text for a binary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write *text* in UTF-8."""
        return self._file.write(text.encode())
