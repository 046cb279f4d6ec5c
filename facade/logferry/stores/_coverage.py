"""Which stretches of time a store has: a set of intervals, not one mark, so that a gap is known and a late start is no end."""

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
What a store has of a stretch of time.

``complete``: every record, for good.  ``provisional``: every record that was there when it was read; more may come, or
some may change, so it is read again.  ``partial``: a part, with the checkpoint that goes on.  ``gap``: nothing that it could
be sure of, so it is to be read from its start.  ``lost``: nothing, and the service does not keep it any more.  ``expired``: the same of
what the service did not keep any more when the store began.
"""

_STATES: Final[dict[str, State]] = {state: state for state in get_args(State)}


@frozen(kw_only=True)
class Stretch:
    """
    A half-open interval of time, and what a store has of it.

    Attributes:
        since: First nanosecond within, since the epoch.
        until: First nanosecond after it.
        state: What the store has.
        checkpoint: Where reading it goes on; of a partial one only.
        begun: When reading it began, in nanoseconds since the epoch; of a partial one only.
    """

    since: int
    until: int
    state: State
    checkpoint: str | None = field(default=None, repr=False)
    begun: int = 0

    def outside(self, since: int, until: int) -> Iterator[Stretch]:
        """What is left of it without an interval; a part of a partial one is a gap, as its checkpoint is about the whole."""
        if until <= self.since or self.until <= since:
            yield self
            return
        left = Stretch(since=self.since, until=self.until, state="gap") if self.state == "partial" else self
        if self.since < since:
            yield evolve(left, until=since)
        if until < self.until:
            yield evolve(left, since=until)


_since: Final = attrgetter("since")
_until: Final = attrgetter("until")


@frozen(repr=False)
class Coverage:
    """
    What a store has of one question.

    Attributes:
        stretches: Disjoint, in order of time, none of them empty.
    """

    stretches: tuple[Stretch, ...] = ()

    def __repr__(self) -> str:
        return f"<Coverage {len(self.stretches)} stretches>"

    @property
    def begin(self) -> int | None:
        """Where the first stretch begins; ``None`` where there is none."""
        return self.stretches[0].since if self.stretches else None

    @property
    def complete_until(self) -> int | None:
        """Where the last stretch ends that was read to its end; ``None`` where there is none."""
        return max((one.until for one in self.stretches if one.state in ("complete", "provisional")), default=None)

    @property
    def partial(self) -> tuple[Stretch, ...]:
        """The stretches whose reading was interrupted."""
        return tuple(one for one in self.stretches if one.state == "partial")

    def doubted(self, now: int) -> tuple[Stretch, ...]:
        """
        The stretches that are said to be read beyond now, or since a later moment, as what is to be read again.

        Who read them had a clock that was ahead, and how far is not known: what the service wrote since does not count as
        read, and a walk that was interrupted does not go on, since it would not meet that.

        Args:
            now: Nanoseconds since the epoch.
        """
        return tuple(
            Stretch(since=one.since, until=one.until, state="provisional" if one.state == "complete" else "gap")
            for one in self.stretches
            if (one.state in ("complete", "lost", "expired") and one.until > now) or one.begun > now
        )

    def trusted(self, now: int) -> Coverage:
        """The coverage in which what is doubted is not believed."""
        coverage = self
        for stretch in self.doubted(now):
            coverage = coverage.having(stretch)
        return coverage

    def having(self, new: Stretch) -> Coverage:
        """The coverage once a stretch is as it is said to be, whatever it was."""
        if new.since >= new.until:
            return self
        # There can be thousands, of records that may still change: only those that it touches are looked at, and their
        # neighbours, as what is left of an interrupted one is a gap like others.
        first = max(0, bisect_left(self.stretches, new.since, key=_until) - 1)
        last = bisect_right(self.stretches, new.until, lo=first, key=_since) + 1
        pieces = [piece for one in self.stretches[first:last] for piece in one.outside(new.since, new.until)]
        joined: list[Stretch] = []
        for one in sorted([*pieces, new], key=_since):
            before = joined[-1] if joined else None
            if before is not None and before.until == one.since and before.state == one.state != "partial":
                joined[-1] = evolve(before, until=one.until)
            else:
                joined.append(one)
        return Coverage((*self.stretches[:first], *joined, *self.stretches[last:]))

    def without(self, since: int, until: int) -> Coverage:
        """The coverage once an interval is forgotten: what was had of it is a gap, to be read again."""
        coverage = self
        for one in self.stretches:
            coverage = coverage.having(Stretch(since=max(since, one.since), until=min(until, one.until), state="gap"))
        return coverage

    def to_json(self) -> str:
        """The coverage as JSON text, for a store to keep; its times stay exact."""
        return dumps([_told(one) for one in self.stretches]).decode()

    @staticmethod
    def from_json(text: str | bytes) -> Coverage:
        """
        The coverage of which `to_json` made a text.

        Raises:
            ValueError: It made none such.
        """
        told = orjson.loads(text)
        if not is_array(told):
            raise ValueError("no list of stretches")
        return Coverage(tuple(_stretch(one) for one in told))

    def gaps(self, since: int, until: int) -> list[tuple[int, int]]:
        """What of an interval has to be read, provisional stretches included, interrupted ones left out; in order."""
        return self._without(since, until, ("complete", "lost", "expired", "partial"))

    def unsettled(self, since: int, until: int) -> list[tuple[int, int]]:
        """What of an interval is neither complete nor given up; in order."""
        return self._without(since, until, ("complete", "lost", "expired"))

    def missing(self, since: int, until: int) -> list[tuple[int, int]]:
        """What of an interval the store has not read to its end, ever; in order."""
        return self._without(since, until, ("complete", "lost", "expired", "provisional"))

    def unknown(self, since: int, until: int) -> list[tuple[int, int]]:
        """What of an interval nothing has been said about; in order."""
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


def _told(stretch: Stretch) -> dict[str, Any]:
    told: dict[str, Any] = {"since": stretch.since, "until": stretch.until, "state": stretch.state}
    if stretch.state == "partial":
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
