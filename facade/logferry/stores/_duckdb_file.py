"""The file of a DuckDB store: its creation, its write-ahead log, and its format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from logferry._errors import StoreError

_STORAGE: Final = "v1.4.0"
"""
The format version of new files: that of the oldest DuckDB that pyproject.toml allows.

A file keeps its format, whichever DuckDB writes to it.
"""

_SQLITE: Final = b"SQLite format 3\0"
_DUCKDB: Final = b"DUCK"
_CHECKSUM: Final = 8
"""The number of bytes before the magic bytes."""

_ANOTHER: Final = "Name another file, such as logs.duckdb"


def make(file: Path) -> None:
    """Create the file under another name, then rename it: DuckDB cannot open a file that is half written."""
    new = beside(file, "new")
    for left in (new, beside(new, "wal")):
        left.unlink(missing_ok=True)
    duckdb.connect(str(new.absolute()), config={"storage_compatibility_version": _STORAGE}).close()
    new.replace(file)


def take_log_along(path: Path, file: Path) -> None:
    """
    Move the write-ahead log that a killed process left beside a link to the file that the link leads to.

    DuckDB 1.4 writes the log beside the link, 2.0 reads it beside the file.

    Args:
        path: The path as the caller gave it, which can be a link.
        file: The file that it leads to.
    """
    left, log = beside(path, "wal"), beside(file, "wal")
    if file != path and left.exists() and not log.exists():
        left.replace(log)


def refuse_other(file: Path, store: str) -> None:
    """
    Raise if the file is not a DuckDB file.

    For a file of another kind, DuckDB would look for an extension, also on the network.

    Args:
        file: The file; it exists.
        store: The store's name in errors.

    Raises:
        StoreError: It is not a DuckDB file.
    """
    if not file.is_file():
        raise StoreError(f"{store} is no file", hint=_ANOTHER)
    with file.open("rb") as opened:
        begin = opened.read(len(_SQLITE))
    if begin == _SQLITE:
        raise StoreError(f"{store} is a SQLite file, no DuckDB file", hint=_ANOTHER)
    if not begin:
        raise StoreError(f"{store} is an empty file, no DuckDB file", hint=f"Remove it. {_ANOTHER}")
    if begin[_CHECKSUM:][: len(_DUCKDB)] != _DUCKDB:
        raise StoreError(f"{store} is no DuckDB file, or is damaged", hint=_ANOTHER)


def beside(path: Path, suffix: str) -> Path:
    """The path with a suffix appended to its name."""
    return path.with_name(f"{path.name}.{suffix}")
