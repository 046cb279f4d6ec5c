"""Recorded audit logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest


@pytest.fixture(scope="session")
def real_logs(samples: Path) -> list[dict[str, Any]]:
    """Return 150 audit logs of a real server 1.42.0."""
    logs: list[dict[str, Any]] = orjson.loads((samples / "logto/list_audit_logs/logs.json").read_bytes())
    return logs


@pytest.fixture(scope="session")
def page_example(samples: Path) -> list[dict[str, Any]]:
    """Return the answer on the documentation page."""
    logs: list[dict[str, Any]] = orjson.loads((samples / "logto/page_example.json").read_bytes())
    return logs
