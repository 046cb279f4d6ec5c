"""Injection and accidents: invalid input is refused before any request."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import orjson
import pytest
from click.testing import CliRunner

import logferry
from logferry._streams.checkpoint import Checkpoint
from logferry._time.window import Window
from logferry.cli import main
from logferry.testing import LogtoFake, Recorder, serve

ODD = ["a\r\nX-Injected: 1", "a\n", "\x00", "a\x7f", "\x1b[31m", "\ud800", "\u2028", ""]
"""Values that no filter may have."""

SPECIAL = [
    "../../x",
    "..",
    "a?b=c",
    "a#b",
    "a&page=2",
    "%2e%2e%2f",
    "%0d%0a",
    "é",
    "日本",
    "a b",
    "a;b",
    "\\..\\",
    "'\"<>",
]
"""Values that a filter may have and that must arrive unchanged."""


def cognigy(**options: Any) -> logferry.Cognigy:
    """Return a client."""
    given: dict[str, Any] = {"base_url": "https://c.example/new", "api_key": "k", "project_id": "a" * 24}
    return logferry.Cognigy(**given | options)


def logto(**options: Any) -> logferry.Logto:
    """Return a client."""
    given: dict[str, Any] = {"endpoint": "https://acme.logto.app", "access_token": "k"}
    return logferry.Logto(**given | options)


def nothing_sent(_request: httpx.Request) -> httpx.Response:
    """Fail on any request."""
    raise AssertionError("something was sent")


@pytest.mark.parametrize("value", [*ODD, *SPECIAL, "A" * 24, "a" * 23, "a" * 24 + "\n", "a" * 23 + "/"])
def test_a_project_is_only_an_id(value: str) -> None:
    """A project is part of the path, so an argument and a setting must have the form of an id."""
    with cognigy(transport=httpx.MockTransport(nothing_sent)) as client:
        with pytest.raises(logferry.InvalidRequestError):
            client.project_logs(project_id=value)
        with pytest.raises(logferry.InvalidRequestError):
            client.stream("cognigy.project_logs", filters={"project_id": value})
    if (
        value.strip() and value != "a" * 24 + "\n"
    ):  # an empty project counts as missing; white space around a setting is removed
        with pytest.raises(logferry.ConfigurationError):
            cognigy(project_id=value)


@pytest.mark.parametrize("project", ["..", ".", "../../v2.0/users", "a?b", "a#b", "a/../b", "%2e%2e"])
def test_a_forged_checkpoint_cannot_change_the_path(project: str) -> None:
    """Even with a valid digest, dots are refused and other characters quoted."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, content=orjson.dumps({"items": []}))

    forged = Checkpoint(
        stream="cognigy.project_logs",
        filters={"project_id": project},
        asked=(None, None),
        window=Window(None, 10**18),
        position=None,
    )
    with cognigy(transport=httpx.MockTransport(answer)) as client:
        if project in {".", ".."}:
            with pytest.raises(logferry.CheckpointError):
                client.project_logs(resume=forged.to_text())
            return
        assert client.project_logs(resume=forged.to_text()).to_list() == []
    (path,) = {*seen}  # an empty page is requested twice
    assert path.startswith("/new/v2.")
    assert len(path.partition("?")[0].split("/")) == 6


@pytest.mark.parametrize("change", [{"filters": {"unknown": 1}}, {"filters": 5}, {"position": 5}, {"position": {}}])
def test_a_forged_checkpoint_is_damaged(change: dict[str, Any]) -> None:
    """A checkpoint that logferry cannot have written raises a CheckpointError when the stream is opened."""
    given: dict[str, Any] = {
        "stream": "logto.audit_logs",
        "filters": {},
        "asked": (None, None),
        "window": Window(None, 10**18),
        "position": None,
    }
    try:
        text = Checkpoint(**given | change).to_text()
    except TypeError:
        return
    with (
        logto(transport=httpx.MockTransport(nothing_sent)) as client,
        pytest.raises(logferry.CheckpointError, match="damaged"),
    ):
        client.audit_logs(resume=text)


@pytest.mark.parametrize("value", ODD)
def test_filters_with_control_characters_are_refused(value: str) -> None:
    """Line ends, zero bytes, control characters and lone surrogates are refused with the name of the filter."""
    with (
        logto(transport=httpx.MockTransport(nothing_sent)) as client,
        pytest.raises(logferry.InvalidRequestError, match="user_id"),
    ):
        client.audit_logs(user_id=value)


@pytest.mark.parametrize("value", SPECIAL)
def test_filters_arrive_unchanged(value: str) -> None:
    """Characters with a meaning in a URL are quoted in a filter."""
    seen: list[dict[str, list[str]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/logs"
        assert not request.url.fragment
        seen.append(parse_qs(request.url.query.decode(), keep_blank_values=True, strict_parsing=True))
        return httpx.Response(200, content=b"[]", headers={"Total-Number": "0"})

    with logto(transport=httpx.MockTransport(answer)) as client:
        client.audit_logs(user_id=value).to_list()
    assert [query["userId"] for query in seen] == [[value]]
    assert [query["page"] for query in seen] == [["1"]]


@pytest.mark.parametrize("secret", ["a\r\nX-Injected: 1", "a\nb", "a\x00b", "k\u00e9y", "\u043a\u043b\u044e\u0447"])
@pytest.mark.parametrize("service", ["daily", "logto", "cognigy"])
def test_credentials_with_control_characters_are_refused(service: str, secret: str) -> None:
    """The error is one line without the credentials, before any request."""
    transport = httpx.MockTransport(nothing_sent)

    def read() -> list[Any]:
        match service:
            case "daily":
                return list[Any](logferry.Daily(api_key=secret, transport=transport).api_logs())
            case "logto":
                return list[Any](logto(access_token=secret, transport=transport).audit_logs())
            case _:
                return list[Any](cognigy(api_key=secret, transport=transport).project_logs())

    with pytest.raises((logferry.ConfigurationError, logferry.InvalidRequestError)) as caught:
        read()
    assert secret not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.evil.example", "http://localhost.evil", "http://localhost.evil.example", "http://evil.localhost.example",
        "http://0.0.0.0", "http://2130706433", "http://0x7f000001", "http://0x7f.1", "http://127.1", "http://0177.0.0.1",
        "http://128.0.0.1", "http://[::]", "http://[::2]", "http://[::ffff:8.8.8.8]", "http://127.0.0.1@evil.example",
        "http://evil.example\\@127.0.0.1", "http://127.0.0.1\\.evil.example", "http://127\u30020\u30020\u30021.evil.example",
        "http://localhost:80@evil.example", "http://evil.example#@127.0.0.1", "http://evil.example?@127.0.0.1",
        "http://127.0.0.1%2eevil.example", "http://l\u043ecalhost", "http:127.0.0.1", "HTTP://EVIL.EXAMPLE",
    ],
)  # fmt: skip
def test_plain_http_is_limited_to_this_machine(url: str) -> None:
    """An address that only resembles loopback is refused."""
    with pytest.raises(logferry.ConfigurationError):
        logto(endpoint=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "http://127.8.9.10:3001", "http://[::1]:80", "http://localhost", "HTTP://LOCALHOST:1"]
)
def test_loopback_addresses_are_recognised(url: str) -> None:
    """Loopback is 127.0.0.0/8, ::1, and localhost."""
    logto(endpoint=url).close()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_plain_http_never_uses_a_proxy_of_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy would receive the credentials unencrypted; a proxy argument is the caller's decision."""
    fake = LogtoFake(records=1)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    settings: dict[str, Any] = {"app_id": fake.app_id, "app_secret": fake.app_secret}
    with serve(fake) as url:
        with logferry.Logto(endpoint=url, retries=0, **settings) as client:
            assert len(client.audit_logs(until="2030-01-01").to_list()) == 1
        with (
            logferry.Logto(endpoint=url, retries=0, proxy="http://127.0.0.1:9", **settings) as client,
            pytest.raises(logferry.ConnectionFailedError),
        ):
            client.audit_logs().to_list()


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONHTTPSVERIFY": "0"}, {"SSL_VERIFY": "false"}, {"CURL_CA_BUNDLE": ""}, {"REQUESTS_CA_BUNDLE": ""}],
)
def test_the_environment_cannot_disable_verification(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client requires certificates with any variables of the environment."""
    made: list[ssl.SSLContext] = []
    real = ssl.SSLContext.wrap_socket

    def wrap(context: ssl.SSLContext, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        made.append(context)
        return real(context, *args, **kwargs)

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    fake = LogtoFake(records=1)
    with (
        serve(fake) as url,
        logto(endpoint=url.replace("http:", "https:"), retries=0) as client,
        pytest.raises(logferry.ConnectionFailedError),
    ):
        client.audit_logs().to_list()
    assert made
    assert all(one.verify_mode is ssl.CERT_REQUIRED and one.check_hostname for one in made)


OUTPUTS = {
    "pull": ("pull", "--since", "2000-01-01", "--output", "{}/logs.jsonl"),
    "sync to a file": ("sync", "--since", "2000-01-01", "--to", "{}/logs.duckdb"),
    "sync to a folder": ("sync", "--since", "2000-01-01", "--to", "{}/logs/"),
}


@pytest.mark.usefixtures("no_account_of_the_developer")
@pytest.mark.parametrize("asked", OUTPUTS.values(), ids=OUTPUTS)
def test_files_are_private_with_any_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    """Logs can contain secrets, so other users cannot read the files, including those of a failed run."""
    fake = LogtoFake(records=20)
    monkeypatch.setenv("LOGTO_APP_ID", fake.app_id)
    monkeypatch.setenv("LOGTO_APP_SECRET", fake.app_secret)
    recorder = Recorder(fake)
    before = os.umask(0)
    try:
        with serve(recorder) as url:
            monkeypatch.setenv("LOGTO_ENDPOINT", url)
            arguments = [part.format(tmp_path) for part in asked]
            result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    finally:
        os.umask(before)
    assert result.exit_code == 0
    assert [*tmp_path.iterdir()]
    modes = {path: oct(path.stat().st_mode & 0o777) for path in tmp_path.rglob("*")}
    assert modes == {path: "0o700" if path.is_dir() else "0o600" for path in modes}


@pytest.mark.parametrize("command", ["pull", "tail", "sync"])
def test_help_warns_about_raw(command: str) -> None:
    """The help of --raw says that raw items can contain secrets."""
    text = CliRunner().invoke(main, [command, "--help"]).stdout
    told = " ".join(text.partition("--raw")[2].split())[:160]
    assert "secret" in told
