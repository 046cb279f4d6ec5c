"""Shared parts of the tests of generated clients: real items, and the example of the documentation page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[1] / "samples/logto"


@pytest.fixture(scope="session")
def real_logs() -> list[dict[str, Any]]:
    """Return 150 logs of a real server."""
    logs: list[dict[str, Any]] = json.loads((SAMPLES / "list_audit_logs/logs.json").read_text(encoding="utf-8"))
    return logs


@pytest.fixture(scope="session")
def page_example() -> list[dict[str, Any]]:
    """Return the answer on the documentation page."""
    logs: list[dict[str, Any]] = json.loads((SAMPLES / "page_example.json").read_text(encoding="utf-8"))
    return logs
