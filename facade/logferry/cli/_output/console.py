"""What rich writes to."""

from typing import IO

from rich.console import Console


class PlainConsole(Console):
    """A console that interprets nothing in what it is given, and leaves a closed pipe to its caller."""

    def __init__(self, file: IO[str], *, width: int | None) -> None:
        super().__init__(file=file, width=width, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Raise what rich has caught, since it would end the process."""
        raise BrokenPipeError
