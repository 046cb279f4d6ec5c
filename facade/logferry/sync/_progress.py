"""The progress of one stream: its report, and whether its reading must stop early."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from logferry._errors import BadRequestError, LogferryError, PagingError, ResponseShapeError
from logferry.sync._report import StreamReport, Told

if TYPE_CHECKING:
    from logferry._records.record import LogRecord
    from logferry._streams.views import Page
    from logferry.sync._plan import Piece

_ABOUT_ONE: Final = (BadRequestError, PagingError, ResponseShapeError)
"""Errors that can concern one piece alone; the other pieces are still read."""

_MOST_FAILURES: Final = 3
"""After this many failed pieces in a row the other pieces are not read."""


class Progress:
    """
    The progress of one stream.

    Args:
        account: The account's name.
        stream: The stream's name.
        told: Called with the report after every change.

    Attributes:
        report: The report.
        is_over: Whether no further piece is read, since it would fail too.
    """

    def __init__(self, account: str, stream: str, told: Told | None) -> None:
        self.report = StreamReport(account=account, stream=stream)
        self.is_over = False
        self._told = told
        self._failed = 0

    def announce(self, pieces: Sequence[Piece], *, instead_of: Sequence[Piece] = ()) -> None:
        """Add planned pieces, perhaps instead of others."""
        self.report.planned += len(pieces) - len(instead_of)
        self.report.span += _span(pieces) - _span(instead_of)
        self._tell()

    def start_anew(self) -> None:
        """Withdraw the planned pieces that have not been read."""
        self.report.planned, self.report.span = self.report.slices, self.report.covered

    def note(self, page: Page[LogRecord]) -> None:
        """Count a page."""
        self.report.records += len(page.items)
        self.doubt((*page.issues, *page.remarks))
        self._tell()

    def doubt(self, issues: Iterable[str]) -> None:
        """Report what may be missing; each text is kept once."""
        self.report.doubts += [one for one in dict.fromkeys(issues) if one not in self.report.doubts]

    def finish(self, piece: Piece) -> None:
        """Count a piece that was read to its end."""
        self.succeed()
        self.report.slices += 1
        self.report.covered += piece.until - piece.since
        self._tell()

    def finish_session(self) -> None:
        """Count a session that was read to its end."""
        self.succeed()
        self.report.sessions += 1
        self._tell()

    def succeed(self) -> None:
        """Reset the count of failures in a row."""
        self._failed = 0

    def fail(self, error: LogferryError) -> None:
        """Record the failure of a piece."""
        self.report.failure = self.report.failure or error
        self._failed += 1
        self.is_over = self.is_over or self._failed >= _MOST_FAILURES or not isinstance(error, _ABOUT_ONE)
        self._tell()

    def end(self) -> None:
        """Mark the stream as done."""
        self.report.done = True
        self._tell()

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self.report)


def _span(pieces: Sequence[Piece]) -> int:
    return sum(piece.until - piece.since for piece in pieces)
