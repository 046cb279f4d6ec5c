"""The scripted video logs of the fake SignalWire."""

from collections.abc import Sequence
from typing import Any

import attrs

from logferry._time.timestamps import SECOND
from logferry.testing._rows import Row, Script
from logferry.testing.signalwire._history import History, is_deleted

__all__ = ["ScriptedHistory", "ScriptedSelection"]


class ScriptedHistory:
    """
    Scripted logs; their fields are those of the computed history.

    Args:
        rows: The script.
        history: Makes ids, and logs of a content; it also decides which contents are those of deleted logs.
    """

    def __init__(self, rows: Sequence[Row], history: History) -> None:
        self._script = Script(rows, resolution=SECOND)
        self._history = history

    def select(
        self, first: int | None, end: int | None, now: int, *, with_deleted: bool, oldest_first: bool
    ) -> "ScriptedSelection":
        """Select the logs listed at `now` that were created from the second `first` on and before the second `end`."""
        found = [
            place
            for place in self._script.visible(
                now, None if first is None else first * SECOND, None if end is None else end * SECOND
            )
            if with_deleted or not is_deleted(self._script.rows[place].content)
        ]
        return ScriptedSelection(self, found if oldest_first else found[::-1])

    def id_of(self, place: int) -> str:
        """Return the id of a row."""
        return self._history.id_of(place)

    def is_visible(self, place: int, now: int) -> bool:
        """Whether a row is listed at `now`."""
        return self._script.rows[place].is_visible(now)

    def item(self, place: int, now: int) -> dict[str, Any]:
        """Return a row as it is at a moment."""
        return self._history.log(place, self._script.rows[place].content, self._script.time(place) // SECOND, now)


@attrs.frozen(eq=False)
class ScriptedSelection:
    """
    Rows in the order in which the service sends them.

    Attributes:
        history: The history.
        rows: Their indices in the script.
    """

    history: ScriptedHistory
    rows: list[int]

    def __len__(self) -> int:
        return len(self.rows)

    def ids(self) -> list[str]:
        """Return the ids of all."""
        return [self.history.id_of(row) for row in self.rows]

    def has_lost(self, place: int, now: int) -> bool:
        """Whether the row at an index has vanished."""
        return place < len(self.rows) and not self.history.is_visible(self.rows[place], now)

    def items(self, places: range, now: int) -> list[dict[str, Any]]:
        """Return the logs at these indices as they are at a moment, without those that have vanished."""
        found = (self.rows[place] for place in places)
        return [self.history.item(row, now) for row in found if self.history.is_visible(row, now)]
