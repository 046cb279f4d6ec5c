"""The video logs of the fake SignalWire, computed from their number, so that a million of them need no memory."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import attrs

from logferry._time.timestamps import SECOND, rfc3339
from logferry.testing._computed import Computed
from logferry.testing.signalwire._query import DAY
from logferry.testing.signalwire._usage import Kind

__all__ = ["History", "Selection", "is_deleted"]

_CYCLE, _DELETED = 13, 5
"""The number of the deleted log within each cycle."""


@attrs.frozen(kw_only=True)
class History:
    """
    All past and future logs of the service, oldest first from number 0.

    Args:
        records: Number of logs at `epoch`.
        epoch: When the newest of them was created, in nanoseconds since 1970-01-01 UTC.
        step: Time between two logs, in nanoseconds.
        growing: Whether logs keep arriving after `epoch`.
        seed: Decides ids.
        space: The name in the addresses of sessions.
        kind: The list.
    """

    records: int
    epoch: int
    step: int
    growing: bool
    seed: int
    space: str
    kind: Kind

    def existing(self, now: int) -> int:
        """Return the number of logs at a moment."""
        count = max(0, (now - self._time(0)) // self.step + 1)
        return count if self.growing else min(count, self.records)

    def before(self, second: int) -> int:
        """Return the number of logs created before a second since 1970-01-01 UTC; responses have whole seconds."""
        return max(0, -((self._time(0) - second * SECOND) // self.step))

    def id_of(self, number: int) -> str:
        """Return the id of a log."""
        digits = hashlib.blake2b(b"%d %d" % (self.seed + self.kind.seeds, number), digest_size=16).hexdigest()
        # A UUID of version 4; the standard module takes much longer to format one.
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def item(self, number: int, now: int) -> dict[str, Any]:
        """Return a log as it is at a moment."""
        return self.log(number, number, self._time(number) // SECOND, now)

    def log(self, number: int, content: int, created: int, now: int) -> dict[str, Any]:
        """
        Return a log as it is at a moment: its session begins with it, and ends 1 to 121 minutes later.

        Args:
            number: Decides the ids.
            content: Decides all other fields.
            created: Seconds since 1970-01-01 UTC.
            now: Nanoseconds since 1970-01-01 UTC.
        """
        begun = _text(created)
        if is_deleted(content):
            return {"id": self.id_of(number), "discarded_at": _text(created + 1), "created_at": begun}
        ended = created + 60 + content * 7919 % 7200
        over = now >= ended * SECOND
        if self.kind.fields is not None:
            own = self.kind.fields(content, over)
            return {"id": self.id_of(number), "created_at": begun, **own} | ({} if content % 19 else {"made_up": 1})
        kind = "conference" if content % 2 else "room"
        minutes = (min(ended, max(created, now // SECOND)) - created) // 60
        charges = (minutes * 3 / 1000, minutes / 1000)
        item = {
            "id": self.id_of(number),
            "source": "realtime_api",
            "type": f"video_{kind}_session",
            "url": f"https://{self.space}.signalwire.com/api/video/{kind}_sessions/{self.id_of(-number - 1)}",
            "room_name": f"room-{content % 7}" if content % 17 else None,
            "status": "completed" if over else "in-progress",
            "locked": content % 11 == 0,
            "started_at": begun,
            "ended_at": _text(ended) if over else None,
            "charge": round(sum(charges), 3),
            "created_at": begun,
            "charge_details": [
                {"description": name, "charge": charge}
                for name, charge in zip(("Video", "Recording"), charges, strict=True)
            ],
        }
        # An undocumented field, as services add them.
        return item if content % 19 else {**item, "made_up": {"number": content}}

    def _time(self, number: int) -> int:
        return self.epoch + (number - self.records + 1) * self.step


@attrs.frozen(eq=False)
class Selection(Computed[str]):
    """
    The ids of a range of logs in the order in which the service sends them, computed on access.

    Attributes:
        history: The history.
        first: Number of the oldest log.
        end: Number after the newest.
        with_deleted: Whether to include deleted logs.
        oldest_first: The order; else newest first.
    """

    history: History
    first: int
    end: int
    with_deleted: bool
    oldest_first: bool

    def __len__(self) -> int:
        return max(0, self._rank(self.end) - self._rank(self.first))

    def at(self, index: int) -> str:
        """Return the id at an index."""
        return self.history.id_of(self.number(index))

    def number(self, place: int) -> int:
        """Return the number of the log at an index."""
        return self._number(self._rank(self.first) + (place if self.oldest_first else len(self) - 1 - place))

    def _number(self, rank: int) -> int:
        if self.with_deleted:
            return rank
        block, rest = divmod(rank, _CYCLE - 1)
        return block * _CYCLE + rest + (rest >= _DELETED)

    def ids(self) -> Sequence[str]:
        """Return the ids: itself."""
        return self

    def has_lost(self, _place: int, _now: int) -> bool:
        """Whether the log at an index has vanished: none ever does."""
        return False

    def items(self, places: range, now: int) -> list[dict[str, Any]]:
        """Return the logs at these indices as they are at a moment."""
        first, newest = self._rank(self.first), self._rank(self.end) - 1
        ranks = (first + place if self.oldest_first else newest - place for place in places)
        return [self.history.item(self._number(rank), now) for rank in ranks]

    def _rank(self, number: int) -> int:
        """Return the number of selectable logs before this one."""
        return number if self.with_deleted else number - (number + _CYCLE - 1 - _DELETED) // _CYCLE


def is_deleted(number: int) -> bool:
    """Whether a log is deleted, from one second after its creation on."""
    return number % _CYCLE == _DELETED


def _text(second: int) -> str:
    day, rest = divmod(second, DAY)
    return f"{_date(day)}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


@lru_cache
def _date(day: int) -> str:
    return rfc3339(day * DAY * SECOND).partition("T")[0]
