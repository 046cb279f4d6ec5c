"""The rows of the fake Daily, computed from their number, so that a million of them need no memory."""

import hashlib
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import attrs

from logferry.testing._computed import Computed

__all__ = [
    "CYCLE",
    "IdMap",
    "Placed",
    "Rows",
    "Series",
    "SessionHistory",
    "Times",
    "iso_text",
    "numbers_between",
    "uuid_text",
]

_SECOND = 1_000_000_000
CYCLE = 60
"""Number of rows after which contents repeat."""

_TIED = (2, 3, 4)
"""Of seven rows, those that have the time of the row before."""

_ID_MASK = (1 << 128) - 1
_ID_FACTOR = 0x9E3779B97F4A7C15F39CC0605CEDC835
_ID_INVERSE = pow(_ID_FACTOR, -1, 1 << 128)
"""Ids are an affine map of the log's number modulo 2**128; with an odd factor it can be inverted."""

# Level, code and text of lines; the first three are those of Daily's documentation, the others are made up.
_LINES: tuple[tuple[int, int | None, str], ...] = (
    (2, 7991, "disconnect on pagehide"),
    (1, 8000, "leaving session"),
    (1, 8020, "participant left"),
    (0, 7001, "made-up: camera not found"),
    (2, None, "made-up: network quality \N{SNOWMAN} changed"),
    (3, 7002, "made-up: a level that is not documented"),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVELS = {"ERROR": 0, "INFO": 1, "DEBUG": 2}


def uuid_text(value: int) -> str:
    """Return 128 bits in the form of a UUID."""
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def iso_text(nanoseconds: int, digits: int) -> str:
    """Return nanoseconds since 1970-01-01 UTC as ISO 8601 text with this many digits of a second."""
    seconds, fraction = divmod(nanoseconds, _SECOND)
    moment = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    return f"{moment[:19]}.{f'{fraction:09}'[:digits]}Z"


class Series:
    """
    Times of rows, ascending from number 0; their gaps repeat in cycles, so that arithmetic counts them.

    Args:
        records: Number of rows at `epoch`.
        epoch: Time of the last of them, in nanoseconds since 1970-01-01 UTC.
        spacing: Mean time between two rows, in seconds.
        growing: Whether rows keep arriving after `epoch`.
        resolution: Times are multiples of this, in nanoseconds.
        seed: Decides the times.
    """

    def __init__(
        self, *, records: int, epoch: int, spacing: float, growing: bool, resolution: int, seed: int | str
    ) -> None:
        chance = random.Random(seed)  # noqa: S311 - test data has to be the same on every run
        self._span = max(round(CYCLE * spacing * _SECOND) // resolution, 1) * resolution
        self._offsets = sorted(chance.randrange(self._span // resolution) * resolution for _ in range(CYCLE))
        for place in range(2, CYCLE):
            if place % 7 in _TIED:
                self._offsets[place] = self._offsets[place - 1]
        self._records = records
        self._growing = growing
        self._start = 0
        self._start = epoch // resolution * resolution - self.time(records - 1)

    def time(self, number: int) -> int:
        """Return when row `number` was written, in nanoseconds since 1970-01-01 UTC."""
        block, place = divmod(number, CYCLE)
        return self._start + block * self._span + self._offsets[place]

    def before(self, moment: int) -> int:
        """Return the number of rows ever written before `moment`."""
        block, rest = divmod(moment - self._start, self._span)
        return max(block * CYCLE + bisect_left(self._offsets, rest), 0)

    def until(self, moment: int) -> int:
        """Return the number of rows ever written up to `moment`, inclusive."""
        block, rest = divmod(moment - self._start, self._span)
        return max(block * CYCLE + bisect_right(self._offsets, rest), 0)

    def existing(self, now: int) -> int:
        """Return the number of rows at `now`."""
        count = self.until(now)
        return count if self._growing else min(count, self._records)


class Times(Protocol):
    """Times of rows, ascending from number 0; see `Series`."""

    def time(self, number: int) -> int:
        """Return when row `number` was written."""
        ...

    def before(self, moment: int) -> int:
        """Return the number of rows ever written before `moment`."""
        ...

    def existing(self, now: int) -> int:
        """Return the number of rows at `now`."""
        ...


def numbers_between(times: Times, since: int | None, until: int | None, now: int) -> tuple[int, int]:
    """Return the number of the first existing row in a window, and of the first one after the window."""
    existing = times.existing(now)
    first = 0 if since is None else times.before(since)
    return first, existing if until is None else min(times.before(until), existing)


@attrs.frozen(eq=False)
class Rows(Computed[dict[str, Any]]):
    """
    Rows that match a filter, oldest first, computed on access.

    Attributes:
        item: Makes the row of a number.
        places: The indices in the cycle that match, ascending.
        first: Number of the first row that may be among them.
        end: Number after the last.
        newest_first: Whether the order is reversed.
    """

    item: Callable[[int], dict[str, Any]]
    places: Sequence[int]
    first: int
    end: int
    newest_first: bool = False

    def _rank(self, number: int) -> int:
        block, place = divmod(max(number, 0), CYCLE)
        return block * len(self.places) + bisect_left(self.places, place)

    def __len__(self) -> int:
        return max(self._rank(self.end) - self._rank(self.first), 0)

    def at(self, index: int) -> dict[str, Any]:
        """Return the row at an index."""
        rank = self._rank(self.end) - 1 - index if self.newest_first else self._rank(self.first) + index
        block, place = divmod(rank, len(self.places))
        return self.item(block * CYCLE + self.places[place])


@attrs.frozen(eq=False)
class Placed(Computed[dict[str, Any]]):
    """
    Scripted rows, computed on access: a page needs few of many.

    Attributes:
        item: Makes the row of an index.
        places: The indices of the rows, in their order.
    """

    item: Callable[[int], dict[str, Any]]
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.places)

    def at(self, index: int) -> dict[str, Any]:
        """Return the row at an index."""
        return self.item(self.places[index])


@attrs.frozen(eq=False)
class SessionHistory:
    """
    The logs or the metrics of one meeting session.

    Attributes:
        series: The times of its rows.
        meeting: Its id.
        participants: Ids of its participants' sessions, which own the rows in turn.
        domain: The domain's name.
        metrics: Metrics, not logs.
    """

    series: Series
    meeting: str
    participants: tuple[str, ...]
    domain: str
    metrics: bool

    def select(self, first: int, end: int, *, participant: str | None = None, level: str | None = None) -> Rows:
        """Select the rows with numbers from `first` up to `end` that match every filter given, oldest first."""
        matching = self.matching(participant=participant, level=level)
        places = [place for place in range(CYCLE) if matching(_content(place))]
        return Rows(self.item, places, first, end if places else first)

    def matching(self, *, participant: str | None, level: str | None) -> Callable[[int], bool]:
        """Return a predicate on contents for the given filters."""
        return lambda content: (
            (participant is None or self._participant(content) == participant)
            and (self.metrics or level is None or _line(content)[0] == _LEVELS[level])
        )

    def item(self, number: int) -> dict[str, Any]:
        """Return row `number`."""
        return self._row(_content(number % CYCLE), self.series.time(number))

    def row(self, content: int, time: int) -> dict[str, Any]:
        """Return a row of a content, which no other content has, and a time in nanoseconds since 1970-01-01 UTC."""
        return {**self._row(content, time), "made_up_content": content}

    def _row(self, place: int, time: int) -> dict[str, Any]:
        who = {"mtgSessionId": self.meeting, "userSessionId": self._participant(place), "domainName": self.domain}
        if self.metrics:
            # Made up: no list of the fields of a metric is published.
            transport = {"made_up_round_trip_ms": 20 + place}
            return {"time": iso_text(time, 9), **who, "transport": transport, "tracks": [{"made_up_kind": "audio"}]}
        level, code, message = _line(place)
        return {
            "time": iso_text(time, 9),
            "clientTime": iso_text(time - 149_000_000 * (place % 3), 9),
            "message": message,
            **who,
            "peerId": None if place % 4 else self.participants[-1],
            "level": level,
            "code": code,
            **({"made_up_later_field": {"any": "value"}} if place % 9 == 1 else {}),
        }

    def _participant(self, place: int) -> str:
        return self.participants[place % 5 % len(self.participants)]


def _line(place: int) -> tuple[int, int | None, str]:
    return _LINES[place * 5 % 17 % len(_LINES)]


def _content(place: int) -> int:
    """Return the index of a row's content: two of the rows of equal times are identical."""
    return place - (place % 7 == _TIED[1])


class IdMap:
    """
    Ids of numbers: an affine map modulo 2**128.

    Args:
        name: Decides the ids.
    """

    def __init__(self, name: str) -> None:
        self._shift = int.from_bytes(hashlib.sha256(f"logferry fake daily {name}".encode()).digest()[:16], "big")

    def identity(self, number: int) -> str:
        """Return the id of a number."""
        return uuid_text((number * _ID_FACTOR + self._shift) & _ID_MASK)

    def number(self, identity: str) -> int | None:
        """Return the number that has this id, or `None` if it is not an id."""
        try:
            value = int(identity.replace("-", ""), 16)
        except ValueError:
            return None
        return (value - self._shift) * _ID_INVERSE & _ID_MASK if uuid_text(value) == identity else None
