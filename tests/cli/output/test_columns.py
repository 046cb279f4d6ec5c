"""Records as columns: Parquet and Arrow files, and an Arrow stream for a pipe."""

from __future__ import annotations

import io
import json
import os
import pty
import shlex
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import (
    REFUSED,
    Account,
    Run,
    Server,
    made_fake,
    on_page,
    resume_arguments,
    resume_line,
    serving,
    started,
)
from tests.cli.test_failures import odd_item
from tests.cli.test_surroundings import pulled_within
from tests.conftest import PATIENCE

from logferry import Daily, LogRecord
from logferry._time.timestamps import rfc3339
from logferry.cli._output.columns import Columns
from logferry.stores import SCHEMA
from logferry.testing import DailyFake, FakeRequest, Faults, configuration, connected

FORMS: Final = ("parquet", "arrow")
JSON: Final = ("attributes", "resource", "issues", "raw")
TIMES: Final = ("timestamp", "observed_timestamp")
WITHOUT_RAW: Final = SCHEMA.remove(SCHEMA.get_field_index("raw"))


def table_of(path: Path) -> pa.Table:
    """Return the content of a file."""
    if "parquet" in path.name:
        return pq.ParquetFile(path).read()  # pyright: ignore[reportUnknownMemberType]  # its stub
    with path.open("rb") as file:
        return pa.ipc.open_file(file).read_all()


def streamed(content: bytes) -> pa.Table:
    """Return the content of a stream."""
    return pa.ipc.open_stream(io.BytesIO(content)).read_all()


def columns_uids(table: pa.Table) -> list[Any]:
    """Return the ``uid`` of each row."""
    return table["uid"].to_pylist()


def as_lines(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Return the rows in the form of JSON lines."""
    for name in TIMES:
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, table[name].cast(pa.int64()))
    for row in table.to_pylist():
        found = {name: value for name, value in row.items() if value is not None}
        found |= {name: json.loads(found[name]) for name in JSON if name in found}
        yield found | {name: rfc3339(found[name]) for name in TIMES if name in found}


def without_observed(lines: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records without the time of their pull."""
    found = list(lines)
    assert all(one.pop("observed_timestamp") for one in found)
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("raw", [False, True])
def test_a_file_has_the_fields_of_lines(run: Run, configured: Server, tmp_path: Path, form: str, raw: bool) -> None:
    """A file has each field of each record, and the raw items only on request."""
    path, lines = tmp_path / f"logs.{form}", tmp_path / "logs.jsonl"
    for output in (path, lines):
        result = run("pull", "--output", str(output), *(["--raw"] if raw else []))
        assert (result.exit_code, result.output) == (0, "")
    table = table_of(path)
    assert table.schema == (SCHEMA if raw else WITHOUT_RAW)
    assert columns_uids(table) == configured.uids
    with lines.open() as file:
        assert without_observed(as_lines(table)) == without_observed(map(json.loads, file))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("configured")
def test_duckdb_reads_a_file(run: Run, tmp_path: Path) -> None:
    """DuckDB reads a Parquet file of one row group."""
    path = tmp_path / "logs.parquet"
    assert run("pull", "--output", str(path)).exit_code == 0
    found = duckdb.read_parquet(str(path)).aggregate("count(*), count(distinct uid), min(timestamp) < max(timestamp)")
    assert found.fetchall() == [(417, 417, True)]
    with path.open("rb") as file:
        assert pq.ParquetFile(file).num_row_groups == 1


@pytest.mark.parametrize("form", FORMS)
def test_the_format_option_takes_precedence(run: Run, configured: Server, tmp_path: Path, form: str) -> None:
    """``--format`` takes precedence over the suffix of the file."""
    path = tmp_path / "logs"
    assert run("pull", "--format", form, "--output", str(path)).exit_code == 0
    named = path.rename(tmp_path / f"logs.{form}")
    assert columns_uids(table_of(named)) == configured.uids


def test_a_pipe_gets_a_batch_for_each_page(run: Run, configured: Server) -> None:
    """The record batches of a stream are pages, so a reader gets each page at once."""
    result = run("pull", "--format", "arrow", "--output", "-")
    assert (result.exit_code, result.stderr) == (0, "")
    table = streamed(result.stdout_bytes)
    assert table.schema == WITHOUT_RAW
    assert columns_uids(table) == configured.uids
    assert table["uid"].num_chunks > 1


@pytest.mark.usefixtures("configured")
def test_parquet_needs_a_file(run: Run) -> None:
    """Parquet is refused for stdout with a hint."""
    result = run("pull", "--format", "parquet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "parquet needs a file, since it is read from its end. Add --output logs.parquet" in result.stderr


@pytest.mark.usefixtures("configured")
def test_a_terminal_gets_no_stream() -> None:
    """An Arrow stream is refused for a terminal."""
    leader, follower = pty.openpty()
    with started("pull", "--format", "arrow", stdout=follower) as process:
        os.close(follower)
        _, stderr = process.communicate(timeout=PATIENCE)
    os.close(leader)
    assert process.returncode == 2
    assert b"arrow is not for a terminal. Add --output logs.arrow, or pipe it" in stderr


@pytest.mark.parametrize("form", FORMS)
def test_no_records_make_no_rows(run: Run, account: Account, tmp_path: Path, form: str) -> None:
    """A window without records makes a file or a stream without rows."""
    fake = made_fake(records=0)
    path = tmp_path / f"logs.{form}"
    with serving(fake) as url:
        account(fake, url)
        assert run("pull", "--output", str(path)).exit_code == 0
        stream = run("pull", "--format", "arrow")
    for table in (table_of(path), streamed(stream.stdout_bytes)):
        assert (table.schema, table.num_rows) == (WITHOUT_RAW, 0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change", [{"key": 42}, {"createdAt": "someday"}], ids=["value", "time"])
def test_items_that_do_not_decode_are_kept(
    run: Run, account: Account, tmp_path: Path, form: str, change: dict[str, object]
) -> None:
    """They are rows with their issues, and an unknown time is null."""
    fake = made_fake()
    answer = odd_item()
    item = json.loads(answer.body)[0] | change
    faults: Faults = lambda request, _: (  # noqa: E731
        type(answer)(200, answer.headers, json.dumps([item]).encode()) if request.path == "/api/logs" else None
    )
    path, lines = tmp_path / f"logs.{form}", tmp_path / "logs.jsonl"
    with serving(fake, faults) as url:
        account(fake, url)
        for output in (path, lines):
            result = run("pull", "--raw", "--output", str(output))
            assert result.exit_code == 0
            assert "1 item did not decode in full" in result.stderr
    table = table_of(path)
    assert [json.loads(text or "") for text in table["raw"].to_pylist()] == [item]
    assert [bool(json.loads(text or "")) for text in table["issues"].to_pylist()] == [True]
    assert (table["timestamp"].null_count == 1) is ("createdAt" in change)
    assert without_observed(as_lines(table)) == without_observed(map(json.loads, lines.read_text().splitlines()))


@pytest.mark.parametrize("form", FORMS)
def test_a_failure_leaves_a_partial_file(run: Run, failing: Server, tmp_path: Path, form: str) -> None:
    """The received records are in a file named as partial; the printed command writes the rest to the next part."""
    path = tmp_path / f"all logs.{form}"
    first = run("pull", "--output", str(path))
    assert first.exit_code == 3
    received, rest = (tmp_path / f"all logs.part{number}.{form}" for number in (1, 2))
    assert [*tmp_path.iterdir()] == [received]
    assert f"{path} is not written; the received records are in {received}" in first.stderr
    assert columns_uids(table_of(received)) == failing.uids[:199]
    line = resume_line(first.stderr)
    assert line.endswith(f" --output {shlex.quote(str(rest))}")
    script = line.replace("logferry", shlex.join([sys.executable, "-m", "logferry"]), 1)
    subprocess.run(["sh", "-c", script], check=True, capture_output=True)
    assert sorted(tmp_path.iterdir()) == [received, rest]
    assert columns_uids(pa.concat_tables([table_of(received), table_of(rest)])) == failing.uids


def test_repeated_failures_number_their_parts(run: Run, account: Account, tmp_path: Path) -> None:
    """Repeated failures make consecutive parts, never a part of a part, and replace none."""
    fake = made_fake()
    page_3, page_5 = (on_page(number, REFUSED) for number in (3, 5))
    faults: Faults = lambda request, number: page_3(request, number) or page_5(request, number)  # noqa: E731
    (tmp_path / "logs.part2.parquet").touch()
    with serving(fake, faults) as url:
        account(fake, url)
        first = run("pull", "--output", str(tmp_path / "logs.parquet"))
        second = run(*resume_arguments(first.stderr))
        third = run(*resume_arguments(second.stderr))
    assert [first.exit_code, second.exit_code, third.exit_code] == [3, 3, 0]
    assert "logs.part3.parquet is not written" not in second.stderr
    assert "the received records are in " + str(tmp_path / "logs.part3.parquet") in second.stderr
    names = [f"logs.part{number}.parquet" for number in (1, 2, 3, 4)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    parts = [table_of(tmp_path / name) for name in names if name != "logs.part2.parquet"]
    assert columns_uids(pa.concat_tables(parts)) == Server(fake, "").uids


def test_each_failing_stream_has_its_own_part(run: Run, tmp_path: Path) -> None:
    """The remaining records of a stream do not go into the file of another stream."""
    fakes = {"first": made_fake(), "second": made_fake()}
    config = tmp_path / "logferry.toml"
    with serving(fakes["first"], on_page(2, REFUSED)) as one, serving(fakes["second"], on_page(3, REFUSED)) as other:
        config.write_text(configuration(fakes, {"first": one, "second": other}))
        result = run("pull", "--config", str(config), "--output", str(tmp_path / "logs.parquet"))
        assert result.exit_code == 3
        lines = [line for line in result.stderr.splitlines() if line.startswith("resume with: ")]
        for line in lines:
            assert run(*shlex.split(line)[3:]).exit_code == 0
    parts = sorted(tmp_path.glob("logs.part*.parquet"))
    assert [path.name for path in parts] == [f"logs.part{number}.parquet" for number in (1, 2, 3)]
    found = columns_uids(pa.concat_tables(map(table_of, parts)))
    assert sorted(found) == sorted(uid for fake in fakes.values() for uid in Server(fake, "").uids)


@pytest.mark.usefixtures("configured")
def test_a_pull_without_records_leaves_no_file(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pull that fails at once leaves no file."""
    monkeypatch.setenv("LOGTO_APP_SECRET", "wrong")
    result = run("pull", "--output", str(tmp_path / "logs.parquet"))
    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) == 1
    assert [*tmp_path.iterdir()] == []


@pytest.fixture
def stalled(account: Account) -> Generator[tuple[Server, threading.Event, threading.Event]]:
    """Return a server that holds its third page until the second event; its request sets the first event."""
    fake, asked, go_on = made_fake(), threading.Event(), threading.Event()

    def stall(_request: FakeRequest, number: int) -> None:
        if number == 4:  # the first is for the token
            asked.set()
            go_on.wait(PATIENCE)

    with serving(fake, stall) as url:
        account(fake, url)
        try:
            yield Server(fake, url), asked, go_on
        finally:
            go_on.set()


@pytest.mark.parametrize("form", FORMS)
def test_ctrl_c_leaves_a_partial_file(
    run: Run, stalled: tuple[Server, threading.Event, threading.Event], tmp_path: Path, form: str
) -> None:
    """The partial file can be read, and the printed command writes the rest."""
    server, asked, go_on = stalled
    with started("pull", "--output", str(tmp_path / f"logs.{form}")) as process:
        assert asked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert stderr.startswith(b"interrupted\npartial result: 199 records of logto.audit_logs written\nresume with: ")
    go_on.set()
    assert run(*resume_arguments(stderr.decode())).exit_code == 0
    parts = sorted(tmp_path.iterdir())
    assert [path.name for path in parts] == [f"logs.part{number}.{form}" for number in (1, 2)]
    assert columns_uids(pa.concat_tables(map(table_of, parts))) == server.uids


def test_ctrl_c_ends_a_stream(
    run: Run, stalled: tuple[Server, threading.Event, threading.Event], tmp_path: Path
) -> None:
    """The reader gets all pages before the interrupt; the printed command writes the rest as another stream."""
    server, asked, go_on = stalled
    path = tmp_path / "logs.arrows"
    with path.open("wb") as file, started("pull", "--format", "arrow", stdout=file.fileno()) as process:
        assert asked.wait(PATIENCE)
        assert columns_uids(streamed(path.read_bytes())) == server.uids[:199]  # before any process ends
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    go_on.set()
    rest = run(*resume_arguments(stderr.decode()))
    found = [streamed(path.read_bytes()), streamed(rest.stdout_bytes)]
    assert columns_uids(pa.concat_tables(found)) == server.uids


@pytest.mark.parametrize("form", FORMS)
def test_an_existing_file_is_replaced_only_with_force(run: Run, configured: Server, tmp_path: Path, form: str) -> None:
    """Column files need ``--force`` to be replaced, as other outputs do."""
    path = tmp_path / f"logs.{form}"
    path.write_bytes(b"mine")
    refused = run("pull", "--output", str(path))
    assert refused.exit_code == 2
    assert path.read_bytes() == b"mine"
    assert run("pull", "--output", str(path), "--force").exit_code == 0
    assert columns_uids(table_of(path)) == configured.uids


@pytest.mark.parametrize("name", ["logs.parquet", "logs.arrow"])
def test_a_full_disk_leaves_no_file(account: Account, tmp_path: Path, name: str) -> None:
    """The exit code is 4; a file without its footer is unusable, so it is removed and cannot be resumed."""
    fake = made_fake(records=3000, spacing=20.0)
    with serving(fake) as url:
        account(fake, url)
        done = pulled_within(100_000, "--raw", "--output", str(tmp_path / name))
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "it cannot be resumed: the output lacks the footer that its format needs",
        "Error: the output cannot be written: File too large",
    ]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("form", FORMS)
def test_a_part_that_does_not_fit_is_reported(tmp_path: Path, form: str) -> None:
    """If the disk has no room for the records of a failed pull, a message after the command to resume says so."""
    done = pulled_within(5_000, "--raw", "--output", str(tmp_path / f"logs.{form}"))
    assert done.returncode == 4
    *_, resuming, no_place, error = done.stderr.splitlines()
    assert resuming.startswith("resume with: ")
    assert no_place == "it cannot be resumed: the output lacks the footer that its format needs"
    assert error == "Error: the output cannot be written: File too large"
    assert [*tmp_path.iterdir()] == []


def test_a_full_output_stream_can_be_resumed(account: Account, run: Run, tmp_path: Path) -> None:
    """The message has the number of complete records, which can be read; the printed command writes the rest."""
    fake = made_fake(records=3000, spacing=20.0)
    path = tmp_path / "logs.arrows"
    with serving(fake) as url:
        account(fake, url)
        with path.open("wb") as file:
            done = pulled_within(2_000_000, "--format", "arrow", stdout=file)
        rest = run(*resume_arguments(done.stderr))
    assert done.returncode == 4
    first, *_ = done.stderr.splitlines()
    count = int(first.removeprefix("the output has ").partition(" ")[0].replace(",", ""))
    found: list[Any] = []
    with pa.ipc.open_stream(io.BytesIO(path.read_bytes())) as reader:
        while len(found) < count:
            found += reader.read_next_batch()["uid"].to_pylist()
    assert found[:count] + columns_uids(streamed(rest.stdout_bytes)) == Server(fake, "").uids


@pytest.mark.usefixtures("configured")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_output_is_an_error() -> None:
    """A stream that cannot be written gives an error of one line and exit code 4."""
    with Path("/dev/full").open("wb") as full, started("pull", "--format", "arrow", stdout=full.fileno()) as process:
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    assert stderr == b"Error: the output cannot be written: No space left on device\n"


@pytest.mark.usefixtures("configured")
def test_a_stream_ends_when_its_reader_leaves() -> None:
    """A stream without a reader ends without a message."""
    with started("pull", "--format", "arrow") as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        process.stdout = None
        _, stderr = process.communicate(timeout=PATIENCE)
    assert (process.returncode, stderr) == (0, b"")


def groups(file: io.BytesIO, form: str) -> list[int]:
    """Return the number of rows in each group of a file."""
    file.seek(0)
    if form == "parquet":
        found = pq.ParquetFile(file)
        return [found.metadata.row_group(index).num_rows for index in range(found.num_row_groups)]
    batches = pa.ipc.open_file(file)
    return [batches.get_batch(index).num_rows for index in range(batches.num_record_batches)]


@pytest.fixture
def record() -> LogRecord:
    """Return one record of less than a kilobyte."""
    with connected(Daily, DailyFake(records=1)) as daily:
        return daily.api_logs().records().to_list(1)[0]


@pytest.mark.parametrize("form", FORMS)
def test_row_groups_are_bounded(record: LogRecord, form: str) -> None:
    """A row group ends after 65,536 rows or 1,024 pages, so the buffered rows are bounded."""
    file = io.BytesIO()
    output = Columns(file, form, raw=False, streamed=False)
    for _ in range(70_000):
        output.write(record)
    assert file.tell() > 1000  # besides the line before it
    for _ in range(2_000):
        output.write(record)
        output.flush()
    assert [output.end(), output.end()] == [True, True]  # the second call has no effect
    assert groups(file, form) == [66_000, 4_000 + 1_020, 980]


@pytest.mark.parametrize("form", FORMS)
def test_large_items_make_small_groups(record: LogRecord, form: str) -> None:
    """A row group ends after 64 MiB, however few rows it has."""
    large = record.as_received("x" * (40 << 20), ())
    file = io.BytesIO()
    output = Columns(file, form, raw=True, streamed=False)
    for _ in range(3):
        output.write(large)
        output.flush()
    assert output.end()
    assert groups(file, form) == [2, 1]
