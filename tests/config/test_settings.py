"""Settings: arguments first, then the environment; a missing setting is named, a present one is never shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

import logferry
from logferry._config.settings import Settings
from logferry._errors import ConfigurationError
from logferry.testing import InProcessTransport, LogtoFake

NAMES = ("LOGTO_ENDPOINT", "LOGTO_APP_ID", "LOGTO_APP_SECRET", "LOGTO_ACCESS_TOKEN", "LOGTO_RESOURCE")
GOOD = {"LOGTO_ENDPOINT": "https://acme.logto.app", "LOGTO_APP_ID": "an-app", "LOGTO_APP_SECRET": "hush-hush"}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def settings(given: dict[str, str | bool | None] | None = None, /, **environment: str) -> Settings:
    """Return settings completed from the environment."""
    return Settings(service="logto", given=given or {}, environment=environment)


def test_variables_have_the_name_of_the_service() -> None:
    """A variable is in capitals with the service as its prefix."""
    assert settings().variable("app_id") == "LOGTO_APP_ID"


def test_an_argument_takes_precedence_over_the_environment() -> None:
    """An empty argument counts as missing."""
    assert settings({"app_id": "argument"}, LOGTO_APP_ID="variable").find("app_id") == "argument"
    assert settings({"app_id": None}, LOGTO_APP_ID="variable").find("app_id") == "variable"
    assert settings({"app_id": ""}, LOGTO_APP_ID="variable").find("app_id") == "variable"
    assert settings({"app_id": ""}, LOGTO_APP_ID="").find("app_id") is None


def test_white_space_around_a_value_is_removed() -> None:
    """Values from files and shells often have surrounding white space."""
    assert settings(LOGTO_APP_ID=" x ").require("app_id") == ("x",)


@pytest.mark.parametrize("environment", [{}, {"LOGTO_APP_ID": ""}, {"LOGTO_APP_ID": "  "}])
def test_a_missing_setting_is_named(environment: dict[str, str]) -> None:
    """The error names the variable to set; a blank value counts as missing."""
    with pytest.raises(ConfigurationError, match="app_id is missing") as caught:
        settings(**environment).require("app_id")
    assert "LOGTO_APP_ID" in caught.value.message
    assert "LOGTO_APP_ID" in (caught.value.hint or "")


def test_all_missing_settings_are_named_at_once() -> None:
    """One error lists every missing setting, so one correction is enough."""
    with pytest.raises(ConfigurationError) as caught:
        settings(LOGTO_APP_ID="there").require("endpoint", "app_id", "app_secret")
    assert caught.value.message == (
        "endpoint and app_secret are missing: they are neither arguments nor in the environment variables "
        "LOGTO_ENDPOINT and LOGTO_APP_SECRET"
    )
    assert caught.value.hint == "Set LOGTO_ENDPOINT and LOGTO_APP_SECRET"


def test_a_file_is_not_completed_by_the_environment() -> None:
    """A setting that an account of a file lacks is missing, whatever the environment has."""
    found = Settings(service="logto", source="[accounts.a] in b", environment={"LOGTO_APP_ID": "x"})
    with pytest.raises(ConfigurationError) as caught:
        found.require("app_id")
    assert (caught.value.message, caught.value.hint) == (
        "app_id is missing: it is not in [accounts.a] in b",
        "Add app_id there",
    )


@pytest.mark.parametrize("value", ["hush\nhush", "hush\x00", "hush\x1b[0m", "hu\u2028sh"])
def test_an_invalid_value_is_refused_without_being_shown(value: str) -> None:
    """The error names the setting, never its value."""
    with pytest.raises(ConfigurationError, match="LOGTO_APP_SECRET") as caught:
        settings(LOGTO_APP_SECRET=value).require("app_secret")
    assert "hu" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "on"), [(True, True), (False, False), (None, False), ("true", True), (" False ", False), ("", False)]
)
def test_a_switch_is_true_or_false(value: str | bool | None, on: bool) -> None:
    """A variable has the switch as text; a missing one is off."""
    assert settings({"switch": value}).flag("switch") is on


def test_other_values_are_no_switch() -> None:
    """An unknown word is refused, and so is a boolean for a text setting."""
    with pytest.raises(ConfigurationError, match="LOGTO_SWITCH is neither true nor false"):
        settings(LOGTO_SWITCH="on").flag("switch")
    with pytest.raises(ConfigurationError, match="LOGTO_APP_ID is no text"):
        settings({"app_id": True}).find("app_id")


def test_settings_are_not_shown() -> None:
    """The repr of settings has no values."""
    assert "hush" not in repr(settings({"app_id": "hush"}, LOGTO_APP_SECRET="hush"))


@pytest.mark.parametrize("missing", list(GOOD))
def test_a_client_names_the_missing_variable(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error does not show the other values."""
    for name, value in GOOD.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=missing) as caught:
        logferry.Logto.from_env()
    for value in GOOD.values():
        assert value not in (caught.value.message)


def test_a_client_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables alone configure an account."""
    fake = LogtoFake(records=5)
    monkeypatch.setenv("LOGTO_ENDPOINT", "https://default.logto.app")
    monkeypatch.setenv("LOGTO_APP_ID", fake.app_id)
    monkeypatch.setenv("LOGTO_APP_SECRET", fake.app_secret)
    with logferry.Logto.from_env(transport=InProcessTransport(fake)) as logto:
        assert len(logto.audit_logs(until="2027-01-01").to_list()) == 5


@pytest.mark.parametrize(
    ("arguments", "token_requests"),
    [({}, 0), ({"app_id": LogtoFake().app_id, "app_secret": LogtoFake().app_secret}, 1)],
)
def test_credentials_as_arguments_take_precedence_over_a_token(
    arguments: dict[str, Any], token_requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token in the environment is used, unless the caller gives an app's credentials."""
    fake = LogtoFake(records=5)
    monkeypatch.setenv("LOGTO_ACCESS_TOKEN", fake.access_token())
    transport = InProcessTransport(fake)
    with logferry.Logto(endpoint="https://default.logto.app", transport=transport, **arguments) as logto:
        logto.audit_logs(until="2027-01-01").to_list()
    assert sum(request.path == "/oidc/token" for request in transport.requests) == token_requests


@pytest.mark.parametrize(
    ("endpoint", "resource", "asked"),
    [
        ("https://acme.logto.app", None, "https://acme.logto.app/api"),
        ("https://login.acme.example", None, "https://default.logto.app/api"),
        ("https://acme.logto.app", "https://other.example/api", "https://other.example/api"),
    ],
)
def test_a_token_is_requested_for_the_api_of_the_tenant(endpoint: str, resource: str | None, asked: str) -> None:
    """On Logto Cloud the API has the name of the endpoint, elsewhere a fixed one; a setting overrides it."""
    transport = InProcessTransport(LogtoFake())
    with (
        logferry.Logto(
            endpoint=endpoint, app_id="a", app_secret="s", resource=resource, transport=transport, retries=0
        ) as logto,
        pytest.raises(logferry.LogferryError),
    ):
        logto.audit_logs().to_list()
    (request,) = transport.requests
    assert (request.method, request.path) == ("POST", "/oidc/token")
    assert dict(parse_qsl(request.body.decode()))["resource"] == asked
