"""The meetings of the fake Daily: their start times and contents."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from logferry.testing.daily._history import IdMap, Series, SessionHistory
from logferry.testing.daily._query import RowFilters

__all__ = ["Meetings", "Starts"]

_SECOND = 1_000_000_000
_ROOMS = ("hello", "my-room", "made-up room \N{SNOWMAN}")
_NAMES = ("Alice", None, "Bob")
_MOST = 3


@attrs.frozen
class Starts:
    """
    The start times of meetings: some begin together with the first, the others one by one.

    Attributes:
        series: The start times of the others; the first of its times are not used.
        first: The start time of the first ones, in nanoseconds since 1970-01-01 UTC, not after the series.
        count: Number of the first ones.
    """

    series: Series
    first: int
    count: int

    def time(self, number: int) -> int:
        """Return when meeting `number` began, in nanoseconds since 1970-01-01 UTC."""
        return self.first if number < self.count else self.series.time(number)

    def before(self, moment: int) -> int:
        """Return the number of meetings that ever began before `moment`."""
        return max(self.count if self.first < moment else 0, self.series.before(moment))

    def existing(self, now: int) -> int:
        """Return the number of meetings at `now`."""
        return max(self.count if self.first <= now else 0, self.series.existing(now))


class Meetings:
    """
    The contents of meetings.

    Args:
        sessions: The meeting sessions that have rows; they are the first meetings.
        epoch: The end of these, in nanoseconds since 1970-01-01 UTC.
        seed: Decides ids.
    """

    def __init__(self, sessions: Sequence[SessionHistory], *, epoch: int, seed: int) -> None:
        self._sessions = sessions
        self._epoch = epoch
        self._ids = IdMap(f"meetings {seed}")
        self._participant_ids = IdMap(f"participants {seed}")

    def matching(self, filters: RowFilters) -> Callable[[int], bool]:
        """Return a predicate on contents for the given filters."""
        room, ongoing = filters.get("room"), filters.get("ongoing")
        return lambda content: room in {None, _room(content)} and ongoing in {None, _is_ongoing(content)}

    def item(self, number: int, content: int, time: int) -> dict[str, Any]:
        """Return a meeting with the id of a number, a content, and a start in nanoseconds since 1970-01-01 UTC."""
        start, duration = time // _SECOND, 187 + 60 * (content % 7)
        if number < len(self._sessions):
            duration = max(0, self._epoch // _SECOND - start)
        participants = self._participants(number, content)
        return {
            "id": self._identity(number),
            "room": _room(content),
            "start_time": start,
            "duration": duration,
            "ongoing": _is_ongoing(content),
            "max_participants": len(participants),
            "participants": [
                {
                    "user_id": None if index else f"made-up-user-{content}",
                    "participant_id": participant,
                    "user_name": _NAMES[(content + index) % len(_NAMES)],
                    "join_time": start + index,
                    "duration": max(0, duration - index),
                }
                for index, participant in enumerate(participants)
            ],
            **({"made_up_later_field": {"any": "value"}} if content % 9 == 1 else {}),
        }

    def number(self, identity: str) -> int | None:
        """Return the number of the meeting with this id, or `None` if it is not an id."""
        for number, session in enumerate(self._sessions):
            if session.meeting == identity:
                return number
        return self._ids.number(identity)

    def _identity(self, number: int) -> str:
        return self._sessions[number].meeting if number < len(self._sessions) else self._ids.identity(number)

    def _participants(self, number: int, content: int) -> Sequence[str]:
        if number < len(self._sessions):
            return self._sessions[number].participants
        return [self._participant_ids.identity(_MOST * number + index) for index in range(1 + content % _MOST)]


def _room(content: int) -> str:
    return _ROOMS[content % len(_ROOMS)]


def _is_ongoing(content: int) -> bool:
    return content % 5 == 3  # noqa: PLR2004 - one in five
