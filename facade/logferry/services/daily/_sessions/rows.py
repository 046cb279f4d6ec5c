"""The rows of a response.  They have no id: times distinguish most of them, and digests the others."""

from __future__ import annotations

from collections import Counter
from itertools import compress
from operator import eq
from typing import Any, Final

from attrs import define, field

from logferry.extend import (
    MILLISECOND,
    PageTimes,
    digest,
    dumps,
    known_times,
)

_CROWD: Final = 8
"""Above this many rows of one time, digests replace the comparison of each row with each other."""


@define(eq=False)
class Rows:
    """
    Rows in the order of a response.

    A digest costs four times as much as decoding its row (measured), so each is computed at first use.

    Attributes:
        items: The items as received.
        times: Their times, in nanoseconds; ``None`` for an unreadable one.
    """

    items: list[Any]
    times: PageTimes
    _digests: dict[int, str] = field(factory=dict[int, str], init=False)

    def __len__(self) -> int:
        return len(self.items)

    def identity(self, index: int) -> str:
        """The digest of a row."""
        found = self._digests.get(index)
        if found is None:
            found = self._digests[index] = digest(self.items[index])
        return found

    def tick(self, index: int) -> int | None:
        """The millisecond of a row; ``None`` if its time is unreadable."""
        time = self.times[index]
        return None if time is None else time // MILLISECOND

    def behind(self, count: int) -> Rows:
        """The rows after the first few."""
        return Rows(self.items[count:], self.times[count:]) if count else self

    def joined(self, other: Rows) -> Rows:
        """These rows and the next ones."""
        return Rows(self.items + other.items, known_times([*self.times.read(), *other.times.read()]))

    def repeats(self) -> dict[int, int]:
        """The number of equal rows before each row, by index; zeros are left out.  The rows must be ordered by time."""
        moments, items, numbers, crowds = self.times.moments, self.items, dict[int, int](), set[object]()
        # C code finds the rows that have the time of the row before; most do not.
        for index in compress(range(1, len(moments)), map(eq, moments, moments[1:])):
            item, moment, before = items[index], moments[index], index - 1
            while True:
                if items[before] == item and self._are_equal(before, index):
                    numbers[index] = numbers.get(before, 0) + 1
                    break
                before -= 1
                if before < 0 or moments[before] != moment:
                    break
                if before < index - _CROWD:
                    crowds.add(moment)
                    break
        return numbers | self._repeats_of(crowds) if crowds else numbers

    def _are_equal(self, index: int, other: int) -> bool:
        """Whether two rows that are equal in Python have equal JSON: Python takes 1, 1.0 and True as equal."""
        # Their texts are nearly always equal, and cost half the time of digests.
        one, two = dumps(self.items[index]), dumps(self.items[other])
        return one == two or self.identity(index) == self.identity(other)

    def _repeats_of(self, crowds: set[object]) -> dict[int, int]:
        """The same for the rows of these times, by digest."""
        counts, numbers = Counter[str](), dict[int, int]()
        for index, moment in enumerate(self.times.moments):
            if moment in crowds:
                identity = self.identity(index)
                if counts[identity]:
                    numbers[index] = counts[identity]
                counts[identity] += 1
        return numbers
