"""The stores of logferry, each as a case of the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pytest

from logferry.stores import SCHEMA, DltStore, DuckDBStore, ParquetStore
from logferry.testing.stores import Case

MakeCase: TypeAlias = Callable[[Path], Case]

_COLUMNS = ", ".join(
    f"epoch_ns({name}) AS {name}" if name in ("timestamp", "observed_timestamp") else name for name in SCHEMA.names
)


def _asked(query: str, path: Path | None = None) -> Iterator[Mapping[str, Any]]:
    with duckdb.connect(":memory:" if path is None else str(path), read_only=path is not None) as connection:
        # Arrow would need the zone database of the machine.
        answer = connection.execute(query)
        names = [column[0] for column in answer.description or []]
        for row in answer.fetchall():
            yield dict(zip(names, row, strict=True))


def duckdb_case(folder: Path) -> Case:
    path = folder / "logs.duckdb"
    return Case(make=lambda: DuckDBStore(path), rows=lambda: _asked(f"SELECT {_COLUMNS} FROM logs", path))  # noqa: S608


def parquet_case(folder: Path) -> Case:
    path = folder / "logs"

    def rows() -> Iterator[Mapping[str, Any]]:
        if list(path.rglob("*.parquet")):
            yield from _asked(f"SELECT {_COLUMNS} FROM read_parquet('{path}/**/*.parquet')")  # noqa: S608

    return Case(make=lambda: ParquetStore(path), rows=rows)


def dlt_case(folder: Path) -> Case:
    path = folder / "dlt.duckdb"

    def rows() -> Iterator[Mapping[str, Any]]:
        if list(_asked("SELECT 1 FROM duckdb_tables() WHERE table_name = 'logs'", path)):
            yield from _asked(f"SELECT {_COLUMNS} FROM logferry.logs", path)  # noqa: S608

    return Case(make=lambda: DltStore("duckdb", credentials=str(path), folder=folder / "packages"), rows=rows)


CASES: Mapping[str, MakeCase] = {"duckdb": duckdb_case, "parquet": parquet_case, "dlt": dlt_case}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    """Return each store, at a place without files."""
    return CASES[request.param](tmp_path)
