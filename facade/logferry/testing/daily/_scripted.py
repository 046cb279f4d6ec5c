"""The rows of the meeting sessions of the fake Daily where they are told one by one."""

from collections.abc import Sequence
from typing import Any

from logferry.testing._rows import Row, Script
from logferry.testing.daily._history import SessionHistory

__all__ = ["ScriptedLines"]


class ScriptedLines:
    """
    The rows of a meeting session that are told, the same for each session.

    Args:
        rows: What was told.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._script = Script(rows, resolution=1, by_time=True)

    def select(
        self,
        session: SessionHistory,
        since: int | None,
        until: int | None,
        now: int,
        *,
        participant: str | None = None,
        level: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows of a session listed at `now` that match every filter, oldest first."""
        rows, matching = self._script.rows, session.matching(participant=participant, level=level)
        return [
            session.row(rows[place].content, self._script.time(place))
            for place in self._script.visible(now, since, until)
            if matching(rows[place].content)
        ]
