"""Paths of stores: URLs are refused without showing their secrets, ``~`` is expanded, links are followed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb
import pytest

from logferry import ConfigurationError, StoreError
from logferry.stores import Coverage, DltStore, DuckDBStore, Mode, ParquetStore, Question, Stretch, open_store
from logferry.testing.stores import records

QUESTION: Final = Question("main", "example.logs")
COVERED: Final = Coverage().having(Stretch(since=0, until=10, state="complete"))

ADDRESSES: Final = {
    "s3://bucket/logs/": "aws s3 sync logs/ s3://...",
    "S3://bucket/logs.duckdb": "aws s3 sync",
    "s3a://bucket/logs": "aws s3 sync",
    "gs://bucket/logs/": "gcloud storage rsync logs/ gs://...",
    "az://container/logs/": "azcopy sync logs/ az://...",
    "postgres://me:hunter2@db.example/logs/": "dlt:postgres",
    "postgresql+psycopg2://me:hunter2@db.example/logs": "DESTINATION__POSTGRES__CREDENTIALS",
    " postgres://me:hunter2@db.example/logs.db": "dlt:postgres",
    "snowflake://me:hunter2@account/logs/": "dlt:snowflake",
    "sqlite:///hunter2.db": "logs.duckdb",
    "mysql://me:hunter2@db.example/logs": "dlt:<destination>",
    "https://me:hunter2@logs.example/": "logs.duckdb",
    "file:///tmp/hunter2/": "Write the path alone, without file:",
    "dlt:postgres://me:hunter2@db.example/logs": "DESTINATION__POSTGRES__CREDENTIALS",
    "dlt:me:hunter2@db.example": "dlt:postgres",
    "me:hunter2@db.example/logs": "dlt:<destination>",
    "me:hunter2@db.example": "dlt:<destination>",
}
"""Texts that are no path of a store, with a part of the suggestion."""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize("mode", ["make", "change", "read"])
@pytest.mark.parametrize(("address", "instead"), ADDRESSES.items(), ids=str)
def test_a_url_is_refused(address: str, instead: str, mode: Mode, tmp_path: Path) -> None:
    """No file is created; the error makes a suggestion and shows no part of the URL that can be a password."""
    with pytest.raises(ConfigurationError) as caught:
        open_store(address, mode=mode)
    assert instead in str(caught.value)
    assert "hunter2" not in f"{caught.value!r} {caught.value}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [open_store, DuckDBStore, ParquetStore])
@pytest.mark.parametrize("address", ["s3://bucket/logs/", "postgres://me:hunter2@db.example/logs/"])
def test_a_url_as_a_path_is_refused(make: Callable[[Path], object], address: str, tmp_path: Path) -> None:
    """A Path reduces the two slashes of a URL to one; each store still refuses it."""
    with pytest.raises(ConfigurationError, match=r"^store: an address \((s3|postgres):\.\.\.\) is no path") as caught:
        make(Path(address))
    assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_a_colon_is_a_file(tmp_path: Path) -> None:
    """``backup-12:`` is a local file, although DuckDB would take it for a kind of database."""
    for name in ("backup_12:30.duckdb", "./logs:2026"):
        with open_store(name) as store:
            store.commit(records(5), {QUESTION: COVERED})
        with open_store(name, mode="read") as store:
            assert dict(store.counts()) == {("main", "example.logs"): 5}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "backup_12:30.duckdb",
        "backup_12:30.duckdb.lock",
        "logs:2026",
    ]


@pytest.mark.parametrize("name", ["logs.duckdb", "logs/", "logs"])
def test_the_home_directory_is_expanded(name: str, tmp_path: Path) -> None:
    """``~`` is the home directory, also without a shell."""
    with open_store(f"~/{name}") as store:
        store.commit(records(5), {QUESTION: COVERED})
    assert (tmp_path / name).exists()
    assert not (tmp_path / "~").exists()


def test_the_home_of_an_unknown_user_is_refused() -> None:
    """A user who does not exist has no home directory."""
    with pytest.raises(ConfigurationError, match="no home directory for ~nobody-of-that-name"):
        open_store("~nobody-of-that-name/logs.duckdb")


@pytest.mark.parametrize("there", [True, False], ids=["link", "dangling link"])
@pytest.mark.parametrize("name", ["logs.duckdb", "logs"])
def test_a_link_is_followed(name: str, there: bool, tmp_path: Path) -> None:
    """The link stays a link; its target gets the records, and is created if it is missing."""
    (tmp_path / "disk").mkdir()
    target, link = tmp_path / "disk" / f"my-{name}", tmp_path / name
    link.symlink_to(Path("disk") / f"my-{name}")
    if there:
        with open_store(target) as store:
            store.commit(records(5), {QUESTION: COVERED})
    with open_store(link) as store:
        store.commit(records(10), {QUESTION: COVERED})
    assert link.is_symlink()
    assert [path.name for path in tmp_path.iterdir() if path != tmp_path / "disk"] == [name]
    with open_store(target, mode="read") as store:
        assert dict(store.counts()) == {("main", "example.logs"): 10}
    with open_store(link), pytest.raises(StoreError, match="used by another logferry"), open_store(target):
        pass


@pytest.mark.parametrize("name", ["logs.duckdb", "logs"])
def test_a_link_to_itself_is_refused(name: str, tmp_path: Path) -> None:
    """Such a link has no target, so no file is created."""
    (tmp_path / name).symlink_to(name)
    with pytest.raises(ConfigurationError, match="is a link that leads to itself"), open_store(tmp_path / name):
        pass
    assert (tmp_path / name).is_symlink()


KILLED: Final = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("UPDATE logs SET body = 'late'")
os._exit(0)
"""


@pytest.mark.parametrize("log_of", ["target.duckdb.wal", "logs.duckdb.wal"], ids=["DuckDB 2.0", "DuckDB 1.4"])
def test_the_log_of_a_killed_process_is_read_through_a_link(log_of: str, tmp_path: Path) -> None:
    """A commit in DuckDB's write-ahead log is not lost, by whichever name the file was opened."""
    target, link = tmp_path / "target.duckdb", tmp_path / "logs.duckdb"
    link.symlink_to(target)
    with open_store(target) as store:
        store.commit(records(5), {QUESTION: COVERED})
    subprocess.run([sys.executable, "-c", KILLED, str(link)], check=True)
    (log,) = tmp_path.glob("*.wal")
    log.replace(tmp_path / log_of)
    with open_store(link):
        pass
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT body FROM logs").fetchall() == [("late",)]
    assert not list(tmp_path.glob("*.wal"))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """The error names the kind of the file; DuckDB does not search for an extension, and the file stays unchanged."""
    path = tmp_path / "logs.db"
    sqlite = sqlite3.connect(path)
    sqlite.execute("CREATE TABLE logs (uid)")
    sqlite.close()
    kinds = {
        path.read_bytes(): "is a SQLite file, no DuckDB file",
        b"": "is an empty file, no DuckDB file. Remove it",
        b"PAR1": "is no DuckDB file, or is damaged",
        b"dear diary, today I": "is no DuckDB file, or is damaged",
    }
    for content, message in kinds.items():
        path.write_bytes(content)
        for mode in ("make", "change", "read"):
            with pytest.raises(StoreError) as caught, open_store(path, mode=mode):
                pass
            assert message in str(caught.value)
            assert "such as logs.duckdb" in str(caught.value)
        assert path.read_bytes() == content


def test_the_folder_of_packages_is_no_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pending packages are on this machine, so a variable with a URL is refused."""
    monkeypatch.setenv("LOGFERRY_DATA", "s3://bucket/data")
    with pytest.raises(ConfigurationError, match=r"LOGFERRY_DATA: an address \(s3:\.\.\.\)"):
        open_store("dlt:postgres")
    with pytest.raises(ConfigurationError, match=r"folder: an address \(s3:\.\.\.\)"):
        DltStore("postgres", folder="s3://bucket/data")
    assert list(tmp_path.iterdir()) == []
