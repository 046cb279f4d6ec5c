import json

from tests.cli.conftest import Run, Server

from logferry._accounts.registry import SERVICES


def test_a_pipe_gets_one_object_per_stream(run: Run, configured: Server) -> None:
    """In a pipe each stream is one JSON object with its capabilities and guarantees."""
    rows = [json.loads(line) for line in run("streams").stdout.splitlines()]
    row = next(row for row in rows if row["stream"] == "logto.audit_logs")
    assert row["accounts"] == ["logto"]
    assert [one["name"] for one in row["filters"]] == ["user_id", "application_id", "log_key"]
    assert "needs_one_of" not in row
    assert row["order"] == "newest first"
    assert row["guarantee"].startswith("each log once")
    assert configured.url not in str(rows)
    said = {"stream", "summary", "accounts", "authentication", "filters", "paging", "order", "time_filter", "guarantee"}
    assert all(said <= row.keys() and row["authentication"] and row["guarantee"] for row in rows)
    assert sorted(row["stream"] for row in rows) == sorted(one.name for each in SERVICES for one in each.streams)


def test_the_table_fits_80_columns(run: Run) -> None:
    """The table names the variables of a service without an account."""
    result = run("streams", "--format", "table")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "none: set LOGTO_ENDPOINT, LOGTO_APP_ID, LOGTO_APP_SECRET" in " ".join(result.stdout.split())


def test_only_stream_names_start_in_the_first_column(run: Run) -> None:
    """Continued lines are indented."""
    lines = run("streams", "--format", "table").stdout.splitlines()
    starts = [line.split()[0] for line in lines if not line.startswith(" ") and line]
    assert starts == [stream.name for service in SERVICES for stream in service.streams]


def test_required_filters_are_listed(run: Run) -> None:
    """Both formats name the required filters of a stream."""
    needed = {
        row["stream"]: row["needs_one_of"]
        for row in map(json.loads, run("streams").stdout.splitlines())
        if "needs_one_of" in row
    }
    assert needed["daily.session_logs"] == ["mtg_session_id", "user_session_id"]
    table = " ".join(run("streams", "--format", "table").stdout.split())
    assert table.count("needs mtg_session_id or user_session_id") == 2
    assert table.count("needs project_id or COGNIGY_PROJECT_ID") == 1
    assert table.count(" needs ") == len(needed)


def test_a_named_stream_shows_its_attributes(run: Run) -> None:
    """With a name both formats have the table of attributes; without a name neither has."""
    (row,) = map(json.loads, run("streams", "daily.session_logs").stdout.splitlines())
    assert {"name", "type", "source", "meaning", "optional"} == row["attributes"][0].keys()
    assert ("daily.level", "integer", "level") in [
        (one["name"], one["type"], one["source"]) for one in row["attributes"]
    ]
    lines = run("streams", "daily.session_metrics", "logto.audit_logs", "--format", "table").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert {"  daily.metrics  object, in every record", "  user.id  string"} <= set(lines)
    for form in ("jsonl", "table"):
        assert "attributes" not in run("streams", "--format", form).stdout
