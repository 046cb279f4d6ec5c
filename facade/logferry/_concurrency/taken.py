"""What is delivered of a part's page: what no other part has delivered, and none behind is better at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import define, evolve, frozen

from logferry._concurrency.division import Extent
from logferry._concurrency.partition import Place
from logferry._flow.steps import Batch, Key, Marks, Position
from logferry._time.window import Window


@frozen
class Taken:
    """
    What is delivered of a part's batch.

    Attributes:
        batch: The batch.
        kept: The indexes of those of its items that are delivered.
        again: What parts behind list again of that: how many are delivered before it, and its key.
    """

    batch: Batch
    kept: Sequence[int]
    again: Sequence[tuple[int, Key]] = ()

    @classmethod
    def of(cls, batch: Batch, marks: Marks, own: Window, met: Mapping[str, int | None]) -> Taken:
        """
        Leave out what has been delivered, and what a part behind is better at.

        What does not belong to the part itself comes only where something follows that does.
        """
        if not met and marks.times.whole and own.has_all(marks.times):
            return cls(batch, range(len(marks.times)))
        times, identity = marks.times.read(), marks.identity
        last = max((index for index, time in enumerate(times) if time is not None and own.has(time)), default=-1)
        kept = [
            index
            for index, time in enumerate(times)
            if (time is None or index <= last) and not (met and identity(index) in met)
        ]
        again = [
            (order, (times[index], identity(index)))
            for order, index in enumerate(kept)
            if (time := times[index]) is None or not own.has(time)
        ]
        return cls(batch, kept, again)

    def whole(self, place: Place, before: Extent | None, most: int) -> Batch:
        """
        The batch of the whole window.

        Args:
            place: Where the reading is, but for the batch.
            before: The extent of its part without the batch.
            most: So many items whose time cannot be read are remembered.
        """
        # Nothing that a position holds may hold the page, since the last one is kept.
        position, kept, again, count = self.batch.position, self.kept, self.again, len(self.batch.items)

        def placed(delivered: int) -> Position:
            at = kept[delivered] if delivered < len(kept) else count
            return evolve(
                place,
                position=position(at),
                extent=place.extent if delivered else before,
                met=remembered(place.met, [key for order, key in again if order < delivered], most),
            ).to_json()

        if len(kept) == count:
            return evolve(self.batch, position=placed, total=place.total)
        numbers = self.batch.ordinals
        return evolve(
            self.batch,
            items=[self.batch.items[index] for index in kept],
            position=placed,
            total=place.total,
            times=None,  # those of other items
            ordinals=partial(_chosen, numbers, kept),
        )


@define
class Reached:
    """
    Where a reading is behind a batch.

    Attributes:
        walked: As the walk says that has found the batch.
        afresh: Where it is instead, once the walk has been abandoned and parts list again what it has found: who resumes
            there knows that answers to other questions are around.
    """

    walked: Callable[[], Position]
    afresh: Place | None = None

    def position(self, within: Callable[[int], Position], count: int, delivered: int) -> Position:
        """
        Where to resume.

        Args:
            within: Where to resume within the batch.
            count: How many items the batch has.
            delivered: How many of them have been delivered.
        """
        return within(delivered) if self.afresh is None or delivered < count else self.afresh.to_json()


def _chosen(numbers: Callable[[], Mapping[int, int]], kept: Sequence[int]) -> dict[int, int]:
    """Numbers by index, of those that are kept."""
    found = numbers()
    return {order: found[index] for order, index in enumerate(kept) if index in found} if found else {}


def remembered(met: Mapping[str, int | None], more: Sequence[Key], most: int) -> dict[str, int | None]:
    """What has been met and more, but for the earliest where too many have no time."""
    left = {**met, **{identity: time for time, identity in more}}
    timeless = [identity for identity, time in left.items() if time is None]
    for identity in timeless[:-most]:
        del left[identity]
    return left
