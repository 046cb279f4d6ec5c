import json

from tests.cli.conftest import Run, Server

from logferry._registry import SERVICES


def test_piped(run: Run, configured: Server) -> None:
    """In a pipe each stream is one JSON object that says what it can do and promises."""
    rows = [json.loads(line) for line in run("streams").stdout.splitlines()]
    row = next(row for row in rows if row["stream"] == "logto.audit_logs")
    assert row["accounts"] == ["logto"]
    assert [one["name"] for one in row["filters"]] == ["user_id", "application_id", "log_key"]
    assert row["order"] == "newest first"
    assert row["guarantee"].startswith("each log once")
    assert configured.url not in str(rows)
    said = {"stream", "summary", "accounts", "authentication", "filters", "paging", "order", "time_filter", "guarantee"}
    assert all(said <= row.keys() and row["authentication"] and row["guarantee"] for row in rows)
    assert sorted(row["stream"] for row in rows) == sorted(one.name for each in SERVICES for one in each.streams)


def test_table(run: Run) -> None:
    """The table fits 80 columns, and names the variables of a service without an account."""
    result = run("streams", "--format", "table")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "none: set LOGTO_ENDPOINT, LOGTO_APP_ID, LOGTO_APP_SECRET" in " ".join(result.stdout.split())
