"""The log entries of the fake Cognigy, computed from their number, so that a million of them need no memory."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any, overload

import attrs

__all__ = ["History", "Matches", "NewestFirst", "Wanted", "instant"]

# Ids are 24 hexadecimal digits that grow with the number, like MongoDB's, so they show the order of writing.
_ID_OFFSET = 0x650000000000000000000000
_ID_FACTOR = 0x1000000D1
_FIRST_NUMBER = 1_000_000
_MILLISECOND = 1_000_000

_LEVELS = (
    "info", "debug", "info", "error", "info", "warn", "debug", "info",
    "trace", "info", "error", "info", "debug", "fatal", "info", "warn",
)  # fmt: skip
_MESSAGES = {
    "trace": "Node executed",
    "debug": "Intent mapped",
    "info": "Message received",
    "warn": "Slow answer of a service",
    "error": "HTTP request failed",
    "fatal": "Flow stopped",
}
_FLOWS = ("Main", "Booking", "Main", "Handover")
_USERS = ("user-anna", "user-ben", "user-carl", "user-dora", "user-emil")

PERIOD = len(_LEVELS) * len(_USERS)
"""Number of entries after which the filtered fields repeat."""

_TIED = 5
"""Of sixteen entries, the one that has the time of the entry before."""
_LATE = 9
"""Of sixteen entries, the one that was written late: it has the time of the third entry before it."""


def instant(milliseconds: int) -> str:
    """Format a time as the service does: ISO 8601 with milliseconds, in UTC."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()
    return f"{moment[:19]}.{milliseconds % 1000:03}Z"


@attrs.frozen(kw_only=True)
class Wanted:
    """
    The filters of a query.

    Attributes:
        types: Any of these levels; empty for all.
        text: A text within the level, the message or the trace id, in any case; empty for all.
        user_id: A user; `None` for all.
        flow_name: A flow; `None` for all.
        start: First millisecond within, or `None`.
        end: Last millisecond within, or `None`.
    """

    types: frozenset[str] = frozenset()
    text: str = ""
    user_id: str | None = None
    flow_name: str | None = None
    start: int | None = None
    end: int | None = None


@attrs.frozen(kw_only=True)
class History:
    """
    All past and future entries of a project, in the order of writing, from number 0.

    Attributes:
        records: Number of entries at `epoch`.
        epoch: When the newest of them was written, in milliseconds since 1970-01-01 UTC.
        spacing: Milliseconds between two.
        growing: Whether more arrive as time passes.
        retention: Milliseconds for which they are kept, or `None` for ever.
        with_type: Whether entries show their level; one in four never does.
    """

    records: int
    epoch: int
    spacing: int
    growing: bool
    retention: int | None
    with_type: bool

    def existing(self, now: int) -> range:
        """Return the numbers of the entries that exist at a moment."""
        arrived = (now - self.epoch) // self.spacing if self.growing or now < self.epoch else 0
        end = max(0, self.records + arrived)
        if self.retention is None:
            return range(end)
        oldest = now - self.retention
        return range(min(end, max(0, self._first_written_at(oldest))), end)

    def item(self, number: int) -> dict[str, Any]:
        """Return an entry as the service sends it."""
        return self.entry(self.id_of(number), number, self.time_of(number))

    def entry(self, identity: str, content: int, time: int) -> dict[str, Any]:
        """Return the entry of a content, with an id and a time in milliseconds since 1970-01-01 UTC."""
        level, user, flow = self._features(content)
        entry: dict[str, Any] = {
            "_id": identity,
            "timestamp": instant(time),
            "msg": f"{_MESSAGES[level]} in {flow}",
            "meta": {
                "userId": user,
                "sessionId": f"session-{content // 16:x}",
                "flowName": flow,
                "channel": "webchat3",
                "organisationId": "64d0c0ffee64d0c0ffee64d0",
            },
            "traceId": self.trace_of(content),
        }
        if self.with_type and content % 4 != 3:  # noqa: PLR2004 - one in four
            entry["type"] = level
        return entry

    @staticmethod
    def id_of(number: int) -> str:
        """Return the id of an entry."""
        return f"{_ID_OFFSET + (number + _FIRST_NUMBER) * _ID_FACTOR:024x}"

    @staticmethod
    def number_at(cursor: str) -> int | None:
        """Return the number of the entry with an id, or `None` where no entry can have it."""
        try:
            number, rest = divmod(int(cursor, 16) - _ID_OFFSET, _ID_FACTOR)
        except ValueError:
            return None
        return number - _FIRST_NUMBER if rest == 0 and number >= _FIRST_NUMBER else None

    @staticmethod
    def trace_of(number: int) -> str:
        """Return the trace id that four adjacent entries share: a UUID, or for every other group another text."""
        turn = number // 4
        return f"00000000-0000-4000-8000-{turn:012x}" if turn % 2 == 0 else f"turn-{turn}"

    def time_of(self, number: int) -> int:
        """Return the time of an entry, in milliseconds since 1970-01-01 UTC."""
        return self._written_at(number - _delay(number))

    def matches(self, now: int, wanted: Wanted) -> "Matches":
        """Return the matching entries that exist at `now`, in nanoseconds since 1970-01-01 UTC."""
        return self.select(self.existing(now // _MILLISECOND), wanted)

    def has(self, number: int, now: int) -> bool:
        """Whether an entry exists at `now`, in nanoseconds since 1970-01-01 UTC."""
        return number in self.existing(now // _MILLISECOND)

    def matches_content(self, content: int, wanted: Wanted) -> bool:
        """Whether an entry of a content matches, whatever its time."""
        return self._matches(content, wanted) and _rare(wanted.text).lower() in self.trace_of(content)

    def select(self, existing: range, wanted: Wanted) -> "Matches":
        """Return the matching entries of those that exist."""
        places = [place for place in range(PERIOD) if self._matches(place, wanted)]
        spans = [self._span(place, existing, wanted) for place in places]
        return Matches(history=self, spans=tuple(spans), text=_rare(wanted.text))

    def _written_at(self, number: int) -> int:
        return self.epoch + (number + 1 - self.records) * self.spacing

    def _first_written_at(self, time: int) -> int:
        """Return the number of the first entry written at `time` or later; negative before the beginning."""
        return -((self.epoch - time) // self.spacing) + self.records - 1

    def _span(self, place: int, existing: range, wanted: Wanted) -> range:
        """Return the numbers of one index of the period that exist and lie within the dates."""
        first, end = existing.start, existing.stop
        delay = _delay(place)
        if wanted.start is not None:
            first = max(first, self._first_written_at(wanted.start) + delay)
        if wanted.end is not None:
            end = min(end, self._first_written_at(wanted.end + 1) + delay)
        return range(first + (place - first) % PERIOD, max(first, end), PERIOD)

    def _matches(self, place: int, wanted: Wanted) -> bool:
        level, user, flow = self._features(place)
        text = wanted.text.lower()
        return (
            (not wanted.types or level in wanted.types)
            and wanted.user_id in {None, user}
            and wanted.flow_name in {None, flow}
            and (bool(_rare(text)) or text in level or text in f"{_MESSAGES[level]} in {flow}".lower())
        )

    @staticmethod
    def _features(number: int) -> tuple[str, str, str]:
        """Return level, user and flow; a session has one user."""
        return _LEVELS[number % 16], _USERS[number // 16 % len(_USERS)], _FLOWS[number // 4 % len(_FLOWS)]


def _delay(number: int) -> int:
    return {_TIED: 1, _LATE: 3}.get(number % 16, 0)


def _rare(text: str) -> str:
    """Return the text if only a trace id can contain it, since it has a digit or a hyphen; else an empty one."""
    return text if any(character.isdigit() or character == "-" for character in text) else ""


@attrs.frozen(eq=False)
class Matches:
    """
    The entries that match a query.

    Attributes:
        history: Their history.
        spans: Their numbers, one range for each index of the period that matches.
        text: A text that must be in the trace id; empty for all.
    """

    history: History
    spans: tuple[range, ...]
    text: str

    def __len__(self) -> int:
        if self.text:
            return sum(1 for _ in self.ascending())
        return sum(len(span) for span in self.spans)

    def ascending(self, after: int | None = None) -> Iterator[int]:
        """Yield their numbers in the order of writing, after the number `after`."""
        return self._with_text(merge(*(_behind(span, after) for span in self.spans)))

    def descending(self, before: int | None = None) -> Iterator[int]:
        """Yield their numbers, newest first, before the number `before`."""
        return self._with_text(merge(*(_ahead(span, before)[::-1] for span in self.spans), reverse=True))

    def _with_text(self, numbers: Iterable[int]) -> Iterator[int]:
        text = self.text.lower()
        return (number for number in numbers if text in self.history.trace_of(number))


@attrs.frozen(eq=False)
class NewestFirst(Sequence[str]):
    """
    The ids of the matching entries, newest first, computed on access.

    Iteration is cheap; an index or a slice iterates from the nearer end.

    Attributes:
        matches: The entries.
    """

    matches: Matches

    def __len__(self) -> int:
        return len(self.matches)

    def __iter__(self) -> Iterator[str]:
        return map(self.matches.history.id_of, self.matches.descending())

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Return the id, or the ids, at `index`; 0 is the newest."""
        places = range(len(self))[index]
        if isinstance(places, int):
            return self._between(places, places + 1)[0]
        low, high = (min(places[0], places[-1]), max(places[0], places[-1]) + 1) if places else (0, 0)
        found = self._between(low, high)
        return [found[place - low] for place in places]

    def _between(self, low: int, high: int) -> list[str]:
        length = len(self)
        if low + high <= length:
            numbers = list(islice(self.matches.descending(), low, high))
        else:
            numbers = list(islice(self.matches.ascending(), length - high, length - low))[::-1]
        return [self.matches.history.id_of(number) for number in numbers]


def _behind(span: range, after: int | None) -> range:
    if after is None or not span or after < span.start:
        return span
    return span[(after - span.start) // PERIOD + 1 :]


def _ahead(span: range, before: int | None) -> range:
    if before is None or not span or before > span[-1]:
        return span
    return span[: max(0, -(-(before - span.start) // PERIOD))]
