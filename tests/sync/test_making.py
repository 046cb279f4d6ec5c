"""A DuckDB file appears only once it is a database: a kill during its creation leaves no partial file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from logferry.stores import DuckDBStore


@pytest.mark.parametrize("left", [b"", b"half of a database"])
def test_a_partial_file_of_a_kill_is_replaced(tmp_path: Path, left: bytes) -> None:
    """A partial file has another name, which is never opened."""
    for name in ("logs.duckdb.new", "logs.duckdb.new.wal"):
        (tmp_path / name).write_bytes(left)
    with DuckDBStore(tmp_path / "logs.duckdb") as store:
        assert store.coverage() == {}
    assert {path.name for path in tmp_path.iterdir()} == {"logs.duckdb", "logs.duckdb.lock"}


def test_a_store_limits_its_memory(tmp_path: Path) -> None:
    """The store sets a memory limit, since DuckDB alone would take most of the machine's memory."""
    with (
        DuckDBStore(tmp_path / "logs.duckdb"),
        duckdb.connect(str(tmp_path / "logs.duckdb"), config={"threads": 1}) as other,
    ):
        assert other.execute("SELECT current_setting('memory_limit'), current_setting('threads')").fetchall() == [
            ("96.0 MiB", 1)
        ]
