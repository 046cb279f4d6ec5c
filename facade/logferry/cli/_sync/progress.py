"""How a sync gets on, on stderr: a living table on a terminal, or a line per request with --verbose."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Final, Self

from logferry._redaction import printable
from logferry.cli._output.stdout import terminal_console
from logferry.cli._progress import Progress
from logferry.cli._shell import counted

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from logferry._config.arguments import CallChanges
    from logferry.sync import StreamReport

_MINUTE: Final = 60
_ENOUGH: Final = 3
"""So many slices have to be done before one can say how long the others will take."""


class SyncProgress:
    """
    Tells how a sync gets on while its ``with`` block runs.

    Args:
        file: Where to.
        verbose: Write a line for each request, retry and issue instead of a table.
    """

    def __init__(self, file: IO[str], *, verbose: bool) -> None:
        self._file = file
        self._living = file.isatty() and not verbose
        self._lines = Progress(living=False, alone=False, verbose=verbose)
        self._reports: dict[tuple[str, str], StreamReport] = {}
        self._begin = 0.0
        self._live: Live | None = None

    @property
    def hooks(self) -> CallChanges:
        """What clients have to call."""
        return self._lines.hooks

    def told(self, report: StreamReport) -> None:
        """Take how a stream gets on."""
        self._reports[report.account, report.stream] = report

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        self._reports.clear()
        if self._living:
            from rich.live import Live  # noqa: PLC0415  # slow to import, and a pipe does not need it

            self._live = Live(
                get_renderable=self._render,
                console=terminal_console(self._file),
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _render(self) -> Table:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table.grid(padding=(0, 1))
        accounts = {account for account, _ in self._reports}
        for (account, stream), report in self._reports.items():
            name = stream if account == stream.partition(".")[0] or len(accounts) == 1 else f"{stream} {account}"
            bar = ProgressBar(total=max(report.span, 1), completed=report.covered, width=20)
            left = time_left(report, time.monotonic() - self._begin)
            table.add_row(Text(printable(name)), bar, Text(f"{report.records:>11,}"), Text(left, "dim"))
        return table


def time_left(report: StreamReport, seconds: float) -> str:
    """
    How long a stream will take, in a few words; what cannot be known is not said.

    Args:
        report: How it gets on.
        seconds: How long it has taken so far.
    """
    if report.failure is not None:
        return "failed"
    if report.done:
        return "done"
    slices = f"{report.slices} of {counted(report.planned, 'slice')}"
    if report.slices < _ENOUGH or not report.covered or report.covered == report.span:
        return slices if report.planned else ""
    left = seconds * (report.span - report.covered) / report.covered
    words = f"{left:.0f} s" if left < _MINUTE else f"{left / _MINUTE:.0f} min"
    return f"{slices}, about {words} left"
