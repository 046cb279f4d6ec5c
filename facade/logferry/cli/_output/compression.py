"""Files that are compressed as a whole."""

from __future__ import annotations

import sys
from collections.abc import Callable
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO, cast

from logferry._extras import needing


def compressor_of(path: Path) -> Callable[[BinaryIO], BinaryIO] | None:
    """
    What compresses into a file, as its name says: by gzip for ``.gz``, by zstd for ``.zst``; ``None`` for other names.

    Closing what it returns leaves the file open.  Equal content makes equal files.

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
    # Neither a name nor a time.
    return cast("BinaryIO", GzipFile(filename="", mode="wb", fileobj=file, mtime=0))


def _zstd() -> Callable[[BinaryIO], BinaryIO]:
    with needing("a name in .zst"):
        if sys.version_info >= (3, 14):
            from compression.zstd import CompressionParameter, ZstdFile  # noqa: PLC0415  # only such names need it
        else:
            from backports.zstd import CompressionParameter, ZstdFile  # noqa: PLC0415  # see above
    # A checksum, as gzip and the program zstd write one: damage is noticed.
    options: dict[int, int] = {CompressionParameter.checksum_flag: 1}
    return lambda file: cast("BinaryIO", ZstdFile(file, "wb", options=options))
