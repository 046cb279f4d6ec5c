"""Streams without a required filter, or without a given one: skipped unless named, an error if named."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.cli.conftest import Run, serving

from logferry.testing import DailyFake


@pytest.fixture
def daily(monkeypatch: pytest.MonkeyPatch) -> Generator[DailyFake]:
    """Return a fake of Daily, with an account of it in the environment."""
    fake = DailyFake(records=50, epoch=time.time_ns() - 10**9, growing=False)
    with serving(fake) as url:
        monkeypatch.setenv("DAILY_API_KEY", fake.api_key)
        monkeypatch.setenv("DAILY_BASE_URL", url)
        yield fake


def test_unnamed_streams_without_a_required_filter_are_skipped(run: Run, daily: DailyFake) -> None:
    """Each is reported in one line of at most 80 columns, and the others are pulled."""
    result = run("pull")
    assert result.exit_code == 0
    pulled = Counter(json.loads(line)["stream"] for line in result.stdout.splitlines())
    assert pulled == {stream: len(daily.truth(stream)) for stream in ("daily.api_logs", "daily.meetings")}
    needed = "needs --filter mtg_session_id or user_session_id"
    assert result.stderr.splitlines() == [
        f"left out: daily.session_logs {needed}",
        f"left out: daily.session_metrics {needed}",
    ]
    assert max(map(len, result.stderr.splitlines())) <= 80


def test_a_named_stream_without_its_required_filter_is_an_error(run: Run, daily: DailyFake) -> None:
    """No record is written, and the exit code is 2."""
    result = run("pull", "daily.session_logs")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "daily.session_logs needs mtg_session_id or user_session_id" in result.stderr
    assert daily.api_key not in result.output


@pytest.mark.usefixtures("daily")
@pytest.mark.parametrize(
    "arguments",
    [
        ["pull", "--format", "parquet"],
        ["pull", "--since", "soon"],
        ["pull", "--page-size", "500"],
        ["tail", "--since", "soon"],
        ["tail", "--page-size", "500"],
    ],
    ids=" ".join,
)
def test_an_invalid_call_reports_only_its_error(run: Run, arguments: list[str]) -> None:
    """Skipped streams are not reported if no stream is read."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")


@pytest.mark.parametrize("name", ["mtg_session_id", "mtgSessionId"])
def test_with_its_filter_a_stream_is_pulled(run: Run, daily: DailyFake, name: str) -> None:
    """The name of the filter may be the one in Python or the one in the API."""
    result = run("pull", "daily.session_logs", "--filter", f"{name}={daily.meeting_ids[0]}")
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == len(
        daily.truth("daily.session_logs", mtg_session_id=daily.meeting_ids[0])
    )


@pytest.mark.usefixtures("daily")
def test_an_invalid_value_is_refused(run: Run) -> None:
    """The error lists the valid values of the filter."""
    result = run("pull", "daily.api_logs", "--filter", "source=both")
    assert result.exit_code == 2
    assert "daily.api_logs: source cannot be 'both': it is one of api, webhook" in result.stderr


@pytest.mark.usefixtures("daily")
def test_a_check_uses_a_stream_without_required_filters(run: Run) -> None:
    """An account is checked by a stream that has no required filter."""
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("ok      daily  daily.api_logs answered in ")


def test_unnamed_streams_without_the_given_filter_are_skipped(run: Run, daily: DailyFake) -> None:
    """A filter selects the streams that have it; each of the others is reported in one line."""
    result = run("pull", "--filter", "source=webhook")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == len(daily.truth("daily.api_logs", source="webhook")) > 0
    assert result.stderr.splitlines() == [
        "left out: daily.session_logs has no filter source",
        "left out: daily.session_metrics has no filter source",
        "left out: daily.meetings has no filter source",
    ]


@pytest.mark.usefixtures("daily")
def test_a_filter_of_no_stream_is_an_error(run: Run) -> None:
    """The error suggests the nearest filter."""
    result = run("pull", "--filter", "sourc=webhook")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: no stream has a filter 'sourc'. Did you mean source? Known: mtg_session_id, ")


@pytest.mark.usefixtures("daily")
def test_a_named_stream_without_the_given_filter_is_an_error(run: Run) -> None:
    """A filter that a named stream lacks is an error."""
    result = run("pull", "daily.api_logs", "daily.session_logs", "--filter", "source=webhook")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "daily.session_logs has no filter 'source'" in result.stderr


@pytest.mark.usefixtures("daily")
@pytest.mark.parametrize("command", [["pull"], ["tail"], ["sync", "--to", "logs.duckdb"]], ids=lambda words: words[0])
def test_an_unknown_filter_of_a_named_stream_is_an_error(
    run: Run, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error suggests the nearest filter."""
    monkeypatch.chdir(tmp_path)
    result = run(*command, "daily.api_logs", "--filter", "sorce=webhook")
    assert (result.exit_code, result.stdout) == (2, "")
    line = result.stderr.splitlines()[0]
    assert line.startswith("Error: daily.api_logs has no filter 'sorce'. Did you mean source? Known: ")


@pytest.mark.usefixtures("daily")
def test_filters_that_no_stream_combines_are_an_error(run: Run) -> None:
    """If no stream has all filters, the call is an error, not an empty success."""
    result = run("pull", "--filter", "source=webhook", "--filter", "log_level=ERROR")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("Error: no stream is left to be read")
