"""Destinations of dlt: what a kill leaves is finished or outdated, any machine goes on, and dlt keeps quiet."""

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


# What a process does that is killed where dlt hands a package over: the file operations say where it is.
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
    """A commit that is killed when a table's job comes to a step."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), table, step], check=False, capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize(("table", "step"), [("logs", "started_jobs"), ("logferry_windows", "completed_jobs")])
def test_what_a_kill_left_is_finished(table: str, step: str, tmp_path: Path) -> None:
    """The records on their way arrive at the next opening; what is complete says no more than what is there."""
    with make(tmp_path) as store:
        store.commit(records(100), {QUESTION: COVERED})
    kill(tmp_path, table, step)
    with make(tmp_path) as store:
        after = COVERED if table == "logs" else Coverage().having(Stretch(since=0, until=20, state="complete"))
        assert dict(store.counts()) == {("main", "example.logs"): 150}
        assert dict(store.coverage()) == {QUESTION: after}
        store.commit(records(50, first=100), {})
        assert dict(store.counts()) == {("main", "example.logs"): 150}


def test_another_machine_goes_on(tmp_path: Path) -> None:
    """Without the folder of packages nothing that is complete is missing, and what was on its way comes again."""
    with make(tmp_path) as store:
        store.commit(records(100), {QUESTION: COVERED})
    kill(tmp_path, "logs", "started_jobs")
    with make(tmp_path, machine="there") as store:
        assert dict(store.coverage()) == {QUESTION: COVERED}
        store.commit(records(50, first=100), {})
        assert dict(store.counts()) == {("main", "example.logs"): 150}


def test_what_is_outdated_is_dropped(tmp_path: Path) -> None:
    """A package that a kill left does not come over what another machine has written since."""
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


def test_a_damaged_folder_of_packages_is_made_anew(tmp_path: Path) -> None:
    """Whatever is in there, the destination knows better."""
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
    """Nobody else may read what is on its way, nor the lock."""
    with make(tmp_path) as store:
        store.commit(records(5), {QUESTION: COVERED})
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*")} == {0}


def test_the_folder_of_packages_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on its way lies where LOGFERRY_DATA says, a folder for each destination and data set."""
    monkeypatch.setenv("LOGFERRY_DATA", str(tmp_path / "data"))
    for dataset in ("one", "two"):
        with DltStore("duckdb", credentials=str(tmp_path / "d.duckdb"), dataset=dataset):
            pass
    folders = [path for path in (tmp_path / "data" / "dlt").iterdir() if path.is_dir()]
    assert len(folders) == 2
    assert all(path.name.startswith("duckdb-") for path in folders)


@pytest.mark.parametrize("variable", ["LOGFERRY_DATA", "XDG_DATA_HOME"])
def test_a_folder_that_cannot_be_made_is_told_by_what_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Where the home cannot be written to, as in many containers, the error says how to name another place."""
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("LOGFERRY_DATA", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "file" / "data"))
    with pytest.raises(StoreError, match="cannot be made") as caught:
        DltStore("duckdb", credentials=str(tmp_path / "d.duckdb")).__enter__()
    assert "LOGFERRY_DATA" in (caught.value.hint or "")


class Counting(BaseHTTPRequestHandler):
    """Counts what asks."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Count it."""
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that it overrides
        """Nothing."""


@pytest.fixture
def telemetry() -> Iterator[str]:
    """Where dlt's telemetry would go."""
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
def test_dlt_is_quiet(situation: str, telemetry: str, tmp_path: Path) -> None:
    """No telemetry leaves, nothing is printed, and nothing warns; also where the program uses dlt besides."""
    assert talk(situation, telemetry, tmp_path) == ("", "")
    assert Counting.asked == []


def test_dlt_would_talk(telemetry: str, tmp_path: Path) -> None:
    """The same program with a pipeline of its own does send telemetry, so that the test above says something."""
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


def test_a_destination_that_only_appends_is_refused(tmp_path: Path) -> None:
    """Where rows cannot be replaced, records that come again would be doubled."""
    store = DltStore("filesystem", credentials=None, folder=tmp_path / "here", dataset="logs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(tmp_path / "bucket"))
        with pytest.raises(StoreError, match=r"cannot replace rows.*name a folder, such as logs/"), store:
            pass
    assert not (tmp_path / "bucket" / "logs").exists()


def test_missing_credentials_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination without credentials is an error of the configuration, which says where dlt looks for them."""
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(ConfigurationError, match=r"dlt:postgres lacks credentials.*secrets\.toml"),
        DltStore("postgres", folder=tmp_path / "here"),
    ):
        pass


def test_an_unknown_destination_is_named(tmp_path: Path) -> None:
    """A name that dlt does not know is an error of the configuration."""
    with pytest.raises(ConfigurationError, match="dlt:nowhere"), DltStore("nowhere", folder=tmp_path / "here"):
        pass


def test_an_error_does_not_tell_the_password(tmp_path: Path) -> None:
    """What cannot be reached is said without what would let one in."""
    store = DltStore("postgres", credentials="postgresql://me:hunter2@127.0.0.1:1/logs", folder=tmp_path / "here")
    with pytest.raises(StoreError, match="dlt:postgres cannot be used") as caught, store:
        pass
    assert "hunter2" not in f"{caught.value} {caught.value!r} {store!r}"
    assert not any("hunter2" in path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
