"""Mistakes in a transport's own code, told from failures of the network."""

from __future__ import annotations

from typing import Final

_DEFECT: Final = "_is_defect_of_transport"


def mark_defect(error: Exception) -> None:
    """Note that an exception is a mistake in a transport's own code, such as a test's fake: it surfaces as itself."""
    setattr(error, _DEFECT, True)


def is_defect(error: BaseException) -> bool:
    """Whether an exception is a mistake in a transport's own code, and says nothing of the network."""
    return getattr(error, _DEFECT, False)
