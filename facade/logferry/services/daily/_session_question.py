"""What is asked about the rows of a session, and what an answer holds."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from logferry._http.messages import Request, Response
from logferry._http.responses import decoded, wrong_shape
from logferry._json import is_array, is_object
from logferry._time.timestamps import MILLISECOND
from logferry._time.window import Window
from logferry.services.daily._account import refusal
from logferry.services.daily._records import metric_times, session_log_times
from logferry.services.daily._rows import Rows
from logferry.services.daily._session_place import Place
from logferry_clients.daily.api.logs import list_logs
from logferry_clients.daily.models.list_logs_log_level import ListLogsLogLevel
from logferry_clients.daily.models.session_log_page import SessionLogPageKey


@frozen
class Answer:
    """
    Rows as the service sent them.

    Attributes:
        response: The answer.
        rows: Its rows.
        whole: Whether there are as many as were asked for.
        sent: How many the service sent.
    """

    response: Response[Any]
    rows: Rows
    whole: bool
    sent: int

    def joined(self, other: Answer) -> Answer:
        """The rows of this answer, and of one for those behind them."""
        return Answer(other.response, self.rows.joined(other.rows), other.whole, self.sent + other.sent)

    def since(self, tick: int) -> Answer:
        """Of rows in order of time, those from a millisecond on."""
        return evolve(self, rows=self.rows.since(tick))


@frozen(kw_only=True)
class Question:
    """
    What is asked, page after page.

    Attributes:
        metrics: Metrics, not logs.
        mtg_session_id: Only rows of this meeting session.
        user_session_id: Only rows of this participant's session.
        log_level: Only logs of this level.
        window: Which rows.
        page_size: How many at once.
    """

    metrics: bool
    mtg_session_id: str | None
    user_session_id: str | None
    log_level: ListLogsLogLevel | None = None
    window: Window
    page_size: int

    def start(self, place: Place) -> int | None:
        """The first millisecond to ask for at a place, 0 or later; ``None`` for the first that there is."""
        since = None if self.window.since is None else self.window.since // MILLISECOND - 1
        start = max((tick for tick in (since, place.first) if tick is not None), default=None)
        return None if start is None else max(0, start)

    def limit(self, place: Place) -> int:
        """How many rows to ask for at a place: all that have been met and a page of others, but for the first few."""
        return self.page_size + place.repeated()

    def request(self, start: int | None, limit: int, offset: int = 0) -> Request[Any]:
        """
        Ask for rows, oldest first.

        Args:
            start: See ``start``.
            limit: How many at most.
            offset: How many to pass over.
        """
        return list_logs.request(
            include_logs=not self.metrics,
            include_metrics=self.metrics,
            mtg_session_id=self.mtg_session_id,
            user_session_id=self.user_session_id,
            log_level=self.log_level,
            order="ASC",
            start_time=start,
            end_time=-(-self.window.until // MILLISECOND) + 1,
            limit=limit,
            offset=offset,
        )

    def answer(self, response: Response[Any], limit: int) -> Answer:
        """
        The rows of an answer to a request for so many.

        Raises:
            LogferryError: It has none.
        """
        body = decoded(response, refusal)
        array: SessionLogPageKey = "metrics" if self.metrics else "logs"
        items = body.get(array) if is_object(body) else None
        if not is_array(items):
            raise wrong_shape(response, f"an object with an array of {array}")
        times = metric_times(items) if self.metrics else session_log_times(items)
        return Answer(response, Rows(items, times), len(items) >= limit, len(items))
