"""Records as rows of a table, printed as they arrive: the widths of columns are fixed, so that no rows are collected."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from rich.cells import cell_len, set_cell_size

from logferry._records.severities import SEVERITIES
from logferry._redaction import printable
from logferry._time.timestamps import rfc3339

if TYPE_CHECKING:
    from rich.console import Console

    from logferry._records.record import LogRecord

_Row: TypeAlias = list[tuple[str, str]]
"""Texts with their styles."""

_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
_GLANCE: Final = 0.2
"""Seconds for which the width of the terminal is cached; reading it takes as long as printing a row."""
_SGR: Final = {"bold": "1", "dim": "2", "red": "31", "yellow": "33"}
"""Codes of ECMA-48."""
_COLOURS: Final = ("red", "yellow")
_STYLES: Final = ((21, "bold red"), (17, "red"), (13, "yellow"), (9, ""), (1, "dim"))
_SEVERITY_WIDTH: Final = 8
_ACCOUNT_WIDTH: Final = 20
"""Characters of an account's name that are shown at most."""
_DATE_WIDTH: Final = len("2026-11-20 ")
_WIDE: Final = 100
"""Columns from which on times have milliseconds."""
_MOST_TELLING: Final = ("error.type", "user.id", "client.address", "http.request.method", "url.full", "url.path")
"""Attributes, by OpenTelemetry's names, that come first; others follow if there is space."""


class Table:
    """
    Writes a row per record, below a header.

    Rows are built as plain text: rich takes thirty times as long for a row (measured).

    Args:
        console: The target; its width is read again from time to time, because a window can change.
        streams: The streams of the records.  The name of a single one is a header, and not in every row.
        accounts: Names for a column of accounts; empty for no such column.
        dated: Whether each row has the date; else a separate line where a day begins has it.
    """

    def __init__(
        self, console: Console, streams: Sequence[str], accounts: Sequence[str] = (), *, dated: bool = True
    ) -> None:
        self._console = console
        self._styles = _codes(console)
        self._encoding = None if console.encoding.startswith("utf") else console.encoding
        self._ellipsis = _ELLIPSIS if self._clean(_ELLIPSIS) == _ELLIPSIS else "..."
        self._width, self._width_known = 0, -math.inf
        self._streams = streams
        self._stream_width = max(map(cell_len, streams)) if len(streams) > 1 else 0
        longest = max(map(cell_len, map(self._clean, ("account", *accounts)))) if accounts else 0
        self._account_width = min(longest, _ACCOUNT_WIDTH)
        self._dated = dated
        self._day = ""
        self._begun = False

    def begin(self) -> None:
        """Do nothing: an empty table is not printed."""

    def write(self, record: LogRecord) -> None:
        """Write a record's row; it may stay in a buffer."""
        self._measure()
        self._write_header()
        number = record.severity_number
        style = next((style for lowest, style in _STYLES if number >= lowest), "")
        day, clock = self._moment(record.time_unix_nano)
        if not self._dated and day not in ("", self._day):
            self._day = day
            self._write([(day, "bold")])
        row = self._row(
            f"{day} {clock}" if self._dated and day else clock,
            record.stream,
            self._clean(record.account) if self._account_width else "",
            (self._clean(record.severity_text or _severity_name(number)), style),
        )
        body = self._clean(record.body or record.event_name or "")
        row.append((body, "bold" if number >= SEVERITIES["ERROR"] else ""))
        self._fill(row, record)
        self._write(row)

    def flush(self) -> None:
        """Flush the buffer."""
        self._console.file.flush()

    def end(self) -> bool:
        """Do nothing: a table has no footer."""
        return True

    def _measure(self) -> None:
        now = time.monotonic()
        if now - self._width_known > _GLANCE:
            self._width, self._width_known = self._console.width, now

    def _clean(self, text: str) -> str:
        """Return *text* without control characters, and without characters that the output's encoding lacks."""
        text = text if text.isprintable() else printable(text)
        if self._encoding is None or text.isascii():
            return text
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def _moment(self, nanoseconds: int) -> tuple[str, str]:
        """Return the day and the time of day; an unknown time has no day."""
        if nanoseconds == 0:
            return "", "unknown"
        text = rfc3339(nanoseconds)
        return text[:10], text[11 : 23 if self._width >= _WIDE else 19]

    def _write_header(self) -> None:
        if not self._begun:
            self._begun = True
            header = self._row("time (UTC)" if self._dated else "UTC", "stream", "account", ("severity", ""))
            header.append(("body" if self._stream_width else self._streams[0], ""))
            self._write([("".join(text for text, _ in header), "bold")])

    def _row(self, clock: str, stream: str, account: str, severity: tuple[str, str]) -> _Row:
        width = 23 if self._width >= _WIDE else 19
        start = _sized(clock, width if self._dated else width - _DATE_WIDTH) + "  "
        if self._stream_width:
            start += _sized(stream, self._stream_width) + "  "
        if self._account_width:
            start += _sized(account, self._account_width) + "  "
        return [(start, ""), (_sized(severity[0], _SEVERITY_WIDTH), severity[1]), ("  ", "")]

    def _fill(self, row: _Row, record: LogRecord) -> None:
        """Add attributes while there is space, except those that repeat the body or the severity."""
        left = self._width - sum([_cells(text) for text, _ in row])
        attributes, shown = record.attributes, (record.body, record.severity_text)
        texts: list[str] = []
        for name in _in_order(tuple(attributes)):
            if left <= 0:
                break
            value = attributes[name]
            if value not in shown:
                text = f"  {name}={value if isinstance(value, str) else orjson.dumps(value).decode()}"
                texts.append(text)
                left -= _cells(text)
        row.append((self._clean("".join(texts)), "dim"))

    def _write(self, row: _Row) -> None:
        if sum([_cells(text) for text, _ in row]) > self._width:
            row = _cut(row, self._width, self._ellipsis)
        styles = self._styles
        line = "".join([f"\x1b[{styles[style]}m{text}\x1b[0m" if styles.get(style) else text for text, style in row])
        self._console.file.write(line + "\n")


def _codes(console: Console) -> dict[str, str]:
    """Return the control codes of each style; none for an output that is not a terminal, or has no colours."""
    if console.color_system is None or console.legacy_windows:
        return {}
    names = {style for _, style in _STYLES} | {"bold"}
    codes = {
        name: [_SGR[word] for word in name.split() if not (console.no_color and word in _COLOURS)] for name in names
    }
    return {name: ";".join(each) for name, each in codes.items()}


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _sized(text: str, width: int) -> str:
    """Return *text*, cut or padded."""
    return text[:width].ljust(width) if text.isascii() else set_cell_size(text, width)


def _cut(row: _Row, width: int, ellipsis: str) -> _Row:
    """Return the start of a row that is too wide, and an ellipsis."""
    left = max(width - len(ellipsis), 0)
    cut: _Row = []
    for text, style in row:
        cells = _cells(text)
        if cells > left:
            return [*cut, (_sized(text, left) + ellipsis, style)]
        cut.append((text, style))
        left -= cells
    return cut


@cache
def _severity_name(number: int) -> str:
    return next((name for name, lowest in reversed(SEVERITIES.items()) if number >= lowest), "")


@lru_cache(maxsize=1024)
def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of attributes, those first that tell most."""
    messages = [name for name in names if name.endswith(".message")]
    return tuple(
        name for name in dict.fromkeys((*_MOST_TELLING[:1], *messages, *_MOST_TELLING, *names)) if name in names
    )
