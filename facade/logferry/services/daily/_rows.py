"""The rows of an answer.  They have no id: times tell most of them apart, and digests the others."""

from __future__ import annotations

from itertools import compress
from operator import eq
from typing import Any, Final, TypeAlias

from attrs import define, field

from logferry._identity import digest
from logferry._json import is_object
from logferry._page_times import PageTimes, known_times, page_times
from logferry._times import MILLISECOND
from logferry.services.daily._records import metric_to_nano
from logferry_clients.daily.models.session_log import SessionLogKey

Row: TypeAlias = tuple[int | None, str]
"""A row's time in nanoseconds (``None`` where it cannot be read) and its digest."""

_TIME: Final[SessionLogKey] = "time"
_CROWD: Final = 8
"""Where more rows have one time, each gets its digest, because to compare each with each would take longer."""


@define(eq=False)
class Rows:
    """
    Rows in the order of an answer.

    A digest takes four times as long to make as its row takes to be decoded (measured), so each is made when it is asked
    for.

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

    def pairs(self) -> list[Row]:
        """The rows as what can be compared."""
        return [(self.times[index], self.identity(index)) for index in range(len(self))]

    def joined(self, other: Rows) -> Rows:
        """These rows, and others behind them."""
        return Rows(self.items + other.items, known_times([*self.times[:], *other.times[:]]))

    def lookalikes(self) -> set[int]:
        """Indexes of the rows that can equal another, of rows in order of time."""
        moments, items = self.times.moments, self.items
        alike: set[int] = set()
        # That a row has the time of the one before it is found out in C, since most have not.
        for index in compress(range(1, len(moments)), map(eq, moments, moments[1:])):
            for before in range(index - 1, max(-1, index - _CROWD), -1):
                if moments[before] != moments[index]:
                    break
                # What has the same digest is equal, though not the other way round: Python takes 1 for 1.0.
                if items[before] == items[index]:
                    alike |= {before, index}
            else:
                alike.update(range(max(0, index - _CROWD), index + 1))
        return alike


def log_rows(items: list[Any]) -> Rows:
    """Logs as rows."""
    return Rows(items, page_times(items, _TIME))


def metric_rows(items: list[Any]) -> Rows:
    """Samples as rows."""
    return Rows(items, known_times([metric_to_nano(item) if is_object(item) else None for item in items]))
