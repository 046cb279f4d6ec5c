"""The identity of an item that has no id."""

from __future__ import annotations

import hashlib
from typing import Any

from logferry._json import dumps


def digest(item: Any) -> str:
    """32 hexadecimal digits that are equal for equal JSON values, whatever the order of their keys."""
    return hashlib.blake2b(dumps(item, sorted_keys=True), digest_size=16).hexdigest()
