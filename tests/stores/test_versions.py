"""Versions: a store of an older logferry is migrated; one of a newer version is refused and stays unchanged."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from logferry import StoreError
from logferry.stores import Coverage, Described, DltStore, DuckDBStore, ParquetStore, Question, Stretch
from logferry.stores._dlt_pipeline import Pipeline
from logferry.stores._versions import current, outstanding
from logferry.testing.stores import records

QUESTION = Question("main", "example.logs")
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
COVERED = Coverage().having(Stretch(since=0, until=10, state="complete"))


class LaterDuckDB(DuckDBStore):
    """The DuckDB store of a later logferry, which also keeps notes."""

    migrations: ClassVar[Mapping[int, str]] = {
        1: "CREATE TABLE notes (note VARCHAR)",
        2: "INSERT INTO notes VALUES ('migrated')",
    }


def noted(folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    with (folder / "_logferry" / "notes").open("a") as notes:
        notes.write(f"{state['version']}\n")
    return state


class LaterParquet(ParquetStore):
    """The Parquet folder of a later logferry, which also keeps notes."""

    migrations: ClassVar[Mapping[int, Callable[[Path, dict[str, Any]], dict[str, Any]]]] = {
        **ParquetStore.migrations,
        2: noted,
        3: noted,
    }


def forgetting(pipeline: Pipeline) -> None:
    (rows,) = pipeline.rows("logferry_windows", "count(*)")
    assert rows[0] == 1


class LaterDlt(DltStore):
    """The destination of a later logferry, which also counts windows."""

    migrations: ClassVar[Mapping[int, Callable[[Pipeline], None]]] = {1: forgetting, 2: forgetting}


PAIRS: Mapping[str, tuple[Callable[[Path], Described], Callable[[Path], Described]]] = {
    "duckdb": (lambda folder: DuckDBStore(folder / "l.duckdb"), lambda folder: LaterDuckDB(folder / "l.duckdb")),
    "parquet": (lambda folder: ParquetStore(folder / "l"), lambda folder: LaterParquet(folder / "l")),
    "dlt": (
        lambda folder: DltStore("duckdb", credentials=str(folder / "d.duckdb"), folder=folder / "packages"),
        lambda folder: LaterDlt("duckdb", credentials=str(folder / "d.duckdb"), folder=folder / "packages"),
    ),
}


def has_everything(store: Described) -> bool:
    return dict(store.coverage()) == {QUESTION: COVERED} and dict(store.counts()) == {("main", "example.logs"): 5}


@pytest.mark.parametrize("kind", list(PAIRS))
def test_an_older_store_is_migrated_and_a_newer_one_refused(kind: str, tmp_path: Path) -> None:
    """A later logferry migrates the store with all its content once; after that this version refuses it."""
    now, later = (make for make in PAIRS[kind])
    with now(tmp_path) as store:
        store.commit(records(5), {QUESTION: COVERED})
    for _ in range(2):
        with later(tmp_path) as store:
            assert has_everything(store)
    with pytest.raises(StoreError, match="newer logferry") as caught, now(tmp_path):
        pass
    assert caught.value.hint == "Update logferry"
    with later(tmp_path) as store:
        assert has_everything(store)


def test_each_migration_runs_once_and_in_order(tmp_path: Path) -> None:
    """Each migration of a folder sees the version it is for, and the state then has the last version."""
    with ParquetStore(tmp_path / "l") as store:
        store.commit(records(5), {QUESTION: COVERED})
    for _ in range(2):
        with LaterParquet(tmp_path / "l"):
            pass
    assert (tmp_path / "l" / "_logferry" / "notes").read_text() == "2\n3\n"
    assert json.loads((tmp_path / "l" / "_logferry" / "state.json").read_text())["version"] == 4


def test_a_failed_migration_leaves_the_store_unchanged(tmp_path: Path) -> None:
    """The store keeps its older version and all its content."""

    class Failing(DuckDBStore):
        migrations: ClassVar[Mapping[int, str]] = {1: "CREATE TABLE notes (note VARCHAR); SELECT nothing FROM nowhere"}

    with DuckDBStore(tmp_path / "l.duckdb") as store:
        store.commit(records(5), {QUESTION: COVERED})
    with pytest.raises(StoreError, match="nowhere"), Failing(tmp_path / "l.duckdb"):
        pass
    with DuckDBStore(tmp_path / "l.duckdb") as store:
        assert has_everything(store)


@pytest.mark.parametrize("found", [None, 0, -1, "1", [1]])
def test_an_invalid_version_is_damage(found: object) -> None:
    """A store without a valid version is damaged; no version is guessed."""
    with pytest.raises(StoreError, match=r"l does not say its version\. It is damaged"):
        list(outstanding(found, dict[int, str](), "l"))


@pytest.mark.parametrize(
    ("found", "wanted"), [(1, [(2, "a"), (3, "b"), (4, "c")]), (3, [(4, "c")]), (4, [])], ids=["first", "third", "last"]
)
def test_outstanding_migrations_start_at_the_version_of_the_store(
    found: int, wanted: Iterable[tuple[int, str]]
) -> None:
    """A store needs the migrations from its version on, each of which leads to the next."""
    migrations = {1: "a", 2: "b", 3: "c"}
    assert current(migrations) == 4
    assert list(outstanding(found, migrations, "l")) == wanted


def test_a_database_has_the_format_of_the_oldest_duckdb(tmp_path: Path) -> None:
    """The format is that of the oldest supported version, at creation and after each commit."""
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    (oldest,) = [one.removeprefix("duckdb>=") for one in extras["duckdb"] if one.startswith("duckdb")]
    for number in range(2):
        with DuckDBStore(tmp_path / "l.duckdb") as store:
            store.commit(records(5, first=5 * number), {QUESTION: COVERED})
        with duckdb.connect(str(tmp_path / "l.duckdb"), read_only=True) as connection:
            ((tags,),) = connection.execute("SELECT tags FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
        assert tags["storage_version"] == f"v{oldest}.0+"
