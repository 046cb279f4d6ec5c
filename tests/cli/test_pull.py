import json
from pathlib import Path

import pytest
from tests.cli.conftest import Account, Run, Server, made_fake, serving, uids

from logferry.testing import Disruption, relay


def test_a_pipe_gets_every_record_once(run: Run, configured: Server) -> None:
    """A pipe gets every record of the last 24 hours once, as one JSON object per line, and no other output."""
    result = run("pull")
    assert uids(result.stdout) == configured.uids
    assert (result.exit_code, result.stderr) == (0, "")
    assert "raw" not in json.loads(result.stdout.splitlines()[0])


def test_the_default_window_is_a_day(run: Run, account: Account) -> None:
    """Without --since the window is the last 24 hours; --since extends it."""
    fake = made_fake(records=72, spacing=3600.0)
    with serving(fake) as url:
        account(fake, url)
        assert 12 <= len(run("pull").stdout.splitlines()) <= 48
        assert len(fake.truth()) == len(run("pull", "--since", "1 month").stdout.splitlines())


def test_stream_and_account_can_be_named(run: Run, configured: Server) -> None:
    """The names of the stream and the account give the same records."""
    assert configured.uids == uids(run("pull", "logto.audit_logs", "--account", "logto").stdout)


@pytest.mark.usefixtures("configured")
def test_options_bound_the_window(run: Run) -> None:
    """--since and --until bound the window."""
    times = [json.loads(line)["timestamp"] for line in run("pull").stdout.splitlines()]
    newest, oldest = times[10], times[300]
    result = run("pull", "--since", oldest, "--until", newest)
    assert [time for time in times if oldest <= time < newest] == [
        json.loads(line)["timestamp"] for line in result.stdout.splitlines()
    ]


@pytest.mark.parametrize("name", ["log_key", "logKey"])
def test_a_filter_has_two_names(run: Run, configured: Server, name: str) -> None:
    """A filter has its name in Python or its name in the API."""
    truth = configured.fake.truth(log_key="Interaction.Create")
    result = run("pull", "--filter", f"{name}=Interaction.Create")
    assert [f"logto:default:{identity}" for identity in truth] == uids(result.stdout)


@pytest.mark.usefixtures("configured")
def test_severity_is_a_lower_bound(run: Run) -> None:
    """--severity keeps records at least as severe, by name or number; --max-items counts those."""
    records = [json.loads(line) for line in run("pull").stdout.splitlines()]
    errors = [record["uid"] for record in records if record["severity_number"] >= 17]
    assert errors == uids(run("pull", "--severity", "error").stdout) == uids(run("pull", "--severity", "17").stdout)
    assert errors[:5] == uids(run("pull", "--severity", "WARNING", "--max-items", "5").stdout)


def test_max_items_bounds_the_pull(run: Run, configured: Server) -> None:
    """--max-items bounds the whole pull, --page-size each request."""
    assert configured.uids[:7] == uids(run("pull", "--max-items", "7", "--page-size", "3").stdout)


@pytest.mark.usefixtures("configured")
def test_raw_adds_the_item(run: Run) -> None:
    """--raw adds the item as sent; a table has no room for it."""
    line = json.loads(run("pull", "--raw", "--max-items", "1").stdout)
    assert line["uid"] == f"logto:{line['raw']['tenantId']}:{line['raw']['id']}"
    assert run("pull", "--raw", "--format", "table").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["logto"], "'logto' is a service, not a stream. Its streams: logto.audit_logs"),
        (["logto.audit_log"], "there is no stream 'logto.audit_log'. Did you mean logto.audit_logs? Known: "),
        (["--account", "lgto"], "there is no account 'lgto'. Did you mean logto? Known: logto"),
        (["--since", "yesterday"], "since is no time: 'yesterday'"),
        (["--since", "1h", "--until", "2h"], "lies after until"),
        (
            ["--filter", "user=x"],
            "no stream has a filter 'user'. Did you mean user_id? Known: user_id, application_id, log_key",
        ),
        (
            ["logto.audit_logs", "--filter", "user=x"],
            "logto.audit_logs has no filter 'user'. Did you mean user_id? Known: user_id, application_id, log_key",
        ),
        (["--filter", "user_id"], "'user_id' is not KEY=VALUE"),
        (["--filter", "user_id=a", "--filter", "user_id=b"], "'user_id' is given twice"),
        (["--severity", "loud"], "'loud' is none of trace, debug, info, warn, error, fatal, nor a number"),
        (["--page-size", "101"], "page_size is 101, it must be from 1 to 100"),
        (["--max-items", "0"], "0 is not in the range x>=1"),
        (["--resume", "{}"], "this is no checkpoint of logferry"),
        (["--output", "/nowhere/logs.jsonl"], "/nowhere/logs.jsonl.partial cannot be written: No such file"),
    ],
)
@pytest.mark.usefixtures("configured")
def test_an_invalid_call_is_one_line(run: Run, arguments: list[str], told: str) -> None:
    """An invalid call is one line on stderr with exit code 2 and no stdout."""
    result = run("pull", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr.splitlines()[-1]


def test_without_an_account_the_variables_are_named(run: Run) -> None:
    """The error names the variables that configure an account."""
    result = run("pull")
    assert result.exit_code == 2
    assert "LOGTO_ENDPOINT, LOGTO_APP_ID, LOGTO_APP_SECRET (logto)" in result.stderr


class TestOutput:
    """The option --output PATH."""

    def test_a_complete_file_is_private(self, run: Run, configured: Server, tmp_path: Path) -> None:
        """The file has all records, only its owner can read it, and no other file remains."""
        path = tmp_path / "logs.jsonl"
        result = run("pull", "--output", str(path))
        assert (result.exit_code, result.output) == (0, "")
        assert configured.uids == uids(path.read_text())
        assert oct(path.stat().st_mode) == "0o100600"
        assert [path] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("name", ["logs.jsonl", "logs.jsonl.partial"])
    def test_an_existing_file_is_replaced_only_with_force(
        self, run: Run, configured: Server, tmp_path: Path, name: str
    ) -> None:
        """An existing file, also a partial one of an earlier run, is replaced only with --force."""
        (tmp_path / name).write_text("precious")
        refused = run("pull", "--output", str(tmp_path / "logs.jsonl"))
        assert refused.exit_code == 2
        assert f"{name} exists" in refused.stderr
        assert (tmp_path / name).read_text() == "precious"
        assert run("pull", "--output", str(tmp_path / "logs.jsonl"), "--force").exit_code == 0
        assert configured.uids == uids((tmp_path / "logs.jsonl").read_text())

    @pytest.mark.usefixtures("configured")
    def test_an_invalid_call_leaves_no_file(self, run: Run, tmp_path: Path) -> None:
        """An invalid call leaves no file."""
        assert run("pull", "--output", str(tmp_path / "logs.jsonl"), "--since", "then").exit_code == 2
        assert list(tmp_path.iterdir()) == []


def test_timeout_bounds_a_request(run: Run, account: Account) -> None:
    """--timeout bounds each request as a whole; a retry yields the records."""
    fake = made_fake(records=5)
    with serving(fake) as url, relay(url, {2: Disruption("stall")}) as between:
        account(fake, between)
        result = run("pull", "-v", "--since", "1 month", "--timeout", "1s")
    assert result.exit_code == 0
    assert uids(result.stdout) == [f"logto:default:{identity}" for identity in fake.truth()]
    assert "took too long to answer" in result.stderr
