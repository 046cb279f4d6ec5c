"""The progress of a sync on stderr: a table that is updated on a terminal, or a line per request with --verbose."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Final, Self

from logferry._redaction import printable
from logferry.cli._output.stdout import terminal_console
from logferry.cli._progress import Progress
from logferry.cli._shell import counted

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from logferry._config.arguments import CallChanges
    from logferry._config.hooks import PageEvent, RequestEvent
    from logferry.sync import StreamReport

_MINUTE: Final = 60
_ENOUGH: Final = 3
"""Slices that must be done before the remaining time is estimated."""

_STANDSTILL: Final = 2.0
"""Seconds without a request or an answer after which the table says that the account waits."""


class SyncProgress:
    """
    Shows the progress of a sync while its ``with`` block runs.

    Args:
        file: Where to.
        verbose: Write a line for each request, retry and issue instead of a table.
        now: Tells seconds that pass.
    """

    def __init__(self, file: IO[str], *, verbose: bool, now: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._now = now
        self._moved: dict[str, float] = {}
        self._living = file.isatty() and not verbose
        self._lines = Progress(living=False, alone=False, verbose=verbose)
        self._reports: dict[tuple[str, str], StreamReport] = {}
        self._begin = 0.0
        self._live: Live | None = None

    @property
    def hooks(self) -> CallChanges:
        """What clients have to call."""
        lines = self._lines.hooks

        def on_request(event: RequestEvent) -> None:
            # It is called before the request waits for its turn at the account's rate.
            self._moved[event.account] = self._now()
            self._lines.on_request(event)

        def on_page(event: PageEvent) -> None:
            self._moved[event.account] = self._now()
            self._lines.on_page(event)

        return {**lines, "on_request": on_request, "on_page": on_page}

    def doing(self, report: StreamReport) -> str:
        """What a stream does, in a few words: how much is left, and whether its account waits."""
        left = time_left(report, self._now() - self._begin)
        waited = self._now() - self._moved.get(report.account, self._begin)
        if report.done or report.failure is not None or waited < _STANDSTILL:
            return left
        return f"{left}, waits {waited:.0f} s for an answer or its turn".removeprefix(", ")

    def told(self, report: StreamReport) -> None:
        """Take the progress of a stream."""
        self._reports[report.account, report.stream] = report

    def __enter__(self) -> Self:
        self._begin = self._now()
        self._moved.clear()
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
            table.add_row(Text(printable(name)), bar, Text(f"{report.records:>11,}"), Text(self.doing(report), "dim"))
        return table


def time_left(report: StreamReport, seconds: float) -> str:
    """
    Return the remaining slices and time of a stream in a few words; empty if they are unknown.

    Args:
        report: The progress of the stream.
        seconds: The time that it has taken so far.
    """
    if report.failure is not None:
        return "failed"
    if report.done:
        return "done"
    slices = f"{report.slices} of {counted(report.planned, 'slice')}"
    if report.sessions:
        slices = f"{slices}, {counted(report.sessions, 'session')} read"
    if report.slices < _ENOUGH or not report.covered or report.covered == report.span:
        return slices if report.planned else ""
    left = seconds * (report.span - report.covered) / report.covered
    words = f"{left:.0f} s" if left < _MINUTE else f"{left / _MINUTE:.0f} min"
    return f"{slices}, about {words} left"
