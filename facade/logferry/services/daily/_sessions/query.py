"""The request for rows of a session, and the page of its response."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from logferry.extend import (
    MILLISECOND,
    Request,
    Response,
    Window,
    decoded,
    is_array,
    is_object,
    wrong_shape,
)
from logferry.services.daily._account import refusal
from logferry.services.daily._records import SESSION_LOG_NORMALIZER, SESSION_METRIC_NORMALIZER
from logferry.services.daily._sessions.position import Position
from logferry.services.daily._sessions.rows import Rows
from logferry_clients.daily.api.logs import list_logs
from logferry_clients.daily.models.list_logs_log_level import ListLogsLogLevel
from logferry_clients.daily.models.session_log_page import SessionLogPageKey


@frozen
class Page:
    """The rows of a response; ``sent`` is the number of rows that the service sent."""

    response: Response[Any]
    rows: Rows
    limit: int
    sent: int

    @property
    def is_full(self) -> bool:
        """Whether it has as many rows as the limit."""
        return self.sent >= self.limit

    def joined(self, other: Page) -> Page:
        """The rows of this page and of the next one."""
        return evolve(self, response=other.response, rows=self.rows.joined(other.rows))


@frozen(kw_only=True)
class Query:
    """The query of a walk: metrics or logs, the filters, the window, and the number of new rows per request."""

    metrics: bool
    mtg_session_id: str | None
    user_session_id: str | None
    log_level: ListLogsLogLevel | None = None
    window: Window
    page_size: int

    def start(self, position: Position) -> int | None:
        """The first millisecond to request at a position, 0 or later; ``None`` for no bound."""
        since = None if self.window.since is None else self.window.since // MILLISECOND - 1
        start = max((tick for tick in (since, position.start) if tick is not None), default=None)
        return None if start is None else max(0, start)

    def limit(self, position: Position) -> int:
        """
        The limit of a request at a position: the rows that come again, and a page of new ones.

        If the rows that come again exceed a page, the limit has as many new ones again: otherwise each page would have
        few.
        """
        again = sum(one.count for one in position.delivered.values())
        return self.page_size + position.passed + (2 * again if again > self.page_size + 1 else again)

    def request(self, start: int | None, limit: int, offset: int = 0) -> Request[Any]:
        """Request rows from a millisecond on, oldest first."""
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

    def page(self, response: Response[Any], limit: int) -> Page:
        """The rows of the response to a request with this limit; an error if it has none."""
        body = decoded(response, refusal)
        array: SessionLogPageKey = "metrics" if self.metrics else "logs"
        items = body.get(array) if is_object(body) else None
        if not is_array(items):
            raise wrong_shape(response, f"an object with an array of {array}")
        times = (SESSION_METRIC_NORMALIZER if self.metrics else SESSION_LOG_NORMALIZER).times(items)
        return Page(response, Rows(items, times), limit, len(items))
