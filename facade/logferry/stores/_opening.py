"""From what a user writes to a store."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from logferry._errors import ConfigurationError
from logferry.stores._store import Described, Mode

_FORMS: Final = "Name a file such as logs.duckdb, a folder such as logs/, or dlt:<destination>"


def open_store(to: str | os.PathLike[str], *, mode: Mode = "make") -> Described:
    """
    The store that a text names, to be used in a ``with`` block.

    Args:
        to: A file that ends in ``.duckdb`` or ``.db``; a folder, or a name that ends in a slash, for Parquet files; or
            ``dlt:`` and the name of a destination.
        mode: ``"make"`` it where it does not exist; ``"change"`` what exists, and is a store; ``"read"`` it, and change
            nothing, so that others can read it meanwhile.

    Raises:
        ConfigurationError: It names none, or a package is missing that the store needs.
    """
    text = os.fspath(to)
    if text.startswith("dlt:"):
        return _made("dlt", "_dlt", "DltStore", text.removeprefix("dlt:"), mode)
    path = Path(text)
    if text and mode != "make" and not path.exists():
        raise ConfigurationError(f"there is no store {text}", hint="Is the path right? logferry sync makes one")
    if path.suffix in (".duckdb", ".db"):
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder", hint=_FORMS)
        return _made("duckdb", "_duckdb", "DuckDBStore", path, mode)
    if text and (path.is_dir() or text.endswith(("/", os.sep))):
        return _made("parquet", "_parquet", "ParquetStore", path, mode)
    raise ConfigurationError(f"{text!r} names no store", hint=_FORMS)


def _made(extra: str, module: str, name: str, place: object, mode: Mode) -> Described:
    try:
        make: Callable[..., Described] = getattr(import_module(f"logferry.stores.{module}"), name)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"this store needs the package {error.name}", hint=f"pip install 'logferry[{extra}]'"
        ) from error
    return make(place, mode=mode)
