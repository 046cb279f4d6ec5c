"""From the text of a user to a store and back: names, missing packages, coverage as text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import orjson
import pytest

from logferry import ConfigurationError, StoreError
from logferry.stores import Coverage, DltStore, DuckDBStore, Mode, ParquetStore, Question, Stretch, open_store
from logferry.testing.stores import records


def test_a_text_names_a_store(tmp_path: Path) -> None:
    """A text names a file, a folder, or dlt with a destination; the store is opened by its with block."""
    (tmp_path / "there").mkdir()
    kinds = {
        f"{tmp_path}/a.duckdb": DuckDBStore,
        f"{tmp_path}/a.db": DuckDBStore,
        f"{tmp_path}/new/": ParquetStore,
        f"{tmp_path}/new": ParquetStore,
        f"{tmp_path}/there": ParquetStore,
        "dlt:postgres": DltStore,
    }
    assert {to: type(open_store(to)) for to in kinds} == kinds
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("to", ["logs.csv", "logs.parquet", "", ":memory:", "md:logs", "sqlite:logs"])
def test_other_texts_are_refused(to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error lists the valid forms."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"names no store.*dlt:<destination>"):
        open_store(to)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_needs_no_slash(tmp_path: Path) -> None:
    """A path without a suffix is a folder; an existing file of that name is refused."""
    assert type(open_store(tmp_path / "new")) is ParquetStore
    (tmp_path / "letter").write_text("dear diary")
    for mode in ("make", "change", "read"):
        with pytest.raises(ConfigurationError, match=r"letter is a file that is no store\. Name a file such as"):
            open_store(tmp_path / "letter", mode=mode)


@pytest.mark.parametrize("name", ["logs.duckdb", "logs/"])
def test_reading_a_store_does_not_change_it(tmp_path: Path, name: str) -> None:
    """Its bytes stay the same, no lock file remains, and its content can be read."""
    place = f"{tmp_path}/{name}"
    covered = Coverage((Stretch(since=0, until=10, state="complete"),))
    with open_store(place) as store:
        store.commit(records(5), {Question("main", "example.logs"): covered})
    for lock in tmp_path.rglob("*lock"):
        lock.unlink()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with open_store(place, mode="read") as store:
        assert dict(store.coverage()) == {Question("main", "example.logs"): covered}
        assert sum(store.counts().values()) == 5
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("mode", ["read", "change"])
@pytest.mark.parametrize("name", ["logs.duckdb", "logs/"])
def test_reading_does_not_create_a_store(tmp_path: Path, name: str, mode: Mode) -> None:
    """A store is created only if it is opened for writing."""
    place = f"{tmp_path}/{name}"
    if name.endswith("/"):
        Path(place).mkdir()
    else:
        duckdb.connect(place).close()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match="not a store of logferry"), open_store(place, mode=mode):
        pass
    assert [path for path in sorted(tmp_path.rglob("*")) if not path.name.endswith(".lock")] == before


@pytest.mark.parametrize(
    ("package", "to", "extra"),
    [
        ("duckdb", "a.duckdb", "duckdb"),
        ("pyarrow", "folder/", "parquet"),
        ("filelock", "folder/", "parquet"),
        ("dlt", "dlt:postgres", "dlt"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(package: str, to: str, extra: str) -> None:
    """The error names the missing package and the extra to install."""
    program = f"""
import sys
sys.modules[{package!r}] = None  # as if it were not installed
from logferry import ConfigurationError
from logferry.stores._opening import open_store
try:
    open_store({to!r})
except ConfigurationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == f"this store needs the package {package}. pip install 'logferry[{extra}]'\n"


def test_coverage_round_trips_as_text() -> None:
    """Every state is restored with times to the nanosecond and any checkpoint."""
    coverage = (
        Coverage()
        .having(Stretch(since=-(2**63), until=-1, state="lost"))
        .having(Stretch(since=0, until=2**62 + 1, state="complete"))
        .having(
            Stretch(since=2**62 + 1, until=2**63 - 1, state="partial", checkpoint='{"a": "\u2603\\n"}', begun=2**60 + 1)
        )
    )
    assert Coverage.from_json(coverage.to_json()) == coverage
    assert Coverage.from_json(Coverage().to_json()) == Coverage()


@pytest.mark.parametrize(
    "told",
    [
        {},
        [1],
        [{"since": 0, "until": 1}],
        [{"since": "0", "until": 1, "state": "complete"}],
        [{"since": 0, "until": 1, "state": "nearly"}],
        [{"since": 0, "until": 1, "state": "partial", "checkpoint": 5}],
    ],
)
def test_an_invalid_coverage_text_is_refused(told: object) -> None:
    """An invalid text is refused, since a guess could lose coverage."""
    with pytest.raises(ValueError, match=r"stretch"):
        Coverage.from_json(orjson.dumps(told))
