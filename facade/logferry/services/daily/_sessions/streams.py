"""The two streams of a call, its logs and its metrics: two arrays of one endpoint, paged alike."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from logferry.extend import (
    MILLISECOND,
    Flow,
    Position,
    StreamDefinition,
    Window,
    filter_field,
    shown_at,
)
from logferry.services.daily._meetings import SESSIONS
from logferry.services.daily._records import SESSION_LOG_NORMALIZER, SESSION_METRIC_NORMALIZER
from logferry.services.daily._sessions.query import Query
from logferry.services.daily._sessions.walk import Walk
from logferry_clients.daily.models.list_logs_log_level import LIST_LOGS_LOG_LEVEL_VALUES, ListLogsLogLevel
from logferry_clients.daily.models.session_log import SessionLog, SessionLogJson, fits_session_log, repair_session_log
from logferry_clients.daily.models.session_metric import (
    SessionMetric,
    SessionMetricJson,
    fits_session_metric,
    repair_session_metric,
)

_PAGE: Final = 500
"""The default page size, as in published code; a maximum is not documented."""


@frozen(kw_only=True)
class SessionLogFilters:
    """Filters of the logs of a call; at least one of the ids is required."""

    mtg_session_id: str | None = filter_field(
        "mtgSessionId", "only logs of this meeting session", shown=shown_at("mtgSessionId"), any_case=True
    )
    user_session_id: str | None = filter_field(
        "userSessionId", "only logs of this participant's session", shown=shown_at("userSessionId"), any_case=True
    )
    # Items have a number, and the documentation does not map numbers to levels.
    log_level: ListLogsLogLevel | None = filter_field(  # noqa: RUF009  # makes an attrs field
        "logLevel", "only logs of this level: ERROR, INFO or DEBUG", choices=sorted(LIST_LOGS_LOG_LEVEL_VALUES)
    )


@frozen(kw_only=True)
class SessionMetricFilters:
    """Filters of the metrics of a call; at least one of the ids is required."""

    mtg_session_id: str | None = filter_field(
        "mtgSessionId", "only samples of this meeting session", shown=shown_at("mtgSessionId"), any_case=True
    )
    user_session_id: str | None = filter_field(
        "userSessionId", "only samples of this participant's session", shown=shown_at("userSessionId"), any_case=True
    )


def _walk(
    filters: SessionLogFilters | SessionMetricFilters, page_size: int, window: Window, position: Position | None
) -> Flow:
    """Yield the window's rows of a call, oldest first."""
    query = Query(
        metrics=isinstance(filters, SessionMetricFilters),
        mtg_session_id=filters.mtg_session_id,
        user_session_id=filters.user_session_id,
        log_level=filters.log_level if isinstance(filters, SessionLogFilters) else None,
        window=window,
        page_size=page_size,
    )
    return Walk(query).flow(position)


_PROMISE: Final = (
    "each row once, equal rows counted, also while others come and go; rows that come late, in front of what was read, are "
    "left to the next pull; where more rows have one time than one response can hold, they are read by offset, and an "
    "issue says that some may be missing"
)

SESSION_LOGS: Final[StreamDefinition[SessionLog, SessionLogJson, SessionLogFilters]] = StreamDefinition(
    name="daily.session_logs",
    summary="logs that the clients of a call's participants sent",
    paging="offset",
    order="oldest first",
    time_filter="server",
    resolution=MILLISECOND,
    promise=_PROMISE,
    filters=SessionLogFilters,
    needs_one_of=("mtg_session_id", "user_session_id"),
    page_size=_PAGE,
    walk=_walk,
    fits=fits_session_log,
    repair=repair_session_log,
    entry=SessionLog.from_dict,
    normalizer=SESSION_LOG_NORMALIZER,
    attributes_home="logferry.services.daily._attributes:ATTRIBUTES",
    incremental=SESSIONS,
)

SESSION_METRICS: Final[StreamDefinition[SessionMetric, SessionMetricJson, SessionMetricFilters]] = StreamDefinition(
    name="daily.session_metrics",
    summary="samples of the connections of a call's participants",
    paging="offset",
    order="oldest first",
    time_filter="server",
    resolution=MILLISECOND,
    promise=_PROMISE,
    filters=SessionMetricFilters,
    needs_one_of=("mtg_session_id", "user_session_id"),
    page_size=_PAGE,
    walk=_walk,
    fits=fits_session_metric,
    repair=repair_session_metric,
    entry=SessionMetric.from_dict,
    normalizer=SESSION_METRIC_NORMALIZER,
    attributes_home="logferry.services.daily._attributes:ATTRIBUTES",
    incremental=SESSIONS,
)
