"""Opens the store that a caller names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from logferry._config.paths import local_path
from logferry._errors import ConfigurationError
from logferry._extras import needing
from logferry.stores._addresses import store_instead
from logferry.stores._store import Described, Mode

_FORMS: Final = "Name a file such as logs.duckdb, a folder such as logs/, or dlt:<destination>"
_DATABASES: Final = (".duckdb", ".db")
_UNSLASHED: Final = re.compile(r"\s*([^./\\:][^/\\:]+)?:")
"""Addresses of other programs, such as ``md:logs`` or ``user:password@host``; never shown, as they may hold secrets."""


def open_store(to: str | os.PathLike[str], *, mode: Mode = "make") -> Described:
    """
    The store that a text or a path names, to be used in a ``with`` block.

    Args:
        to: A file that ends in ``.duckdb`` or ``.db``; a folder, or a name that ends in a slash or has no suffix, for
            Parquet files; or ``dlt:`` and the name of a destination.  ``~`` is expanded, and a link is followed.
        mode: ``"make"`` creates a missing store; ``"change"`` requires an existing one; ``"read"`` changes nothing, so
            that other processes can read it meanwhile.

    Raises:
        ConfigurationError: It names no store, such as an address or a file of another kind; or a package that the store
            needs is missing.
    """
    text = os.fspath(to)
    if text.startswith("dlt:"):
        return _made("dlt", "_dlt", "DltStore", text.removeprefix("dlt:"), mode)
    path = local_path(text, "store", store_instead)
    try:
        return _at(path, text, mode)
    except OSError as error:
        raise ConfigurationError(f"there can be no store at {path}: {error.strerror}", hint=_FORMS) from error


def _at(path: Path, text: str, mode: Mode) -> Described:
    if _UNSLASHED.match(text) and path.suffix not in _DATABASES and not path.exists():
        raise ConfigurationError("this address names no store", hint=_FORMS)
    if text and mode != "make" and not path.exists():
        raise ConfigurationError(f"there is no store {text}", hint="Is the path right? logferry sync makes one")
    if path.suffix in _DATABASES:
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder", hint=_FORMS)
        return _made("duckdb", "_duckdb", "DuckDBStore", path, mode)
    if text and path.exists() and not path.is_dir():
        raise ConfigurationError(f"{path} is a file that is no store", hint=_FORMS)
    if text and (path.is_dir() or text.endswith(("/", os.sep)) or not path.suffix):
        return _made("parquet", "_parquet", "ParquetStore", path, mode)
    raise ConfigurationError(f"{text!r} names no store", hint=_FORMS)


def _made(extra: str, module: str, name: str, place: object, mode: Mode) -> Described:
    with needing("this store", extra=extra):
        make: Callable[..., Described] = getattr(import_module(f"logferry.stores.{module}"), name)
    return make(place, mode=mode)
