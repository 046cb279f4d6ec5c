"""
Mistakes in a transport's own code, apart from failures of the network.

A module of its own, since the fakes use it without httpx.
"""

from __future__ import annotations

from typing import Final

_DEFECT: Final = "_is_defect_of_transport"


def mark_defect(error: Exception) -> None:
    """Mark an exception as a mistake in a transport's own code, such as a fake of a test: it is raised as it is."""
    setattr(error, _DEFECT, True)


def is_defect(error: BaseException) -> bool:
    """Whether an exception is a mistake in a transport's own code, and no failure of the network."""
    return getattr(error, _DEFECT, False)
