"""The remaining partitions of a window: cuts them, and removes those that are over or not needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from logferry._concurrency.density import Density, Direction, StreamOrder, direction_of
from logferry._concurrency.partition import Partition
from logferry._concurrency.position import PartitionPosition
from logferry._flow.steps import Batch
from logferry._http.in_flight import Ticket
from logferry._time.page_times import PageTimes
from logferry._time.window import Window


@define(kw_only=True)
class Partitions:
    """
    The remaining partitions of a window; the first one is being delivered.

    Attributes:
        sorts: Whether the service sorts by time, so that partitions are requested with open ends.
        whole: The window that remained when the reading began.
        direction: How the stream is read, once that is known.
        density: How dense its items lie, once a page has shown it.
        divides: Whether the window is cut.
        pauses: Whether the last partition that ended was empty, so that the length of the pause is unknown.
        abandoned: Requests in flight of partitions that have been left out.
    """

    sorts: bool
    resolution: int | None
    whole: Window
    parts: list[Partition]
    direction: Direction | None
    density: Density | None = None
    divides: bool
    pauses: bool = False
    abandoned: list[Ticket[Any]] = field(factory=list[Ticket[Any]])

    @classmethod
    def of(cls, place: PartitionPosition, *, order: StreamOrder, resolution: int | None, divides: bool) -> Partitions:
        """Those of a position."""
        parts = [Partition(place.window, further=lambda: place.position, span=place.span)]
        direction = direction_of(order)
        whole = place.window
        if place.rest is not None:
            parts.append(Partition(place.rest))
            direction = Direction(place.rest.until <= (place.window.since or 0))
            whole = direction.joined(place.window, place.rest)
        return cls(
            sorts=direction_of(order) is not None,
            resolution=resolution,
            whole=whole,
            parts=parts,
            direction=direction,
            divides=divides,
        )

    @property
    def rest(self) -> Window | None:
        """The window behind the first partition, if that partition has an end of its own."""
        behind = self.parts[1:]
        return self._joined(behind[0], behind[-1]) if behind and not self.sorts else None

    def asked(self, part: Partition) -> Window:
        """The window that the walk of a partition requests."""
        return self.direction.opened(part.window, self.whole) if self.sorts and self.direction else part.window

    def cut(self, part: Partition, page_size: int) -> bool:
        """Cut a partition a page behind the items found, if that is possible; the rest becomes another partition."""
        if self.density is None or part.ended or part.waits:
            return False
        begin = None if part.span is None else self.density.direction.furthest(part.span)
        pieces = self.density.cut(part.window, begin, page_size)
        if pieces is None:
            return False
        part.window, rest = pieces
        self.parts.insert(self.parts.index(part) + 1, Partition(rest))
        return True

    def is_over(self, part: Partition) -> bool:
        """Whether a partition is complete: its page reaches beyond the beginning of the next one."""
        return part.ended or (self.sorts and part is not self.parts[-1] and self._has_passed(part, part.window))

    def learn(self, part: Partition, sent: PageTimes) -> None:
        """Update the density from the times of a page, which can span a pause."""
        self.pauses = self.pauses and not len(sent)
        self.direction = self.direction or direction_of("as sent", sent)
        if self.resolution is None or self.direction is None:
            return
        known = self.density
        self.density = Density.of(sent, self.resolution, self.direction) if known is None else known.after(sent)
        while self.sorts:
            following = self.parts[self.parts.index(part) + 1 :][:1]
            if not following or following[0] is self.parts[-1] or following[0].batch is not None:
                return
            if not self._has_passed(part, following[0].window):
                return
            part.window = self._joined(part, following[0])
            self._abandon(following)

    def end(self, part: Partition) -> None:
        """Handle the end of a walk: if it reached the end of the window, remove those behind it, unless one has found items."""
        behind = self.parts[self.parts.index(part) + 1 :]
        if not self.sorts:
            self.pauses = self.pauses or part.span is None
        elif not any(other.found for other in behind):
            self._abandon(behind)

    def in_flight(self, *, behind: bool = False) -> int:
        """How many requests are in flight, those of partitions that were left out included; *behind*: without the first."""
        parts = self.parts[1:] if behind else self.parts
        return sum(part.ticket is not None for part in parts) + len(self.abandoned)

    def fits(self, part: Partition, batch: Batch) -> bool:
        """Whether a page allows others to be read at once: it lies within its window, or is sorted by time up to the next partition."""
        if batch.sent is None:
            return False
        if len(self.parts) == 1:
            return True
        if self.sorts:
            return self.direction is not None and batch.times is not None and self.direction.sorts(batch.times)
        # Walks ask for at most this much more than the window.
        margin, asked = 2 * (self.resolution or 0), part.asked or part.window
        return Window(None if asked.since is None else asked.since - margin, asked.until + margin).has_all(batch.sent)

    def read_alone(self, part: Partition, *, again: bool) -> None:
        """
        Read one page after the other from now on, since *part* has shown that the others cannot be relied on.

        *again*: nothing of it has been delivered, so that it can be read again.
        """
        self.divides = False
        behind = self.parts[self.parts.index(part) + 1 :]
        if not behind:
            return
        last = behind[-1]
        if self.sorts:
            part.window = self._joined(part, last)
        else:
            behind = [part, *behind] if again else behind
            self.parts.append(Partition(self._joined(behind[0], last)))
        self._abandon(behind)

    def own(self, part: Partition, batch: Batch) -> Batch:
        """Return the part of a page to deliver; items behind the end of its partition belong to the next one."""
        if (
            part is self.parts[-1]
            or not self.is_over(part)
            or part.ended
            or batch.times is None
            or self.direction is None
        ):
            return batch
        passed = self.direction.has_passed
        times = enumerate(batch.times.read())
        return batch.narrowed([index for index, time in times if time is None or not passed(time, part.window)])

    def _has_passed(self, part: Partition, window: Window) -> bool:
        if part.span is None or self.direction is None:
            return False
        return self.direction.has_passed(self.direction.furthest(part.span), window)

    def _joined(self, first: Partition, last: Partition) -> Window:
        assert self.direction is not None  # noqa: S101  # it has been cut
        return self.direction.joined(first.window, last.window)

    def _abandon(self, parts: Sequence[Partition]) -> None:
        """Remove partitions; their requests stay in flight until their responses arrive."""
        self.abandoned += [part.ticket for part in parts if part.ticket is not None]
        for part in parts:
            part.drop()
            self.parts.remove(part)
