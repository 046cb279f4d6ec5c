"""Where a follow is: how far it has read, and what it has delivered of the stretch that is read again."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from itertools import islice
from struct import Struct
from typing import Any, Final, TypeAlias

from attrs import asdict, evolve, field, frozen

from logferry._flow.steps import Position
from logferry._streams.checkpoint import FOLLOW
from logferry._time.timestamps import SECOND

Key: TypeAlias = bytes
"""Eight bytes that stand for an item: a digest of its identity, and of its ordinal among equal ones."""

SLACK: Final = 60 * SECOND
"""So much more than the overlap is known, in nanoseconds, for a clock that is set back."""

WATCHED_FOR: Final = 86_400 * SECOND
"""So long an item that can change is waited for, in nanoseconds since its time."""

_MOST_WATCHED: Final = 1000
_MOST_TIMELESS: Final = 1000
"""So many items whose time cannot be read are remembered: nothing says when they can be forgotten."""

_ENTRY: Final = Struct(">8sI")
_NO_TIME: Final = 2**32 - 1


def key(identity: str, ordinal: int) -> Key:
    """What stands for an item of this identity, which so many equal ones came before."""
    text = f"{ordinal} {identity}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


class Known:
    """
    The items that have been delivered or need not be, in this order, each with its time.

    Items are only added.  So what was known when there were fewer is a number, and costs nothing to keep.
    """

    __slots__ = ("_times",)

    def __init__(self, times: dict[Key, int | None] | None = None) -> None:
        self._times: dict[Key, int | None] = {} if times is None else times

    def __contains__(self, item: Key) -> bool:
        return item in self._times

    def __len__(self) -> int:
        return len(self._times)

    def add(self, item: Key, time: int | None) -> None:
        """Add an item; its time is in nanoseconds since the epoch, ``None`` where it cannot be read."""
        self._times.setdefault(item, time)

    def first(self, count: int) -> Known:
        """The first so many."""
        return self if count == len(self) else Known(dict(islice(self._times.items(), count)))

    def since(self, edge: int) -> Known:
        """Those that are not older than that, and the latest of those whose time cannot be read."""
        timeless = [item for item, time in self._times.items() if time is None][-_MOST_TIMELESS:]
        left: dict[Key, int | None] = {
            item: time for item, time in self._times.items() if time is not None and time >= edge
        }
        return Known(left | dict.fromkeys(timeless))

    def to_json(self) -> list[Any]:
        """As JSON values: 16 characters for each item, its time rounded up to a second."""
        seconds = {item: -(-time // SECOND) for item, time in self._times.items() if time is not None}
        base = min(seconds.values(), default=0)
        packed = b"".join(
            _ENTRY.pack(item, min(seconds[item] - base, _NO_TIME - 1) if item in seconds else _NO_TIME)
            for item in self._times
        )
        return [base, b64encode(packed).decode("ascii")]

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> Known:
        """What `to_json` has made."""
        base, text = values
        entries = _ENTRY.iter_unpack(b64decode(text, validate=True))
        return cls({item: None if late == _NO_TIME else (base + late) * SECOND for item, late in entries})


@frozen
class Watched:
    """An item that was delivered and can still change: its time in nanoseconds since the epoch, and a digest of what it said."""

    time: int
    content: str


Change: TypeAlias = tuple[Key, Watched | None] | None
"""What delivering an item does to those that are watched: one more, one less, or nothing."""


@frozen(kw_only=True)
class Place:
    """
    Where a follow is.

    Attributes:
        read: When the last complete poll began, in nanoseconds since the epoch, by the service's clock where that is behind
            ours; ``None`` before there is one.
        begun: When the poll that is under way began; ``None`` between two of them.
        since: From when on that poll reads; 0 between two of them.
        walk: Where its walk goes on; ``None`` for the start.
        whole: Whether all that it has delivered is known, so that it can begin again.
        forward: The position of the walk forward; ``None`` without one.
        known: What has been delivered of the overlap, or was there before.
        watched: What has been delivered and can still change.
    """

    read: int | None = None
    begun: int | None = None
    since: int = 0
    walk: Position | None = None
    whole: bool = True
    forward: Position | None = None
    known: Known = field(factory=Known)
    watched: Mapping[Key, Watched] = field(factory=dict[Key, Watched])

    def begin(self, now: int, edge: int) -> Place:
        """The beginning of a poll that reads from *edge* on, and from the oldest item on that can still change."""
        return evolve(self, begun=now, since=min([edge, *(one.time for one in self.watched.values())]))

    def forget(self, edge: int) -> Place:
        """The same without what is older than the next poll's overlap."""
        left = self.known.since(edge - SLACK)
        return evolve(self, known=left, whole=self.whole and len(left) == len(self.known))

    def not_after(self, now: int) -> tuple[Place, tuple[str, ...]]:
        """The same place where it is not in the future; else that of now, and the issue that something may be missing."""
        if self.read is None or self.read <= now + SLACK:
            return self, ()
        ahead = (self.read - now) / SECOND / 3600
        issue = (
            f"the clock was {ahead:.1f} h ahead when the stream was read last: what was written since may be missing"
        )
        return Place(read=now, known=self.known, watched=self.watched), (issue,)

    def end(self, settling: int, *, ahead: int = 0) -> Place:
        """The end of the poll in progress; records may be *settling* late, our clock *ahead* of the service's (nanoseconds)."""
        assert self.begun is not None  # noqa: S101  # only what has begun can end
        read = self.begun - ahead
        left = {one: item for one, item in self.watched.items() if item.time >= read - WATCHED_FOR}
        latest = sorted(left, key=lambda one: left[one].time)[-_MOST_WATCHED:]
        return Place(
            read=read,
            forward=self.forward,
            known=self.known.since(read - settling - SLACK),
            watched={one: left[one] for one in latest},
        )

    def changed(self, changes: Sequence[Change]) -> Place:
        """The same after these changes of what is watched."""
        watched = dict(self.watched)
        for change in filter(None, changes):
            item, seen = change
            watched.pop(item, None)
            if seen is not None:
                watched[item] = seen
        return evolve(self, watched=watched)

    def to_json(self) -> Position:
        """The place as JSON values."""
        watched = {item.hex(): [one.time, one.content] for item, one in self.watched.items()}
        return {FOLLOW: asdict(self, recurse=False) | {"known": self.known.to_json(), "watched": watched}}

    @classmethod
    def from_json(cls, position: Position) -> Place:
        """What `to_json` has made."""
        fields = position[FOLLOW]
        watched = {bytes.fromhex(item): Watched(time, content) for item, (time, content) in fields["watched"].items()}
        return cls(**(fields | {"known": Known.from_json(fields["known"]), "watched": watched}))
