"""Shared parts of the tests of specs: documents, and clients that are generated of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCUMENTS = Path(__file__).with_name("documents")

Document = dict[str, Any]

_EVENTS: Document = yaml.safe_load((DOCUMENTS / "events.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def events() -> Document:
    """Return a copy of the document of an API with JSON bodies, that may be changed."""
    return copy.deepcopy(_EVENTS)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a document to a file."""

    def write(document: Document, name: str = "openapi.yaml") -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        return path

    return write
