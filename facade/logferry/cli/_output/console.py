"""The console that rich writes to."""

from typing import IO

from rich.console import Console


class PlainConsole(Console):
    """A console that interprets no markup, and raises BrokenPipeError on a closed pipe."""

    def __init__(self, file: IO[str], *, width: int | None) -> None:
        super().__init__(file=file, width=width, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Raise the error that rich has caught, instead of ending the process."""
        raise BrokenPipeError
