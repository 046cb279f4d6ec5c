"""Settings of an account, and the errors about them."""

from __future__ import annotations

from typing import Any

import pytest

import logferry
from logferry.testing import FakeRequest, FakeResponse, InProcessTransport, SignalWireFake

FAKE = SignalWireFake(records=3)


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE", "PROJECT_ID", "API_TOKEN", "BASE_URL"):
        monkeypatch.delenv(f"SIGNALWIRE_{name}", raising=False)


def opened(**changes: Any) -> logferry.SignalWire:
    """Return a client with some arguments changed."""
    arguments: dict[str, Any] = {
        "space": FAKE.space,
        "project_id": FAKE.project_id,
        "api_token": FAKE.api_token,
        "transport": InProcessTransport(FAKE),
    }
    return logferry.SignalWire(**(arguments | changes))


@pytest.mark.parametrize("space", ["acme", "Acme", "acme.signalwire.com", "ACME.SIGNALWIRE.COM", " acme "])
def test_a_space_is_a_name_or_a_host(space: str) -> None:
    """Both spellings of a space give the same address."""
    with opened(space=space) as client:
        assert repr(client) == "<SignalWire account='signalwire' https://acme.signalwire.com>"


@pytest.mark.parametrize(
    "space", ["acme.evil.example", "evil.example/", "a/b", "-", "https://acme.signalwire.com", "a@b", ".signalwire.com"]
)
def test_an_invalid_space_is_refused(space: str) -> None:
    """Only the name of a space can form an address to which credentials are sent."""
    with pytest.raises(logferry.ConfigurationError, match="SIGNALWIRE_SPACE is no name of a space"):
        opened(space=space)


def test_the_environment_configures_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing arguments come from the environment; a base URL there needs no space; an argument takes precedence."""
    monkeypatch.setenv("SIGNALWIRE_PROJECT_ID", "p")
    monkeypatch.setenv("SIGNALWIRE_API_TOKEN", "t")
    with pytest.raises(logferry.ConfigurationError, match="SIGNALWIRE_SPACE"):
        logferry.SignalWire.from_env()
    monkeypatch.setenv("SIGNALWIRE_BASE_URL", "https://gate.example/sw/")
    with logferry.SignalWire.from_env() as client:
        assert "https://gate.example/sw>" in repr(client)
    with logferry.SignalWire(space="acme") as client:
        assert "https://acme.signalwire.com>" in repr(client)
    with pytest.raises(logferry.ConfigurationError, match="path of the API"):
        logferry.SignalWire(base_url="https://acme.signalwire.com/api/video/logs")
    with pytest.raises(logferry.ConfigurationError, match="plain http"):
        logferry.SignalWire(base_url="http://gate.example")


def test_a_project_id_with_a_colon_is_refused() -> None:
    """A colon would shift the border between project id and token in the header."""
    with pytest.raises(logferry.ConfigurationError, match="colon"):
        opened(project_id="p:t")


def test_the_project_is_part_of_the_uid() -> None:
    """Records of two accounts of one project have the same uids."""
    with opened(account="one") as one, opened(account="two") as two:
        uids = [[record.uid for record in client.video_logs(until="2027-01-01").records()] for client in (one, two)]
    assert uids[0] == uids[1] == [f"signalwire:{FAKE.project_id}:{identity}" for identity in FAKE.truth()]


@pytest.mark.parametrize(
    ("changes", "status", "kind", "words"),
    [
        ({"api_token": "wrong"}, 401, logferry.AuthenticationError, "SIGNALWIRE_API_TOKEN"),
        ({"project_id": "wrong"}, 401, logferry.AuthenticationError, "SIGNALWIRE_PROJECT_ID"),
        ({"api_token": FAKE.scopeless_token}, 401, logferry.AuthenticationError, "scope Video"),
        ({"api_token": FAKE.scopeless_token}, 403, logferry.PermissionDeniedError, "scope Video"),
    ],
)
def test_wrong_credentials_name_the_setting(
    changes: dict[str, str], status: int, kind: type[logferry.LogferryError], words: str
) -> None:
    """The error names the setting or the scope in one line, and contains no secret."""
    fake = SignalWireFake(records=3, scope_status=status)
    with opened(transport=InProcessTransport(fake), **changes) as client, pytest.raises(kind) as caught:
        list(client.video_logs())
    assert caught.value.status == status
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    for secret in (FAKE.api_token, FAKE.scopeless_token, "wrong", "Basic"):
        assert secret not in str(caught.value)
        assert secret not in repr(client)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":"Bad Request"}', "422 Unprocessable Entity: Bad Request", None),
        (
            b'{"errors":[{"attribute":"page_size","code":"c1","message":"too large"},{"message":"other"},7]}',
            "422 Unprocessable Entity: page_size: too large; other [c1]",
            "c1",
        ),
        (b'{"errors":[{"detail":"no such space","status":"404"}]}', "422 Unprocessable Entity: no such space", None),
        (b'{"code":"20404","message":"gone"}', "422 Unprocessable Entity: gone [20404]", "20404"),
        (b'{"errors":[]}', "422 Unprocessable Entity", None),
        (b"[]", "422 Unprocessable Entity", None),
        (b"<html>", "422 Unprocessable Entity", None),
    ],
)
def test_every_shape_of_an_error_is_read(body: bytes, message: str, code: str | None) -> None:
    """The error bodies of the vendor have several shapes; from each its message and code are read."""

    def fault(_request: FakeRequest, _number: int) -> FakeResponse:
        return FakeResponse(422, (), body)

    with (
        opened(transport=InProcessTransport(FAKE, faults=fault)) as client,
        pytest.raises(logferry.BadRequestError) as caught,
    ):
        list(client.video_logs())
    assert (caught.value.message.replace("Unprocessable Content", "Unprocessable Entity"), caught.value.code) == (
        message,
        code,
    )
