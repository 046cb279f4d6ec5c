"""Where a newest-first walk has been: enough to deliver each item once while pages shift, and no more."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from logferry._flow.steps import Key
from logferry._time.timestamps import FIRST, LAST, SECOND
from logferry._time.window import Window

TOLERANCE: Final = 5 * SECOND
"""How far neighbours may be out of order, in nanoseconds."""

PLAUSIBLE: Final = 946_684_800 * SECOND
"""The year 2000, in nanoseconds since the epoch: an earlier time is a mistake, and says nothing about a walk's place."""

_TIMELESS: Final = 1000
"""So many items whose time cannot be read are remembered."""


def plausible(keys: Sequence[Key]) -> list[int]:
    """The times of these keys that can say where a walk is."""
    return [time for time, _ in keys if time is not None and time >= PLAUSIBLE]


def last_plausible(keys: Sequence[Key]) -> int | None:
    """The last time of these keys that can say where a walk is; ``None`` where there is none."""
    return next((time for time, _ in reversed(keys) if time is not None and time >= PLAUSIBLE), None)


@frozen
class Trail:
    """
    What has been delivered of a walk from the newest item to older ones.

    Items later than the mark by more than the tolerance have been passed; of those around it, the identities are kept.
    So the memory that it takes does not depend on how many items were delivered.

    Attributes:
        mark: The earliest time delivered so far; ``None`` at the start.
        recent: Identity to time, of the delivered items no later than the mark plus the tolerance, and of the latest
            ones whose time cannot be read.
    """

    mark: int | None = None
    recent: Mapping[str, int | None] = field(factory=dict[str, int | None])

    def fresh(self, keys: Sequence[Key], window: Window) -> list[int]:
        """Indexes of the items that are within the window and have not been delivered."""
        first = FIRST if window.since is None else window.since
        last = window.until - 1 if self.mark is None else min(window.until - 1, self.mark + TOLERANCE)
        recent = self.recent
        due = [
            index
            for index, (time, identity) in enumerate(keys)
            if identity not in recent and (time is None or first <= time <= last)
        ]
        if len({keys[index][1] for index in due}) == len(due):
            return due
        return sorted({keys[index][1]: index for index in reversed(due)}.values())

    def after(self, keys: Sequence[Key]) -> Trail:
        """The trail once the items with these keys have been delivered as well."""
        times = plausible(keys)
        mark = min(times if self.mark is None else [*times, self.mark], default=None)
        edge = LAST if mark is None else mark + TOLERANCE
        recent = {identity: time for identity, time in self.recent.items() if time is None or time <= edge}
        recent.update({identity: time for time, identity in keys if time is None or time <= edge})
        # A time that cannot be read says nothing about when the item can be forgotten.
        timeless = [identity for identity, time in recent.items() if time is None]
        for identity in timeless[:-_TIMELESS]:
            del recent[identity]
        return Trail(mark, recent)

    def is_past(self, keys: Sequence[Key], window: Window) -> bool:
        """Whether all that follows a page with these keys lies before the window."""
        last = None if window.since is None else last_plausible(keys)
        return window.since is not None and last is not None and last < window.since - TOLERANCE

    def knows(self, key: Key) -> bool:
        """Whether the item was delivered, or passed."""
        return not self.unknown((key,))

    def unknown(self, keys: Sequence[Key], *, but: Container[str] = ()) -> int:
        """
        How many of the items have neither been delivered nor passed.

        Args:
            keys: Their keys.
            but: Identities of others that are known.
        """
        recent, edge = self.recent, LAST if self.mark is None else self.mark + TOLERANCE
        return sum(
            identity not in recent and identity not in but and (time is None or time <= edge) for time, identity in keys
        )

    def to_json(self) -> dict[str, Any]:
        """The trail as JSON values."""
        return {"mark": self.mark, "recent": dict(self.recent)}
