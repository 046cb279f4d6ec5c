"""What the records of every service have in common in their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from logferry._redaction import without_secrets

Attributes: TypeAlias = dict[str, Any]
"""Names to JSON values; never ``None`` at the top."""


def present(attributes: Attributes) -> Attributes:
    """The attributes that have a value."""
    if None in attributes.values():
        return {name: value for name, value in attributes.items() if value is not None}
    return attributes


def undocumented(item: Mapping[str, object], *, known: frozenset[str], prefix: str) -> Attributes:
    """
    The fields of an item that its documentation does not name, without secrets.

    Args:
        item: The item.
        known: The fields that are mapped, or held back.
        prefix: What the attributes' names begin with, such as ``"daily"``.
    """
    if known.issuperset(item):  # nearly always
        return {}
    unknown = {key: value for key, value in item.items() if key not in known}
    return {f"{prefix}.{key}": value for key, value in without_secrets(unknown).items()}
