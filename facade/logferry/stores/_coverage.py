"""The intervals of time that a store has read: a set, so that gaps are known."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Any, Final, Literal, TypeAlias, get_args

import orjson
from attrs import evolve, field, frozen

from logferry._json import dumps, is_array, is_object

State: TypeAlias = Literal["complete", "provisional", "partial", "gap", "lost", "expired"]
"""
The state of a stretch of time.

``complete``: every record, final.  ``provisional``: every record that existed at the time of reading; records may still
arrive or change, so it is read again.  ``partial``: some records, with the checkpoint that continues the walk.
``gap``: to be read from its start.  ``lost``: no record was read, and the service has removed them since.  ``expired``:
the service had removed the records before the store began.
"""

_STATES: Final[dict[str, State]] = {state: state for state in get_args(State)}


@frozen(kw_only=True)
class Stretch:
    """
    A half-open interval of time, and its state in a store.

    Attributes:
        since: First nanosecond within, since the epoch.
        until: First nanosecond after it.
        state: Its state.
        checkpoint: Where the walk of a partial stretch continues; or of a provisional one at the end, where the next walk
            forward begins, see ``View.onward``.
        begun: When the walk began, in nanoseconds since the epoch; only of a partial stretch.
    """

    since: int
    until: int
    state: State
    checkpoint: str | None = field(default=None, repr=False)
    begun: int = 0

    def outside(self, since: int, until: int) -> Iterator[Stretch]:
        """The parts outside an interval; those of a partial stretch are gaps, since its checkpoint covers all of it."""
        if until <= self.since or self.until <= since:
            yield self
            return
        # What is left of a stretch does not end where its cursor stands.
        left = evolve(self, state="gap" if self.state == "partial" else self.state, checkpoint=None, begun=0)
        if self.since < since:
            yield evolve(left, until=since)
        if until < self.until:
            yield evolve(left, since=until)


_since: Final = attrgetter("since")
_until: Final = attrgetter("until")


@frozen(repr=False)
class Coverage:
    """
    The stretches that a store has of one query.

    Attributes:
        stretches: Disjoint, not empty, ordered by time.
    """

    stretches: tuple[Stretch, ...] = ()

    def __repr__(self) -> str:
        return f"<Coverage {len(self.stretches)} stretches>"

    @property
    def begin(self) -> int | None:
        """The start of the first stretch; ``None`` without stretches."""
        return self.stretches[0].since if self.stretches else None

    @property
    def complete_until(self) -> int | None:
        """The end of the last stretch that was read to its end; ``None`` if there is none."""
        return max((one.until for one in self.stretches if one.state in ("complete", "provisional")), default=None)

    @property
    def partial(self) -> tuple[Stretch, ...]:
        """The stretches whose walk was interrupted."""
        return tuple(one for one in self.stretches if one.state == "partial")

    def doubted(self, now: int) -> tuple[Stretch, ...]:
        """
        The stretches that end or began after now, in the state in which they are read again.

        They were read with a clock that was ahead by an unknown time.  Records that the service wrote since may be
        missing, so these stretches are not complete, and an interrupted walk does not continue.

        Args:
            now: Nanoseconds since the epoch.
        """
        return tuple(
            Stretch(since=one.since, until=one.until, state="provisional" if one.state == "complete" else "gap")
            for one in self.stretches
            if (one.state in ("complete", "lost", "expired") and one.until > now) or one.begun > now
        )

    def trusted(self, now: int) -> Coverage:
        """The coverage in which doubted stretches are to be read again."""
        coverage = self
        for stretch in self.doubted(now):
            coverage = coverage.having(stretch)
        return coverage

    def having(self, new: Stretch) -> Coverage:
        """The coverage after a stretch replaces what it overlaps."""
        if new.since >= new.until:
            return self
        # There can be thousands of provisional stretches.  Only the overlapping ones and their neighbours can change:
        # the rest of a partial stretch becomes a gap, which may join the next.
        first = max(0, bisect_left(self.stretches, new.since, key=_until) - 1)
        last = bisect_right(self.stretches, new.until, lo=first, key=_since) + 1
        pieces = [piece for one in self.stretches[first:last] for piece in one.outside(new.since, new.until)]
        joined: list[Stretch] = []
        for one in sorted([*pieces, new], key=_since):
            before = joined[-1] if joined else None
            if before is not None and before.until == one.since and _are_alike(before, one):
                joined[-1] = evolve(before, until=one.until)
            else:
                joined.append(one)
        return Coverage((*self.stretches[:first], *joined, *self.stretches[last:]))

    def without(self, since: int, until: int) -> Coverage:
        """The coverage in which every stretch within an interval is a gap, to be read again."""
        coverage = self
        for one in self.stretches:
            coverage = coverage.having(Stretch(since=max(since, one.since), until=min(until, one.until), state="gap"))
        return coverage

    def to_json(self) -> str:
        """The coverage as JSON text, with exact times."""
        return dumps([_told(one) for one in self.stretches]).decode()

    @staticmethod
    def from_json(text: str | bytes) -> Coverage:
        """
        Parse the text that `to_json` returned.

        Raises:
            ValueError: The text is not a coverage.
        """
        told = orjson.loads(text)
        if not is_array(told):
            raise ValueError("no list of stretches")
        return Coverage(tuple(_stretch(one) for one in told))

    def gaps(self, since: int, until: int) -> list[tuple[int, int]]:
        """The parts of an interval to read, in order; includes provisional stretches, excludes partial ones."""
        return self._without(since, until, ("complete", "lost", "expired", "partial"))

    def unsettled(self, since: int, until: int) -> list[tuple[int, int]]:
        """The parts of an interval that are neither complete, lost nor expired; in order."""
        return self._without(since, until, ("complete", "lost", "expired"))

    def missing(self, since: int, until: int) -> list[tuple[int, int]]:
        """The parts of an interval that were never read to their end; in order."""
        return self._without(since, until, ("complete", "lost", "expired", "provisional"))

    def unknown(self, since: int, until: int) -> list[tuple[int, int]]:
        """The parts of an interval without any stretch; in order."""
        return self._without(since, until, get_args(State))

    def _without(self, since: int, until: int, states: Collection[State]) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        place = since
        for one in self.stretches:
            if one.state in states and one.until > place:
                if one.since >= until:
                    break
                if one.since > place:
                    found.append((place, one.since))
                place = one.until
        if place < until:
            found.append((place, until))
        return found


def _are_alike(one: Stretch, other: Stretch) -> bool:
    """Whether neighbours can be one stretch: of one state, and without checkpoints that belong to one of them."""
    with_checkpoint = one.state == "provisional" and (one.checkpoint is not None or other.checkpoint is not None)
    return one.state == other.state != "partial" and not with_checkpoint


def _told(stretch: Stretch) -> dict[str, Any]:
    told: dict[str, Any] = {"since": stretch.since, "until": stretch.until, "state": stretch.state}
    if stretch.checkpoint is not None or stretch.state == "partial":
        told |= {"checkpoint": stretch.checkpoint, "begun": stretch.begun}
    return told


def _stretch(told: object) -> Stretch:
    if not is_object(told):
        raise ValueError("a stretch that is no object")
    match told:
        case {"since": int(since), "until": int(until), "state": str(word)}:
            state = _STATES.get(word)
        case _:
            raise ValueError("a stretch without its times or its state")
    checkpoint, begun = told.get("checkpoint"), told.get("begun", 0)
    if state is None or not isinstance(checkpoint, str | None) or not isinstance(begun, int):
        raise ValueError("a stretch in no known state")
    return Stretch(since=since, until=until, state=state, checkpoint=checkpoint, begun=begun)
