"""
The two streams of a call, its logs and its metrics: two arrays of one endpoint that page alike, by offset.

Rows have no id, and several have the same time.  Hence: oldest first, so that new rows come behind those that have been
read; the window is pinned, sent a millisecond wider (whether its bounds are within is not documented) and filtered
here; every page begins with a few rows that have been met before, and they have to be there again.  Where they are not,
rows have come or gone in front of them, and the walk looks for them nearby.  All of it counts rows, as a multiset: two
equal lines are two records, and a row that is read twice is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from attrs import evolve, frozen

from logferry._answers import decoded, wrong_shape
from logferry._definition import StreamDefinition, filter_field
from logferry._errors import PagingError
from logferry._identity import digest
from logferry._json import is_array, is_object
from logferry._steps import Batch, Flow, Position, Reply, SubFlow, fetch
from logferry._times import MILLISECOND, text_to_nano
from logferry._window import Window
from logferry.services.daily._account import REQUEST_ID_HEADER, refusal
from logferry.services.daily._filters import one_of
from logferry.services.daily._meetings import SESSIONS
from logferry.services.daily._records import (
    SESSION_LOG_NORMALIZER,
    SESSION_METRIC_NORMALIZER,
    metric_to_nano,
)
from logferry.services.daily._rows import Place, Row
from logferry_clients.daily.api.logs import list_logs
from logferry_clients.daily.models.list_logs_log_level import LIST_LOGS_LOG_LEVEL_VALUES, ListLogsLogLevel
from logferry_clients.daily.models.session_log import SessionLog, SessionLogJson, fits_session_log, repair_session_log
from logferry_clients.daily.models.session_log_page import SessionLogPageKey
from logferry_clients.daily.types import ANYTHING, ObjectOf, repair

_PAGE: Final = 500
"""A maximum is not documented; so many are asked for in published code."""

_OVERSHOOT: Final = 16
"""So many rows more are asked for at least where a page has only what was met, though there is more."""

_SEARCHED: Final = 8
"""So many half pages before, and as many behind, are searched for rows that have moved."""

_STUCK: Final = 3
"""So many pages in a row with nothing new mean that the service does not turn pages."""

_SAME: Final = 100
"""So many equal pages in a row mean the same, where a page is too small to begin with a row that has been met."""

_level: Final = one_of(LIST_LOGS_LOG_LEVEL_VALUES)


@frozen(kw_only=True)
class SessionLogFilters:
    """Filters of the logs of a call; at least one of the ids is needed."""

    mtg_session_id: str | None = filter_field("mtgSessionId", "only logs of this meeting session")
    user_session_id: str | None = filter_field("userSessionId", "only logs of this participant's session")
    log_level: ListLogsLogLevel | None = filter_field(  # noqa: RUF009  # it makes an attrs field
        "logLevel", "only logs of this level: ERROR, INFO or DEBUG", parse=_level
    )


@frozen(kw_only=True)
class SessionMetricFilters:
    """Filters of the metrics of a call; at least one of the ids is needed."""

    mtg_session_id: str | None = filter_field("mtgSessionId", "only samples of this meeting session")
    user_session_id: str | None = filter_field("userSessionId", "only samples of this participant's session")


@frozen
class _Answer:
    """
    One page as the service sent it.

    Attributes:
        reply: The answer.
        items: Its items.
        rows: The same as rows.
        offset: How many rows the service has before them.
        asked: How many were asked for.
    """

    reply: Reply[Any]
    items: list[Any]
    rows: list[Row]
    offset: int
    asked: int

    def unmet(self, tail: Sequence[Row]) -> tuple[list[int], int]:
        """Indexes of the rows that come behind the tail; and how many rows of the tail are not in the page."""
        left, found = Counter(tail), 0
        indexes: list[int] = []
        for index, row in enumerate(self.rows):
            if left[row]:
                left[row] -= 1
                found += 1
            elif found or not tail:  # before the tail there are rows of earlier pages only
                indexes.append(index)
        return indexes, len(tail) - found

    def joins(self, place: Place) -> bool:
        """
        Whether the page surely begins before the last time of the tail, so that all rows from there on are in it.

        Rows of the tail that are not there all the same have gone.
        """
        tail = place.tail
        if self.offset == 0 and place.offset <= len(tail):
            return True
        return any(row in tail and row[0] != tail[-1][0] for row in self.rows)


@frozen
class _Turn:
    """
    What a page adds to a walk.

    Attributes:
        place: Where the walk was.
        answer: The page.
        unmet: Indexes of the rows that have not been met.
        within: Indexes, in *unmet*, of those that are within the window.
        missing: How many rows of the tail are not in the page.
        issues: What may be missing.
    """

    place: Place
    answer: _Answer
    unmet: list[int]
    within: list[int]
    missing: int = 0
    issues: tuple[str, ...] = ()

    def after(self, met: int | None = None) -> Place:
        """Where the walk is once the first *met* of the unmet rows have been, or all of them."""
        rows, offset = self.answer.rows, self.answer.offset
        stop = len(rows) if met is None or met == len(self.unmet) else self.unmet[met]
        return self.place.after(
            [rows[index] for index in self.unmet[:met]],
            rows[:stop],
            offset=offset + stop,
            whole=len(rows) >= self.answer.asked,
        )

    def position(self, delivered: int) -> Position:
        """Where to resume once the first *delivered* rows of the batch have been."""
        if delivered == len(self.within):
            return self.after().to_json()
        return (self.after(self.within[delivered]) if delivered else self.place).to_json()

    def batch(self) -> Batch:
        """The batch for the caller."""
        items, rows = self.answer.items, [self.answer.rows[index] for index in self.unmet]
        numbers, _ = self.place.met.numbered(rows)
        return Batch(
            [items[self.unmet[index]] for index in self.within],
            self.position,
            self.answer.reply,
            issues=self.issues,
            ordinals={order: numbers[index] for order, index in enumerate(self.within) if numbers[index]},
        )


def _log_row(item: Any) -> Row:
    return text_to_nano(item.get("time")) if is_object(item) else None, digest(item)


def _metric_row(item: Any) -> Row:
    return metric_to_nano(item) if is_object(item) else None, digest(item)


@frozen
class _Question:
    """
    What is asked, page after page.

    Attributes:
        metrics: Metrics, not logs.
        filters: The caller's filters.
        window: Which rows.
        page_size: How many at once.
    """

    metrics: bool
    filters: SessionLogFilters
    window: Window
    page_size: int

    def ask(self, offset: int, limit: int) -> SubFlow[_Answer]:
        """So many rows at most, from this one on, counted from 0."""
        since, until = self.window.since, self.window.until
        reply = yield from fetch(
            list_logs.request,
            include_logs=not self.metrics,
            include_metrics=self.metrics,
            mtg_session_id=self.filters.mtg_session_id,
            user_session_id=self.filters.user_session_id,
            log_level=self.filters.log_level,
            order="ASC",
            start_time=None if since is None else max(0, since // MILLISECOND - 1),
            end_time=-(-until // MILLISECOND) + 1,
            limit=limit,
            offset=offset,
        )
        body = decoded(reply, refusal, request_id_header=REQUEST_ID_HEADER)
        array: SessionLogPageKey = "metrics" if self.metrics else "logs"
        items = body.get(array) if is_object(body) else None
        if not is_array(items):
            raise wrong_shape(reply, f"an object with an array of {array}", request_id_header=REQUEST_ID_HEADER)
        row = _metric_row if self.metrics else _log_row
        return _Answer(reply, items, [row(item) for item in items], offset, limit)

    def next_page(self, place: Place) -> SubFlow[_Turn]:
        """
        The page that goes on where the walk is; one without anything new is the end.

        That the rows end there is asked once more, behind them: the page may have been cut by a limit of the service's
        own, or be another than was asked for.  Where there is more, a larger page is asked for, or a shorter tail.

        Raises:
            PagingError: The rows that were met last are nowhere near, or there is more, but it does not come.
        """
        wanted = self.page_size
        turn = yield from self._join(place, wanted)
        for _ in range(_STUCK):
            if turn.unmet or not (place.tail or turn.answer.rows):
                return turn
            if (yield from self._has_ended(place, turn.answer)):
                return turn
            if not turn.missing:
                # Rows that came in front have moved the tail to the end of the page.
                place = evolve(place, offset=turn.answer.offset + len(turn.answer.rows))
            wanted, length = max(4 * wanted, _OVERSHOOT), len(turn.answer.rows)
            turn = yield from self._join(place, wanted)
            if len(turn.answer.rows) <= length:
                place = evolve(place, tail=place.tail[len(place.tail) // 2 :])
        if turn.unmet:
            return turn
        raise PagingError("the service does not turn pages", hint="Go on from the checkpoint later, or start again")

    def _has_ended(self, place: Place, answer: _Answer) -> SubFlow[bool]:
        """Whether there is nothing behind a page without anything new, as far as can be seen."""
        page_end = answer.offset + len(answer.rows)
        behind = yield from self.ask(min(place.offset, page_end), self.page_size)
        if behind.rows and not Counter(behind.rows) - Counter(place.tail):
            # They have been met, so rows that came in front have moved them; or they are equal to others.
            behind = yield from self.ask(page_end, self.page_size)
        return not behind.rows

    def _join(self, place: Place, wanted: int) -> SubFlow[_Turn]:
        """
        The page that goes on where the walk is.

        Where not all of the rows that were met last are there, some have gone, or the page begins behind them: the walk
        looks for a better one nearby, and takes the best.

        Raises:
            PagingError: None of them is anywhere near.
        """
        start, limit = max(0, place.offset - len(place.tail)), wanted + len(place.tail)
        best: tuple[int, _Answer, list[int]] | None = None
        crowded = (
            "time: more rows of one time than fit the service's pages; some may be missing, or come twice",
        ) * place.crowded
        for offset in self._nearby(start, limit) if place.tail else (start,):
            answer = yield from self.ask(offset, limit)
            unmet, missing = answer.unmet(place.tail)
            if 0 < missing < len(place.tail) and len(answer.rows) >= limit:
                # Rows that came late may have moved the others behind the page.
                answer = yield from self.ask(offset, 2 * limit + _OVERSHOOT)
                unmet, missing = answer.unmet(place.tail)
            if missing == 0 or (missing < len(place.tail) and answer.joins(place)):
                return self._turn(place, answer, unmet, missing, crowded if unmet else ())
            if missing < len(place.tail) and (best is None or missing < best[0]):
                best = missing, answer, unmet
        if best is None:
            raise PagingError(
                "the rows that were read last are not there any more, so what follows them cannot be told",
                hint="Read the session again, from the start",
            )
        missing, answer, unmet = best
        gone = f"{missing} of the {len(place.tail)} rows that were read last have gone; others may have gone with them"
        return self._turn(place, answer, unmet, missing, (gone,))

    def _turn(self, place: Place, answer: _Answer, unmet: list[int], missing: int, issues: tuple[str, ...]) -> _Turn:
        times = [answer.rows[index][0] for index in unmet]
        within = [index for index, time in enumerate(times) if time is None or self.window.has(time)]
        return _Turn(place, answer, unmet, within, missing, issues)

    def _nearby(self, start: int, limit: int) -> Iterator[int]:
        half = max(1, limit // 2)
        yield start
        for distance in range(half, _SEARCHED * half + 1, half):
            if start - distance > -half:
                yield max(0, start - distance)
            yield start + distance


def _walk(question: _Question, place: Place) -> Flow:
    same = 0
    rows: list[Row] = []
    while not place.ended:
        turn = yield from question.next_page(place)
        same = same + 1 if turn.answer.rows == rows else 0
        rows = turn.answer.rows
        yield turn.batch()
        if same == _SAME and turn.unmet:
            raise PagingError(
                "the service sends nothing new any more", hint="Go on from the checkpoint later, or start again"
            )
        place = turn.after() if turn.unmet else evolve(place, ended=True)


def _walk_logs(filters: SessionLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's logs of a call, oldest first."""
    place = Place() if position is None else Place.from_json(position)
    return _walk(_Question(metrics=False, filters=filters, window=window, page_size=page_size), place)


def _walk_metrics(filters: SessionMetricFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's metrics of a call, oldest first."""
    ids = SessionLogFilters(mtg_session_id=filters.mtg_session_id, user_session_id=filters.user_session_id)
    place = Place() if position is None else Place.from_json(position)
    return _walk(_Question(metrics=True, filters=ids, window=window, page_size=page_size), place)


_PROMISE: Final = (
    "each row once, equal rows counted, also while others come and go; rows that come late, in front of what was read, are "
    "left to the next pull; more rows of one time than the service's pages hold are reported as an issue"
)

SESSION_LOGS: Final[StreamDefinition[SessionLog, SessionLogJson, SessionLogFilters]] = StreamDefinition(
    name="daily.session_logs",
    summary="what the clients of a call's participants told",
    paging="offset",
    order="oldest first",
    time_filter="server",
    promise=_PROMISE,
    filters=SessionLogFilters,
    needs_one_of=("mtg_session_id", "user_session_id"),
    page_size=_PAGE,
    walk=_walk_logs,
    fits=fits_session_log,
    repair=repair_session_log,
    entry=SessionLog.from_dict,
    normalizer=SESSION_LOG_NORMALIZER,
    incremental=SESSIONS,
)

SESSION_METRICS: Final[StreamDefinition[dict[str, Any], dict[str, Any], SessionMetricFilters]] = StreamDefinition(
    name="daily.session_metrics",
    summary="samples of the connections of a call's participants",
    paging="offset",
    order="oldest first",
    time_filter="server",
    promise=_PROMISE,
    filters=SessionMetricFilters,
    needs_one_of=("mtg_session_id", "user_session_id"),
    page_size=_PAGE,
    walk=_walk_metrics,
    fits=is_object,
    repair=partial(repair, ObjectOf({}, {}, ANYTHING)),
    entry=dict[str, Any],
    normalizer=SESSION_METRIC_NORMALIZER,
    incremental=SESSIONS,
)
