"""A file that appears when it is complete."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

from logferry._errors import InvalidRequestError
from logferry.cli._output.compression import compressor_of
from logferry.cli._output.suffixes import part_names
from logferry.cli._shell import tell


class PartialFile:
    """
    A temporary file, renamed to its final path when it is complete; readable by its owner only.

    Args:
        path: The final path; if it ends in ``.gz`` or ``.zst``, the content is compressed.
        force: Replace existing files.
        appendable: Whether records can be appended to an incomplete file.

    Attributes:
        readable: Whether the file can be read although it is incomplete.

    Raises:
        InvalidRequestError: The file exists, or cannot be created.
        MissingPackageError: The package for the compression is missing.
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
        if self.path.exists() and not self.path.is_file():  # the file would replace a device or a pipe
            raise InvalidRequestError(f"{self.path} is not a file", hint="Leave out --output, and redirect stdout")
        for existing in (self.path, self.partial):
            if existing.is_dir() or (existing.exists() and not force):
                what = "" if existing == self.path else ", with records of an earlier run"
                raise InvalidRequestError(f"{existing} exists{what}", hint="Choose another --output, or add --force")

    @cached_property
    def received(self) -> Path:
        """The path at which an incomplete result is kept."""
        return self.partial if self.appendable else next(self._parts)

    def next_part(self) -> Path:
        """Return a new path for the remaining records of a file that cannot be appended to."""
        taken = self.received
        return next(part for part in self._parts if part != taken)

    @property
    def needs_end(self) -> bool:
        """Whether an incomplete file cannot be used without its footer."""
        return self.is_compressed or not self.appendable

    def size(self) -> int:
        """Return the number of bytes that have been flushed."""
        return os.fstat(self.file.fileno()).st_size

    def keep(self, size: int) -> None:
        """Close the file after a failed write, and truncate it to this many bytes, which are complete."""
        self._close()
        os.truncate(self.partial, size)

    def complete(self) -> None:
        """Write the file to disk, then rename it to its final path."""
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
        is_empty = not self.target.closed and self.target.tell() == 0  # compressed, it has a header
        self._close()
        if self.readable and self.partial.stat().st_size and not is_empty:
            if self.received != self.partial:
                self.partial.rename(self.received)
            missing = "" if self.received == self.path else f"{self.path} is not written; "
            tell("", f"{missing}the received records are in {self.received}")
        else:
            self.partial.unlink()

    def _close(self) -> None:
        for file in (self.target, self.file):
            with suppress(OSError):  # after a failed write, the buffer cannot be written either
                file.close()


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
