"""The rows of a response.  They have no id: times tell most of them apart, and digests the others."""

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
"""More rows of one time than this are compared by digest: comparing each with each would take longer."""


@define(eq=False)
class Rows:
    """
    Rows in the order of a response.

    A digest takes four times as long to make as its row takes to be decoded (measured), so each is made at first use.

    Attributes:
        items: As the service sent them.
        times: Of each, in nanoseconds; ``None`` where it cannot be read.
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
        """The millisecond of a row; ``None`` where its time cannot be read."""
        time = self.times[index]
        return None if time is None else time // MILLISECOND

    def behind(self, count: int) -> Rows:
        """The rows behind the first few."""
        return Rows(self.items[count:], self.times[count:]) if count else self

    def joined(self, other: Rows) -> Rows:
        """These rows, and others behind them."""
        return Rows(self.items + other.items, known_times([*self.times.read(), *other.times.read()]))

    def repeats(self) -> dict[int, int]:
        """Of rows in order of time, index to how many equal ones stand before a row; without those that have none."""
        moments, items, numbers, crowds = self.times.moments, self.items, dict[int, int](), set[object]()
        # That a row has the time of the one before it is found out in C, since most have not.
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
        """Whether rows that Python takes for equal are equal: it takes 1 for 1.0 and True."""
        # Nearly always their texts are equal, which takes half the time of digests to find out.
        one, two = dumps(self.items[index]), dumps(self.items[other])
        return one == two or self.identity(index) == self.identity(other)

    def _repeats_of(self, crowds: set[object]) -> dict[int, int]:
        """The same of the rows of these times, by their digests."""
        counts, numbers = Counter[str](), dict[int, int]()
        for index, moment in enumerate(self.times.moments):
            if moment in crowds:
                identity = self.identity(index)
                if counts[identity]:
                    numbers[index] = counts[identity]
                counts[identity] += 1
        return numbers
