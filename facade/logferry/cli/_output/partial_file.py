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
