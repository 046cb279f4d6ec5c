"""Secrets never appear in output, logs, errors or files, for any command and any failure."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import traceback
from base64 import b64decode
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import httpx
import orjson
import pytest
from click.testing import CliRunner
from tests.conftest import PATIENCE

import logferry
from logferry.cli import main
from logferry.testing import (
    CognigyFake,
    DailyFake,
    Disruption,
    Fake,
    FakeRequest,
    FakeResponse,
    Faults,
    LogtoFake,
    Recorder,
    SignalWireFake,
    relay,
    serve_all,
)

SECRET_SETTINGS = {"api_key", "api_token", "app_secret", "access_token"}
FAKES: dict[str, Any] = {
    "daily": DailyFake,
    "logto": LogtoFake,
    "signalwire": SignalWireFake,
    "cognigy": CognigyFake,
}
ADDRESS = {"daily": "base_url", "logto": "endpoint", "signalwire": "base_url", "cognigy": "base_url"}


def echoed(request: FakeRequest) -> str:
    """Return the text of a careless server, which repeats all that it received and decoded."""
    sent = [value for _, value in request.headers]
    sent += [b64decode(value[6:]).decode() for value in sent if value.startswith("Basic ")]
    return f"cannot read {' and '.join(sent)} of {request.target}"


def echoing(status: int, *, tokens: bool = False) -> Faults:
    """Refuse with an error body that repeats the credentials in every field; token requests only if selected."""

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        if not tokens and request.path.endswith("/oidc/token"):
            return None
        words = echoed(request)
        names = ("code", "error", "info", "message", "details", "detail", "title", "error_description", "type")
        body: dict[str, Any] = dict.fromkeys(names, words)
        body["errors"] = [{"code": words, "message": words, "attribute": words}]
        return FakeResponse(status, (("Content-Type", "application/json"),), json.dumps(body).encode())

    return fault


def page_of_words(request: FakeRequest, _number: int) -> FakeResponse | None:
    """Answer with a web page that repeats the credentials."""
    return FakeResponse(200, (("Content-Type", "text/html"),), f"<html>{echoed(request)}</html>".encode())


def nonsense(request: FakeRequest, _number: int) -> FakeResponse | None:
    """Answer with JSON of another shape that repeats the credentials."""
    return FakeResponse(200, (("Content-Type", "application/json"),), json.dumps([echoed(request)]).encode())


def redirect(request: FakeRequest, _number: int) -> FakeResponse | None:
    """Redirect to another address."""
    return FakeResponse(302, (("Location", "http://elsewhere.example/"),), echoed(request).encode())


TROUBLES: dict[str, Faults | None] = {
    "none": None,
    "400": echoing(400),
    "401": echoing(401),
    "403": echoing(403),
    "404": echoing(404),
    "422": echoing(422),
    "429": echoing(429),
    "503": echoing(503),
    "token refused": echoing(401, tokens=True),
    "token unknown": echoing(400, tokens=True),
    "web page": page_of_words,
    "nonsense": nonsense,
    "redirect": redirect,
}


class World:
    """All services, served, and an environment with an account of each."""

    def __init__(self, faults: Faults | None) -> None:
        self.fakes: dict[str, Fake] = {name: make() for name, make in FAKES.items()}
        self.recorders = {name: Recorder(fake, faults=faults, check=False) for name, fake in self.fakes.items()}
        self.urls: dict[str, str] = {}

    @contextmanager
    def served(self) -> Generator[World]:
        """Serve them during the block."""
        with serve_all(list(self.recorders.values())) as urls:
            self.urls = dict(zip(self.fakes, urls, strict=True))
            yield self

    def environment(self) -> dict[str, str]:
        """Return the variables of the accounts."""
        found: dict[str, str] = {}
        for name in self.fakes:
            found |= {f"{name}_{key}".upper(): value for key, value in self.settings(name).items()}
        return found

    def settings(self, name: str) -> dict[str, str]:
        """Return the arguments of a service's client."""
        given = {key: value for key, value in self.fakes[name].settings.items() if key != "space"}
        return given | {ADDRESS[name]: self.urls[name]}

    def secrets(self) -> set[str]:
        """Return all credentials: those of the settings and those sent, including issued tokens."""
        found = {
            value for fake in self.fakes.values() for key, value in fake.settings.items() if key in SECRET_SETTINGS
        }
        for recorder in self.recorders.values():
            for request in recorder.requests:
                for name in ("authorization", "x-api-key"):
                    value = request.header(name)
                    if value:
                        found.add(value.rpartition(" ")[2])
        return found

    def assert_absent(self, *shown: str | bytes) -> None:
        """Assert that no secret is in any of these texts."""
        secrets = self.secrets()
        assert len(secrets) >= len(FAKES)
        for secret in secrets:
            assert_without(secret, *shown)


def assert_without(secret: str, *shown: str | bytes) -> None:
    """Assert that a secret is in none of these texts."""
    for text in shown:
        if isinstance(text, bytes):
            assert secret.encode() not in text
        else:
            assert secret not in text


@pytest.fixture(params=sorted(TROUBLES))
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return the services with one kind of failure."""
    with World(TROUBLES[request.param]).served() as made:
        yield made


COMMANDS = [
    ["streams"],
    ["check"],
    ["check", "-v", "--debug"],
    ["pull", "-v", "--debug", "--since", "2000-01-01", "--max-items", "5", "--format", "jsonl"],
    ["pull", "--since", "2000-01-01", "--max-items", "5", "--format", "csv"],
    ["pull", "--since", "2000-01-01", "--max-items", "5", "--format", "table", "--strict", "--debug"],
    ["pull", "-v", "--since", "2000-01-01", "--max-items", "5", "--output", "logs.jsonl"],
    ["sync", "-v", "--debug", "--to", "logs.duckdb"],
    ["sync", "-v", "--to", "logs/"],
    ["state", "show", "logs.duckdb"],
    ["state", "forget", "logs.duckdb", "--account", "logto"],
]


@pytest.mark.usefixtures("no_account_of_the_developer")
def test_no_command_shows_a_secret(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither stdout, stderr, files, nor the logs of any library at the level DEBUG have a secret."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("random.random", lambda: 0.0)  # the jitter of retries: no waiting
    for name, value in world.environment().items():
        monkeypatch.setenv(name, value)
    shown: list[str | bytes] = []
    for command in COMMANDS:
        result = CliRunner().invoke(main, command, prog_name="logferry", catch_exceptions=False)
        assert result.stdout or result.stderr or "--output" in command
        assert "unexpected" not in result.stderr
        shown += [result.stdout, result.stderr]
    assert caplog.records
    shown += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    with duckdb.connect("logs.duckdb", read_only=True) as connection:
        tables = [connection.execute(f"SELECT * FROM {name}").fetchall() for name in ("logs", "logferry_windows")]  # noqa: S608  # our own
    shown.append(repr(tables))
    world.assert_absent(*shown, caplog.text, *(repr(record.__dict__) for record in caplog.records))


def test_tail_shows_no_secret(world: World, tmp_path: Path) -> None:
    """Neither the output nor the state file has a secret; the tail is a process, since a signal must end it."""
    command = ["tail", "--since", "2000-01-01", "-v", "--debug", "--format", "jsonl", "--state", "tail.json"]
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from logferry.cli import main; main()"
    )
    shown: list[str | bytes] = []
    with subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | world.environment() | {"XDG_CONFIG_HOME": "/nowhere"},
    ) as running:
        assert running.stderr is not None
        # Every service has refused or answered a request.
        while line := running.stderr.readline():
            shown.append(line)
            if all(recorder.requests for recorder in world.recorders.values()):
                break
        with suppress(ProcessLookupError):
            running.send_signal(signal.SIGINT)
        output, told = running.communicate(timeout=PATIENCE)
    assert b"unexpected" not in told
    world.assert_absent(*shown, output, told, *(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()))


CLIENTS: dict[str, Any] = {
    "daily": logferry.Daily,
    "logto": logferry.Logto,
    "signalwire": logferry.SignalWire,
    "cognigy": logferry.Cognigy,
}


@pytest.mark.parametrize("service", sorted(CLIENTS))
def test_no_object_shows_a_secret(world: World, service: str, caplog: pytest.LogCaptureFixture) -> None:
    """Clients, streams, pages, records, errors and events have no secret as text, in a pickle or in a cause."""
    caplog.set_level(logging.DEBUG)
    shown: list[str | bytes] = []
    events: list[Any] = []
    hooks: dict[str, Any] = dict.fromkeys(("on_request", "on_retry", "on_page", "on_issue"), events.append)
    policy = logferry.RetryPolicy(attempts=2, first_delay=0)
    made: logferry.Logto = CLIENTS[service](**world.settings(service), retries=policy, **hooks)  # or a similar one
    with made as client:
        for definition in client.streams:
            (question, *_) = world.fakes[service].questions(definition.name)
            stream = client.stream(definition.name, filters=dict(question), until="2100-01-01", page_size=5)
            for view in (stream, stream.records(), stream.pages(), stream.records().pages()):
                found: list[Any] = []
                iterator = iter(view)
                try:
                    found += [item for _, item in zip(range(3), iterator, strict=False)]
                except logferry.LogferryError as error:
                    shown += _told(error)
                shown += [repr(one) for one in (view, iterator, *found)]
                shown += [pickle.dumps(one) for one in found if isinstance(one, logferry.LogRecord)]
            shown += [stream.checkpoint, repr(stream), str(stream)]
        parts: list[Any] = [*vars(client).values()]
        shown += [repr(client), str(client), *map(repr, parts), repr(client.with_options(timeout=1))]
        shown += [repr(one.__dict__) for one in parts if hasattr(one, "__dict__")]
    shown += [repr(event) for event in events]
    world.assert_absent(*shown, caplog.text)


def _told(error: BaseException) -> list[str | bytes]:
    """Return all texts of an error and its causes."""
    told: list[str | bytes] = [pickle.dumps(error), "".join(traceback.format_exception(error))]
    one: BaseException | None = error
    while one is not None:
        told += [str(one), repr(one), repr(vars(one))]
        one = one.__cause__ or one.__context__
    return told


@pytest.mark.usefixtures("no_account_of_the_developer")
def test_accounts_of_a_file_show_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With any content of logferry.toml, valid or not, and any value of its references, no secret is shown."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MARKED", "hush-hush-secret\n2")
    (tmp_path / "secret").write_bytes(b"hush-hush-secret\xff")
    path = tmp_path / "logferry.toml"
    shown: list[str | bytes] = []
    for value in (
        '"hush-hush-secret',
        '"hush-hush-secret\\u0000"',
        '["hush-hush-secret"]',
        '{ env = "MARKED" }',
        '{ file = "secret" }',
        '{ command = ["false", "hush-hush-secret"] }',
        '{ command = ["nothing-of-this-name", "hush-hush-secret"] }',
        '{ command = ["echo", "-e", "hush-hush-secret\\\\x01"] }',
        '{ envy = "hush-hush-secret" }',
        '"hush-hush-secret"',
    ):
        path.write_text(f'[accounts.login]\nservice = "daily"\napi_key = {value}\n')
        with suppress(logferry.LogferryError), logferry.open_accounts(path) as ferry:
            shown += [repr(ferry), str(ferry), repr(vars(ferry))]
        try:
            with logferry.open_accounts(path) as ferry:
                next(iter(ferry.records(since="1h")), None)
        except (logferry.LogferryError, ExceptionGroup) as error:
            shown += _told(error)
        for command in (["streams"], ["check", "--debug"]):
            result = CliRunner().invoke(main, [*command, "--config", str(path)], catch_exceptions=False)
            shown += [result.output, result.stderr]
    assert shown
    assert_without("hush-hush", *shown, caplog.text)


@pytest.mark.usefixtures("no_account_of_the_developer")
def test_a_reference_is_reported_in_one_line(tmp_path: Path) -> None:
    """A reference of any name is one line in the error (found by scripts/fuzz)."""
    path = tmp_path / "logferry.toml"
    path.write_text('[accounts.login]\nservice = "daily"\napi_key = { env = "a\\nb\\u001b[31m" }\n')
    result = CliRunner().invoke(main, ["pull", "--config", str(path)], catch_exceptions=False)
    assert "\x1b[31mb" not in result.stderr
    with logferry.open_accounts(path) as ferry, pytest.raises(ExceptionGroup) as caught:
        list(ferry.records(since="1h"))
    assert all(len(str(error).splitlines()) == 1 for error in caught.value.exceptions)


@pytest.mark.parametrize("how", ["reset", "close"])
def test_broken_connections_show_no_secret(how: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Errors below HTTP, and the logs of httpx and httpcore about them, have no secret."""
    caplog.set_level(logging.DEBUG)
    with World(None).served() as world, ExitStack() as stack:
        shown: list[str | bytes] = []
        for name, make in CLIENTS.items():
            every = dict.fromkeys(range(2, 99), Disruption(how, "body", 5))
            settings = world.settings(name) | {ADDRESS[name]: stack.enter_context(relay(world.urls[name], every))}
            client = stack.enter_context(make(**settings, retries=0))
            for definition in client.streams:
                (question, *_) = world.fakes[name].questions(definition.name)
                try:
                    client.stream(definition.name, filters=dict(question), page_size=2).to_list(10)
                except logferry.LogferryError as error:
                    shown += _told(error)
        assert shown
        world.assert_absent(*shown, caplog.text)


def test_the_password_of_a_proxy_is_not_shown(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy is an argument or in the environment, valid or not."""
    caplog.set_level(logging.DEBUG)
    shown: list[str | bytes] = []
    for proxy in (
        "http://user:hush-proxy@127.0.0.1:9",
        "http://user:hush#-proxy@127.0.0.1:9",
        "socks9://user:hush-proxy@h",
        "http://user:hush-proxy@[::1",
    ):
        arguments: tuple[dict[str, Any], ...] = ({"proxy": proxy}, {})
        for given in arguments:
            monkeypatch.setenv("HTTPS_PROXY", proxy)
            try:
                with logferry.Daily(api_key="k", retries=0, timeout=0.2, **given) as daily:
                    shown += [repr(daily), repr(vars(daily))]
                    daily.api_logs().to_list()
            except logferry.LogferryError as error:
                shown += [pickle.dumps(error), "".join(traceback.format_exception(error)), str(error)]
    assert shown
    assert_without("hush", *shown, caplog.text)


def test_a_proxy_password_with_a_hash_is_refused() -> None:
    """An unquoted ``#`` in a password is refused, since the text before it would be read as a port."""
    proxy = "http://user:12345#hush@127.0.0.1:9"
    with pytest.raises(logferry.ConfigurationError, match="proxy is no URL") as caught:
        logferry.Daily(api_key="k", proxy=proxy)
    assert_without("12345", *_told(caught.value))


MARKED: dict[str, Any] = {
    "code": "mark-code",
    "code_verifier": "mark-verifier",
    "refresh_token": "mark-refresh",
    "access_token": "mark-access",
    "id_token_hint": "mark-hint",
    "client_secret": "mark-client",
    "password": "mark-password",
    "identifier": {"type": "password", "value": "mark-typed"},
    "deep": [{"headers": {"Authorization": "mark-authorization", "Cookie": "mark-cookie"}}],
}


@pytest.mark.parametrize("service", sorted(CLIENTS))
def test_secrets_of_an_item_stay_in_raw(service: str) -> None:
    """A record has them only in JSON with ``raw``, and neither its ``repr`` nor an issue has them."""
    items: dict[str, Any] = {
        "daily": [{"id": "1", "createdAt": "2026-01-01T00:00:00Z", "url": "/meeting-tokens/mark-meeting", **MARKED}],
        "logto": [
            {
                "tenantId": "t",
                "id": "1",
                "key": "ExchangeTokenBy.AuthorizationCode",
                "createdAt": 1_767_225_600_000,
                "payload": {
                    "key": "k",
                    "result": "Success",
                    "params": MARKED,
                    "interaction": MARKED,
                    "error": {"code": "c", "data": MARKED},
                    **{key: value for key, value in MARKED.items() if key != "code"},
                },
            }
        ],
        "signalwire": {"data": [{"id": "1", "created_at": "2026-01-01T00:00:00Z", **MARKED}], "links": {}},
        "cognigy": {"items": [{"_id": "1", "timestamp": "2026-01-01T00:00:00Z", "meta": MARKED, **MARKED}]},
    }
    given = {
        "daily": {"api_key": "k"},
        "logto": {"endpoint": "https://acme.logto.app", "access_token": "k"},
        "signalwire": {"space": "acme", "project_id": "p", "api_token": "k"},
        "cognigy": {"base_url": "https://c.example", "api_key": "k", "project_id": "a" * 24},
    }[service]
    transport = httpx.MockTransport(
        lambda _request: httpx.Response(200, content=orjson.dumps(items[service]), headers={"Total-Number": "1"})
    )
    names = {
        "daily": "daily.api_logs",
        "logto": "logto.audit_logs",
        "signalwire": "signalwire.video_logs",
        "cognigy": "cognigy.project_logs",
    }
    told: list[Any] = []
    with CLIENTS[service](**given, transport=transport, on_issue=told.append) as client:
        (record,) = client.stream(names[service], until="2030-01-01").records().to_list(1)
    assert b"mark-" in record.to_json(raw=True)
    for text in (record.to_json().decode(), repr(record), repr(told), *record.issues):
        assert "mark-" not in text
