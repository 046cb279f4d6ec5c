"""
Stores: keep the records that `sync` reads, and which windows are complete.

``open_store("logs.duckdb")`` opens a DuckDB file, ``open_store("folder/")`` or ``open_store(Path("folder"))`` a Parquet
folder, ``open_store("dlt:...")`` a destination of dlt.  Any other implementation of `Store` works too.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from logferry._extras import needing

if TYPE_CHECKING:
    from logferry.stores._coverage import Coverage, State, Stretch
    from logferry.stores._dlt import DltStore
    from logferry.stores._duckdb import DuckDBStore
    from logferry.stores._opening import open_store
    from logferry.stores._parquet import ParquetStore
    from logferry.stores._schema import SCHEMA, record_batch
    from logferry.stores._store import Described, Mode, Question, Store

_HOMES = {
    "logferry.stores._dlt": ("DltStore",),
    "logferry.stores._duckdb": ("DuckDBStore",),
    "logferry.stores._parquet": ("ParquetStore",),
    "logferry.stores._opening": ("open_store",),
    "logferry.stores._schema": ("SCHEMA", "record_batch"),
    "logferry.stores._store": ("Described", "Mode", "Question", "Store"),
    "logferry.stores._coverage": ("Coverage", "State", "Stretch"),
}
_EXTRAS = {"DltStore": "dlt", "DuckDBStore": "duckdb"}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "SCHEMA",
    "Coverage",
    "Described",
    "DltStore",
    "DuckDBStore",
    "Mode",
    "ParquetStore",
    "Question",
    "State",
    "Store",
    "Stretch",
    "open_store",
    "record_batch",
]


if not TYPE_CHECKING:
    # Hidden from type checkers, which would accept any name otherwise.  Each store imports its own packages.
    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with needing(name, extra=_EXTRAS.get(name)):
            value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
