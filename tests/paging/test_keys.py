"""What tells the items of a page from others."""

from __future__ import annotations

from typing import Any

import pytest

from logferry._json import digest
from logferry._paging.keys import keys_of


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ({"id": "a"}, "a"),
        ({"id": "a" * 64}, "a" * 64),
        ({"id": "a" * 65}, digest("a" * 65)),  # it would make checkpoints long
        ({"id": ""}, digest({"id": ""})),
        ({"id": 7}, digest({"id": 7})),
        ({"other": "a"}, digest({"other": "a"})),
        (None, digest(None)),
        (["a"], digest(["a"])),
    ],
)
def test_the_key_of_an_item(item: Any, key: str) -> None:
    """Its id, or a digest, whatever the items beside it are."""
    assert keys_of([item], "id") == [key]
    assert keys_of([{"id": "b"}, item], "id") == ["b", key]
