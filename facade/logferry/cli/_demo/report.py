"""The progress of the demo's pull, and its result."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import fill
from typing import IO, TYPE_CHECKING, Final, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from logferry._records.severities import SEVERITIES
from logferry._redaction import printable
from logferry.cli._output.stdout import terminal_console
from logferry.cli._output.table import Table
from logferry.cli._shell import tell

if TYPE_CHECKING:
    from rich.console import Console

    from logferry.cli._demo.pull import Tally

_SECOND: Final = 1_000_000_000
_YEAR: Final = 365 * 86_400 * _SECOND
_MEBIBYTE: Final = 1 << 20
_SEVERITIES_WIDTH: Final = 24
"""The width that the other columns leave of 80."""


class Bars:
    """
    Shows a bar for each stream during the pull, on a terminal only, and removes the bars at the end.

    Args:
        file: The terminal.
        verbose: Print a line for each retry instead.
    """

    def __init__(self, file: IO[str], *, verbose: bool) -> None:
        self._verbose = verbose
        self._tallies: Sequence[Tally] = ()
        self._live = (
            Live(
                get_renderable=self._render,
                console=terminal_console(file),
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            if file.isatty() and not verbose
            else None
        )

    def begin(self, tallies: Sequence[Tally]) -> None:
        """Take the tallies, which change from now on."""
        self._tallies = tallies

    def changed(self, tally: Tally) -> None:
        """Print a retry if ``--verbose`` is set; bars are redrawn a few times a second anyway."""
        if self._verbose and tally.waits:
            tell("", f"{tally.stream}: {tally.waits}")

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._live is not None:
            self._live.stop()

    def _render(self) -> Group:
        grid = Grid.grid(padding=(0, 1))
        for tally in self._tallies:
            comparison = tally.comparison
            bar = ProgressBar(total=max(comparison.expected, 1), completed=comparison.arrived, width=20)
            waits = Text(printable(tally.waits), "yellow", no_wrap=True, overflow="ellipsis")
            grid.add_row(tally.stream, bar, Text(f"{comparison.arrived:>9,}"), waits)
        return Group(grid)


def report(console: Console, tallies: Sequence[Tally], *, seconds: float) -> bool:
    """
    Print the result.

    Returns:
        Whether every record arrived exactly once.
    """
    console.print(_summary(tallies))
    for tally in tallies:
        console.print()
        samples = Table(console, [tally.stream])
        for record in tally.samples:
            samples.write(record)
    console.print(Text("\ncompared with what the services have", "bold"))
    complete = [_compared(console, tally) for tally in tallies]
    console.print(Text("\n" + ", ".join(_cost(tallies, seconds))))
    return all(complete)


def _summary(tallies: Sequence[Tally]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column("stream", no_wrap=True)
    for name in ("records", "pages", "retries"):
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("first, last\n(UTC)", no_wrap=True)
    grid.add_column("severities")
    for tally in tallies:
        grid.add_row(
            tally.stream,
            f"{tally.comparison.arrived:,}",
            f"{tally.pages:,}",
            Text(f"{tally.retries:,}", "yellow" if tally.retries else ""),
            "\n".join(_times(tally)),
            _severities(tally),
        )
    return grid


def _times(tally: Tally) -> Iterator[str]:
    form = "%m-%d %H:%M" if tally.last - tally.first < _YEAR else "%Y-%m-%d"
    for time in (tally.first, tally.last):
        if time:
            yield datetime.fromtimestamp(time // _SECOND, UTC).strftime(form)


def _severities(tally: Tally) -> str:
    # textwrap, unlike rich, does not break a line at the no-break space between a name and its count.
    counts = [f"{_name(number)}\N{NO-BREAK SPACE}{count:,}" for number, count in sorted(tally.severities.items())]
    return fill(" ".join(counts), _SEVERITIES_WIDTH)


def _name(number: int) -> str:
    return next((name.lower() for name, lowest in reversed(SEVERITIES.items()) if number >= lowest), "none")


def _compared(console: Console, tally: Tally) -> bool:
    differences, expected = tally.comparison.differences(), tally.comparison.expected
    missing, double, unexpected = (
        sum(counts.values()) for counts in (differences.missing, differences.doubled, differences.unexpected)
    )
    line = f"{tally.stream:<26} {expected - missing:>11,} of {expected:,}, {missing:,} missing, {double:,} double"
    if unexpected:
        line += f", {unexpected:,} unexpected"
    if tally.failure:
        line += f"; {printable(tally.failure)}"
    console.print(Text(line, "red" if differences or tally.failure else ""), soft_wrap=True)
    return not (differences or tally.failure)


def _cost(tallies: Sequence[Tally], seconds: float) -> Iterator[str]:
    records = sum(tally.comparison.arrived for tally in tallies)
    yield f"{records:,} records in {seconds:.1f} s"
    memory = _peak_memory()
    if memory:
        yield f"{memory / _MEBIBYTE:.0f} MiB of memory at most"


def _peak_memory() -> int:
    """Return the peak memory of this process in bytes; 0 if the system does not report it."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415  # not everywhere

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
