"""Accounts of a configuration file on the command line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.cli.conftest import REFUSED, Run, Server, on_page, resume_arguments, serving, uids

SECRET = "marked-secret-of-the-test"


@pytest.fixture
def config(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return two accounts of one server, one of which has a wrong secret."""
    monkeypatch.setenv("ACME_SECRET", server.fake.app_secret)
    path = tmp_path / "mine.toml"
    path.write_text(
        f"""
        [accounts.good]
        service = "logto"
        endpoint = "{server.url}"
        app_id = "{server.fake.app_id}"
        app_secret = {{ env = "ACME_SECRET" }}

        [accounts.bad]
        service = "logto"
        endpoint = "{server.url}"
        app_id = "{server.fake.app_id}"
        app_secret = "{SECRET}"
        """
    )
    return path


@pytest.mark.parametrize("before", [True, False])
def test_the_file_can_be_named(run: Run, server: Server, config: Path, before: bool) -> None:
    """The option may be before or after the name of the command."""
    named = ("--config", str(config))
    rest = ("pull", "--account", "good")
    result = run(*named, *rest) if before else run(*rest, *named)
    assert (result.exit_code, result.stderr) == (0, "")
    assert uids(result.stdout) == server.uids


def test_a_failing_account_stops_no_other(run: Run, server: Server, config: Path) -> None:
    """The exit code is that of the failure, and no secret is shown."""
    result = run("pull", "--config", str(config))
    assert result.exit_code == 3
    assert uids(result.stdout) == server.uids
    assert Counter(json.loads(line)["account"] for line in result.stdout.splitlines()) == {"good": 417}
    assert "account bad" in result.stderr
    assert SECRET not in result.output


def test_a_missing_setting_is_reported_in_one_line(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the account, the file and the remedy."""
    monkeypatch.delenv("ACME_SECRET")
    result = run("check", "--config", str(config), "--account", "good")
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert f"app_secret of [accounts.good] in {config}: the environment variable ACME_SECRET is not set" in line


def test_streams_lists_the_accounts_of_the_file(run: Run, config: Path) -> None:
    """``streams`` lists the accounts of the file and resolves no secret."""
    result = run("streams", "--config", str(config), "--format", "jsonl")
    accounts = {row["stream"]: row["accounts"] for row in map(json.loads, result.stdout.splitlines())}
    assert accounts["logto.audit_logs"] == ["good", "bad"]
    assert accounts["daily.api_logs"] == []


def test_streams_shows_the_entry_to_add_to_the_file(run: Run, config: Path) -> None:
    """Variables configure no account beside a file, so none is named."""
    table = run("streams", "--config", str(config), "--format", "table").stdout
    assert f'none:addatablewithservice="daily"to{config}' in "".join(table.split())
    assert "project_id or project_id of the account" in " ".join(table.split())
    assert "DAILY_" not in table
    assert "COGNIGY_" not in table


CALLS = '[accounts.calls]\nservice = "daily"\napi_key = "x"\n'


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("logto.audit_logs", "--account", "calls"),
            "account calls does not have logto.audit_logs; good and bad do",
        ),
        (
            ("daily.api_logs", "--account", "good", "--account", "bad"),
            "accounts good and bad do not have daily.api_logs; calls does",
        ),
        (
            ("cognigy.project_logs",),
            'no account has the stream cognigy.project_logs. Add a table with service = "cognigy" to {config}',
        ),
        (
            ("cognigy.project_logs", "--account", "good"),
            'no account has the stream cognigy.project_logs. Add a table with service = "cognigy" to {config}',
        ),
    ],
)
def test_a_stream_without_an_account_is_an_error(run: Run, config: Path, arguments: tuple[str, ...], told: str) -> None:
    """The error names the accounts that have the stream, or the entry to add to the file."""
    config.write_text(config.read_text() + CALLS)
    result = run("pull", *arguments, "--config", str(config))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {told.format(config=config)}\n"


@pytest.mark.usefixtures("configured")
def test_a_stream_without_an_account_of_the_environment_is_an_error(run: Run) -> None:
    """Without a file, the error names the variables of an account."""
    result = run("pull", "daily.api_logs")
    assert result.stderr == "Error: no account has the stream daily.api_logs. Set DAILY_API_KEY\n"


@pytest.mark.parametrize("command", ["streams", "check", "pull"])
def test_a_missing_file_is_an_error(run: Run, tmp_path: Path, command: str) -> None:
    """The error is one line with exit code 2."""
    result = run(command, "--config", str(tmp_path / "nowhere.toml"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: the configuration file {tmp_path / 'nowhere.toml'} cannot be read")


def test_the_command_to_resume_names_file_and_account(run: Run, server: Server, config: Path) -> None:
    """The printed command works unchanged."""
    with serving(server.fake, on_page(3, REFUSED)) as url:
        config.write_text(config.read_text().replace(server.url, url))
        first = run("pull", "--config", str(config), "--account", "good")
        rest = run(*resume_arguments(first.stderr))
    assert (first.exit_code, rest.exit_code) == (3, 0)
    assert server.uids == uids(first.stdout + rest.stdout)


def test_the_table_has_a_column_for_several_accounts(run: Run, server: Server, config: Path) -> None:
    """Each row shows its account; a single account has no column."""
    config.write_text(config.read_text().replace(SECRET, server.fake.app_secret))
    header, *rows = run("pull", "--config", str(config), "--format", "table", "--max-items", "1").stdout.splitlines()
    start = header.index("account")
    assert [row[start:].split()[0] for row in rows] == ["good", "bad"]
    header, *_ = run("pull", "--config", str(config), "--account", "good", "--format", "table").stdout.splitlines()
    assert "account" not in header
