"""Records as rows of a table, printed as they arrive: widths are fixed, so that nothing is collected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from logferry._redaction import printable
from logferry._severities import SEVERITIES

if TYPE_CHECKING:
    from rich.console import Console

    from logferry._record import LogRecord

_STYLES: Final = ((21, "bold red"), (17, "red"), (13, "yellow"), (9, ""), (1, "dim"))
_SEVERITY_WIDTH: Final = 8
_ACCOUNT_WIDTH: Final = 20
"""So much of an account's name is shown."""
_DATE_WIDTH: Final = len("2026-11-20 ")
_WIDE: Final = 100
"""Columns from which on times have milliseconds."""
_TOLD_FIRST: Final = ("error.type", "user.id", "client.address", "http.request.method", "url.full", "url.path")
"""Attributes, by OpenTelemetry's names, that most readers look for; others follow as far as there is space."""


class Table:
    """
    Prints a row per record, below a header.

    Args:
        console: Where to; its width is asked for with each row, because a window can change.
        streams: Which streams' records come.  Where there is one, its name is a header and not in every row.
        accounts: Names for a column of accounts; without any there is none.
        dated: Whether each row has the date; else it is a line of its own where a day begins.
    """

    def __init__(
        self, console: Console, streams: Sequence[str], accounts: Sequence[str] = (), *, dated: bool = True
    ) -> None:
        self._console = console
        self._streams = streams
        self._stream_width = max(map(cell_len, streams)) if len(streams) > 1 else 0
        longest = max(map(cell_len, map(printable, ("account", *accounts)))) if accounts else 0
        self._account_width = min(longest, _ACCOUNT_WIDTH)
        self._dated = dated
        self._day = ""
        self._begun = False

    def begin(self) -> None:
        """Do nothing: without records there is no table."""

    def write(self, record: LogRecord) -> None:
        """Print a record's row."""
        self._print_header()
        number = record.severity_number
        style = next((style for lowest, style in _STYLES if number >= lowest), "")
        day, _, time = _time(record, precise=self._console.width >= _WIDE).rpartition(" ")
        if not self._dated and day not in ("", self._day):
            self._day = day
            self._print(Text(day, "bold"))
        row = self._row(
            f"{day} {time}" if self._dated and day else time,
            record.stream,
            printable(record.account),
            (printable(record.severity_text or _severity_name(number)), style),
        )
        row.append(printable(record.body or record.event_name or ""), "bold" if number >= SEVERITIES["ERROR"] else "")
        self._fill(row, record)
        self._print(row)

    def flush(self) -> None:
        """Do nothing: rows are printed at once."""

    def _print_header(self) -> None:
        if not self._begun:
            self._begun = True
            header = self._row("time (UTC)" if self._dated else "UTC", "stream", "account", ("severity", ""))
            header.append("body" if self._stream_width else self._streams[0])
            header.stylize("bold")
            self._print(header)

    def _row(self, time: str, stream: str, account: str, severity: tuple[str, str]) -> Text:
        width = 23 if self._console.width >= _WIDE else 19
        row = Text(set_cell_size(time, width if self._dated else width - _DATE_WIDTH) + "  ")
        if self._stream_width:
            row.append(set_cell_size(stream, self._stream_width) + "  ")
        if self._account_width:
            row.append(set_cell_size(account, self._account_width) + "  ")
        row.append(set_cell_size(severity[0], _SEVERITY_WIDTH), severity[1])
        return row.append("  ")

    def _fill(self, row: Text, record: LogRecord) -> None:
        """Add attributes as far as there is space."""
        width = self._console.width
        for name, value in _attributes(record):
            if row.cell_len >= width:
                break
            row.append("  ").append(f"{printable(name)}={printable(value)}", "dim")

    def _print(self, row: Text) -> None:
        row.truncate(self._console.width, overflow="ellipsis")
        self._console.print(row, no_wrap=True, crop=True, overflow="crop", soft_wrap=False)


def _time(record: LogRecord, *, precise: bool) -> str:
    if record.time_unix_nano == 0:
        return "unknown"
    return record.timestamp.replace(tzinfo=None).isoformat(" ", "milliseconds" if precise else "seconds")


def _severity_name(number: int) -> str:
    return next((name for name, lowest in reversed(SEVERITIES.items()) if number >= lowest), "")


def _attributes(record: LogRecord) -> Iterator[tuple[str, str]]:
    attributes = record.attributes
    told = (record.body, record.severity_text)
    messages = [name for name in attributes if name.endswith(".message")]
    for name in dict.fromkeys((*_TOLD_FIRST[:1], *messages, *_TOLD_FIRST, *attributes)):
        if name in attributes and attributes[name] not in told:
            yield name, _shown(attributes[name])


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
