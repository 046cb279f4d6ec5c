"""The lists of the fake Daily that are paged by id, newest first: computed or scripted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import attrs

from logferry.testing._rows import Row, Script
from logferry.testing.daily._history import CYCLE, Placed, Rows, Times, numbers_between
from logferry.testing.daily._query import RowFilters, invalid

__all__ = ["ComputedList", "Contents", "CursorRules", "IdList", "ScriptedList", "Selection"]

_SECOND = 1_000_000_000


class Contents(Protocol):
    """The contents of a list's items."""

    def matching(self, filters: RowFilters) -> Callable[[int], bool]:
        """Return a predicate on contents for the given filters."""
        ...

    def item(self, number: int, content: int, time: int) -> dict[str, Any]:
        """Return an item with the id of a number, a content, and a time in nanoseconds since 1970-01-01 UTC."""
        ...

    def number(self, identity: str) -> int | None:
        """Return the number of the item with this id, or `None` if it is not an id."""
        ...


@attrs.frozen(kw_only=True)
class Selection:
    """
    The items of a list that a request selects.

    Attributes:
        since: First moment within, or `None`.
        until: First moment after the window, or `None`.
        now: The moment of the reading.
        filters: The filters.
        older_than: Only items listed after the item of this number.
        newer_than: Only items listed before it.
    """

    since: int | None = None
    until: int | None = None
    now: int
    filters: RowFilters
    older_than: int | None = None
    newer_than: int | None = None


class IdList(Protocol):
    """A list whose items have numbers."""

    contents: Contents

    def select(self, wanted: Selection) -> Sequence[dict[str, Any]]:
        """Return the selected items, newest first."""
        ...

    def has_had(self, number: int, now: int) -> bool:
        """Whether an item has arrived, even if it has vanished since."""
        ...

    def is_visible(self, number: int, now: int) -> bool:
        """Whether an item is listed at `now`."""
        ...

    def arrived(self, number: int) -> int:
        """Return when an item arrived, in nanoseconds since 1970-01-01 UTC."""
        ...


class ComputedList:
    """
    A list of computed items.

    Args:
        contents: Their contents.
        times: Their times of arrival.
    """

    def __init__(self, contents: Contents, times: Times) -> None:
        self.contents = contents
        self._times = times

    def select(self, wanted: Selection) -> Rows:
        """See `IdList.select`."""
        first, end = numbers_between(self._times, wanted.since, wanted.until, wanted.now)
        first = first if wanted.newer_than is None else max(first, wanted.newer_than + 1)
        end = end if wanted.older_than is None else min(end, wanted.older_than)
        matching = self.contents.matching(wanted.filters)
        places = [place for place in range(CYCLE) if matching(place)]
        return Rows(self._item, places, first, end if places else first, newest_first=True)

    def has_had(self, number: int, now: int) -> bool:
        """Whether an item has arrived."""
        return number < self._times.existing(now)

    def is_visible(self, number: int, now: int) -> bool:
        """Whether an item is listed at `now`; none vanishes."""
        return self.has_had(number, now)

    def arrived(self, number: int) -> int:
        """Return when an item arrived, in nanoseconds since 1970-01-01 UTC."""
        return self._times.time(number)

    def _item(self, number: int) -> dict[str, Any]:
        return self.contents.item(number, number % CYCLE, self._times.time(number))


class ScriptedList:
    """
    A list of scripted items.

    Args:
        contents: Their contents.
        rows: The script.
        resolution: Times are truncated to multiples of this, in nanoseconds.
        by_time: Whether the list is sorted by time, equal times in the order of arrival; else by arrival alone.
    """

    def __init__(self, contents: Contents, rows: Sequence[Row], *, resolution: int, by_time: bool = False) -> None:
        self.contents = contents
        self._script = Script(rows, resolution=resolution, by_time=by_time)

    def select(self, wanted: Selection) -> Placed:
        """See `IdList.select`."""
        script, matching = self._script, self.contents.matching(wanted.filters)
        older_than, newer_than = wanted.older_than, wanted.newer_than
        places = [
            place
            for place in reversed(script.visible(wanted.now, wanted.since, wanted.until))
            if matching(script.rows[place].content)
            and (older_than is None or script.rank(place) < script.rank(older_than))
            and (newer_than is None or script.rank(place) > script.rank(newer_than))
        ]
        return Placed(self._item, places)

    def has_had(self, number: int, now: int) -> bool:
        """Whether a row has arrived, even if it has vanished since."""
        return number < len(self._script.rows) and (self._script.rows[number].appears or 0) <= now

    def is_visible(self, number: int, now: int) -> bool:
        """Whether a row is listed at `now`."""
        return self._script.rows[number].is_visible(now)

    def arrived(self, number: int) -> int:
        """Return when a row arrived."""
        return self._script.arrived(number)

    def _item(self, place: int) -> dict[str, Any]:
        return self.contents.item(place, self._script.rows[place].content, self._script.time(place))


@attrs.frozen
class CursorRules:
    """
    The rules of the ids that are used as cursors.

    Attributes:
        lost: Whether the list continues after an item that has vanished, or its id is refused.
        status: The status of the error for a refused id.
        life: Seconds after an item's arrival from which its id is refused; `None` for never.
    """

    lost: Literal["continue", "refuse"]
    status: int
    life: float | None

    def number(self, listed: IdList, identity: str, now: int) -> int:
        """
        Return the number of a cursor's item.

        Raises:
            Refusal: There is no such item, or its id is refused.
        """
        number = listed.contents.number(identity)
        if number is None or not listed.has_had(number, now):
            raise invalid("made-up: no item has this id")
        lost = self.lost == "refuse" and not listed.is_visible(number, now)
        if lost or (self.life is not None and now - listed.arrived(number) > self.life * _SECOND):
            raise attrs.evolve(invalid("made-up: the item with this id has vanished"), status=self.status)
        return number

    def page(self, listed: IdList, values: Mapping[str, str], wanted: Selection, *, size: int) -> list[dict[str, Any]]:
        """
        Return the page that a request selects.

        Args:
            listed: The list.
            values: The request's parameters.
            wanted: The selected items of all pages.
            size: Maximum number of items.

        Raises:
            Refusal: The service responds with an error.
        """
        after, before = values.get("starting_after"), values.get("ending_before")
        if after is None and before is not None:
            rows = listed.select(attrs.evolve(wanted, newer_than=self.number(listed, before, wanted.now)))
            return [*rows[max(len(rows) - size, 0) :]]
        older_than = None if after is None else self.number(listed, after, wanted.now)
        return [*listed.select(attrs.evolve(wanted, older_than=older_than))[:size]]
