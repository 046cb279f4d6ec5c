"""What a newest-first walk has met: enough to deliver each item once while pages shift, and no more than its border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from logferry._flow.steps import Key
from logferry._time.timestamps import LAST, SECOND

PLAUSIBLE: Final = 946_684_800 * SECOND
"""The year 2000, in nanoseconds since the epoch: an earlier time is a mistake, and says nothing about a walk's position."""

_TIMELESS: Final = 1000
"""At most this many items whose time cannot be read are remembered."""


def plausible(keys: Sequence[Key]) -> list[int]:
    """The times of these keys that can say where a walk is."""
    return [time for time, _ in keys if time is not None and time >= PLAUSIBLE]


@frozen
class Delivered:
    """
    What has been met of a walk from the newest item to older ones, where the service sorts by time.

    Items later than the border have been passed; of those at the border, the identities are kept.  So neither memory nor
    the cost of a page depends on how many items were met.

    Attributes:
        reach: How far the border reaches above the mark, in nanoseconds: as far as later pages can list items again.
        mark: The earliest time met; ``None`` at the start.
        border: Identity to time, of the items met no later than the mark plus the reach, and of the latest ones whose
            time cannot be read.
    """

    reach: int
    mark: int | None = None
    border: Mapping[str, int | None] = field(factory=dict[str, int | None])

    @property
    def edge(self) -> int:
        """The latest time of the border."""
        return LAST if self.mark is None else self.mark + self.reach

    def new(self, keys: Sequence[Key]) -> list[int]:
        """Indexes of the items that have neither been met nor passed, each item once."""
        border, edge = self.border, self.edge
        found = [
            index
            for index, (time, identity) in enumerate(keys)
            if identity not in border and (time is None or time <= edge)
        ]
        if len({keys[index][1] for index in found}) == len(found):
            return found
        return sorted({keys[index][1]: index for index in reversed(found)}.values())

    def knows(self, key: Key) -> bool:
        """Whether the item has been met or passed."""
        time, identity = key
        return identity in self.border or (time is not None and time > self.edge)

    def after(self, keys: Sequence[Key], *, down_to: int | None = None) -> Delivered:
        """
        The same once these items have been met as well.

        Args:
            keys: Their keys.
            down_to: A time down to which all have been met, whatever the earliest time among them.
        """
        times = [*plausible(keys), *(time for time in (self.mark, down_to) if time is not None)]
        lowered = evolve(self, mark=min(times, default=None))
        edge = lowered.edge
        border = {identity: time for identity, time in self.border.items() if time is None or time <= edge}
        border.update({identity: time for time, identity in keys if time is None or time <= edge})
        # A time that cannot be read says nothing about when the item can be forgotten.
        timeless = [identity for identity, time in border.items() if time is None]
        for identity in timeless[:-_TIMELESS]:
            del border[identity]
        return evolve(lowered, border=border)

    def is_past(self, since: int | None) -> bool:
        """Whether all that follows lies before a time; ``None`` lies before everything."""
        return since is not None and self.mark is not None and self.mark < since

    def to_json(self) -> dict[str, Any]:
        """Mark and border as JSON values."""
        return {"mark": self.mark, "border": dict(self.border)}
