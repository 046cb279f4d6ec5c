"""
Pages of a session that are requested before the walk is there, so that it need not wait for one after the other.

Where a page ends is only known once it is there, but the service filters by time, and pages that have come show how much time
one covers.  So beside the page that the walk wants next, others are requested that begin later, each a little earlier than the
one before it probably ends.  Without the rows in front of the walk's position such a page is one that the walk could have got.

The walk stays the only judge of what is new, and of the end.  A page that leads nowhere is dropped, and the walk requests its
own.  Positions say nothing of this.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import Any, Final

from attrs import define

from logferry._errors import LogferryError
from logferry._flow.steps import Now, Peek, Receive, SubFlow
from logferry._http.in_flight import SLOW, Ticket
from logferry._http.messages import Response, Send
from logferry._time.timestamps import MILLISECOND
from logferry.services.daily._sessions.position import Position
from logferry.services.daily._sessions.query import Page, Query

_FILLED: Final = 0.9
"""So much of the time that a page covers lies between the beginnings of two."""

_LEAST_FILLED: Final = 0.85
_MOST_FILLED: Final = 0.96
"""As long as so much of it does, at least and at most, they stay as far apart as they are."""

_AGAIN: Final = 16
"""So many rows more than a page has are asked for: those right before its end come again on the next one."""

_IN_VAIN: Final = 0.5
"""So many requests may be in vain for each page that has come, and as many as may be under way besides."""

_OK: Final = 200


@define(eq=False)
class _Asked:
    """
    A page that has been asked for.

    Attributes:
        start: The first millisecond that was asked for.
        limit: How many rows were.
        ticket: The request.
        under_way: Whether there is neither an answer nor a failure, as far as anybody has looked.
        has_come: Whether there is an answer, which has not been taken yet.
        page: The page, once it has been taken.
        following: The first millisecond that the walk asks for behind it, once that is known.
        is_last: Whether the answer had less rows than pages have: there is nothing behind it, probably.
    """

    start: int
    limit: int
    ticket: Ticket[Any]
    under_way: bool = True
    has_come: bool = False
    page: Page | None = None
    following: int | None = None
    is_last: bool = False


class Ahead:
    """
    Requests pages ahead of a walk.

    Args:
        query: Which rows.
        concurrency: How many requests may be in flight, the walk's own among them; 2 or more.
        max_items: How many rows are wanted, or ``None`` for all.
    """

    def __init__(self, query: Query, concurrency: int, max_items: int | None) -> None:
        self._query = query
        self._concurrency = concurrency
        self._left = max_items
        self._ahead: list[_Asked] = []
        self._dropped: list[_Asked] = []
        self._pages = self._own = self._waited = 0
        self._spare = float(concurrency)
        self._largest = 0
        self._rows = self._stride = 0
        self._covered = 0.0
        self._is_last = False
        self._keeps_bounds = False
        self._empty_from: int | None = None

    def delivered(self, items: int) -> None:
        """Note that this many items more have been delivered."""
        if self._left is not None:
            self._left -= items

    def page(self, position: Position) -> SubFlow[Page]:
        """
        The walk's page at a position: one that was requested ahead, or else the walk's own.

        Raises:
            LogferryError: The walk's own request has failed.
        """
        page = None
        start = self._query.start(position) or 0
        self._keeps_bounds = self._keeps_bounds and not position.passed
        if self._keeps_bounds:
            if self._empty_from is not None and self._empty_from <= start:
                self._empty_from = None  # it was not, after all
            yield from self._look()
            asked = self._found(start)
            if asked is not None:
                yield from self._send(asked)
                yield from self._take([asked])
                yield from self._take([one for one in self._ahead if one.has_come])
                page = self._served(position, start, asked)
        if page is None:
            page = yield from self._asked(position)
            rows = page.rows
            self._keeps_bounds = position.tick is not None and not position.look(rows).passed and len(rows) > 0
        self._pages += 1
        return page

    def _found(self, start: int) -> _Asked | None:
        """What was asked ahead, if the walk is there now; what it has passed is dropped."""
        ahead = self._ahead
        while ahead and (self._reaches(ahead[0]) <= start or (len(ahead) > 1 and ahead[1].start <= start)):
            self._drop(ahead[0])
        return ahead.pop(0) if ahead and ahead[0].start <= start else None

    def _served(self, position: Position, start: int, asked: _Asked) -> Page | None:
        """What has come, as the walk would have got it, if it had requested it."""
        page, latest = asked.page, position.latest or 0
        if page is None or not page.rows.times.in_order():
            self._spare -= 1
            return None
        page = page.since(start)
        new = len(page.rows) - page.rows.times.earlier((latest + 1) * MILLISECOND)
        if not new:
            self._spare -= 1
            return None
        share = min(1.0, new / max(1, self._rows))
        self._earn(_IN_VAIN * share - (1 - share))
        self._is_last = asked.is_last
        return page

    def _asked(self, position: Position) -> SubFlow[Page]:
        """What the walk itself asks for; others are asked for while it waits."""
        start, limit = self._query.start(position), self._query.limit(position)
        yield from self._make_room()
        begun: int = yield Now()
        ticket: Ticket[Any] = yield Send(self._query.request(start, limit))
        asked = _Asked(start or 0, limit, ticket)
        if self._keeps_bounds:
            yield from self._send(asked)
            yield from self._take([one for one in self._ahead if one.has_come])
        response: Response[Any] = yield Receive(ticket)
        ended: int = yield Now()
        self._waited += ended - begun
        self._own += 1
        asked.page = self._query.page(response, limit)
        self._learn(asked, asked.page)
        self._is_last = asked.is_last
        self._earn(_IN_VAIN)
        return asked.page

    def _make_room(self) -> SubFlow[None]:
        """Wait for one that was asked ahead, where a request of the walk's own would be one too many."""
        under_way = [asked for asked in (*self._ahead, *self._dropped) if asked.under_way]
        if len(under_way) >= self._concurrency:
            yield from self._take(under_way[:1])

    def _earn(self, pages: float) -> None:
        self._spare = min(self._spare + pages, 2.0 * self._concurrency)

    # What has come.

    def _look(self) -> SubFlow[None]:
        """See what has come."""
        for asked in (*self._ahead, *self._dropped):
            if asked.under_way:
                outcome: object = yield Peek(asked.ticket)
                asked.under_way = outcome is None
                asked.has_come = isinstance(outcome, Response) and outcome.status == _OK
        self._dropped = [asked for asked in self._dropped if asked.under_way]

    def _take(self, asked: list[_Asked]) -> SubFlow[None]:
        """
        Take answers, which is waited for; there is none where that fails, since then the walk asks itself.

        They show where the next ones begin.
        """
        for one in asked:
            if one.page is None:
                one.under_way = one.has_come = False
                try:
                    response: Response[Any] = yield Receive(one.ticket)
                    one.page = self._query.page(response, one.limit)
                except LogferryError:
                    if one in self._ahead:
                        self._drop(one)
                else:
                    self._learn(one, one.page)

    def _drop(self, asked: _Asked) -> None:
        """Nobody waits for it any more."""
        self._ahead.remove(asked)
        self._dropped.append(asked)
        self._spare -= 1

    def _learn(self, asked: _Asked, page: Page) -> None:
        """Find out from an answer how far pages reach."""
        rows = page.rows
        # Short answers are all the same where the service has a limit of its own, and the last one is shorter.
        asked.is_last = not page.is_full and len(rows) != self._largest
        if not page.is_full:
            self._largest = max(self._largest, len(rows))
        if not len(rows):
            self._empty_from = asked.start if self._empty_from is None else min(self._empty_from, asked.start)
        border = Position().look(rows).border(len(rows)) if rows.times.in_order() else None
        first = rows.tick(0) if border is not None else None
        if border is None or first is None:
            return
        asked.following = border - 1
        covered = asked.following - first
        if covered > 0 and not asked.is_last:
            self._rows = self._query.page_size if page.is_full else rows.times.earlier(asked.following * MILLISECOND)
            # Rows that come by chance are now denser, now less so; two pages in a row say more than one.
            self._covered = (self._covered + covered) / 2 if self._covered else covered
            if not self._is_apart(self._covered):
                self._stride = round(_FILLED * self._covered)

    def _is_apart(self, covered: float) -> bool:
        """Whether pages that cover so many milliseconds are as far apart as they shall be."""
        return _LEAST_FILLED * covered <= self._stride <= _MOST_FILLED * covered

    # What is asked for.

    def _send(self, current: _Asked) -> SubFlow[None]:
        """Ask ahead, as far as there is room beside the walk's page."""
        if self._waited < SLOW * self._own:
            return
        limit = self._query.page_size + _AGAIN
        while self._room(current) > 0:
            start = self._next(current)
            if start is None:
                return
            try:
                ticket: Ticket[Any] = yield Send(self._query.request(start, limit))
            except LogferryError:
                return  # the walk will meet it itself
            self._ahead.append(_Asked(start, limit, ticket))
            self._ahead.sort(key=lambda asked: asked.start)

    def _room(self, current: _Asked) -> int:
        """How many requests more may be sent ahead, beside that for the walk's page unless that is there."""
        # None at first, then more and more: who takes a few pages only shall not cause many requests.
        allowed = min(self._concurrency, self._pages - 1)
        under_way = sum(asked.under_way for asked in (*self._ahead, *self._dropped))
        under_way += not current.has_come and current.page is None
        most = self._concurrency + self._concurrency // 2
        if self._left is not None and self._rows:
            most = min(most, ceil((self._left - self._rows) / (_FILLED * self._rows)))
        return min(allowed - under_way, most - len(self._ahead), int(self._spare) - len(self._ahead))

    def _next(self, current: _Asked) -> int | None:
        """The first millisecond of the page to be asked for next; ``None`` where there is none, as far as is known."""
        pages = [current, *self._ahead]
        for one, other in pairwise(pages):
            if one.following is not None and one.start < one.following < other.start and not one.is_last:
                return one.following  # otherwise the walk would have to wait for what is missing between them
        last = pages[-1]
        known = last.following is not None and not self._is_apart(last.following - last.start)
        # Where the last ones were about as far apart as they shall be, others follow at the same intervals.
        start = self._reaches(last) if known else last.start + self._stride
        if self._is_last or last.is_last or start <= last.start or start * MILLISECOND >= self._query.window.until:
            return None
        return None if self._empty_from is not None and start >= self._empty_from else start

    def _reaches(self, asked: _Asked) -> int:
        """The first millisecond that the walk asks for behind a page, known or guessed."""
        return asked.start + self._stride if asked.following is None else asked.following
