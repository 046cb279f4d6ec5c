"""A folder of version 1, whose files have the stream as a column too, is migrated without loss."""

# pyright: reportUnknownMemberType=false
# The stubs of pyarrow leave parameters of types open.

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from logferry import StoreError
from logferry.stores import Coverage, ParquetStore, Question, Stretch
from logferry.testing.stores import records

SAMPLE: Final = Path(__file__).parent / "version-1"
EPOCH: Final = 1_767_225_600 * 10**9
HAS: Final = {
    Question("main", "example.logs"): Coverage().having(Stretch(since=0, until=10, state="complete")),
    Question("main", "../other", '{"user_id":"abc"}'): Coverage().having(
        Stretch(since=5, until=7, state="provisional")
    ),
}
COUNTS: Final = {("main", "example.logs"): 25, ("main", "../other"): 10, ("Other", "example.logs"): 5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(SAMPLE, tmp_path / "logs")


def rows(folder: Path) -> list[Mapping[str, Any]]:
    """Return the content that a reader finds in the single files, of any version."""
    found: list[Mapping[str, Any]] = [
        {**row, "stream": path.parent.parent.name}
        for path in folder.rglob("*.parquet")
        for row in pq.ParquetFile(path).read().drop_columns(["timestamp", "observed_timestamp"]).to_pylist()
    ]
    return sorted(found, key=lambda row: str(row["uid"]))


def has_stream(folder: Path) -> list[bool]:
    return ["stream" in pq.read_schema(path).names for path in sorted(folder.rglob("*.parquet"))]


def uids(numbers: Iterable[int]) -> list[str]:
    return [f"example:main:{number:08}" for number in numbers]


def test_a_folder_of_version_1_is_migrated(folder: Path) -> None:
    """All records and windows exist afterwards, once; the stream is only in the path; a sync continues."""
    before = rows(folder)
    assert has_stream(folder) == [True] * 5
    with ParquetStore(folder) as store:
        assert dict(store.coverage()) == HAS
        assert dict(store.counts()) == COUNTS
        assert rows(folder) == before
        assert has_stream(folder) == [False] * 5
        store.commit(records(6, first=14, time=EPOCH - 10 * 10**9, body="changed "), {})
        assert sum(store.counts().values()) == 40
    table = pq.read_table(folder)
    assert sorted(map(str, table.column("uid").to_pylist())) == uids(range(40))
    assert set(table.column("stream").to_pylist()) == {"example.logs", "../other"}
    assert json.loads((folder / "_logferry" / "state.json").read_text())["version"] == 2
    with ParquetStore(folder, mode="read") as store:
        assert dict(store.coverage()) == HAS


def test_reading_does_not_migrate_a_folder_of_version_1(folder: Path) -> None:
    """The error says how to migrate the folder."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(StoreError, match=r"older logferry\. The next sync"), ParquetStore(folder, mode="read"):
        pass
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_folder_without_its_state_file_keeps_its_records(folder: Path) -> None:
    """Without the state file the records of either version stay; all is read again and replaced in its place."""
    (folder / "_logferry" / "state.json").unlink()
    with ParquetStore(folder) as store:
        assert dict(store.coverage()) == {}
        assert dict(store.counts()) == COUNTS
    assert has_stream(folder) == [False] * 5
    assert pq.read_table(folder).num_rows == 40


KILLED: Final = """
import os, signal, sys
from logferry.stores import ParquetStore

folder, left = sys.argv[1], [int(sys.argv[2])]


def audit(event, arguments):
    # Whatever changes a file begins with one of these.
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
    if writes or event in ("os.rename", "os.remove", "os.mkdir"):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)


for path in sys.argv[3:]:
    number = os.fork()
    if not number:
        sys.addaudithook(audit)
        with ParquetStore(path):
            os._exit(0)
    status = os.waitpid(number, 0)[1]
    print(status, flush=True)
    left[0] += 1
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_during_the_migration_loses_no_record(tmp_path: Path) -> None:
    """With a kill before each write and rename, each record exists once, and the next opening continues."""
    before = rows(SAMPLE)
    paths = [shutil.copytree(SAMPLE, tmp_path / str(number)) for number in range(24)]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), "0", *map(str, paths)],
        check=True,
        capture_output=True,
        text=True,
    )
    statuses = [int(line) for line in done.stdout.splitlines()]
    killed = statuses.index(0)
    assert killed > 10
    assert set(statuses[:killed]) == {signal.SIGKILL}
    mixed = 0
    for path in paths[: killed + 1]:
        assert rows(path) == before
        mixed += len(set(has_stream(path))) - 1
        with ParquetStore(path) as store:
            assert dict(store.coverage()) == HAS
            assert dict(store.counts()) == COUNTS
        assert rows(path) == before
        assert has_stream(path) == [False] * 5
        assert not list(path.rglob("*.new"))
        assert ds.dataset(path, format="parquet", partitioning="hive").count_rows() == 40
    assert mixed > 0
