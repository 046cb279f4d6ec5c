"""The keys of items: what distinguishes the items of a page from others."""

from __future__ import annotations

from typing import Any, Final

from logferry._json import digest, is_object

_LONGEST_KEY: Final = 64
"""A longer id, which no service has, would make checkpoints long; a digest stands for it."""

_KEY_LENGTHS: Final = range(1, _LONGEST_KEY + 1)


def keys_of(items: list[Any], name: str) -> list[str]:
    """
    What distinguishes each item of a page from others: its id, or a digest where it has none, or one that is too long to be kept.

    Args:
        items: JSON items, whatever they are.
        name: The field that has their ids.

    Returns:
        A text of at most 64 characters for each item, in order.
    """
    try:
        keys = [item[name] for item in items]
        if {*map(type, keys)} == {str} and not {*map(len, keys)}.difference(_KEY_LENGTHS):
            return keys  # as nearly always
    except (TypeError, KeyError):
        pass
    return [_key(item, name) for item in items]


def _key(item: Any, name: str) -> str:
    identity = item.get(name) if is_object(item) else None
    if not isinstance(identity, str) or not identity:
        return digest(item)
    return identity if len(identity) <= _LONGEST_KEY else digest(identity)
