"""The Parquet folder: any reader sees each record once at any moment, also after a kill at any instant."""

# pyright: reportUnknownMemberType=false
# The stubs of pyarrow leave parameters of types open.

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tests.conftest import PATIENCE

from logferry import StoreError
from logferry.stores import SCHEMA, Coverage, ParquetStore, Question, Stretch
from logferry.testing.stores import records

DAY = 86_400 * 10**9
EPOCH = 1_767_225_600 * 10**9
QUESTION = Question("main", "example.logs")
COVERED = Coverage().having(Stretch(since=0, until=10, state="complete"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))


def test_files_are_grouped_by_stream_and_date(folder: Path) -> None:
    """The path of a record has its stream, its date in UTC and its account; an unknown time is in 1970."""
    with ParquetStore(folder) as store:
        store.commit(records(1, time=EPOCH - 1), {})
        store.commit(records(1, first=1, timestamp=EPOCH), {})
        store.commit(records(1, first=2, timestamp=None), {})
        store.commit(records(1, first=3, timestamp=-DAY - 1, stream="../other"), {})
    found = [path.rpartition("/") for path in files(folder)]
    assert [name for name, _, _ in found] == [
        "stream=..%2Fother/date=1969-12-30",
        "stream=example.logs/date=1970-01-01",
        "stream=example.logs/date=2025-12-31",
        "stream=example.logs/date=2026-01-01",
    ]
    assert len({name for _, _, name in found}) == 1


def test_any_name_of_an_account_gives_a_safe_file(folder: Path) -> None:
    """An account of any name has a file with a plain name, the same in every run."""
    names = ["main", "Main", "../../etc", "a/b", "\u2603", "", "x" * 300, "a-b", "a b"]
    for _ in range(2):
        with ParquetStore(folder) as store:
            for place, name in enumerate(names):
                store.commit(records(1, first=place, account=name), {})
            assert store.counts() == {(name, "example.logs"): 1 for name in names}
    found = files(folder)
    assert len(found) == len(names)
    assert all(name.isascii() and len(name) < 150 for name in found)


def test_duckdb_and_arrow_read_the_folder(folder: Path) -> None:
    """Both have each column once; stream and date come from the path."""
    tables = [
        records(500, first=500 * day, time=EPOCH - (500 - 500 * day) * 10**9 - 500 * day * 10**9) for day in range(2)
    ]
    with ParquetStore(folder) as store:
        for table in (*tables, *tables):
            store.commit(table, {QUESTION: COVERED})
    found = duckdb.execute(
        f"SELECT count(*), count(DISTINCT uid), any_value(stream), sum(epoch_ns(timestamp) % 1000) "  # noqa: S608  # ours
        f"FROM read_parquet('{folder}/**/*.parquet')"
    ).fetchall()
    times: list[int] = [
        (time or 0) % 1000 for table in tables for time in table.column("timestamp").cast(pa.int64()).to_pylist()
    ]
    assert found == [(1000, 1000, "example.logs", sum(times))]
    columns = [*(name for name in SCHEMA.names if name != "stream"), "stream", "date"]
    dataset = ds.dataset(folder, format="parquet", partitioning="hive")
    for table in (pq.read_table(folder), dataset.to_table()):
        assert table.schema.names == columns
        assert (table.num_rows, set(table.column("stream").to_pylist())) == (1000, {"example.logs"})
    dated = dataset.to_table(filter=ds.field("date") == "2026-01-01")
    assert set(dated.column("date").to_pylist()) == {"2026-01-01"}
    assert 0 < dated.num_rows < 1000
    for path in folder.rglob("*.parquet"):
        assert pq.read_schema(path).names == columns[:-2]


def test_a_large_day_has_several_files(folder: Path) -> None:
    """The size of a commit does not grow with the day: full files stay, and changed rows are replaced in their file."""
    size = 60_000
    with ParquetStore(folder) as store:
        for place in range(3):
            store.commit(records(size, first=place * size, timestamp=EPOCH), {})
        first, second = sorted(folder.rglob("*.parquet"))
        untouched = first.stat().st_ino
        store.commit(records(10, first=3 * size, timestamp=EPOCH), {})
        assert first.stat().st_ino == untouched
        changed = second.stat().st_ino
        store.commit(records(1, timestamp=EPOCH, body="changed "), {})
        assert first.stat().st_ino != untouched
        assert second.stat().st_ino == changed
        assert store.counts() == {("main", "example.logs"): 3 * size + 10}
    assert duckdb.execute(
        f"SELECT count(*), count(DISTINCT uid), count(*) FILTER (body = 'changed 0') "  # noqa: S608  # ours
        f"FROM read_parquet('{folder}/**/*.parquet')"
    ).fetchall() == [(3 * size + 10, 3 * size + 10, 1)]


def test_row_groups_are_small(folder: Path) -> None:
    """A file has many row groups, so a reader or a commit need not load all of it."""
    with ParquetStore(folder) as store:
        store.commit(records(50_000, timestamp=EPOCH), {})
    counts = [
        file.metadata.row_group(group).num_rows
        for file in map(pq.ParquetFile, folder.rglob("*.parquet"))
        for group in range(file.num_row_groups)
    ]
    assert sum(counts) == 50_000
    assert max(counts) <= 20_480


def test_a_record_moves_to_its_date_when_its_time_is_known(folder: Path) -> None:
    """A record that first had no time is stored once, at its date."""
    with ParquetStore(folder) as store:
        store.commit(records(3, timestamp=None), {})
        store.commit(records(1, first=1, time=EPOCH), {})
        assert store.counts() == {("main", "example.logs"): 3}
    assert ds.dataset(folder, format="parquet", partitioning="hive").count_rows() == 3


def test_files_are_for_the_owner_only(folder: Path) -> None:
    """Other users cannot read the logs."""
    with ParquetStore(folder) as store:
        store.commit(records(3), {QUESTION: COVERED})
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}


def test_a_folder_with_foreign_files_is_refused(tmp_path: Path) -> None:
    """A folder with any other content is no store and stays unchanged."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"is no store: it has thesis\.txt"), ParquetStore(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


KILLED = '''
import json, os, signal, sys
from pathlib import Path
from logferry.stores import Coverage, ParquetStore, Question, Stretch
from logferry.testing.stores import records
import pyarrow.dataset as ds

folder, day = sys.argv[1], 86_400 * 10**9
question = Question("main", "example.logs")
batches = [
    records(40, time=1_767_225_600 * 10**9 - 20 * 10**9),
    records(40, first=20, time=1_767_225_600 * 10**9 - 20 * 10**9, body="changed "),
]


def covered(number):
    return {question: Coverage().having(Stretch(since=0, until=number + 1, state="complete"))}


def commit(path, last):
    left = [last]

    def audit(event, arguments):
        # Whatever changes a file begins with one of these.
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
        if writes or event in ("os.rename", "os.remove", "os.mkdir"):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)
    with ParquetStore(path) as store:
        for number, table in enumerate(batches):
            store.commit(table, covered(number))


def look(path, out):
    """What a reader sees, and whether the store is what it has to be after it went on."""
    files = list(Path(path).rglob("*.parquet"))
    table = ds.dataset(path, format="parquet", partitioning="hive").to_table() if files else None
    uids = table.column("uid").to_pylist() if table else []
    before = {}
    with ParquetStore(path) as store:
        before = dict(store.coverage())
        until = before[question].stretches[0].until if before else 0
        for number in range(until, len(batches)):
            store.commit(batches[number], covered(number))
        counts = sum(store.counts().values())
    left = [str(one) for one in Path(path).rglob("*.new")]
    final = ds.dataset(path, format="parquet", partitioning="hive").to_table().select(["uid", "body"]).to_pylist()
    os.write(out, json.dumps([uids, until, counts, left, final]).encode() + b"\\n")


def child(work, *arguments):
    number = os.fork()
    if not number:
        try:
            work(*arguments)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    return os.waitpid(number, 0)[1]


for last in range(1000):
    path = f"{folder}/{last}"
    Path(path).mkdir()
    status = child(commit, path, last)
    if child(look, path, 1) != 0:
        sys.exit("the store was of no use after a kill")
    if status == 0:
        break
    assert status == signal.SIGKILL, status
'''


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_at_any_instant_leaves_each_record_once(tmp_path: Path) -> None:
    """With a kill before each write, rename and removal, readers see no record twice and miss no complete one."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    wanted = sorted(
        [f"example:main:{number:08}", f"changed {number}" if number >= 20 else f"{number}"] for number in range(60)
    )
    for seen, until, counts, left, final in lines:
        assert len(seen) == len(set(seen))
        assert len(seen) >= (0, 40, 60)[until]
        assert (counts, left) == (60, [])
        assert sorted([row["uid"], row["body"]] for row in final) == wanted
    assert {until for _, until, *_ in lines} == {0, 1, 2}
    assert len(lines) > 15
