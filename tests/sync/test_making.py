"""A DuckDB file is there when it is a database, not before: a kill while it is made must not leave half of one for ever."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from logferry.stores import DuckDBStore


@pytest.mark.parametrize("left", [b"", b"half of a database"])
def test_what_a_kill_left_is_made_anew(tmp_path: Path, left: bytes) -> None:
    """It was under another name, which nobody looks at."""
    for name in ("logs.duckdb.new", "logs.duckdb.new.wal"):
        (tmp_path / name).write_bytes(left)
    with DuckDBStore(tmp_path / "logs.duckdb") as store:
        assert store.coverage() == {}
    assert {path.name for path in tmp_path.iterdir()} == {"logs.duckdb", "logs.duckdb.lock"}


def test_a_store_keeps_to_its_share_of_memory(tmp_path: Path) -> None:
    """Not to what the machine has, as DuckDB would by itself."""
    with (
        DuckDBStore(tmp_path / "logs.duckdb"),
        duckdb.connect(str(tmp_path / "logs.duckdb"), config={"threads": 1}) as other,
    ):
        assert other.execute("SELECT current_setting('memory_limit'), current_setting('threads')").fetchall() == [
            ("96.0 MiB", 1)
        ]
