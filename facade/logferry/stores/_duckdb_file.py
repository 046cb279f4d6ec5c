"""The file of a DuckDB store: how it is made, what is beside it, and whether it is one of DuckDB's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from logferry._errors import StoreError

_STORAGE: Final = "v1.4.0"
"""
The version of the format of files that are made: that of the oldest DuckDB that pyproject.toml allows.

A file keeps its format, whichever DuckDB writes to it.
"""

_SQLITE: Final = b"SQLite format 3\0"
_DUCKDB: Final = b"DUCK"
_CHECKSUM: Final = 8
"""How many bytes stand in front of it."""

_ANOTHER: Final = "Name another file, such as logs.duckdb"


def make(file: Path) -> None:
    """Make the file under another name first: one that is half made is no database, and would never be opened again."""
    new = beside(file, "new")
    for left in (new, beside(new, "wal")):
        left.unlink(missing_ok=True)
    duckdb.connect(str(new.absolute()), config={"storage_compatibility_version": _STORAGE}).close()
    new.replace(file)


def take_log_along(path: Path, file: Path) -> None:
    """
    Move the log that a kill left beside a link to where the file is: DuckDB 1.4 writes it there, 2.0 reads it here.

    Args:
        path: The file as it was named, which can be a link.
        file: Where it leads.
    """
    left, log = beside(path, "wal"), beside(file, "wal")
    if file != path and left.exists() and not log.exists():
        left.replace(log)


def refuse_other(file: Path, store: str) -> None:
    """
    Nothing, for a file of DuckDB's.

    DuckDB itself would look for an extension that reads a file of another kind, also on the network.

    Args:
        file: The file; it exists.
        store: What to call it in errors.

    Raises:
        StoreError: It is something else.
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
    """The file beside another one, whose name has this suffix, too."""
    return path.with_name(f"{path.name}.{suffix}")
