"""Filters whose value is one of a few words."""

from __future__ import annotations

from collections.abc import Callable, Collection

from logferry.extend import InvalidRequestError


def one_of(known: Collection[str]) -> Callable[[str], str]:
    """A parser of what a user typed that accepts these words only."""

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"it is one of {', '.join(sorted(known))}")
        return text

    return parse


def require_one_of(name: str, value: str | None, known: Collection[str]) -> None:
    """
    Check what a caller gave, for callers without a type checker.

    Raises:
        InvalidRequestError: It is none of these words.
    """
    if value is not None and value not in known:
        raise InvalidRequestError(f"{name} is {value!r}, it must be one of {', '.join(sorted(known))}")
