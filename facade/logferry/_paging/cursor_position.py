"""Where a walk by cursors is, and which of a page's items it has met."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from attrs import asdict, evolve, field, frozen

from logferry._errors import PagingError
from logferry._flow.steps import Position
from logferry._http.messages import Response
from logferry._time.page_times import PageTimes
from logferry._time.window import Window

REMEMBERED: Final = 200
"""This many of the last items are known."""


@frozen(kw_only=True)
class CursorPage:
    """
    One page as the service sent it.

    Attributes:
        response: The answer.
        items: Its items.
        keys: What distinguishes each of them from others; short, since checkpoints hold some.
        times: Of each, in nanoseconds since the epoch; ``None`` where it cannot be read.
        cursor: That of the next page, a JSON value; ``None`` at the end.  No offset, see ``cursor_walk``.
        size: How many items the request asked for.
        names_next: Whether the service says whether there is a next page; else the cursor is made of the items.
        is_past: Whether the walk ends here because the page lies before the window, though the list goes on.
        total: How many items the service counts for the query, or ``None`` where it does not say.
        remarks: What is odd about the page, though nothing is missing because of it.
        trouble: Why the next page cannot be requested; raised once the page has been delivered.
    """

    response: Response[Any]
    items: list[Any] = field(repr=False)
    keys: Sequence[str] = field(repr=False)
    times: PageTimes = field(repr=False)
    cursor: Position | None
    size: int
    names_next: bool = True
    is_past: bool = False
    total: int | None = None
    remarks: tuple[str, ...] = ()
    trouble: PagingError | None = None


@frozen
class CursorPosition:
    """
    Where a walk is.

    Attributes:
        cursor: That of the next page; ``None`` for the first one.
        recent: Keys of the last pages, which the next one may repeat.
        delivered: Keys of a page that was left in the middle, as far as it was delivered.  The first page has no cursor:
            requested again after items have arrived, it can leave some to any page that follows.
        searching: Whether the walk has restarted, and has not reached yet what it knows.
        met: How many items the walk has met.
        least: The lowest count of the service for the query; ``None`` where it does not count.
        asked: The window that the count is for.
        back: How many items the walk has met again since it restarted; ``None`` once it has met a new one.
        ended: Whether there is no further page.
    """

    cursor: Position | None = None
    recent: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    searching: bool = False
    met: int = 0
    least: int | None = None
    asked: tuple[int | None, int] | None = None
    back: int | None = None
    ended: bool = False

    def to_json(self) -> Position:
        return asdict(self)

    @classmethod
    def from_json(cls, position: Position) -> CursorPosition:
        given: dict[str, Any] = {name: tuple(position[name]) for name in ("recent", "delivered")}
        asked = position.get("asked")
        return cls(**(position | given | {"asked": None if asked is None else tuple(asked)}))

    def within_window(self, window: Window) -> CursorPosition:
        """The same position, without what was counted for another window."""
        asked = window.since, window.until
        return self if self.asked == asked else evolve(self, asked=asked, least=None)

    def counted(self, total: int | None) -> int | None:
        """The lowest count of the service, with another one: it does not count rows that are removed."""
        return min((count for count in (self.least, total) if count is not None), default=None)

    def again(self) -> CursorPosition:
        """The same position, to be found from the start."""
        return evolve(self, cursor=None, searching=bool(self.recent or self.delivered), back=0)

    def fresh(self, page: CursorPage) -> Sequence[int] | None:
        """Indexes of the items that are new; ``None`` where the walk has not reached what it knows."""
        count, keys = len(page.keys), {*page.keys}
        if (
            not self.searching
            and len(keys) == count
            and keys.isdisjoint(self.recent)
            and keys.isdisjoint(self.delivered)
        ):
            return range(count)  # as nearly always
        known = {*self.recent, *self.delivered}
        start = 0
        if self.searching:
            first = next((index for index, key in enumerate(page.keys) if key in known), None)
            if first is None:
                return None
            start = first
        found: list[int] = []
        for index in range(start, count):
            if page.keys[index] not in known:
                found.append(index)
                known.add(page.keys[index])
        return found

    def within(self, keys: Sequence[str]) -> CursorPosition:
        """The same page, of which *keys* have been delivered."""
        return evolve(self, delivered=(*self.delivered, *keys))

    def after(self, page: CursorPage, new: int) -> CursorPosition:
        """Where the walk is behind a page, of whose items this many were new."""
        keys, least = page.keys, self.counted(page.total)
        if new == len(keys) and not self.searching and not self.delivered and self.back is None:  # as nearly always
            recent = (*self.recent, *keys[-REMEMBERED:])[-REMEMBERED:]
            met = self.met + new
            return evolve(self, cursor=page.cursor, recent=recent, met=met, least=least, ended=page.cursor is None)
        back = None if new or self.back is None else self.back + len(keys)
        known = {*self.recent}
        if self.searching:
            # What comes before the first known item was met long ago: it must not push out what was met last.
            both = {*self.recent, *self.delivered}
            keys = keys[next((index for index, key in enumerate(keys) if key in both), len(keys)) :]
        latest = [*islice((key for key in reversed(keys) if key not in known), REMEMBERED)]
        recent = (*self.recent, *reversed(latest))[-REMEMBERED:]
        own = {*page.keys} if self.delivered else ()
        left = tuple(key for key in self.delivered if key not in own)
        return evolve(
            self,
            cursor=page.cursor,
            recent=recent,
            delivered=left,
            searching=False,
            met=self.met + new + len(self.delivered) - len(left),
            least=least,
            back=back,
            ended=page.cursor is None,
        )
