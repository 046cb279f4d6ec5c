"""A real PostgreSQL through dlt: the suite, a sync of all records of a service, a kill during a load."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import psycopg2
import pytest

import logferry
from logferry._accounts.registry import SERVICES, Service
from logferry.stores import SCHEMA, Coverage, DltStore, Question
from logferry.testing import Fake, LogtoFake, MakeAccount
from logferry.testing._registry import make_fake
from logferry.testing.stores import CHECKS, Case, Check, records

pytest_plugins = ["logferry.testing.pytest"]
pytestmark = pytest.mark.server

_SCRIPT = Path(__file__).parents[2] / "scripts" / "postgres"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the URL of a database of a temporary PostgreSQL on loopback."""
    programs = Path(subprocess.run([_SCRIPT], check=True, capture_output=True, text=True).stdout.strip())
    folder = Path(tempfile.mkdtemp(prefix="logferry-postgres-"))
    # It refuses to run as root.
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    control = [str(programs / "pg_ctl"), "--pgdata", str(data), "--silent"]
    port = _free_port()
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "logs", "-A", "trust", "-E", "UTF8", "--no-locale"],
            check=True,
            capture_output=True,
            cwd=folder,
            **owner,
        )
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
        subprocess.run(
            [*control, "-w", "-o", options, "-l", str(folder / "log"), "start"], check=True, cwd=folder, **owner
        )
        yield f"postgresql://logs:any@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, cwd=folder, **owner)
        shutil.rmtree(folder)


@pytest.fixture
def url(server: str) -> str:
    """Return a database for one test."""
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        name = f"test{time.time_ns()}"
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres", f"/{name}")


def asked(url: str, query: str) -> list[dict[str, Any]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows(url: str) -> list[dict[str, Any]]:
    """Return the rows of the table, with times as whole nanoseconds."""
    if not asked(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'logferry' AND tablename = 'logs'"):
        return []
    columns = ", ".join(
        f"(extract(epoch FROM {name}) * 1000000)::bigint * 1000 AS {name}"
        if name in ("timestamp", "observed_timestamp")
        else f"{name}::text"
        if name in ("attributes", "resource", "issues", "raw")
        else name
        for name in SCHEMA.names
    )
    return asked(url, f"SELECT {columns} FROM logferry.logs")  # noqa: S608  # our names


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_postgresql_passes_the_suite(check: Check, url: str, tmp_path: Path) -> None:
    """PostgreSQL is a valid store, with times to the microsecond."""
    check(
        Case(
            make=lambda: DltStore("postgres", credentials=url, folder=tmp_path), rows=lambda: rows(url), resolution=1000
        )
    )


def differences(fake: Fake, url: str) -> tuple[int, int]:
    """Return how many records are missing and how many are repeated, according to the fake."""
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for stream in fake.streams:
        for question in fake.questions(stream):
            filters: dict[str, Any] = {**question}
            wanted.update(fake.truth(stream, **filters))
    for row in rows(url):
        found[fake.identity(row["stream"], orjson.loads(row["raw"]))] += 1
    return (wanted - found).total(), (found - wanted).total()


def test_the_character_0_is_replaced(url: str, tmp_path: Path) -> None:
    """The character 0 becomes U+FFFD in texts and in JSON; a backslash followed by u0000 stays."""
    table = records(2, body="a\0b", attributes=b'{"x": "\\u0000\\u0000 \\\\u0000"}')
    with DltStore("postgres", credentials=url, folder=tmp_path) as store:
        store.commit(table, {})
    assert {row["body"] for row in rows(url)} == {"a\ufffdb0", "a\ufffdb1"}
    assert {orjson.loads(row["attributes"])["x"] for row in rows(url)} == {"\ufffd\ufffd \\u0000"}


def test_columns_have_their_types(url: str, tmp_path: Path) -> None:
    """JSON is jsonb, times have a zone, and uid has an index."""
    with DltStore("postgres", credentials=url, folder=tmp_path) as store:
        store.commit(records(3), {})
    types: Mapping[str, str] = {
        row["column_name"]: row["data_type"]
        for row in asked(
            url,
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'logferry' AND table_name = 'logs'",
        )
    }
    assert list(types) == SCHEMA.names
    assert types["timestamp"] == types["observed_timestamp"] == "timestamp with time zone"
    assert {types[name] for name in ("attributes", "resource", "issues", "raw")} == {"jsonb"}
    assert (
        "(uid)"
        in asked(url, "SELECT indexdef FROM pg_indexes WHERE tablename = 'logs' AND schemaname = 'logferry'")[0][
            "indexdef"
        ]
    )


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_two_syncs_store_each_record_once(
    service: Service, url: str, tmp_path: Path, logferry_account: MakeAccount
) -> None:
    """The second sync reads provisional records again and repeats none."""
    fake = make_fake(service, records=150, epoch=time.time_ns() - 10**9, growing=False)
    logferry_account(fake)
    filters = {"include_deleted": "true"} if service.name == "signalwire" else {}
    for _ in range(2):
        with logferry.open_accounts() as ferry:
            store = DltStore("postgres", credentials=url, folder=tmp_path)
            report = ferry.sync(store, filters=filters, raw=True).run()
        report.raise_failures()
        assert differences(fake, url) == (0, 0)


SYNC = """
import sys, logferry
from logferry.stores import DltStore
with logferry.open_accounts() as ferry:
    ferry.sync(DltStore("postgres", credentials=sys.argv[1], folder=sys.argv[2]), raw=True).run().raise_failures()
"""

# The first statement that fills the table signals the test and waits for the test to kill the process.
STOP = """
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    COPY (SELECT 1) TO PROGRAM 'cat > {told}';
    PERFORM pg_advisory_lock(1);
    RETURN NULL;
END $$;
CREATE TRIGGER stop BEFORE INSERT ON logferry.{table} FOR EACH STATEMENT EXECUTE FUNCTION stop();
"""


@pytest.mark.parametrize("machine", ["same", "other"])
@pytest.mark.parametrize("table", ["logs", "logferry_windows"])
def test_a_kill_during_a_load_loses_no_record(
    table: str, machine: str, url: str, tmp_path: Path, logferry_account: MakeAccount
) -> None:
    """After a kill while rows or coverage are merged, the next sync on any machine loses and repeats no record."""
    fake = LogtoFake(records=700, epoch=time.time_ns() - 10**9, growing=False)
    logferry_account(fake)
    with DltStore("postgres", credentials=url, folder=tmp_path / "same") as store:
        # The commit creates the tables.
        store.commit(records(1), {Question("nobody", "example.logs"): Coverage()})
    folder = Path(tempfile.mkdtemp(prefix="logferry-told-"))
    folder.chmod(0o777)
    told = folder / "told"
    os.mkfifo(told)
    told.chmod(0o666)
    try:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("DELETE FROM logferry.logs")
            cursor.execute("SELECT pg_advisory_lock(1)")
            cursor.execute(STOP.format(told=told, table=table))
            pipe = os.open(told, os.O_RDONLY | os.O_NONBLOCK)
            program = subprocess.Popen([sys.executable, "-c", SYNC, url, str(tmp_path / "same")])
            ready, _, _ = select.select([pipe], [], [], 120)
            program.send_signal(signal.SIGKILL)
            assert ready, "the sync never came to the table"
            assert program.wait() == -signal.SIGKILL
            os.close(pipe)
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            cursor.execute("SELECT pg_advisory_unlock(1)")
            cursor.execute("DROP FUNCTION stop CASCADE")
    finally:
        shutil.rmtree(folder)
    lost, doubled = differences(fake, url)
    assert doubled == 0
    assert lost == (700 if table == "logs" else 0)
    subprocess.run([sys.executable, "-c", SYNC, url, str(tmp_path / machine)], check=True)
    assert differences(fake, url) == (0, 0)
