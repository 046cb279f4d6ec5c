"""What all tests share: where the samples are, how golden files are renewed, how async tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

import logferry
from logferry._registry import SERVICES


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the golden files anew instead of comparing")


def pytest_report_header() -> str:
    return f"logferry: {Path(logferry.__file__).parent}"


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def no_account_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor a file describes an account unless a test says so."""
    monkeypatch.delenv("LOGFERRY_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    for service in SERVICES:
        for variable in (*service.variables, *service.optional_variables):
            monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real payloads."""
    return Path(__file__).parent / "samples"
