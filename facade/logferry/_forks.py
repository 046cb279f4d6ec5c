"""What a child process that was forked does with what it has from its parent: nothing is used by both."""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Holds locks or connections."""

    def renew(self) -> None:
        """Begin anew in a child process: another thread of the parent may have held the locks."""
        ...


_LIVING: Final = WeakSet[Renewable]()
_KEPT: Final = list[object]()


def renew_in_children(one: Renewable) -> None:
    """Renew an object in each child process, before anything else runs there."""
    _LIVING.add(one)


def keep(*inherited: object) -> None:
    """
    Keep connections of the parent, unused, until this process ends.

    Closing them, or what the garbage collector does with them, could reach the parent through what both share: the sockets,
    and the event loop's wake-up pipe.
    """
    _KEPT.append(inherited)


def _renew_all() -> None:
    for one in tuple(_LIVING):
        one.renew()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_renew_all)
