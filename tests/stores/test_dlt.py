"""Destinations of dlt: leftovers of a kill are loaded or dropped, any machine continues, and dlt is silent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import duckdb
import pytest

from logferry import ConfigurationError, StoreError
from logferry.stores import Coverage, DltStore, Question, Stretch
from logferry.testing.stores import records

QUESTION = Question("main", "example.logs")
COVERED = Coverage().having(Stretch(since=0, until=10, state="complete"))


def make(folder: Path, *, machine: str = "here") -> DltStore:
    return DltStore("duckdb", credentials=str(folder / "d.duckdb"), folder=folder / machine)


# The program of a process that is killed while dlt hands a package over; the file operations show the step.
KILLED = """
import os, signal, sys
from pathlib import Path
from logferry.stores import Coverage, DltStore, Question, Stretch
from logferry.testing.stores import records

folder, table, step = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def audit(event, arguments):
    if event == "os.rename" and armed:
        old, new = (str(one) for one in arguments[:2])
        if f"{table}." in os.path.basename(old) and step in new:
            os.kill(os.getpid(), signal.SIGKILL)

armed = []
sys.addaudithook(audit)
with DltStore("duckdb", credentials=str(folder / "d.duckdb"), folder=folder / "here") as store:
    armed.append(True)
    store.commit(
        records(50, first=100),
        {Question("main", "example.logs"): Coverage().having(Stretch(since=0, until=20, state="complete"))},
    )
"""


def kill(folder: Path, table: str, step: str) -> None:
    """Kill a commit when the job of a table reaches a step."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), table, step], check=False, capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize(("table", "step"), [("logs", "started_jobs"), ("logferry_windows", "completed_jobs")])
def test_a_pending_package_is_loaded_at_the_next_opening(table: str, step: str, tmp_path: Path) -> None:
    """Pending records of a killed process arrive, and the coverage never includes missing records."""
    with make(tmp_path) as store:
        store.commit(records(100), {QUESTION: COVERED})
    kill(tmp_path, table, step)
    with make(tmp_path) as store:
        after = COVERED if table == "logs" else Coverage().having(Stretch(since=0, until=20, state="complete"))
        assert dict(store.counts()) == {("main", "example.logs"): 150}
        assert dict(store.coverage()) == {QUESTION: after}
        store.commit(records(50, first=100), {})
        assert dict(store.counts()) == {("main", "example.logs"): 150}


def test_another_machine_continues(tmp_path: Path) -> None:
    """Without the folder of packages all complete records exist, and pending ones come again."""
    with make(tmp_path) as store:
        store.commit(records(100), {QUESTION: COVERED})
    kill(tmp_path, "logs", "started_jobs")
    with make(tmp_path, machine="there") as store:
        assert dict(store.coverage()) == {QUESTION: COVERED}
        store.commit(records(50, first=100), {})
        assert dict(store.counts()) == {("main", "example.logs"): 150}


def test_an_outdated_package_is_dropped(tmp_path: Path) -> None:
    """A package of a killed process does not overwrite newer rows from another machine."""
    with make(tmp_path) as store:
        store.commit(records(100), {QUESTION: COVERED})
    kill(tmp_path, "logs", "started_jobs")
    with make(tmp_path, machine="there") as store:
        store.commit(records(50, first=100, body="newer "), {})
    with make(tmp_path):
        pass
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        found = connection.execute("SELECT count(*) FROM logferry.logs WHERE body LIKE 'newer %'").fetchall()
    assert found == [(50,)]


def test_a_damaged_folder_of_packages_is_replaced(tmp_path: Path) -> None:
    """Any content of the folder is discarded, since the destination has the true state."""
    with make(tmp_path) as store:
        store.commit(records(100), {QUESTION: COVERED})
    damaged = [path for path in (tmp_path / "here").rglob("*") if path.is_file() and path.suffix in (".json", ".bin")]
    assert damaged
    for path in damaged:
        path.write_bytes(b"\x00garbage")
    with make(tmp_path) as store:
        assert dict(store.coverage()) == {QUESTION: COVERED}
        store.commit(records(1), {})


def test_packages_are_for_the_owner_only(tmp_path: Path) -> None:
    """Other users can read neither pending packages nor the lock."""
    with make(tmp_path) as store:
        store.commit(records(5), {QUESTION: COVERED})
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*")} == {0}


def test_a_variable_sets_the_folder_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pending packages are under LOGFERRY_DATA, in one folder for each destination and data set."""
    monkeypatch.setenv("LOGFERRY_DATA", str(tmp_path / "data"))
    for dataset in ("one", "two"):
        with DltStore("duckdb", credentials=str(tmp_path / "d.duckdb"), dataset=dataset):
            pass
    folders = [path for path in (tmp_path / "data" / "dlt").iterdir() if path.is_dir()]
    assert len(folders) == 2
    assert all(path.name.startswith("duckdb-") for path in folders)


@pytest.mark.parametrize("variable", ["LOGFERRY_DATA", "XDG_DATA_HOME"])
def test_the_error_names_the_variable_of_an_unusable_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Where the home directory is read-only, as in many containers, the error names the variable for another folder."""
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("LOGFERRY_DATA", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "file" / "data"))
    with pytest.raises(StoreError, match="cannot be made") as caught:
        DltStore("duckdb", credentials=str(tmp_path / "d.duckdb")).__enter__()
    assert "LOGFERRY_DATA" in (caught.value.hint or "")


class Counting(BaseHTTPRequestHandler):
    """Counts requests."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Count it."""
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that it overrides
        """Log nothing."""


@pytest.fixture
def telemetry() -> Iterator[str]:
    """Return the address for dlt's telemetry."""
    Counting.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


QUIET = """
import sys
from pathlib import Path
import dlt
if sys.argv[2] == "others":
    # Of this program, whose telemetry is not ours to judge.
    pipeline = dlt.pipeline("other", pipelines_dir=sys.argv[1], destination=dlt.destinations.duckdb(sys.argv[1] + "/o.db"))
if sys.argv[2] == "loud":
    pipeline = dlt.pipeline("other", pipelines_dir=sys.argv[1], destination=dlt.destinations.duckdb(sys.argv[1] + "/o.db"))
    pipeline.run([{"a": 1}], table_name="a")
else:
    from logferry.stores import DltStore
    from logferry.testing.stores import records
    with DltStore("duckdb", credentials=sys.argv[1] + "/d.duckdb", folder=sys.argv[1] + "/here") as store:
        store.commit(records(5), {})
"""


@pytest.mark.parametrize("situation", ["alone", "others"])
def test_dlt_is_silent(situation: str, telemetry: str, tmp_path: Path) -> None:
    """No telemetry is sent and nothing is printed or warned, even if the program itself uses dlt."""
    assert talk(situation, telemetry, tmp_path) == ("", "")
    assert Counting.asked == []


def test_dlt_sends_telemetry_without_logferry(telemetry: str, tmp_path: Path) -> None:
    """A program with its own pipeline sends telemetry, so the test above can detect it."""
    talk("loud", telemetry, tmp_path)
    assert Counting.asked


def talk(situation: str, telemetry: str, folder: Path) -> tuple[str, str]:
    environment = {
        **os.environ,
        "RUNTIME__DLTHUB_TELEMETRY": "true",
        "RUNTIME__DLTHUB_TELEMETRY_ENDPOINT": telemetry,
        "HOME": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", QUIET, str(folder), situation],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
    )
    return done.stdout, done.stderr


def test_an_append_only_destination_is_refused(tmp_path: Path) -> None:
    """Without replacement, records that come again would be duplicated."""
    store = DltStore("filesystem", credentials=None, folder=tmp_path / "here", dataset="logs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(tmp_path / "bucket"))
        with pytest.raises(StoreError, match=r"cannot replace rows.*name a folder, such as logs/"), store:
            pass
    assert not (tmp_path / "bucket" / "logs").exists()


def test_missing_credentials_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination without credentials is a configuration error that says where dlt looks for them."""
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(ConfigurationError, match=r"dlt:postgres lacks credentials.*secrets\.toml"),
        DltStore("postgres", folder=tmp_path / "here"),
    ):
        pass


def test_an_unknown_destination_is_a_configuration_error(tmp_path: Path) -> None:
    """The error names the destination that dlt does not know."""
    with pytest.raises(ConfigurationError, match="dlt:nowhere"), DltStore("nowhere", folder=tmp_path / "here"):
        pass


def test_an_error_does_not_show_the_password(tmp_path: Path) -> None:
    """The error about an unreachable destination contains no credentials."""
    store = DltStore("postgres", credentials="postgresql://me:hunter2@127.0.0.1:1/logs", folder=tmp_path / "here")
    with pytest.raises(StoreError, match="dlt:postgres cannot be used") as caught, store:
        pass
    assert "hunter2" not in f"{caught.value} {caught.value!r} {store!r}"
    assert not any("hunter2" in path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
