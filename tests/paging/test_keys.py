"""Keys that distinguish the items of a page."""

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
        ({"id": "a" * 65}, digest("a" * 65)),  # a long id would make checkpoints long
        ({"id": ""}, digest({"id": ""})),
        ({"id": 7}, digest({"id": 7})),
        ({"other": "a"}, digest({"other": "a"})),
        (None, digest(None)),
        (["a"], digest(["a"])),
    ],
)
def test_the_key_of_an_item(item: Any, key: str) -> None:
    """The key of an item is its id or a digest, independent of the items beside it."""
    assert keys_of([item], "id") == [key]
    assert keys_of([{"id": "b"}, item], "id") == ["b", key]
