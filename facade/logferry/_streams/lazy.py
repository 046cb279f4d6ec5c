"""What is loaded when it is used, by where it is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logferry._streams.definition import StreamDefinition


def loaded(home: str) -> Any:
    """What is there: a module and a name in it, with a colon between them."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)


class Homes:
    """
    An attribute of a class whose value is loaded when it is read: the streams of a client.

    With their models they are most of a client's code, and a program may have clients that it asks nothing of.

    Args:
        homes: Where each of them is.
    """

    def __init__(self, *homes: str) -> None:
        self._homes = homes

    def __get__(self, instance: object, owner: type) -> tuple[StreamDefinition[Any, Any, Any], ...]:
        return tuple(map(loaded, self._homes))
