"""Wrong accounts and calls: one readable line each, the right exit code, and never a secret."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from attrs import field, frozen
from click.testing import Result
from tests.cli.conftest import Run, serving

from logferry.testing import CognigyFake, DailyFake, Fake, FakeResponse, Faults, LogtoFake, SignalWireFake
from logferry.testing._registry import settings_for, variables_for

MARK: Final = "m4rked"
"""A part of every secret in this module, valid or not."""
LOGTO_SECRET, DAILY_KEY, SIGNALWIRE_TOKEN, COGNIGY_KEY, SCOPELESS = (f"{MARK}-{number}" for number in range(5))
WRONG: Final = f"wrong-{MARK}"
PROJECT: Final = "5f0b1a52-0c5e-4b1e-9d55-6b7a3f0c2e11"
NOW: Final = time.time_ns() // 1_000_000 * 1_000_000

FAKES: Final[Mapping[str, Fake]] = {
    "cognigy": CognigyFake(records=5, epoch=NOW, api_key=COGNIGY_KEY),
    "daily": DailyFake(records=5, epoch=NOW, api_key=DAILY_KEY),
    "logto": LogtoFake(records=5, epoch=NOW, app_secret=LOGTO_SECRET),
    "signalwire": SignalWireFake(
        records=5, epoch=NOW, project_id=PROJECT, api_token=SIGNALWIRE_TOKEN, scopeless_token=SCOPELESS
    ),
}
LOGTO: Final = LogtoFake(records=5, epoch=NOW, app_secret=LOGTO_SECRET)
CLOSED: Final = "http://127.0.0.1:9"
SPOKEN: Final = (
    MARK,
    "eyJ",
    *(b64encode(f"{PROJECT}:{one}".encode()).decode() for one in (SIGNALWIRE_TOKEN, SCOPELESS)),
)
"""Texts that must never appear: a secret, the start of a token, encoded credentials."""

PAGE: Final = b"<!DOCTYPE html><html><body>Sign in</body></html>"


def always(status: int, *headers: tuple[str, str], body: bytes = PAGE) -> Faults:
    """Give this answer to every request."""
    return lambda _request, _number: FakeResponse(status, (("Content-Type", "text/html"), *headers), body)


ANSWERS: Final[Mapping[str, Faults | None]] = {
    "right": None,
    "page": always(200),
    "missing page": always(404),
    "other API": always(404, body=b'{"message":"no such route"}'),
    "redirect": always(302, ("Location", f"https://login.example/?token={MARK}"), body=b""),
    "error": always(503),
}
"""The ways in which a server can answer."""


@frozen(kw_only=True)
class Mistake:
    """
    One mistake.

    Attributes:
        service: The service of the account.
        settings: Settings that differ from the right ones; an empty one is missing.
        answers: How the server answers, see ``ANSWERS``.
        suffix: The text after the server's address.
        exit_code: The exit code.
        told: Parts of the line.
    """

    service: str
    settings: Mapping[str, str] = field(factory=dict[str, str])
    answers: str = "right"
    suffix: str = ""
    exit_code: int
    told: tuple[str, ...]


def _of_each(answers: str, exit_code: int, told: str, variables: Mapping[str, str]) -> dict[str, Mistake]:
    return {
        f"{service}: {answers}": Mistake(service=service, answers=answers, exit_code=exit_code, told=(told, variable))
        for service, variable in variables.items()
    }


ADDRESSES: Final = {
    "cognigy": "check COGNIGY_BASE_URL",
    "daily": "Check DAILY_BASE_URL",
    "logto": "Check LOGTO_ENDPOINT",
    "signalwire": "Check SIGNALWIRE_SPACE, or SIGNALWIRE_BASE_URL",
}
OTHER_API: Final = "https://other.example/api"

MISTAKES: Final[dict[str, Mistake]] = {
    **_of_each("page", 5, "the answer is a web page, not JSON", ADDRESSES),
    **_of_each("missing page", 2, "404 Not Found", ADDRESSES),
    **_of_each("other API", 2, "404 Not Found", ADDRESSES | {"cognigy": "COGNIGY_BASE_URL"}),
    **_of_each("redirect", 5, "302 Found where 200 was expected", ADDRESSES),
    **_of_each("error", 4, "503 Service Unavailable", dict.fromkeys(ADDRESSES, "attempts")),
    "cognigy: wrong key": Mistake(
        service="cognigy", settings={"COGNIGY_API_KEY": WRONG}, exit_code=3, told=("401", "Check COGNIGY_API_KEY")
    ),
    "cognigy: unknown project": Mistake(
        service="cognigy",
        settings={"COGNIGY_PROJECT_ID": "0" * 24},
        exit_code=2,
        told=("404", "The project does not exist", "Check the project", "COGNIGY_PROJECT_ID"),
    ),
    "cognigy: no project id": Mistake(
        service="cognigy", settings={"COGNIGY_PROJECT_ID": WRONG}, exit_code=2, told=("COGNIGY_PROJECT_ID is no id",)
    ),
    "cognigy: project of others": Mistake(
        service="cognigy",
        settings={"COGNIGY_PROJECT_ID": CognigyFake().forbidden_project_id},
        exit_code=3,
        told=("403", "access to the project"),
    ),
    "cognigy: /openapi pasted": Mistake(
        service="cognigy", suffix="/openapi", exit_code=2, told=("COGNIGY_BASE_URL ends in /openapi", "without it")
    ),
    "cognigy: /api pasted": Mistake(
        service="cognigy", suffix="/api", exit_code=5, told=("a web page", "check COGNIGY_BASE_URL")
    ),
    "cognigy: missing key": Mistake(
        service="cognigy", settings={"COGNIGY_API_KEY": ""}, exit_code=2, told=("Set COGNIGY_API_KEY",)
    ),
    "daily: wrong key": Mistake(
        service="daily", settings={"DAILY_API_KEY": WRONG}, exit_code=3, told=("401", "Check DAILY_API_KEY")
    ),
    "daily: /api pasted": Mistake(service="daily", suffix="/api", exit_code=2, told=("404", "Check DAILY_BASE_URL")),
    "daily: missing key": Mistake(
        service="daily", settings={"DAILY_API_KEY": ""}, exit_code=2, told=("Set DAILY_API_KEY",)
    ),
    "logto: wrong secret": Mistake(
        service="logto",
        settings={"LOGTO_APP_SECRET": WRONG},
        exit_code=3,
        told=("401", "Check LOGTO_APP_ID and LOGTO_APP_SECRET"),
    ),
    "logto: id and secret swapped": Mistake(
        service="logto",
        settings={"LOGTO_APP_ID": LOGTO_SECRET, "LOGTO_APP_SECRET": LOGTO.app_id},
        exit_code=3,
        told=("there is no app with this id", "Check LOGTO_APP_ID and LOGTO_APP_SECRET"),
    ),
    "logto: app without role": Mistake(
        service="logto",
        settings={"LOGTO_APP_ID": LOGTO.roleless_app_id},
        exit_code=3,
        told=("403", "a role with the Management API's permission 'all'"),
    ),
    "logto: token for another resource": Mistake(
        service="logto",
        settings={"LOGTO_RESOURCE": OTHER_API},
        exit_code=3,
        told=("401", "The token is for another audience: check LOGTO_RESOURCE"),
    ),
    "logto: unknown resource": Mistake(
        service="logto",
        settings={"LOGTO_RESOURCE": "https://unknown.example/api"},
        exit_code=3,
        told=("Check LOGTO_RESOURCE",),
    ),
    "logto: wrong token": Mistake(
        service="logto", settings={"LOGTO_ACCESS_TOKEN": WRONG}, exit_code=3, told=("401", "Check LOGTO_ACCESS_TOKEN")
    ),
    "logto: expired token": Mistake(
        service="logto",
        settings={"LOGTO_ACCESS_TOKEN": LOGTO.access_token(now=0)},
        exit_code=3,
        told=("401", "The token has expired"),
    ),
    "logto: token without scope": Mistake(
        service="logto",
        settings={"LOGTO_ACCESS_TOKEN": LOGTO.access_token(scope="")},
        exit_code=3,
        told=("403", "permission 'all'"),
    ),
    "logto: token of another Logto": Mistake(
        service="logto",
        settings={"LOGTO_ACCESS_TOKEN": LogtoFake(seed=1, epoch=NOW).access_token()},
        exit_code=3,
        told=("The token comes from another Logto: check LOGTO_ENDPOINT",),
    ),
    "logto: /api pasted": Mistake(service="logto", suffix="/api", exit_code=2, told=("LOGTO_ENDPOINT ends in /api",)),
    "logto: missing secret": Mistake(
        service="logto", settings={"LOGTO_APP_SECRET": ""}, exit_code=2, told=("LOGTO_APP_SECRET",)
    ),
    "signalwire: wrong token": Mistake(
        service="signalwire",
        settings={"SIGNALWIRE_API_TOKEN": WRONG},
        exit_code=3,
        told=("401", "Check SIGNALWIRE_PROJECT_ID and SIGNALWIRE_API_TOKEN"),
    ),
    "signalwire: token without scope": Mistake(
        service="signalwire", settings={"SIGNALWIRE_API_TOKEN": SCOPELESS}, exit_code=3, told=("403", "the scope Video")
    ),
    "signalwire: project of another space": Mistake(
        service="signalwire",
        settings={"SIGNALWIRE_PROJECT_ID": "9f0b1a52-0c5e-4b1e-9d55-6b7a3f0c2e99"},
        exit_code=3,
        told=("401", "SIGNALWIRE_SPACE is the project's space"),
    ),
    "signalwire: no space": Mistake(
        service="signalwire",
        settings={"SIGNALWIRE_BASE_URL": "", "SIGNALWIRE_SPACE": "https://acme.signalwire.com"},
        exit_code=2,
        told=("SIGNALWIRE_SPACE is no name of a space", "It looks like acme"),
    ),
    "signalwire: /api pasted": Mistake(
        service="signalwire", suffix="/api", exit_code=2, told=("SIGNALWIRE_BASE_URL holds the path of the API",)
    ),
    "signalwire: missing token": Mistake(
        service="signalwire", settings={"SIGNALWIRE_API_TOKEN": ""}, exit_code=2, told=("SIGNALWIRE_API_TOKEN",)
    ),
}


@pytest.fixture(scope="module")
def urls() -> Generator[Mapping[tuple[str, str], str]]:
    """Return the addresses of servers, by service and kind of answer."""
    with ExitStack() as stack:
        right = {(name, "right"): stack.enter_context(serving(fake)) for name, fake in FAKES.items()}
        odd = {one: stack.enter_context(serving(LOGTO, faults)) for one, faults in ANSWERS.items() if faults}
        yield right | {(name, one): url for name in FAKES for one, url in odd.items()}


def describe(monkeypatch: pytest.MonkeyPatch, service: str, url: str, changes: Mapping[str, str]) -> None:
    """Configure an account of a service at a URL, in the environment."""
    for name, value in {**variables_for(FAKES[service], url), **changes}.items():
        monkeypatch.setenv(name, value)


def assert_silent(result: Result) -> None:
    """Assert that neither stdout nor stderr has a secret."""
    assert [one for one in SPOKEN if one in result.stdout + result.stderr] == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_account_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, urls: Mapping[tuple[str, str], str], name: str
) -> None:
    """``check`` and ``pull`` report each stream in one line, with the right exit code and without a secret."""
    mistake = MISTAKES[name]
    url = urls[mistake.service, mistake.answers] + mistake.suffix
    describe(monkeypatch, mistake.service, url, mistake.settings)
    checked = run("check")
    (line,) = checked.stdout.splitlines()
    assert (checked.exit_code, checked.stderr) == (mistake.exit_code, "")
    assert line.startswith(f"failed  {mistake.service}  {mistake.service}")
    assert [part for part in mistake.told if part not in line] == []
    assert_silent(checked)
    assert_silent(run("check", "-v", "--debug"))
    if mistake.answers == "error":  # a pull would wait for it
        return
    pulled = run("pull")
    told = [one for one in pulled.stderr.splitlines() if not one.startswith("left out: ")]
    assert (pulled.exit_code, pulled.stdout) == (mistake.exit_code, "")
    assert len(told) == len({one.split(": ")[1] for one in told}) > 0
    assert [one for one in told if not one.startswith("Error: ")] == []
    assert [part for one in told for part in mistake.told if part not in one] == []
    assert_silent(pulled)
    assert_silent(run("pull", "-v", "--debug"))


STREAMS: Final = {
    "cognigy": "cognigy.project_logs",
    "daily": "daily.api_logs",
    "logto": "logto.audit_logs",
    "signalwire": "signalwire.video_logs",
}


def described(folder: Path, service: str, url: str, changes: Mapping[str, str | None]) -> str:
    """Configure an account ``mine`` in logferry.toml of a folder, and return its name in errors."""
    settings = {"service": service, **settings_for(FAKES[service], url), **changes}
    lines = (f"{name} = {json.dumps(value)}" for name, value in settings.items() if value is not None)
    path = folder / "logferry.toml"
    path.write_text("\n".join(("[accounts.mine]", *lines)))
    return f"[accounts.mine] in {path}"


@pytest.mark.parametrize(
    ("service", "changes", "told"),
    [
        ("cognigy", {"api_key": WRONG}, "Check api_key of {place}: it must be an API key"),
        ("cognigy", {"project_id": "0" * 24}, "(project_id, or project_id of {place}) and base_url; the user"),
        ("cognigy", {"project_id": None}, "Give it, or set project_id of {place} for all calls"),
        ("daily", {"api_key": WRONG}, "Check api_key of {place}: it must be a key"),
        ("logto", {"app_secret": WRONG}, "Check app_id and app_secret of {place}: they must be"),
        ("logto", {"access_token": WRONG}, "Check access_token of {place}, or the app's id and secret, and resource"),
        ("signalwire", {"api_token": WRONG}, "Check project_id and api_token of {place}, that space is the project's"),
        ("signalwire", {"base_url": None, "space": "a b"}, "any other address goes into base_url of {place}"),
        ("signalwire", {"project_id": "a:b"}, "Check project_id of {place}"),
    ],
)
def test_errors_name_the_settings_of_the_file(
    run: Run,
    tmp_path: Path,
    urls: Mapping[tuple[str, str], str],
    *,
    service: str,
    changes: Mapping[str, str | None],
    told: str,
) -> None:
    """Errors about an account of a file use the names in the file, never variables that it does not read."""
    place = described(tmp_path, service, urls[service, "right"], changes)
    for command in (("check",), ("pull", STREAMS[service])):
        result = run(*command, "--config", str(tmp_path / "logferry.toml"))
        assert result.exit_code in {2, 3}
        assert told.format(place=place) in result.output
        assert f"{service}_".upper() not in result.output
        assert_silent(result)


@pytest.mark.parametrize("service", FAKES)
def test_a_check_tries_an_unreachable_server_twice(run: Run, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """``check`` makes two attempts and waits no longer."""
    describe(monkeypatch, service, CLOSED, {})
    result = run("check")
    (line,) = result.stdout.splitlines()
    assert result.exit_code == 4
    assert "cannot connect to 127.0.0.1:9" in line
    assert "2 attempts" in line
    assert_silent(result)


@pytest.mark.parametrize(
    ("service", "arguments", "told"),
    [
        *(
            (service, ("pull", f"{service}.log"), f"there is no stream '{service}.log'. Did you mean {service}.")
            for service in FAKES
        ),
        *((service, ("pull", "--since", "31.12.2026"), "since is no time: '31.12.2026'") for service in FAKES),
        *((service, ("pull", "--until", "tomorrow"), "until is no time: 'tomorrow'") for service in FAKES),
        ("daily", ("pull", "daily.session_logs"), "daily.session_logs needs mtg_session_id or user_session_id"),
        ("daily", ("pull", "daily.session_metrics"), "daily.session_metrics needs mtg_session_id or user_session_id"),
    ],
)
def test_a_wrong_call_is_one_line(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    urls: Mapping[tuple[str, str], str],
    *,
    service: str,
    arguments: tuple[str, ...],
    told: str,
) -> None:
    """A wrong call is one line with exit code 2; no request is sent and no file written."""
    describe(monkeypatch, service, urls[service, "right"], {})
    result = run(*arguments)
    lines = [one for one in result.stderr.splitlines() if not one.startswith("left out: ")]
    assert (result.exit_code, result.stdout, len(lines)) == (2, "", 1)
    assert told in lines[0]
    assert_silent(result)
    assert_silent(run(*arguments, "-v", "--debug"))


def test_all_accounts_are_checked(
    run: Run, monkeypatch: pytest.MonkeyPatch, urls: Mapping[tuple[str, str], str]
) -> None:
    """A failing account stops no other, and the highest exit code is returned."""
    for service in FAKES:
        describe(monkeypatch, service, urls[service, "page" if service == "cognigy" else "right"], {})
    monkeypatch.setenv("DAILY_API_KEY", WRONG)
    result = run("check")
    assert result.exit_code == 5
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["failed", "cognigy"],
        ["failed", "daily"],
        ["ok", "logto"],
        ["ok", "signalwire"],
    ]
    assert len({line.index(line.split()[2], 10) for line in result.stdout.splitlines()}) == 1
