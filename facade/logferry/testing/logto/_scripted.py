"""The scripted logs of the fake Logto."""

from collections.abc import Sequence

import attrs

from logferry.testing._rows import Row, Script
from logferry.testing.logto._history import History, shuffled

__all__ = ["ScriptedHistory", "ScriptedSelection"]

_MICROSECOND = 1_000
_MILLISECOND = 1_000_000


class ScriptedHistory:
    """
    Scripted logs; their kinds, ids and fields are those of the computed history.

    Args:
        rows: The script.
        history: Makes the logs; a row's content is the index of its kind there.
    """

    def __init__(self, rows: Sequence[Row], history: History) -> None:
        self._script = Script(rows, resolution=_MILLISECOND, by_time=True, stored=_MICROSECOND)
        self._history = history

    def select(
        self,
        since: int | None,
        until: int | None,
        now: int,
        *,
        user_id: str | None = None,
        application_id: str | None = None,
        log_key: str | None = None,
    ) -> "ScriptedSelection":
        """Select the logs listed at `now` that match every filter; bounds in milliseconds, the second exclusive."""
        kinds = set(self._history.kinds(user_id=user_id, application_id=application_id, log_key=log_key))
        visible = self._script.visible(
            now,
            None if since is None else since * _MILLISECOND,
            None if until is None else until * _MILLISECOND,
        )
        return ScriptedSelection(self, [place for place in reversed(visible) if self._kind(place) in kinds])

    def id_of(self, place: int) -> str:
        """Return the id of a row."""
        return self._history.id_of(place)

    def created_at(self, place: int) -> int:
        """Return the time that a row shows, in milliseconds since 1970-01-01 UTC."""
        return self._script.time(place) // _MILLISECOND

    def stored_at(self, place: int) -> int:
        """Return the sort time of a row, in microseconds since 1970-01-01 UTC: more precise than the shown time."""
        return self._script.rows[place].time // _MICROSECOND

    def item(self, log_id: str, now: int) -> bytes | None:
        """Return the log with this id as JSON, or `None` if there is none at `now`."""
        place = self._history.number_at(log_id)
        if place is None or place >= len(self._script.rows) or not self._script.rows[place].is_visible(now):
            return None
        return self.log(place)

    def log(self, place: int) -> bytes:
        """Return a row as JSON."""
        return self._history.log(self.id_of(place), self._kind(place), self.created_at(place))

    def _kind(self, place: int) -> int:
        return self._script.rows[place].content % self._history.length


@attrs.frozen(eq=False)
class ScriptedSelection:
    """
    Rows that match a filter, newest first.

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

    def shuffled(self, places: Sequence[int], salt: str) -> list[int]:
        """Map each index to that of the row that stands there when *salt* decides the order of ties."""
        return shuffled(places, len(self), lambda other: self.history.stored_at(self.rows[other]), salt)

    def page(self, places: Sequence[int]) -> bytes:
        """Return the logs at these indices as a JSON array."""
        return b"[" + b",".join(self.history.log(self.rows[place]) for place in places) + b"]"
