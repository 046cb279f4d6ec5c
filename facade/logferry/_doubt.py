"""
Whether the answer to a part's question is believed.

Parts have to be asked for what a walk never asks: a page of which nothing is known before.  So a page without anything of
its part, or with something else, is asked for again before it is believed: some cache may have answered another question.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from logferry._page_times import PageTimes
from logferry._parts import Part

_AGAIN: Final = 2
"""So often a page of a part is asked for again before it is believed."""

_SILENT: Final = 4
"""
So often a page without anything of its part is asked for again before it is believed: nothing that is known has to be on it,
as on the pages of a walk, so that an old answer can only be told by its being another one the next time.
"""


class Verdict(Enum):
    """What is made of a page."""

    BELIEVED = auto()
    DOUBTED = auto()
    """It can be the answer to another question, and is asked for again."""
    BOUNDLESS = auto()
    """It has what was not asked for again and again, so it is the service that does not keep to bounds."""


def judged(part: Part, sent: PageTimes, *, margin: int, is_met: bool) -> Verdict:
    """
    What is made of a page of a part.

    Args:
        part: The part; it counts what is odd about its pages.
        sent: The times of all items on the page.
        margin: So much before and behind its window a part is asked for at most, in nanoseconds.
        is_met: Whether all that the service counts has been delivered.
    """
    if part.is_foreign(sent, margin):
        part.strays += 1
        return Verdict.DOUBTED if part.strays <= _AGAIN else Verdict.BOUNDLESS
    part.strays = 0
    if part.is_silent(sent):
        part.silences += 1
        if part.silences <= _SILENT and not is_met:
            return Verdict.DOUBTED
    return Verdict.BELIEVED


def is_doubtful_end(part: Part) -> bool:
    """Whether the end of a part's walk is to be looked for again: nothing new came before it, and others' ends are around."""
    return part.pages > 0 and part.ends == 1 and not part.times
