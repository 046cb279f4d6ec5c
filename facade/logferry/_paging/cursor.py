"""
Walks through streams that page by cursor, in whatever order the service sends.

Cursors are the service's own and can go wrong in every way: come twice, lead nowhere, expire, be refused after a row has
been removed.  So a walk knows the items of the last pages.  They tell what a page repeats, and where a walk that has to
begin again from the start of its window was: what comes before them has been delivered, and is not delivered again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any, Final, TypeAlias

from attrs import asdict, define, evolve, field, frozen

from logferry._errors import BadRequestError, PagingError
from logferry._flow.steps import Batch, Flow, Position, SubFlow
from logferry._http.messages import Response
from logferry._http.responses import about_response
from logferry._json import digest, dumps, is_object
from logferry._paging.end import Doubts, Evidence, disagreement
from logferry._time.page_times import PageTimes, known_times
from logferry._time.window import Window

LONGEST_DROUGHT: Final = 100
"""So many empty pages in a row are an error."""

STUCK: Final = 3
"""So many pages in a row with items, but none that is new, are an error."""

REMEMBERED: Final = 200
"""So many of the last items are known."""

_LONGEST_KEY: Final = 64
"""An id of more characters, of which no service makes use, would make checkpoints long."""

_KEY_LENGTHS: Final = range(1, _LONGEST_KEY + 1)

_RESTARTS: Final = 3
"""So often in a row, without anything new in between, a walk begins again because its cursor is refused."""

_REFUSALS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.GONE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_HINT: Final = "Go on from the checkpoint later; what has been delivered is not delivered again"


@define
class _SeenCursors:
    """
    The cursors that a walk has met, as digests, so that long ones cost no memory.

    One walk has one of these; it is not part of a checkpoint, because a resumed walk may meet its first cursor again.
    """

    _seen: set[bytes] = field(factory=set[bytes])
    _pages: set[bytes] = field(factory=set[bytes])
    _drought: int = 0
    _idle: int = 0

    def has_page(self, keys: Sequence[str]) -> bool:
        """Whether a page with exactly these items has been met, however long ago; from now on it has."""
        if not keys:
            return False
        digest = hashlib.blake2b("\n".join(keys).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        met = digest in self._pages
        self._pages.add(digest)
        return met

    def advance(self, cursor: Any, *, items: int, new: int) -> None:
        """
        Note the cursor of the next page.

        Args:
            cursor: What the next page will be asked for by; a JSON value.
            items: How many items the page that named it had.
            new: How many of them had not been met.

        Raises:
            PagingError: The cursor has been met before, or there were too many pages without anything new in a row.
        """
        digest = hashlib.blake2b(dumps(cursor), digest_size=16).digest()
        if digest in self._seen:
            raise PagingError("the service names a page that has been read before", hint=_HINT)
        self._seen.add(digest)
        self._drought = 0 if items else self._drought + 1
        self._idle = self._idle + 1 if items and not new else 0
        if self._drought >= LONGEST_DROUGHT:
            raise PagingError(f"the service has sent {LONGEST_DROUGHT} empty pages in a row", hint=_HINT)
        if self._idle >= STUCK:
            raise PagingError(f"the service has sent {STUCK} pages in a row with nothing new", hint=_HINT)


def _is_lost(error: BadRequestError | PagingError) -> bool:
    """Whether an answer to a request with a cursor can mean that the service does not know the cursor any more."""
    return error.status in _REFUSALS


@define
class _Restarts:
    """Counts how often a walk has begun again since it last got something new."""

    _count: int = field(default=0, init=False)

    def next(self, error: BadRequestError | PagingError) -> None:
        """
        Begin again.

        Raises:
            PagingError: Not once more.
        """
        self._count += 1
        if self._count > _RESTARTS:
            lost = PagingError(f"the service refuses the cursors that it gives: {error.message}", hint=_HINT)
            raise lost.about(
                method=error.method,
                url=error.url,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
                attempts=error.attempts,
            ) from error

    def got(self, new: int) -> None:
        """Note how many new items a page had."""
        if new:
            self._count = 0


def keys_of(items: list[Any], name: str) -> list[str]:
    """
    What tells each item of a page from others: its id, or a digest where it has none, or one that is too long to be kept.

    Args:
        items: JSON items.
        name: The field that has their ids.
    """
    try:
        keys = [item[name] for item in items]
        if {*map(type, keys)} == {str} and not {*map(len, keys)}.difference(_KEY_LENGTHS):
            return keys  # as nearly always
    except (TypeError, KeyError):
        pass
    return [_key(item, name) for item in items]


def _key(item: Any, name: str) -> str:
    identity = item.get(name) if is_object(item) else None
    if not isinstance(identity, str) or not identity:
        return digest(item)
    return identity if len(identity) <= _LONGEST_KEY else digest(identity)


@frozen(kw_only=True)
class CursorPage:
    """
    One page as the service sent it.

    Attributes:
        response: The answer.
        items: Its items.
        keys: What tells each of them from others; short, since checkpoints hold some.
        times: Of each, in nanoseconds since the epoch; ``None`` where it cannot be read.
        cursor: What the next page is asked for by, a JSON value; ``None`` at the end.
        size: How many items were asked for.
        names_next: Whether the service says whether there is a next page; else the cursor is made of the items.
        is_past: Whether the walk ends here because the page lies before the window, though the list goes on.
        total: How many items the service counts for the question, or ``None`` where it does not say.
        remarks: What is odd about the page, though nothing is missing because of it.
        trouble: Why the next page cannot be asked for; raised once the page has been delivered.
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


Ask: TypeAlias = Callable[[Position | None], SubFlow[CursorPage]]
"""Asks for the page of a cursor; ``None`` for the first one."""


@frozen
class _Place:
    """
    Where a walk is.

    Attributes:
        cursor: That of the page to ask for, or ``None`` for the first page.
        recent: Keys of the last pages, which the next one may repeat.
        delivered: Keys of a page that was left in the middle, as far as it was delivered.  The first page has no cursor:
            asked for again after items have arrived, it can leave some to any page that follows.
        searching: Whether the walk has begun again, and has not come back yet to what it knows.
        met: How many items have been met.
        least: How many the service counts for the question at the least; ``None`` where it does not say.
        asked: The window of the question that is counted.
        back: How many have been met again on the way back, since the walk has begun again; ``None`` where it is not on it.
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
    def from_json(cls, position: Position) -> _Place:
        given: dict[str, Any] = {name: tuple(position[name]) for name in ("recent", "delivered")}
        asked = position.get("asked")
        return cls(**(position | given | {"asked": None if asked is None else tuple(asked)}))

    def within_window(self, window: Window) -> _Place:
        """The same place, without what was counted for another window."""
        asked = window.since, window.until
        return self if self.asked == asked else evolve(self, asked=asked, least=None)

    def counted(self, total: int | None) -> int | None:
        """How many items the service counts at the least, another count included: rows that go are not counted any more."""
        return min((count for count in (self.least, total) if count is not None), default=None)

    def again(self) -> _Place:
        """The same place, to be looked for from the start."""
        return evolve(self, cursor=None, searching=bool(self.recent or self.delivered), back=0)

    def fresh(self, page: CursorPage) -> Sequence[int] | None:
        """Indexes of the items that have not been met; ``None`` where the walk has not come back yet."""
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

    def within(self, keys: Sequence[str]) -> _Place:
        """The same page, of which *keys* have been delivered."""
        return evolve(self, delivered=(*self.delivered, *keys))

    def after(self, page: CursorPage, new: int) -> _Place:
        """The page after this one, which had so many new items."""
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


def cursor_at(position: Position | None) -> Position | None:
    """The cursor that a walk asks for at a position; ``None`` at its start."""
    return None if position is None else _Place.from_json(position).cursor


def restarted(position: Position) -> Position:
    """The same position of a walk, to be looked for from the start."""
    return _Place.from_json(position).again().to_json()


def cursor_walk(ask: Ask, window: Window, position: Position | None) -> Flow:
    """
    Yield the window's items in the service's order.

    Args:
        ask: Asks for a page.
        window: Which items; one whose time cannot be read is in every window.
        position: Where to resume; ``None`` for the start.
    """
    place = (_Place() if position is None else _Place.from_json(position)).within_window(window)
    seen, restarts, proven, doubts = _SeenCursors(), _Restarts(), place, Doubts(window.looks_twice)
    while not place.ended:
        try:
            page = yield from _looked_at(ask, place, doubts)
        except (BadRequestError, PagingError) as error:
            if place.cursor is None or not _is_lost(error):
                raise
            restarts.next(error)
            place, seen = place.again(), _SeenCursors()
            continue
        found = place.fresh(page)
        if seen.has_page(page.keys) and place.back is None:
            found = range(0)
        trouble = page.trouble or _guarded(seen, page, place, found)
        if trouble is not None and trouble.url is None:
            about_response(trouble, page.response)
        if found is None:
            place = _searched_on(place, page, trouble)
            continue
        fresh: Sequence[int] = found
        if not window.has_all(page.times):
            fresh = [index for index in found if (time := page.times[index]) is None or window.has(time)]
        # All of a page, as nearly always, in order: an index less for each item.
        keys = page.keys if len(fresh) == len(page.keys) else [page.keys[index] for index in fresh]
        following = _following(place, page, keys, new=len(found), trouble=trouble, proven=proven)
        proven = following if page.keys else proven
        batch = _batch(page, fresh, keys, place, following)
        if following.ended and not page.is_past and (issues := disagreement(following.met, following.least)):
            batch = evolve(batch, issues=issues)
        restarts.got(len(found))
        del page  # so that there are never two pages in memory
        yield batch
        del batch
        if trouble is not None:
            raise trouble
        place = following


def _looked_at(ask: Ask, place: _Place, doubts: Doubts) -> SubFlow[CursorPage]:
    """The page of a place, asked for once more where nothing agrees with what it has."""
    page = yield from ask(place.cursor)
    evidence = _evidence(page, place)
    if page.trouble is None and doubts.are_raised_by(evidence):
        again = yield from ask(place.cursor)
        if doubts.settle(evidence, other := _evidence(again, place)):
            page, evidence = again, other
    doubts.passed(evidence, names_next=page.names_next)
    return page


def _evidence(page: CursorPage, place: _Place) -> Evidence:
    goes_on = page.cursor is not None or page.is_past
    met = place.met if goes_on else place.after(page, len(place.fresh(page) or ())).met - len(page.keys)
    total = place.counted(page.total)
    if not goes_on and place.least is not None:
        total = place.least  # a count that falls together with the end agrees with nothing
    return Evidence(items=len(page.keys), size=page.size, goes_on=goes_on, met=met, total=total)


def _following(
    place: _Place, page: CursorPage, keys: Sequence[str], *, new: int, trouble: PagingError | None, proven: _Place
) -> _Place:
    """Where the walk is behind a page; in trouble it is the same page again, or the first of a row of empty ones."""
    if trouble is None:
        return place.after(page, new)
    return place.within(keys) if page.keys else proven


def _guarded(seen: _SeenCursors, page: CursorPage, place: _Place, found: Sequence[int] | None) -> PagingError | None:
    """Why the walk cannot go on behind a page, if it cannot."""
    if page.cursor is None:
        return None
    # On the way back everything has been met, but no more than there was.
    if place.back is not None and place.back > 2 * place.met + REMEMBERED:
        return PagingError("the service has lost the place, and sends what was read without an end", hint=_HINT)
    new = len(page.keys) if found is None or place.back is not None else len(found)
    try:
        seen.advance(page.cursor, items=len(page.keys), new=new)
    except PagingError as error:
        return error
    return None


def _searched_on(place: _Place, page: CursorPage, trouble: PagingError | None) -> _Place:
    if trouble is not None:
        raise trouble
    if page.cursor is None:
        lost = PagingError(
            "the service has lost the place, and nothing of what was read last is there any more",
            hint="Read the window again without the checkpoint",
        )
        raise about_response(lost, page.response)
    return evolve(place, cursor=page.cursor, back=(place.back or 0) + len(page.keys))


def _batch(page: CursorPage, fresh: Sequence[int], keys: Sequence[str], place: _Place, following: _Place) -> Batch:
    def position(delivered: int) -> Position:
        return following.to_json() if delivered == len(keys) else place.within(keys[:delivered]).to_json()

    times = page.times
    if len(fresh) == len(page.items):  # as nearly always
        return Batch(page.items, position, page.response, page.total, remarks=page.remarks, times=times, sent=times)
    items = [page.items[index] for index in fresh]
    own = known_times([times[index] for index in fresh])
    return Batch(items, position, page.response, page.total, remarks=page.remarks, times=own, sent=times)
