"""Other programs use the stores: the oldest supported DuckDB writes them too, pandas and Polars read the folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pytest

from logferry.stores import Coverage, DuckDBStore, ParquetStore, Question, Stretch
from logferry.testing.stores import CHECKS, Check, records

ROOT: Final = Path(__file__).parents[2]
EPOCH: Final = 1_767_225_600 * 10**9
QUESTION: Final = Question("main", "example.logs")
COVERED: Final = Coverage().having(Stretch(since=0, until=10, state="complete"))

server = pytest.mark.server


@pytest.fixture(scope="session")
def others() -> Mapping[str, str]:
    """Return an environment in which Python imports the other packages."""
    done = subprocess.run([ROOT / "scripts" / "others"], check=True, stdout=subprocess.PIPE, text=True)
    path = os.pathsep.join(filter(None, [done.stdout.strip(), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def asked(others: Mapping[str, str], program: str, *arguments: object) -> Any:
    """Return the JSON that a program prints in that environment."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], check=False, capture_output=True, text=True, env=others
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_oldest_duckdb_is_the_lower_bound_of_the_extra() -> None:
    """The pinned version of these tests is the lower bound of the extra."""
    extras: Mapping[str, Sequence[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    (allowed,) = [one.removeprefix("duckdb>=") for one in extras["duckdb"] if one.startswith("duckdb")]
    pinned = re.findall(r"^duckdb==(\S+)", (ROOT / "requirements" / "others.txt").read_text(), re.MULTILINE)
    assert pinned == [f"{allowed}.0"]


LOOK: Final = """
import json, sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    windows = connection.execute("SELECT count(*) FROM logferry_windows").fetchone()[0]
    found = connection.execute(
        "SELECT count(*), count(DISTINCT uid), sum(epoch_ns(timestamp) % 1000), min(attributes->>'$.deep.list[0]') FROM logs"
    ).fetchone()
print(json.dumps([duckdb.__version__, windows, *map(str, found)]))
"""


@server
@pytest.mark.parametrize("number", [5, 50_000], ids=["few", "many"])
def test_the_oldest_duckdb_reads_a_new_file(number: int, others: Mapping[str, str], tmp_path: Path) -> None:
    """It reads all types and columns, JSON included, from a file with two commits of the installed DuckDB."""
    path = tmp_path / "logs.duckdb"
    for first in (0, number):
        with DuckDBStore(path) as store:
            store.commit(records(number, first=first), {QUESTION: COVERED})
    version, *found = asked(others, LOOK, path)
    assert version == "1.4.0" != duckdb.__version__
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("SELECT count(*), sum(epoch_ns(timestamp) % 1000) FROM logs").fetchone()
    assert row is not None
    assert found == [1, str(row[0]), str(2 * number), str(row[1]), "1.5"]


COMMIT: Final = """
import json, os, sys, duckdb
from logferry.stores import Coverage, DuckDBStore, Question, Stretch
from logferry.testing.stores import records
with DuckDBStore(sys.argv[1]) as store:
    until = 10 + int(sys.argv[2])
    covered = Coverage().having(Stretch(since=0, until=until, state="complete"))
    store.commit(records(1000, first=int(sys.argv[2])), {Question("main", "example.logs"): covered})
    print(json.dumps([duckdb.__version__, sum(store.counts().values())]), flush=True)
    if sys.argv[3] == "killed":
        os._exit(0)
"""


@server
@pytest.mark.parametrize("end", ["closed", "killed"])
@pytest.mark.parametrize("oldest_first", [True, False], ids=["made by the oldest", "made by the installed"])
def test_the_oldest_and_the_installed_duckdb_take_turns(
    oldest_first: bool, end: str, others: Mapping[str, str], tmp_path: Path
) -> None:
    """Each continues in the file of the other, also with the write-ahead log of a killed process."""
    path = tmp_path / "logs.duckdb"
    counts: list[int] = []
    versions: list[str] = []
    for turn in range(4):
        environment = others if (turn % 2 == 0) == oldest_first else os.environ
        version, count = asked(environment, COMMIT, path, 1000 * turn, end)
        versions.append(version)
        counts.append(count)
    assert counts == [1000, 2000, 3000, 4000]
    assert versions[:2] == versions[2:]
    assert set(versions) == {"1.4.0", duckdb.__version__}


VIEW: Final = """
import json, sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    names = [name for (name,) in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
    columns = {name: connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {name})").fetchall() for name in names}
    rows = connection.execute(
        'SELECT uid, "user.id", "http.response.status_code", "url.path", epoch_ns(timestamp) FROM daily_api_logs ORDER BY uid'
    ).fetchall()
print(json.dumps([duckdb.__version__, columns, rows]))
"""

OPENED: Final = """
import json, sys, duckdb
from logferry.stores import DuckDBStore
with DuckDBStore(sys.argv[1]):
    print(json.dumps(duckdb.__version__))
"""


@server
@pytest.mark.parametrize("makers", [(False, True), (True, False), (True,), (False,)], ids=str)
def test_the_oldest_and_the_installed_duckdb_have_the_same_views(
    makers: Sequence[bool], others: Mapping[str, str], tmp_path: Path
) -> None:
    """With views from either version (true: the oldest), both read the same rows."""
    path = tmp_path / "logs.duckdb"
    for is_oldest in makers:
        asked(others if is_oldest else os.environ, OPENED, path)
        with DuckDBStore(path) as store:
            table = records(3)
            for name, texts in (
                ("stream", ["daily.api_logs"] * 3),
                ("attributes", ['{"user.id":"anna","http.response.status_code":200}', '{"url.path":{"a":1.5}}', None]),
            ):
                place = table.schema.get_field_index(name)
                table = table.set_column(place, name, pa.array(texts, pa.string()))
            store.commit(table, {QUESTION: COVERED})
    oldest, *seen = asked(others, VIEW, path)
    installed, *seen_too = asked(os.environ, VIEW, path)
    assert (oldest, installed) == ("1.4.0", duckdb.__version__)
    assert seen == seen_too
    assert [row[1:4] for row in seen[1]] == [["anna", 200, None], [None, None, '{"a":1.5}'], [None, None, None]]


OPEN: Final = """
import json, sys
from logferry import StoreError
from logferry.stores import open_store
try:
    with open_store(sys.argv[1], mode="read"):
        print(json.dumps("opened"))
except StoreError as error:
    print(json.dumps(error.hint))
"""


@server
def test_a_file_in_a_newer_format_is_an_error(others: Mapping[str, str], tmp_path: Path) -> None:
    """The hint is to update DuckDB, as an earlier logferry wrote such files."""
    duckdb.connect(str(tmp_path / "logs.duckdb")).close()
    assert asked(others, OPEN, tmp_path / "logs.duckdb") == "Update it: pip install --upgrade duckdb"


CHECK: Final = """
import json, sys
from pathlib import Path
import duckdb
from tests.stores.conftest import duckdb_case
from logferry.testing.stores import CHECKS
dict((check.__name__, check) for check in CHECKS)[sys.argv[2]](duckdb_case(Path(sys.argv[1])))
print(json.dumps(duckdb.__version__))
"""


@server
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_store_works_with_the_oldest_duckdb(check: Check, others: Mapping[str, str], tmp_path: Path) -> None:
    """The store passes the public suite with it."""
    path = os.pathsep.join([others["PYTHONPATH"], str(ROOT)])
    assert asked({**others, "PYTHONPATH": path}, CHECK, tmp_path, check.__name__) == "1.4.0"


READ: Final = {
    "pandas": "import pandas; table = pandas.read_parquet(folder); rows = table[names].astype(str).values.tolist()",
    "polars": "import polars; table = polars.read_parquet(f'{folder}/**/*.parquet', hive_partitioning=True); "
    "rows = [list(map(str, row)) for row in table.select(names).rows()]",
    "polars, one stream": "import polars; table = polars.read_parquet(f'{folder}/stream=example.logs'); "
    "rows = [list(map(str, row)) for row in table.with_columns(stream=polars.lit('example.logs')).select(names).rows()]",
    "DuckDB": "import duckdb; rows = [list(map(str, row)) for row in duckdb.sql("
    """f"SELECT uid, stream, date FROM read_parquet('{folder}/**/*.parquet')").fetchall()]""",
}


@server
@pytest.mark.parametrize("program", READ.values(), ids=READ)
def test_pandas_and_polars_read_the_folder(program: str, others: Mapping[str, str], tmp_path: Path) -> None:
    """They read each record once, with stream and date as columns."""
    with ParquetStore(tmp_path / "logs") as store:
        for _ in range(2):
            store.commit(records(100, time=EPOCH - 50 * 10**9), {QUESTION: COVERED})
    begin = "import json, sys; folder = sys.argv[1]; names = ['uid', 'stream', 'date']; "
    rows = asked(others, f"{begin}{program}; print(json.dumps(sorted(rows)))", tmp_path / "logs")
    assert rows == [
        [f"example:main:{number:08}", "example.logs", "2025-12-31" if number < 50 else "2026-01-01"]
        for number in range(100)
    ]
