"""
Whether the answer to a part's question is believed.

Parts have to be asked for what a walk never asks: a page of which nothing is known before.  So a page without anything of
its part, or with something else, is asked for again before it is believed: some cache may have answered another question.
The same holds for a short page, which ends a walk, if another question was answered with it: what parts ask overlaps a little.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import Final

from attrs import define, field

from logferry._concurrency.partition import Part
from logferry._flow.steps import Marks
from logferry._time.page_times import PageTimes
from logferry._time.window import Window

_AGAIN: Final = 2
"""So often a page of a part is asked for again before it is believed."""

_SILENT: Final = 4
"""
So often a page without anything of its part is asked for again before it is believed: nothing that is known has to be on it,
as on the pages of a walk, so that an old answer can only be told by its being another one the next time.
"""

_LATELY: Final = 16
"""So many answers are compared with one that can be that to another question."""


class Verdict(Enum):
    """What is made of a page."""

    BELIEVED = auto()
    DOUBTED = auto()
    """It can be the answer to another question, and is asked for again."""
    BOUNDLESS = auto()
    """It has what was not asked for again and again, so it is the service that does not keep to bounds."""


@define
class Answers:
    """
    Those that have been believed lately, of all parts.

    Attributes:
        follow_others: Whether others came before, which nobody remembers: a reading goes on in the middle of a part.
    """

    follow_others: bool
    _latest: deque[tuple[Window | None, int]] = field(factory=lambda: deque(maxlen=_LATELY), init=False)

    def judged(self, part: Part, marks: Marks, *, margin: int, page_size: int, is_met: bool) -> Verdict:
        """
        What is made of a page of a part.

        Args:
            part: The part; it counts what is odd about its pages.
            marks: What the page says of itself.
            margin: So much before and behind its window a part is asked for at most, in nanoseconds.
            page_size: How many items a page has.
            is_met: Whether all that the service counts has been delivered.
        """
        is_foreign = part.is_foreign(marks.sent, margin)
        if is_foreign or (0 < len(marks.sent) < page_size and self._is_another(part, marks)):
            part.strays += 1
            if part.strays <= _AGAIN:
                return Verdict.DOUBTED
            if is_foreign:
                return Verdict.BOUNDLESS
        part.strays = 0
        if part.is_silent(marks.sent):
            part.silences += 1
            if part.silences <= _SILENT and not is_met:
                return Verdict.DOUBTED
        self._latest.append((part.asked, _told(marks.sent)))
        return Verdict.BELIEVED

    def _is_another(self, part: Part, marks: Marks) -> bool:
        """Whether another question was answered with the same page, or may have been: nothing on it is known."""
        if not self._latest:
            return self.follow_others and len(marks.times) == len(marks.sent)
        told = _told(marks.sent)
        return any(other == told and asked != part.asked for asked, other in self._latest)


def _told(sent: PageTimes) -> int:
    return hash(tuple(sent.moments))


def is_doubtful_end(part: Part) -> bool:
    """Whether the end of a part's walk is to be looked for again: nothing new came before it, and others' ends are around."""
    return part.pages > 0 and part.ends == 1 and not part.times
