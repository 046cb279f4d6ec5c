"""The example of the documentation page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest


@pytest.fixture(scope="session")
def page_example(samples: Path) -> list[dict[str, Any]]:
    """Return the logs on the documentation page."""
    logs: list[dict[str, Any]] = orjson.loads((samples / "signalwire/page_example.json").read_bytes())["data"]
    return logs
