"""The rows of the fake Daily where they are told one by one."""

from collections.abc import Sequence
from typing import Any

from logferry.testing._rows import Row, Script
from logferry.testing.daily_history import ApiHistory, SessionHistory

__all__ = ["ScriptedCalls", "ScriptedLines"]

_MILLISECOND = 1_000_000


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


class ScriptedCalls:
    """
    The log of the REST API and of webhooks that is told.

    Args:
        rows: What was told.
        history: Makes ids, and logs of a content.
    """

    def __init__(self, rows: Sequence[Row], history: ApiHistory) -> None:
        self._script = Script(rows, resolution=_MILLISECOND)
        self._history = history

    def select(
        self,
        since: int | None,
        until: int | None,
        now: int,
        *,
        source: str | None = None,
        url: str | None = None,
        older_than: int | None = None,
        newer_than: int | None = None,
    ) -> list[dict[str, Any]]:
        """
        Return the logs listed at `now` that match every filter, newest first.

        Args:
            since: First moment within, or `None`.
            until: First moment behind, or `None`.
            now: When to look.
            source: What the filter of this name says.
            url: Likewise.
            older_than: Only what came before this row.
            newer_than: Only what came after this row.
        """
        script, matching = self._script, self._history.matching(source=source, url=url)
        return [
            self._history.log(place, script.rows[place].content, script.time(place))
            for place in reversed(script.visible(now, since, until))
            if matching(script.rows[place].content)
            and (older_than is None or script.rank(place) < script.rank(older_than))
            and (newer_than is None or script.rank(place) > script.rank(newer_than))
        ]

    def has_had(self, place: int, now: int) -> bool:
        """Whether a row has come, be it gone again or not."""
        return place < len(self._script.rows) and (self._script.rows[place].appears or 0) <= now

    def is_visible(self, place: int, now: int) -> bool:
        """Whether a row is listed at `now`."""
        return self._script.rows[place].is_visible(now)

    def arrived(self, place: int) -> int:
        """Return when a row came."""
        return self._script.arrived(place)
