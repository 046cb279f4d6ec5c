"""Decoded JSON, as type checkers see it, and the digest of an item."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, TypeGuard

import orjson

MOST_VALUES: Final = 1_000_000
"""
A document of more values is not decoded: each takes up to a hundred times the memory of its text.

Services send pages of at most 1000 items, of at most a few hundred values each.
"""

_DEEPEST: Final = 100
_TOO_DEEP: Final = f'"nested more than {_DEEPEST} levels deep"'
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""
The brackets of JSON text, and its texts, so that brackets in them are passed.

A text without an end is passed, too: else each quote in it would begin another text, which is read to the end each time.
"""

_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_EMPTY: Final = re.compile(rb"[\[{]\s*+[\]}]")
_STARTS: Final = (b",", b"[", b"{")
"""Every value but the first stands behind one of them."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LARGEST: Final = 2**64 - 1
_SMALLEST: Final = -(2**63)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a decoded JSON value is an array."""
    return isinstance(value, list)


def text_in(value: object) -> str | None:
    """A decoded JSON value where it is a text that says something, else ``None``."""
    return value if isinstance(value, str) and value else None


class TooManyValuesError(ValueError):
    """A JSON document has more values than are decoded."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_VALUES:,} values")


def loads(content: bytes | str) -> Any:
    """
    Decode JSON within bounds.

    Raises:
        TooManyValuesError: It has too many values; nothing was decoded.
        ValueError: It is no JSON.
    """
    # A value takes two bytes at least, its separator included, so usual pages are not looked at.
    if len(content) // 2 >= MOST_VALUES and _has_too_many(content):
        raise TooManyValuesError
    return orjson.loads(content)


def _has_too_many(text: bytes | str) -> bool:
    """Whether JSON text has too many values, found out without decoding it."""
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if sum(map(content.count, _STARTS)) < MOST_VALUES:
        return False
    # Most of what was counted can stand in texts, such as JSON that was logged.  A text is a value, or names one.
    bare, texts = _TEXT.subn(b"0", content, count=2 * MOST_VALUES)
    bare, empty = _EMPTY.subn(b"0", bare, count=MOST_VALUES)
    return texts == 2 * MOST_VALUES or empty == MOST_VALUES or sum(map(bare.count, _STARTS)) >= MOST_VALUES


def tolerant_loads(content: bytes) -> Any:
    """
    Decode what ``loads`` rejects as no JSON, though it carries the data all the same, or raise its ValueError.

    A byte order mark is skipped, ``NaN`` and ``Infinity`` become texts, a lone surrogate becomes its visible escape, and
    integers beyond 64 bits become floats as orjson has them; what is nested more deeply than can be read becomes a text
    that says so.  So everything that comes out can be written as JSON.
    """
    text = content.decode("utf-8-sig", "surrogatepass")
    try:
        return _loaded(text)
    except RecursionError:
        return _loaded(_levelled(text))


def _loaded(text: str) -> Any:
    return _writable(json.loads(text, parse_constant=str, parse_int=_number))


def _levelled(text: str) -> str:
    """JSON text in which what is nested too deeply is cut out, so that one such item does not cost the others."""
    parts: list[str] = []
    depth = kept = 0
    for match in _STRUCTURE.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                parts.append(text[kept : match.start()])
        elif mark in "]}":
            depth -= 1
            if depth == _DEEPEST:
                parts.append(_TOO_DEEP)
                kept = match.end()
    # What is never closed stays as it is, and is no JSON.
    return "".join(parts) + text[kept:] if depth <= _DEEPEST else "["


def _number(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits, orjson makes floats of all beyond 64 bits.
    number = int(digits) if len(digits) <= 20 else float(digits)  # noqa: PLR2004  # as many as 64 bits can have
    return number if _SMALLEST <= number <= _LARGEST else float(digits)


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", value)
    if is_array(value):
        return [_writable(element) for element in value]
    if is_object(value):
        return {_writable(name): _writable(member) for name, member in value.items()}
    return value


def dumps(value: Any, *, sorted_keys: bool = False) -> bytes:
    """*value* as JSON; what is nested more deeply than can be written becomes a text that says so."""
    option = orjson.OPT_SORT_KEYS if sorted_keys else None
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        return orjson.dumps(_shallow(value, _DEEPEST), option=option)


def _shallow(value: Any, levels: int) -> Any:
    if not levels and (is_array(value) or is_object(value)):
        return _TOO_DEEP.strip('"')
    if is_array(value):
        return [_shallow(element, levels - 1) for element in value]
    if is_object(value):
        return {name: _shallow(member, levels - 1) for name, member in value.items()}
    return value


def digest(item: Any) -> str:
    """32 hexadecimal digits that are equal for equal JSON values, whatever the order of their keys."""
    return hashlib.blake2b(dumps(item, sorted_keys=True), digest_size=16).hexdigest()
