"""Text and tables on stdout and stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, BinaryIO, Final

import click

from logferry._errors import ExportError

if TYPE_CHECKING:  # rich is slow to import, and a pipe does not need it
    from rich.console import Console

UNLIMITED: Final = 1_000_000
"""Columns of an output that is not a terminal, so that no text is cut."""


def terminal_console(file: IO[str], *, width: int | None = None) -> Console:
    """Return a console without markup and control codes of its own; default width 80.  A closed pipe raises BrokenPipeError."""
    from logferry.cli._output.console import PlainConsole  # noqa: PLC0415  # see above

    return PlainConsole(file, width=width)


def text_console(file: BinaryIO) -> Console:
    """Return a console on a binary file, such as stdout's: as wide as the terminal or as COLUMNS says, else unlimited."""
    width = None if file.isatty() or os.environ.get("COLUMNS", "").isdigit() else UNLIMITED
    if file is sys.stdout.buffer:
        return terminal_console(sys.stdout, width=width)
    return terminal_console(TextIOWrapper(file, encoding="utf-8", write_through=True), width=width)


@contextmanager
def output_errors() -> Generator[None]:
    """Turn each OSError of the block into an ExportError, except that of a closed pipe."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ExportError(f"the output cannot be written: {error.strerror}") from error


def echo(text: str | bytes) -> None:
    """
    Write a line to stdout.

    Raises:
        ExportError: It cannot be written.
        BrokenPipeError: The reader has closed the pipe.
    """
    with output_errors():
        click.echo(text, file=sys.stdout)
