"""Compression of whole files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO, cast

from logferry._extras import needing


def compressor_of(path: Path) -> Callable[[BinaryIO], BinaryIO] | None:
    """
    Return the compressor for a file's name: gzip for ``.gz``, zstd for ``.zst``, ``None`` for other names.

    Closing the compressed file leaves the file below it open.  Equal content makes equal files.

    Raises:
        MissingPackageError: The package for zstd is missing.
    """
    match path.suffix.lower():
        case ".gz":
            return _gzip
        case ".zst":
            return _zstd()
        case _:
            return None


def _gzip(file: BinaryIO) -> BinaryIO:
    # Neither a name nor a time, so that equal content makes equal files.
    return cast("BinaryIO", GzipFile(filename="", mode="wb", fileobj=file, mtime=0))


def _zstd() -> Callable[[BinaryIO], BinaryIO]:
    with needing("a name in .zst"):
        if sys.version_info >= (3, 14):
            from compression.zstd import CompressionParameter, ZstdFile  # noqa: PLC0415  # only such names need it
        else:
            from backports.zstd import CompressionParameter, ZstdFile  # noqa: PLC0415  # see above
    # With a checksum, as gzip and the program zstd write one, so that readers notice damage.
    options: dict[int, int] = {CompressionParameter.checksum_flag: 1}
    return lambda file: cast("BinaryIO", ZstdFile(file, "wb", options=options))
