"""
How the rows of a session are walked through, its logs and its metrics alike: oldest first, from time to time.

Rows have no id, and several have the same time.  Each page is asked for from the time on at which the last one ended, so
that a few rows come again, with all that share their time; what comes or goes in front of them shifts nothing.  A page is
a view of one moment, and `Place` counts what has not been met in it.

Only where more rows have one time than a page of the service's holds, pages have to be counted.  Then the rows of that time
are read until two readings in a row agree; where they never do, the result says so.

Whether the bounds of time are themselves within is not documented: a millisecond more is asked for on both sides, and the
window is filtered here.  A service that ignores them is read from its beginning every time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from attrs import define, evolve, field, frozen

from logferry._errors import PagingError
from logferry._flow.steps import Batch, Flow, Position, Send, SubFlow, exchange
from logferry._paging.end import Doubts, Evidence
from logferry._paging.loop_guard import STUCK
from logferry._time.page_times import PageTimes
from logferry.services.daily._ahead import Ahead
from logferry.services.daily._rows import Row
from logferry.services.daily._session_place import Place, Seen
from logferry.services.daily._session_question import Answer, Question

_AGAIN: Final = 2
"""So often a page is asked for again that can be the answer to another question, before it is believed."""

_READINGS: Final = 6
"""So often rows are read that one page does not show; two readings in a row have to agree."""

_EQUAL: Final = 100
"""So many pages in a row of nothing but the same line mean that the service does not turn pages."""

_CHANGED: Final = "time: more rows of one time than fit the service's pages, and they changed while they were read; some may be missing"


@frozen
class _Turn:
    """
    What an answer adds to a walk.

    Attributes:
        place: Where the walk was.
        answer: The answer.
        seen: How it looks from there.
        within: Which of ``seen.unmet`` are within the window, by their indexes there.
        issues: What may be missing.
    """

    place: Place
    answer: Answer
    seen: Seen
    within: Sequence[int]
    issues: tuple[str, ...]

    def after(self, *, lean: bool = False) -> Place:
        """Where the walk is once everything has been delivered; for *lean*, see ``Place.beyond``."""
        return self.place.beyond(self.seen, whole=self.answer.whole, lean=lean)

    def position(self, delivered: int) -> Position:
        """Where to resume once the first *delivered* rows of the batch have been."""
        if delivered == len(self.within):
            return self.after().to_json()
        met = self.within[delivered] if delivered else 0
        return self.place.after(self.seen, self.seen.unmet[:met]).to_json()

    def batch(self) -> Batch:
        """The batch for the caller."""
        items, unmet = self.answer.rows.items, self.seen.unmet
        times: PageTimes | None = None
        if isinstance(unmet, range) and len(self.within) == len(unmet):  # as nearly always
            items, times = items[unmet.start :], self.answer.rows.times[unmet.start :]
        else:
            items = [items[unmet[index]] for index in self.within]
        return Batch(
            items,
            self.position,
            self.answer.reply,
            issues=self.issues,
            times=times,
            ordinals=self._ordinals,
        )

    def _ordinals(self) -> dict[int, int]:
        numbers = self.place.ordinals(self.seen)
        return {order: numbers[index] for order, index in enumerate(self.within) if index in numbers} if numbers else {}


@define
class _Ends:
    """
    What a walk knows of how its answers end.

    Attributes:
        looks_twice: See ``Window``.
        behind: What has been asked for behind the answer that the walk is at, and where that was.
    """

    looks_twice: bool
    behind: tuple[Place, Answer] | None = None
    _doubts: Doubts = field(factory=Doubts, init=False)
    _limits: set[int] = field(factory=set[int], init=False)

    def is_nothing(self, place: Place, answer: Answer) -> bool:
        """Whether nothing has come at all, and nothing else agrees."""
        return self.looks_twice and not place.met and not answer.sent

    def is_short(self, answer: Answer) -> bool:
        """Whether there are less rows than were asked for, and less than the service's own limit."""
        return not answer.whole and answer.sent not in self._limits and self._doubts.are_raised_by(_evidence(answer))

    def settle(self, answer: Answer, again: Answer) -> bool:
        """Whether a second answer has more than a short one; else that has met a limit of the service."""
        better = self._doubts.settle(_evidence(answer), _evidence(again))
        if not better:
            self._limits.add(answer.sent)
        return better


def _evidence(answer: Answer) -> Evidence:
    """That of an answer with more behind it."""
    return Evidence(items=answer.sent, size=answer.sent + (not answer.whole), goes_on=True)


@frozen
class Walk:
    """
    A walk through the rows of a session.

    Attributes:
        question: Which rows.
        concurrency: How many requests may be under way.
        max_items: How many rows are wanted, or ``None`` for all; the walk itself does not end there.
    """

    question: Question
    concurrency: int = 1
    max_items: int | None = None

    def flow(self, position: Position | None) -> Flow:
        """
        Yield the window's rows, oldest first.

        Args:
            position: Where to resume; ``None`` for the start.
        """
        place = Place() if position is None else Place.from_json(position)
        furthest, idle = (-1, 0), 0
        first: _Turn | None = None
        ahead = Ahead(self.question, self.concurrency, self.max_items) if self.concurrency > 1 else None
        ends = _Ends(self.question.window.looks_twice)
        while not place.ended:
            if ends.behind is None:
                place, answer = yield from self._page(place, first, ahead)
                answer = yield from self._looked_at(place, answer, ends, ahead)
            else:
                (place, answer), ends.behind = ends.behind, None
            seen, ended = place.look(answer.rows), False
            issues: tuple[str, ...] = ()
            reached = seen.latest(), len(answer.rows)
            # Rows that are others whenever they are looked at are new for ever, but lead nowhere.
            furthest, idle = (reached, 0) if reached > furthest else (furthest, idle + 1)
            if not seen.unmet or idle >= STUCK:
                ended = yield from self._has_ended(place, answer, ahead)
                if not ended:
                    answer, issues, ended = yield from self._agreed(place)
                    seen = place.look(answer.rows)
            turn = self._turn(place, answer, seen, issues)
            yield turn.batch()
            if ahead is not None:
                ahead.delivered(len(turn.within))
            # A digest of each row of a page is only needed where the service turns out to ignore times.
            first = turn if place.bounded is None else None
            place = evolve(turn.after(lean=first is not None), ended=ended)

    def _turn(self, place: Place, answer: Answer, seen: Seen, issues: tuple[str, ...]) -> _Turn:
        within: Sequence[int] = range(len(seen.unmet))
        if not self.question.window.has_all(seen.rows.times):
            times = [seen.rows.times[index] for index in seen.unmet]
            within = [index for index, time in enumerate(times) if time is None or self.question.window.has(time)]
        return _Turn(place, answer, seen, within, issues)

    def _page(
        self, place: Place, first: _Turn | None = None, ahead: Ahead | None = None
    ) -> SubFlow[tuple[Place, Answer]]:
        """
        The rows from a place on, as many as come; and the place, now that it shows whether the service keeps to it.

        Args:
            place: The place.
            first: What made the place, where it is lean though nothing had shown.
            ahead: What is asked ahead, where anything may be.
        """
        answer = yield from (self._ask(place) if ahead is None else ahead.page(place))
        if first is not None and not place.goes_on(answer.rows):
            place = first.after()
        for _ in range(_AGAIN):
            doubtful = ahead is not None and ahead.doubts(place, answer)
            if place.joins(answer.rows) and not place.precedes(answer.rows) and not doubtful:
                break
            answer = yield from self._ask(place)
        if not place.precedes(answer.rows):
            kept = place.first is not None and len(answer.rows) > 0
            return evolve(place, bounded=True) if kept else place, answer
        if place.bounded is None:
            place = evolve(place, bounded=False)
            answer = yield from self._ask(place)
        return place, answer

    def _looked_at(self, place: Place, answer: Answer, ends: _Ends, ahead: Ahead | None) -> SubFlow[Answer]:
        """
        The answer, or a better one: nothing at all is asked for once more, and so is what is short though more is behind it.

        What has been found behind it is kept, since that is what the walk asks next.
        """
        if ends.is_nothing(place, answer):
            return (yield from self._ask(place))
        seen = place.look(answer.rows)
        if not (seen.unmet and ends.is_short(answer)):
            return answer
        following, behind = yield from self._page(self._turn(place, answer, seen, ()).after(), None, ahead)
        if following.look(behind.rows).unmet:
            again = yield from self._ask(place)
            if ends.settle(answer, again):
                return again
        ends.behind = following, behind
        return answer

    def _has_ended(self, place: Place, answer: Answer, ahead: Ahead | None) -> SubFlow[bool]:
        """
        Whether there is nothing behind an answer without anything new: a short one may have met a limit.

        It may also be the answer to an earlier question, so only its rows from the place on count.
        """
        if not (place.met or len(answer.rows)):
            return True
        # What was asked ahead can have been empty, and a cache can take this for it.
        for _ in range(1 if ahead is None or not ahead.has_asked else 1 + _AGAIN):
            behind = yield from self._ask(place, len(answer.rows) - place.before(answer.rows))
            if len(behind.rows):
                return False
        return True

    def _agreed(self, place: Place) -> SubFlow[tuple[Answer, tuple[str, ...], bool]]:
        """
        The rows up to the latest time met, which no page shows whole, and some behind.

        Returns:
            The rows, what may be missing, and whether there is nothing behind them.
        """
        answer, ended = yield from self._reading(place)
        for _ in range(_READINGS - 1):
            before = self._uncertain(place, answer)
            answer, ended = yield from self._reading(place)
            if self._uncertain(place, answer) == before:
                return answer, (), ended
        return answer, (_CHANGED,), ended

    def _uncertain(self, place: Place, answer: Answer) -> Counter[Row]:
        """The rows that more than one page was needed for: those behind them were all on the last one."""
        latest, ticks = place.latest, place.look(answer.rows).ticks()
        return Counter(
            row
            for row, tick in zip(answer.rows.pairs(), ticks, strict=True)
            if tick is None or latest is None or tick <= latest
        )

    def _reading(self, place: Place) -> SubFlow[tuple[Answer, bool]]:
        """
        All rows of a place, page after page, up to the first page that goes beyond the latest time met.

        Returns:
            The rows, and whether there is nothing behind them.

        Raises:
            PagingError: The service does not turn pages.
        """
        latest = place.latest
        _, page = yield from self._page(place)
        whole = page
        equal = 0
        while len(page.rows) and not any(
            tick is not None and (latest is None or tick > latest) for tick in place.look(page.rows).ticks()
        ):
            rows = page.rows.pairs()
            following = yield from self._ask(place, len(whole.rows))
            for _ in range(_AGAIN if len({*rows}) > 1 else 0):
                if following.rows.pairs() != rows:
                    break
                following = yield from self._ask(place, len(whole.rows))
            equal = equal + 1 if following.rows.pairs() == rows else 0
            if equal == (STUCK if len({*rows}) > 1 else _EQUAL):
                raise PagingError("the service does not turn pages", hint="Go on from the checkpoint later")
            whole, page = whole.joined(following), following
        return whole, not len(page.rows)

    def _ask(self, place: Place, offset: int = 0) -> SubFlow[Answer]:
        """The rows from a place on, all that have been met and a page of others at most, but for the first few."""
        limit = self.question.limit(place)
        reply = yield from exchange(Send(self.question.request(self.question.start(place), limit, offset)))
        return self.question.answer(reply, limit)
