"""How the reading of one stream gets on: what its report says, and whether it has come to an end before the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from logferry._errors import BadRequestError, LogferryError, PagingError, ResponseShapeError
from logferry.sync._report import StreamReport, Told

if TYPE_CHECKING:
    from logferry._records.record import LogRecord
    from logferry._streams.page import Page
    from logferry.sync._plan import Piece

_ABOUT_ONE: Final = (BadRequestError, PagingError, ResponseShapeError)
"""What can be wrong with one piece alone: it must not keep the others from being read."""

_MOST_FAILURES: Final = 3
"""So many pieces in a row that fail are no accident of theirs."""


class Progress:
    """
    How the reading of one stream gets on.

    Args:
        account: The account's name.
        stream: The stream's name.
        told: Is told whenever something has changed.

    Attributes:
        report: What there is to be said.
        is_over: Whether nothing more shall be read, since it would fail, too.
    """

    def __init__(self, account: str, stream: str, told: Told | None) -> None:
        self.report = StreamReport(account=account, stream=stream)
        self.is_over = False
        self._told = told
        self._failed = 0

    def announce(self, pieces: Sequence[Piece], *, instead_of: Sequence[Piece] = ()) -> None:
        """Pieces are going to be read, perhaps instead of others."""
        self.report.planned += len(pieces) - len(instead_of)
        self.report.span += _span(pieces) - _span(instead_of)
        self._tell()

    def start_anew(self) -> None:
        """What was announced and has not been read will not be."""
        self.report.planned, self.report.span = self.report.slices, self.report.covered

    def note(self, page: Page[LogRecord]) -> None:
        """A page has been read."""
        self.report.records += len(page.items)
        self.doubt((*page.issues, *page.remarks))
        self._tell()

    def doubt(self, issues: Iterable[str]) -> None:
        """Something may be missing; what is said again and again is kept once, since there are many pages."""
        self.report.doubts += [one for one in dict.fromkeys(issues) if one not in self.report.doubts]

    def finish(self, piece: Piece) -> None:
        """A piece has been read to its end."""
        self.succeed()
        self.report.slices += 1
        self.report.covered += piece.until - piece.since
        self._tell()

    def finish_session(self) -> None:
        """A session has been read to its end."""
        self.succeed()
        self.report.sessions += 1
        self._tell()

    def succeed(self) -> None:
        """What failed before was an accident."""
        self._failed = 0

    def fail(self, error: LogferryError) -> None:
        """A piece could not be read."""
        self.report.failure = self.report.failure or error
        self._failed += 1
        self.is_over = self.is_over or self._failed >= _MOST_FAILURES or not isinstance(error, _ABOUT_ONE)
        self._tell()

    def end(self) -> None:
        """Nothing more is going to be read."""
        self.report.done = True
        self._tell()

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self.report)


def _span(pieces: Sequence[Piece]) -> int:
    return sum(piece.until - piece.since for piece in pieces)
