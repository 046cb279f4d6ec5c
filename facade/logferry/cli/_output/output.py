"""Where records go: to stdout, or into a file that appears when it is complete; and as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Final, Protocol, Self

import click

from logferry._errors import ExportError, InvalidRequestError
from logferry._redaction import printable
from logferry.cli._output.compression import compressor_of
from logferry.cli._output.suffixes import part_names
from logferry.cli._shell import tell

if TYPE_CHECKING:  # rich is slow to import, and a pipe does not need it
    from rich.console import Console

    from logferry._records.record import LogRecord

UNLIMITED: Final = 1_000_000
"""Columns of an output that is no terminal, so that nothing is cut."""

NO_PLACE: Final = "there is no place to resume at: what was received lacks the end that its format needs"
"""Of an output that takes no more, and needs its end."""


class Output(Protocol):
    """Takes records."""

    def begin(self) -> None:
        """Write what has to stand in front of the records, also where there is none, unless it has been written."""
        ...

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        ...

    def flush(self) -> None:
        """Hand over what has been written; what can be read only in large groups waits."""
        ...

    def end(self) -> bool:
        """
        Write what has to stand behind the records, once; after an error it does nothing.

        Returns:
            Whether what has been written can be read, and is worth it.
        """
        ...


class JsonLines:
    """
    Writes one JSON object per line.

    Args:
        file: Where to; it has a buffer.
        raw: Add the item as received.
    """

    def __init__(self, file: BinaryIO, *, raw: bool) -> None:
        self._file = file
        self._raw = raw
        self._shown = file.isatty()

    def begin(self) -> None:
        """Do nothing: there is no header."""

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        line = record.to_json(raw=self._raw)
        self._file.write((harmless_json(line.decode()).encode() if self._shown else line) + b"\n")

    def flush(self) -> None:
        """Hand over what has been written."""
        self._file.flush()

    def end(self) -> bool:
        """Do nothing: nothing stands behind the lines."""
        return True


def harmless_json(text: str) -> str:
    """JSON text of the same value, without characters that drive a terminal."""
    return text if printable(text) == text else json.dumps(json.loads(text), separators=(",", ":"))


def terminal_console(file: IO[str], *, width: int | None = None) -> Console:
    """A console for text that drives nothing; its width is 80 where nobody says.  A closed pipe is a BrokenPipeError."""
    from logferry.cli._output.console import PlainConsole  # noqa: PLC0415  # see above

    return PlainConsole(file, width=width)


def text_console(file: BinaryIO) -> Console:
    """A console on a binary file, such as that of stdout: as wide as the terminal, or as COLUMNS says, or unlimited."""
    width = None if file.isatty() or os.environ.get("COLUMNS", "").isdigit() else UNLIMITED
    if file is sys.stdout.buffer:
        return terminal_console(sys.stdout, width=width)
    return terminal_console(TextIOWrapper(file, encoding="utf-8", write_through=True), width=width)


@contextmanager
def output_errors() -> Generator[None]:
    """Whatever the operating system has against the output is an ExportError; only a closed pipe is none."""
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
        BrokenPipeError: Nobody reads any more.
    """
    with output_errors():
        click.echo(text, file=sys.stdout)


class PartialFile:
    """
    A file beside the wanted one, which takes its place when it is complete; readable by its owner only.

    Args:
        path: The wanted file; where its name ends in ``.gz`` or ``.zst``, what is written is compressed.
        force: Replace what exists.
        appendable: Whether records can be put behind those of a file that is not complete.

    Attributes:
        readable: Whether what has been written can be read, also where it is not complete.

    Raises:
        InvalidRequestError: The file exists, or cannot be made.
        MissingPackageError: What compresses is missing.
    """

    def __init__(self, path: Path, *, force: bool, appendable: bool = True) -> None:
        self.path = path
        self.appendable = appendable
        self.readable = appendable
        self._parts = part_names(path)
        if not path.name:
            raise InvalidRequestError(f"{path} is a folder", hint="Choose another --output")
        self.partial = path.with_name(f"{path.name}.partial")
        compressor = compressor_of(path)
        try:
            self._refuse_existing(force=force)
            self.partial.unlink(missing_ok=True)
            self.file: BinaryIO = open(self.partial, "xb", opener=_for_owner)  # noqa: SIM115  # outlives the call
        except OSError as error:
            raise InvalidRequestError(
                f"{self.partial} cannot be written: {error.strerror}", hint="Choose another --output"
            ) from error
        self.is_compressed = compressor is not None
        self.target: BinaryIO = self.file if compressor is None else compressor(self.file)

    def _refuse_existing(self, *, force: bool) -> None:
        if self.path.is_dir():
            raise InvalidRequestError(f"{self.path} is a folder", hint="Choose another --output")
        if self.path.exists() and not self.path.is_file():  # a device or a pipe would be replaced by the file
            raise InvalidRequestError(
                f"{self.path} is no file", hint="Leave --output out, and redirect what is written"
            )
        for existing in (self.path, self.partial):
            if existing.is_dir() or (existing.exists() and not force):
                what = "" if existing == self.path else ", with what an earlier run had received"
                raise InvalidRequestError(f"{existing} exists{what}", hint="Choose another --output, or add --force")

    @cached_property
    def received(self) -> Path:
        """Where what was received is found, if that is not all."""
        return self.partial if self.appendable else next(self._parts)

    def next_part(self) -> Path:
        """Where to write what was not received, for a file to which nothing can be appended; each time another one."""
        taken = self.received
        return next(part for part in self._parts if part != taken)

    @property
    def needs_end(self) -> bool:
        """Whether what was received cannot be used without what is written last."""
        return self.is_compressed or not self.appendable

    def size(self) -> int:
        """Bytes that have been flushed."""
        return os.fstat(self.file.fileno()).st_size

    def keep(self, size: int) -> None:
        """Close the file after a write that failed, and cut off what follows these bytes: it is incomplete."""
        self._close()
        os.truncate(self.partial, size)

    def complete(self) -> None:
        """Put the file in its place, on disk before it is seen."""
        if self.is_compressed:
            self.target.close()
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self.partial.replace(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if not self.partial.exists():
            return
        is_empty = not self.target.closed and self.target.tell() == 0  # compressed, it would have a header
        self._close()
        if self.readable and self.partial.stat().st_size and not is_empty:
            if self.received != self.partial:
                self.partial.rename(self.received)
            missing = "" if self.received == self.path else f"{self.path} is not written; "
            tell("", f"{missing}what was received is in {self.received}")
        else:
            self.partial.unlink()

    def _close(self) -> None:
        for file in (self.target, self.file):
            with suppress(OSError):  # where a write has failed, what is buffered cannot be written either
                file.close()


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
