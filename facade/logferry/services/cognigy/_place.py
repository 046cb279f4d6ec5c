"""Where a walk through a project's logs is: a cursor, and the ids that tell what has been delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from logferry._steps import Position

LARGEST_PAGE: Final = 100
"""So many entries are on a page at most."""

_REMEMBERED: Final = 2 * LARGEST_PAGE
"""So many ids are kept to tell what a page repeats of its neighbours, should entries have moved."""


@frozen
class Place:
    """
    Where a walk is.

    Attributes:
        cursor: That of the page to ask for, or ``None`` for the first page.
        recent: The ids of the last pages, which the next one may repeat.
        delivered: The ids that were delivered of a page before it was left in the middle.  The first page has no cursor:
            asked for again after entries have arrived, it can leave them to any page that follows.
        ended: Whether there is no further page.
    """

    cursor: str | None = None
    recent: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    ended: bool = False

    def to_json(self) -> Position:
        return {
            "cursor": self.cursor,
            "recent": list(self.recent),
            "delivered": list(self.delivered),
            "ended": self.ended,
        }

    @classmethod
    def from_json(cls, position: Position) -> Place:
        return cls(position["cursor"], tuple(position["recent"]), tuple(position["delivered"]), position["ended"])

    def within(self, keys: Sequence[str]) -> Place:
        """The same page, of which *keys* have been delivered."""
        return evolve(self, delivered=(*self.delivered, *keys))

    def after(self, keys: Sequence[str], cursor: str | None) -> Place:
        """The page after the one that had *keys*."""
        met = set(keys)
        left = tuple(key for key in self.delivered if key not in met)
        return Place(cursor, (*self.recent, *keys)[-_REMEMBERED:], left, cursor is None)
