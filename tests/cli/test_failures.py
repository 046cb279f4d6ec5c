import json
import shlex
from pathlib import Path

import pytest
from tests.cli.conftest import Account, Run, Server, made_fake, resume_arguments, resume_line, serving, uids

from logferry.testing import Disruption, FakeResponse, Faults, relay

JSON = ("Content-Type", "application/json")


def test_a_failure_in_the_middle_can_be_resumed(run: Run, failing: Server) -> None:
    """The received records stay, the failure is reported, and the printed command yields exactly the rest."""
    first = run("pull")
    assert first.exit_code == 3
    assert failing.uids[:199] == uids(first.stdout)
    told = first.stderr.splitlines()
    assert told[0].startswith("Error: logto.audit_logs: 403 Forbidden")
    assert told[1] == "partial result: 199 records of logto.audit_logs written"
    assert len(told) == 3
    rest = run(*resume_arguments(first.stderr))
    assert (rest.exit_code, rest.stderr) == (0, "")
    assert failing.uids == uids(first.stdout + rest.stdout)


def test_the_command_to_resume_keeps_options(run: Run, failing: Server) -> None:
    """The command repeats the options that affect the output, with the rest of --max-items."""
    wanted = [uid for uid, error in _severities(failing) if error][:60]
    first = run("pull", "--severity", "error", "--max-items", "60", "--page-size", "99", "--raw", "--format", "jsonl")
    assert first.exit_code == 3
    arguments = resume_arguments(first.stderr)
    rest = run(*arguments)
    assert wanted == uids(first.stdout + rest.stdout)
    assert "raw" in json.loads(rest.stdout.splitlines()[0])
    assert arguments[arguments.index("--page-size") + 1] == "99"


def _severities(server: Server) -> list[tuple[str, bool]]:
    history, fake = server.fake.history, server.fake
    items = [json.loads(history.item(identity, fake.epoch) or b"") for identity in fake.truth()]
    return [(f"logto:{item['tenantId']}:{item['id']}", item["payload"]["result"] == "Error") for item in items]


def test_a_partial_file_has_its_own_name(run: Run, failing: Server, tmp_path: Path) -> None:
    """With --output a partial result never has the final name; the printed command appends the rest and renames it."""
    path = tmp_path / "logs.jsonl"
    first = run("pull", "--output", str(path))
    assert first.exit_code == 3
    partial = path.with_name("logs.jsonl.partial")
    assert [partial] == list(tmp_path.iterdir())
    assert f"{path} is not written; the received records are in {partial}" in first.stderr
    command, _, target = resume_line(first.stderr).rpartition(" >> ")
    assert target == f"{partial} && mv {partial} {path}"
    rest = run(*shlex.split(command)[1:])
    assert failing.uids == uids(partial.read_text() + rest.stdout)


@pytest.mark.usefixtures("configured")
def test_a_wrong_secret_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The exit code is 3; the line does not contain the secret, and no file remains."""
    monkeypatch.setenv("LOGTO_APP_SECRET", "wrong-but-secret")
    result = run("pull", "-v", "--debug", "--output", str(tmp_path / "logs.jsonl"))
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith("Error: logto.audit_logs: 401 Unauthorized")
    assert "Traceback" in result.stderr
    assert "wrong-but-secret" not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["pull", "--debug"], ["--debug", "pull"]])
@pytest.mark.usefixtures("configured")
def test_debug_shows_the_traceback(run: Run, arguments: list[str]) -> None:
    """--debug, before or after the name of the command, adds the traceback."""
    with_debug, without = run(*arguments, "unknown"), run("pull", "unknown")
    assert with_debug.exit_code == without.exit_code == 2
    assert with_debug.stderr.startswith("Traceback")
    assert with_debug.stderr.splitlines()[-1:] == without.stderr.splitlines()


def test_a_closed_connection_is_retried(run: Run, configured: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed connection is exit code 4 after the usual attempts (up to 3.5 s); the printed command tries again."""
    with relay(configured.url, dict.fromkeys(range(1, 5), Disruption("reset"))) as between:
        monkeypatch.setenv("LOGTO_ENDPOINT", between)
        result = run("pull", "-v")
        assert result.exit_code == 4
        *_, error, missing, line = result.stderr.splitlines()
        assert "4 attempts" in error
        assert "attempt 3 failed" in result.stderr
        assert missing == "not begun: logto.audit_logs"
        again = run(*shlex.split(line.removeprefix("get it with: logferry ")))
        assert (again.exit_code, uids(again.stdout)) == (0, configured.uids)


def test_a_web_page_is_an_error(run: Run, configured: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A web page instead of an answer is exit code 5."""
    monkeypatch.setenv("LOGTO_ENDPOINT", f"{configured.url}/console")
    result = run("pull")
    assert result.exit_code == 5
    assert len(result.stderr.splitlines()) == 1


def odd_item(**changes: object) -> FakeResponse:
    """Return a page with one item of today that deviates from the documentation."""
    fake = made_fake(records=1)
    item = json.loads(fake.history.item(next(iter(fake.truth())), fake.epoch) or b"") | changes
    item["createdAt"] -= 60_000
    return FakeResponse(200, (JSON, ("Total-Number", "1")), json.dumps([item]).encode())


def test_items_that_do_not_decode_are_kept_with_a_warning(run: Run, account: Account) -> None:
    """An item that does not decode fully is kept with a warning; with --strict it is exit code 5."""
    fake = made_fake()
    faults: Faults = lambda request, _: odd_item(key=42) if request.path == "/api/logs" else None  # noqa: E731
    with serving(fake, faults) as url:
        account(fake, url)
        kept, strict = run("pull"), run("pull", "--strict")
        told = run("pull", "-v")
    assert kept.exit_code == 0
    assert json.loads(kept.stdout)["issues"]
    assert kept.stderr.startswith("Warning: logto.audit_logs: 1 item did not decode in full")
    assert (strict.exit_code, strict.stdout) == (5, "")
    assert "key" in strict.stderr
    assert json.loads(kept.stdout)["issues"][0] in told.stderr


HOSTILE = "\x1b]0;owned\x07\x1b[31m[bold red]x[/] \r\n\u202e\x9b2J :boom:"


@pytest.mark.parametrize("form", ["jsonl", "table"])
def test_control_characters_are_escaped(run: Run, account: Account, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control characters of a log do not reach the terminal, and markup stays text."""
    monkeypatch.setenv("COLUMNS", "200")
    fake = made_fake()
    faults: Faults = lambda request, _: odd_item(key=HOSTILE) if request.path == "/api/logs" else None  # noqa: E731
    with serving(fake, faults) as url:
        account(fake, url)
        result = run("pull", "--format", form)
    assert result.exit_code == 0
    if form == "jsonl":
        assert json.loads(result.stdout)["body"] == HOSTILE
        assert "\x1b" not in result.stdout
    else:
        assert "[bold red]x[/] \\r\\n\\u202e\\x9b2J :boom:" in result.stdout
        assert all(character.isprintable() for line in result.stdout.split("\n") for character in line)


def test_control_characters_of_errors_are_escaped(run: Run, account: Account) -> None:
    """An error message of the service does not reach the terminal unescaped."""
    fake = made_fake()
    body = json.dumps({"code": "odd\x1b[2J", "message": HOSTILE}).encode()
    faults: Faults = lambda request, _: FakeResponse(400, (JSON,), body) if request.path == "/api/logs" else None  # noqa: E731
    with serving(fake, faults) as url:
        account(fake, url)
        result = run("pull")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.strip().isprintable()
