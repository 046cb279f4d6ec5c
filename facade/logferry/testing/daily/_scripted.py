"""The scripted rows of the meeting sessions of the fake Daily."""

from collections.abc import Sequence
from typing import Any

from logferry.testing._rows import Row, Script
from logferry.testing.daily._history import Placed, SessionHistory

__all__ = ["ScriptedLines"]


class ScriptedLines:
    """
    The scripted rows of a meeting session, the same for each session.

    Args:
        rows: The script.
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
        newest_first: bool = False,
    ) -> Placed:
        """Return the rows of a session listed at `now` that match every filter, oldest first unless `newest_first`."""
        script, matching = self._script, session.matching(participant=participant, level=level)
        places = [place for place in script.visible(now, since, until) if matching(script.rows[place].content)]

        def item(place: int) -> dict[str, Any]:
            return session.row(script.rows[place].content, script.time(place))

        return Placed(item, places[::-1] if newest_first else places)
