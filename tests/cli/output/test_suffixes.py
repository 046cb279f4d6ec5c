"""The suffix of an output file sets its format."""

from __future__ import annotations

import csv
import gzip
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from tests.cli.conftest import REFUSED, Account, Run, Server, made_fake, on_page, resume_line, serving, uids
from tests.cli.test_surroundings import FERRY, pulled_within
from tests.conftest import PATIENCE

from logferry.testing import FakeResponse, LogtoFake, configuration
from logferry.testing import failing as refusing

TOO_MANY = FakeResponse(429, (("Content-Type", "application/json"), ("Retry-After", "3600")), b"{}")


def expanded(path: Path) -> bytes:
    """Return the content of a file, decompressed by the usual programs."""
    content = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(content)
        case ".zst":
            return zstd_expanded(content)
        case _:
            return content


def zstd_expanded(content: bytes) -> bytes:
    """Return the content of all frames, by another library than the writer's."""
    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
        return stream.read()


@pytest.mark.parametrize(
    "name", ["logs.jsonl", "logs", "logs.JSONL", "logs.jsonl.gz", "logs.gz", "logs.jsonl.zst", "logs.zst"]
)
def test_a_jsonl_suffix_gives_lines(run: Run, configured: Server, tmp_path: Path, name: str) -> None:
    """A suffix of lines gives JSON lines, compressed by the second suffix, with the same bytes in every run."""
    path = tmp_path / name
    assert run("pull", "--output", str(path)).exit_code == 0
    assert uids(expanded(path)) == configured.uids
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("name", ["logs.csv", "logs.csv.gz", "logs.csv.zst"])
def test_a_csv_suffix_gives_rows(run: Run, tmp_path: Path, name: str) -> None:
    """A suffix of CSV gives rows."""
    path = tmp_path / name
    assert run("pull", "--output", str(path), "--max-items", "3").exit_code == 0
    assert expanded(path).startswith(b'"uid","stream"')


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "name", ["logs.txt", "logs.feather", "logs.json", "logs.jsonl.bz2", "logs.txt.gz", "l.txt.zst"]
)
def test_an_unknown_suffix_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    """An unknown suffix is refused before any request, unless --format is given."""
    path = tmp_path / name
    result = run("pull", "--output", str(path))
    assert result.exit_code == 2
    assert "no format has the suffix ." in result.stderr
    assert not [*tmp_path.iterdir()]


def test_the_format_option_takes_precedence(run: Run, configured: Server, tmp_path: Path) -> None:
    """``--format`` takes precedence over the suffix."""
    path = tmp_path / "logs.txt"
    assert run("pull", "--format", "jsonl", "--output", str(path)).exit_code == 0
    assert uids(path.read_bytes()) == configured.uids


@pytest.mark.parametrize("name", ["all logs.jsonl.gz", "all logs.jsonl.zst"])
def test_a_compressed_file_can_be_resumed(run: Run, failing: Server, tmp_path: Path, name: str) -> None:
    """The printed command completes the file."""
    path = tmp_path / name
    result = run("pull", "--output", str(path))
    assert result.exit_code == 3
    script = resume_line(result.stderr).replace("logferry", shlex.join([sys.executable, "-m", "logferry"]), 1)
    subprocess.run(["sh", "-c", script], check=True, capture_output=True)
    assert uids(expanded(path)) == failing.uids
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("name", ["logs.parquet.gz", "logs.arrow.zst"])
@pytest.mark.parametrize("named", [False, True])
def test_a_compressed_column_file_is_refused(run: Run, tmp_path: Path, name: str, named: bool) -> None:
    """A suffix for a compressed column file is refused, with and without --format."""
    path = tmp_path / name
    form = path.with_suffix("").suffix[1:]
    result = run("pull", "--output", str(path), *(["--format", form] if named else []))
    assert result.exit_code == 2
    assert f"follows .jsonl and .csv only: readers of {form} read parts of a file" in result.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_no_records_make_a_valid_compressed_file(run: Run, account: Account, tmp_path: Path, ending: str) -> None:
    """A window without records makes a file that decompresses to no bytes."""
    fake = made_fake(records=0)
    with serving(fake) as url:
        account(fake, url)
        path = tmp_path / f"logs.jsonl.{ending}"
        assert run("pull", "--output", str(path)).exit_code == 0
    assert path.stat().st_size
    assert expanded(path) == b""


def test_damage_is_noticed(run: Run, configured: Server, tmp_path: Path) -> None:
    """A zstd frame has a checksum, so a changed byte is an error."""
    path = tmp_path / "logs.jsonl.zst"
    assert run("pull", "--output", str(path)).exit_code == 0
    content = path.read_bytes()
    assert content[4] & 0b100
    assert uids(zstd_expanded(content)) == configured.uids
    with pytest.raises(OSError, match=r"(?i)checksum"):
        zstd_expanded(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_full_disk_cannot_be_resumed(account: Account, tmp_path: Path, ending: str) -> None:
    """The exit code is 4 without a command to resume, since the end of the compressed data is missing."""
    fake = made_fake(records=3000, spacing=20.0)
    with serving(fake) as url:
        account(fake, url)
        done = pulled_within(20_000, "--output", str(tmp_path / f"logs.jsonl.{ending}"))
    assert done.returncode == 4
    assert "resume with" not in done.stderr
    assert "Error: the output cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [f"logs.jsonl.{ending}.partial"]


def assert_has_all(path: Path, fakes: Iterable[LogtoFake]) -> None:
    """Assert that the file has each record of the fakes once, and that no other file exists."""
    content = expanded(path)
    rows = csv.DictReader(content.decode().splitlines())
    found = [row["uid"] for row in rows] if path.suffix == ".csv" else uids(content)
    assert sorted(found) == sorted(uid for fake in fakes for uid in Server(fake, "").uids)
    assert not [*path.parent.glob("*.partial")]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".jsonl.gz"])
def test_each_failed_stream_is_appended(run: Run, tmp_path: Path, suffix: str) -> None:
    """The printed commands run one after another; each appends to the file."""
    fakes = {"first": made_fake(), "second": made_fake()}
    config, path = tmp_path / "logferry.toml", tmp_path / f"logs{suffix}"
    with serving(fakes["first"], on_page(2, REFUSED)) as one, serving(fakes["second"], on_page(3, REFUSED)) as other:
        config.write_text(configuration(fakes, {"first": one, "second": other}))
        result = run("pull", "--config", str(config), "--output", str(path))
        assert result.exit_code == 3
        lines = [line for line in result.stderr.splitlines() if line.startswith("resume with: ")]
        assert len(lines) == 2
        for line in lines:
            script = line.removeprefix("resume with: ").replace("logferry pull", f"{shlex.join(FERRY)} pull", 1)
            subprocess.run(["sh", "-c", script], check=True, timeout=PATIENCE, capture_output=True)
    assert_has_all(path, fakes.values())


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".jsonl.gz"])
def test_streams_that_failed_before_any_record_are_resumed_together(run: Run, tmp_path: Path, suffix: str) -> None:
    """After all other streams, one command reads those without a record and completes the file."""
    fakes = {name: made_fake(records=50) for name in ("first", "second", "third")}
    broken = [refusing(TOO_MANY, path="/api/logs", at=[1]) for _ in range(2)]
    config, path = tmp_path / "logferry.toml", tmp_path / f"logs{suffix}"
    with (
        serving(fakes["first"], broken[0]) as first,
        serving(fakes["second"]) as second,
        serving(fakes["third"], broken[1]) as third,
    ):
        config.write_text(configuration(fakes, {"first": first, "second": second, "third": third}))
        result = run("pull", "--config", str(config), "--output", str(path))
        assert result.exit_code == 4
        assert "not begun: logto.audit_logs (account first), logto.audit_logs (account third)\n" in result.stderr
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("get it with: ")]
        script = line.removeprefix("get it with: ").replace("logferry pull", f"{shlex.join(FERRY)} pull", 1)
        subprocess.run(["sh", "-c", script], check=True, timeout=PATIENCE, capture_output=True)
    assert_has_all(path, fakes.values())
