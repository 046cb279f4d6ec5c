"""The scripted log entries of the fake Cognigy."""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from logferry.testing._rows import Row, Script
from logferry.testing.cognigy._history import History, Wanted

__all__ = ["ScriptedHistory", "ScriptedMatches"]

_MILLISECOND = 1_000_000


class ScriptedHistory:
    """
    Scripted entries; the number of an entry is its index in the script.

    Args:
        rows: The script.
        history: Makes entries of a content.
    """

    def __init__(self, rows: Sequence[Row], history: History) -> None:
        self.script: Script = Script(rows, resolution=_MILLISECOND)
        self._history = history

    def matches(self, now: int, wanted: Wanted) -> "ScriptedMatches":
        """Return the entries listed at `now`, in nanoseconds since 1970-01-01 UTC, that match."""
        script = self.script
        visible = script.visible(
            now,
            None if wanted.start is None else wanted.start * _MILLISECOND,
            None if wanted.end is None else (wanted.end + 1) * _MILLISECOND,
        )
        found = [place for place in visible if self._history.matches_content(script.rows[place].content, wanted)]
        return ScriptedMatches(self, found)

    def has(self, number: int, now: int) -> bool:
        """Whether an entry is listed at `now`, in nanoseconds since 1970-01-01 UTC."""
        return number < len(self.script.rows) and self.script.rows[number].is_visible(now)

    def item(self, number: int) -> dict[str, Any]:
        """Return an entry as the service sends it."""
        time = self.script.time(number) // _MILLISECOND
        return self._history.entry(self.id_of(number), self.script.rows[number].content, time)

    def id_of(self, number: int) -> str:
        """Return the id of an entry: its arrival and its number, so that ids grow with the arrival."""
        return f"{self.script.rows[number].appears or 0:016x}{number:08x}"

    def number_at(self, cursor: str) -> int | None:
        """Return the number of the entry with an id, or `None` where no entry has it."""
        try:
            number = int(cursor[-8:], 16)
        except ValueError:
            return None
        return number if 0 <= number < len(self.script.rows) and self.id_of(number) == cursor else None


@attrs.frozen(eq=False)
class ScriptedMatches:
    """
    The entries that match a query.

    Attributes:
        history: Their history.
        numbers: Their numbers, in the order of writing.
    """

    history: ScriptedHistory
    numbers: list[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def ascending(self, after: int | None = None) -> Iterator[int]:
        """Yield their numbers in the order of writing, after the number `after`."""
        rank = self.history.script.rank
        return (number for number in self.numbers if after is None or rank(number) > rank(after))

    def descending(self, before: int | None = None) -> Iterator[int]:
        """Yield their numbers, newest first, before the number `before`."""
        rank = self.history.script.rank
        return (number for number in reversed(self.numbers) if before is None or rank(number) < rank(before))
