"""Cognigy's settings, and invalid calls."""

from __future__ import annotations

from typing import Any, Final

import pytest

import logferry
from logferry.testing import CognigyFake, InProcessTransport

BASE_URL: Final = "https://api-trial.cognigy.ai/new"
PROJECT: Final = "64f0c0ffee64f0c0ffee64f0"


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROJECT_ID", "TYPE_BRACKETS"):
        monkeypatch.delenv(f"COGNIGY_{name}", raising=False)


@pytest.mark.parametrize("suffix", ["/openapi", "/openapi/", "/v2.0", "/v2.1"])
def test_an_address_with_an_extra_path_is_refused(suffix: str) -> None:
    """The error names the setting and the superfluous part."""
    with pytest.raises(logferry.ConfigurationError, match=f"COGNIGY_BASE_URL ends in {suffix.rstrip('/')}"):
        logferry.Cognigy(base_url=f"https://api-trial.cognigy.ai{suffix}", api_key="k")


@pytest.mark.parametrize("missing", ["base_url", "api_key"])
def test_a_missing_setting_is_named(missing: str) -> None:
    """The error names the setting and its variable."""
    arguments: dict[str, Any] = {"base_url": BASE_URL, "api_key": "k"}
    del arguments[missing]
    with pytest.raises(logferry.ConfigurationError, match=f"COGNIGY_{missing.upper()}"):
        logferry.Cognigy(**arguments)


@pytest.mark.parametrize("project", ["short", PROJECT.upper(), f"{PROJECT}0", "../v2.0/projects/aaaaaaaa"])
def test_an_invalid_project_is_never_sent(project: str) -> None:
    """An invalid project raises a ConfigurationError as a setting and an InvalidRequestError in a call."""
    with pytest.raises(logferry.ConfigurationError, match="COGNIGY_PROJECT_ID"):
        logferry.Cognigy(base_url=BASE_URL, api_key="k", project_id=project)
    with (
        logferry.Cognigy(base_url=BASE_URL, api_key="k") as cognigy,
        pytest.raises(logferry.InvalidRequestError, match="project_id"),
    ):
        cognigy.project_logs(project_id=project)


def test_a_call_without_a_project_is_never_sent() -> None:
    """A call fails without a request if neither the account nor the call names a project."""
    with (
        logferry.Cognigy(base_url=BASE_URL, api_key="k") as cognigy,
        pytest.raises(logferry.InvalidRequestError, match="COGNIGY_PROJECT_ID"),
    ):
        cognigy.project_logs()


@pytest.mark.parametrize("levels", [["grave"], [], "error", ["error", "ERROR"]], ids=str)
def test_an_invalid_level_is_never_sent(levels: Any) -> None:
    """The error lists the valid levels; a string is not accepted as a list of levels."""
    with (
        logferry.Cognigy(base_url=BASE_URL, api_key="k", project_id=PROJECT) as cognigy,
        pytest.raises(logferry.InvalidRequestError, match="fatal"),
    ):
        cognigy.project_logs(type_=levels)


def test_a_single_level_must_be_a_list() -> None:
    """The error for a level given as a string shows the list to write."""
    one: Any = "error"
    with (
        logferry.Cognigy(base_url=BASE_URL, api_key="k", project_id=PROJECT) as cognigy,
        pytest.raises(logferry.InvalidRequestError, match=r"Give a list, such as \['"),
    ):
        cognigy.project_logs(type_=one)


def test_text_filters_take_levels_with_commas() -> None:
    """A stream opened by name takes the filter names of the API, and several levels in one string."""
    fake = CognigyFake(records=50)
    with logferry.Cognigy(
        base_url=BASE_URL, api_key=fake.api_key, project_id=PROJECT, transport=InProcessTransport(fake)
    ) as cognigy:
        stream = cognigy.stream("cognigy.project_logs", filters={"type": "error, warn"}, until="2027-01-01")
        assert [entry.id for entry in stream] == list(fake.truth(type_=["error", "warn"]))
        with pytest.raises(logferry.InvalidRequestError, match="fatal"):
            cognigy.stream("cognigy.project_logs", filters={"type": "grave"})


def test_a_checkpoint_is_bound_to_its_project() -> None:
    """Another project, or another filter with the account's project, makes another query."""
    with logferry.Cognigy(base_url=BASE_URL, api_key="k", project_id=PROJECT) as cognigy:
        checkpoint = cognigy.project_logs(type_=["error"], until="2026-01-01").checkpoint
        assert cognigy.project_logs(type_=["error"], resume=checkpoint).checkpoint == checkpoint
        assert cognigy.project_logs(resume=checkpoint).checkpoint == checkpoint
        others: list[dict[str, Any]] = [
            {"project_id": "0" * 24},
            {"type_": ["warn"]},
            {"project_id": "0" * 24, "type_": ["error"]},
        ]
        for other in others:
            with pytest.raises(logferry.CheckpointError):
                cognigy.project_logs(resume=checkpoint, **other)


def test_the_environment_configures_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """All settings can come from the environment, including the spelling of levels."""
    fake = CognigyFake(records=50, type_parameter="type[]")
    monkeypatch.setenv("COGNIGY_BASE_URL", BASE_URL)
    monkeypatch.setenv("COGNIGY_API_KEY", fake.api_key)
    monkeypatch.setenv("COGNIGY_PROJECT_ID", fake.project_id)
    monkeypatch.setenv("COGNIGY_TYPE_BRACKETS", "true")
    with logferry.Cognigy.from_env(transport=InProcessTransport(fake)) as cognigy:
        stream = cognigy.project_logs(type_=["error"], until="2027-01-01")
        assert [entry.id for entry in stream] == list(fake.truth(type_=["error"]))
        assert fake.api_key not in repr(cognigy)
    monkeypatch.setenv("COGNIGY_TYPE_BRACKETS", "perhaps")
    with pytest.raises(logferry.ConfigurationError, match="COGNIGY_TYPE_BRACKETS"):
        logferry.Cognigy.from_env()
