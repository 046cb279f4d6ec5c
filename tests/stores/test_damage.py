"""Stores that are full, read-only, locked, damaged or invalid: an error says what to do, and no record is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from logferry import StoreError
from logferry.stores import Coverage, Described, DltStore, DuckDBStore, ParquetStore, Question, Stretch
from logferry.testing.stores import records

QUESTION = Question("main", "example.logs")
COVERED = Coverage().having(Stretch(since=0, until=10, state="complete"))


def dlt_store(folder: Path) -> DltStore:
    # The packages are beside the file system, where there is room: dlt keeps a file open that it could not write.
    packages = folder.with_name(f"{folder.name} packages")
    return DltStore("duckdb", credentials=str(folder / "d.duckdb"), folder=packages)


KINDS: dict[str, Callable[[Path], Described]] = {
    "duckdb": lambda folder: DuckDBStore(folder / "l.duckdb"),
    "parquet": lambda folder: ParquetStore(folder / "l"),
    "dlt": dlt_store,
}


@pytest.fixture(params=list(KINDS))
def make(request: pytest.FixtureRequest) -> Callable[[Path], Described]:
    return KINDS[request.param]


def check_that_all_is_there(store: Described) -> None:
    with store:
        assert dict(store.coverage()) == {QUESTION: COVERED}
        assert dict(store.counts()) == {("main", "example.logs"): 5}


def fill(store: Described) -> None:
    with store:
        store.commit(records(5), {QUESTION: COVERED})


def mounted(folder: Path, *options: str) -> bool:
    """Return whether a test can mount a file system on this machine."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    return not subprocess.run(["mount", *options, str(folder)], check=False, capture_output=True).returncode


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 6 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, "-t", "tmpfs", "-o", "size=6m", "tmpfs"):
        pytest.skip("only who may mount a file system can fill one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def much() -> pa.Table:
    """Return incompressible records that do not fit on a small disk."""
    return pa.concat_tables(records(1, first=100 + place, raw=f'"{os.urandom(100_000).hex()}"') for place in range(120))


def test_a_full_disk_loses_no_record(make: Callable[[Path], Described], small_disk: Path) -> None:
    """An error reports the full disk; the earlier records remain, and the store still works."""
    fill(make(small_disk))
    with pytest.raises(StoreError, match=r"(?i)no space|out of disk") as caught, make(small_disk) as store:
        store.commit(much(), {QUESTION: Coverage()})
    assert caught.value.hint is not None
    check_that_all_is_there(make(small_disk))
    with make(small_disk) as store:
        store.commit(records(1, first=5), {})
        assert dict(store.counts()) == {("main", "example.logs"): 6}


def test_a_read_only_disk_is_an_error(make: Callable[[Path], Described], small_disk: Path) -> None:
    """A store that cannot be written raises at opening or at the first commit, and stays unchanged."""
    fill(make(small_disk))
    assert mounted(small_disk, "-o", "remount,ro")
    with pytest.raises(StoreError, match=r"(?i)read-only|permission"), make(small_disk) as store:
        store.commit(records(1, first=7), {QUESTION: Coverage()})
    assert mounted(small_disk, "-o", "remount,rw")
    check_that_all_is_there(make(small_disk))


HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_damage import KINDS
with KINDS[sys.argv[2]](Path(sys.argv[3])):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_process_uses_a_store(kind: str, tmp_path: Path) -> None:
    """A second process gets an error; a killed one leaves no lock behind."""
    fill(KINDS[kind](tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(Path(__file__).parent), kind, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="used by another logferry"), KINDS[kind](tmp_path):
            pass
        other.kill()
    check_that_all_is_there(KINDS[kind](tmp_path))


@pytest.mark.parametrize("content", [b"", b"\x00" * 4096, b"not json", b"[]", b'{"version": 1}', b'{"version": "x"}'])
def test_a_damaged_state_is_an_error(content: bytes, tmp_path: Path) -> None:
    """A damaged state file of a folder is an error; without the file all is read again, each record once."""
    fill(ParquetStore(tmp_path / "l"))
    state = tmp_path / "l" / "_logferry" / "state.json"
    state.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), ParquetStore(tmp_path / "l"):
        pass
    assert state.read_bytes() == content
    state.unlink()
    with ParquetStore(tmp_path / "l") as store:
        assert dict(store.coverage()) == {}
        store.commit(records(5), {QUESTION: COVERED})
    check_that_all_is_there(ParquetStore(tmp_path / "l"))


@pytest.mark.parametrize("keep", [0, 3, 200, -4])
def test_a_damaged_file_of_a_folder_is_an_error(keep: int, tmp_path: Path) -> None:
    """The error names a truncated file and leaves the folder unchanged; without the file its day is read again."""
    fill(ParquetStore(tmp_path / "l"))
    (path,) = (tmp_path / "l").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:keep])
    with ParquetStore(tmp_path / "l") as store:
        with pytest.raises(StoreError, match=path.name):
            store.commit(records(6), {})
        with pytest.raises(StoreError, match=path.name):
            store.counts()
        assert dict(store.coverage()) == {QUESTION: COVERED}
        path.unlink()
        store.commit(records(5), {})
    check_that_all_is_there(ParquetStore(tmp_path / "l"))


def use(store: Described) -> None:
    store.counts()
    store.commit(records(6), {})


@pytest.mark.parametrize("keep", [0.01, 0.5, 0.99])
def test_a_damaged_database_is_an_error(keep: float, tmp_path: Path) -> None:
    """A truncated database is an error, not an empty store, and is not written."""
    fill(DuckDBStore(tmp_path / "l.duckdb"))
    path = tmp_path / "l.duckdb"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"l\.duckdb"), DuckDBStore(path) as store:
        use(store)
    assert path.read_bytes() == before


def test_a_foreign_file_or_table_is_refused(tmp_path: Path) -> None:
    """Neither another file nor a table of another program is changed."""
    path = tmp_path / "l.duckdb"
    path.write_text("a letter")
    with pytest.raises(StoreError, match="DuckDB"), DuckDBStore(path):
        pass
    assert path.read_text() == "a letter"


@pytest.mark.parametrize("kind", ["duckdb", "parquet", "dlt"])
def test_a_closed_store_raises(kind: str, tmp_path: Path) -> None:
    """A store used outside its with block raises an error that says what to do."""
    store = KINDS[kind](tmp_path)
    for use in (store.coverage, store.counts, lambda: store.commit(records(1), {})):
        with pytest.raises(StoreError, match=r"is not open\. Use it in a with block"):
            use()
