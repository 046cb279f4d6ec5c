"""The client of a Daily account."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Unpack

from logferry.extend import (
    Client,
    ClientOptions,
    Connection,
    Rate,
    Settings,
    StreamOptions,
    Streams,
    bearer,
)
from logferry.services.daily._account import DEFAULT_BASE_URL, refusal

if TYPE_CHECKING:
    from logferry.extend import Stream
    from logferry_clients.daily.models.api_log import ApiLog
    from logferry_clients.daily.models.list_api_logs_source import ListApiLogsSource
    from logferry_clients.daily.models.list_logs_log_level import ListLogsLogLevel
    from logferry_clients.daily.models.meeting import Meeting
    from logferry_clients.daily.models.session_log import SessionLog
    from logferry_clients.daily.models.session_metric import SessionMetric


class Daily(Client):
    """
    A Daily domain.

    Missing arguments are read from the environment.

    Args:
        api_key: The domain's API key (``DAILY_API_KEY``).
        base_url: The address of the REST API (``DAILY_BASE_URL``); default: ``https://api.daily.co/v1``.
        options: Options of every client: ``account``, ``timeout``, ``retries``, ``deadline``, ``rate``, ``proxy``,
            ``verify``, ``transport``, ``on_request``, ``on_retry``, ``on_page``, ``on_issue``, ``allow_insecure``,
            ``clock``.

    Raises:
        ConfigurationError: A setting is missing or wrong.
    """

    service: ClassVar[str] = "daily"
    documented_rate: ClassVar[Rate | None] = Rate(requests=100, seconds=5)
    streams: ClassVar[Streams] = Streams(
        "logferry.services.daily._sessions.streams:SESSION_LOGS",
        "logferry.services.daily._sessions.streams:SESSION_METRICS",
        "logferry.services.daily._api_logs:API_LOGS",
        "logferry.services.daily._meetings:MEETINGS",
    )
    authentication: ClassVar[str] = "API key"
    settings: ClassVar[tuple[str, ...]] = ("api_key",)
    optional_settings: ClassVar[tuple[str, ...]] = ("base_url",)

    def __init__(
        self, *, api_key: str | None = None, base_url: str | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        settings = Settings(service=self.service, given={"api_key": api_key, "base_url": base_url})
        del api_key  # a traceback with locals would show it
        super().__init__(settings, options)

    def _connect(self, settings: Settings) -> Connection:
        (key,) = settings.require("api_key")
        base_url = settings.url("base_url", settings.find("base_url") or DEFAULT_BASE_URL, example=DEFAULT_BASE_URL)
        return Connection(base_url=base_url, authorizer=bearer(key), read_refusal=refusal)

    def session_logs(
        self,
        *,
        mtg_session_id: str | None = None,
        user_session_id: str | None = None,
        log_level: ListLogsLogLevel | None = None,
        **options: Unpack[StreamOptions],
    ) -> Stream[SessionLog]:
        """
        The logs that the clients of a call's participants sent; oldest first.  Daily requires at least one of the ids.

        Args:
            mtg_session_id: Only logs of this meeting session.
            user_session_id: Only logs of this participant's session.
            log_level: Only logs of this level: ``ERROR``, ``INFO`` or ``DEBUG``.
            options: Options of every stream: ``since``, ``until``, ``page_size`` (default 500), ``max_items``,
                ``resume``, ``strict``.

        Raises:
            InvalidRequestError: The arguments are not valid; nothing was sent.
            CheckpointError: ``resume`` belongs to another query, or is damaged.
        """
        from logferry.services.daily._sessions.streams import SESSION_LOGS, SessionLogFilters

        filters = SessionLogFilters(mtg_session_id=mtg_session_id, user_session_id=user_session_id, log_level=log_level)
        return self._open(SESSION_LOGS, filters, options)

    def session_metrics(
        self,
        *,
        mtg_session_id: str | None = None,
        user_session_id: str | None = None,
        **options: Unpack[StreamOptions],
    ) -> Stream[SessionMetric]:
        """
        Samples of the connections of a call's participants; oldest first.  Daily requires at least one of the ids.

        Daily does not document the fields of a sample.  An entry has the fields of published examples, all optional,
        and keeps all others in ``additional_properties``.

        Args:
            mtg_session_id: Only samples of this meeting session.
            user_session_id: Only samples of this participant's session.
            options: Options of every stream: ``since``, ``until``, ``page_size`` (default 500), ``max_items``,
                ``resume``, ``strict``.

        Raises:
            InvalidRequestError: The arguments are not valid; nothing was sent.
            CheckpointError: ``resume`` belongs to another query, or is damaged.
        """
        from logferry.services.daily._sessions.streams import SESSION_METRICS, SessionMetricFilters

        filters = SessionMetricFilters(mtg_session_id=mtg_session_id, user_session_id=user_session_id)
        return self._open(SESSION_METRICS, filters, options)

    def api_logs(
        self,
        *,
        source: ListApiLogsSource | None = None,
        url: str | None = None,
        **options: Unpack[StreamOptions],
    ) -> Stream[ApiLog]:
        """
        Requests to the REST API, or webhooks that Daily delivered; newest first.

        Daily does not filter this list by time, so the walk reads everything newer than ``since``.

        Args:
            source: ``api`` for requests to the REST API, which is the service's default, or ``webhook``.
            url: Only logs of this route of the API, such as ``/v1/rooms``, or of this address of a webhook server.
            options: Options of every stream: ``since``, ``until``, ``page_size`` (default 100), ``max_items``,
                ``resume``, ``strict``.

        Raises:
            InvalidRequestError: The arguments are not valid; nothing was sent.
            CheckpointError: ``resume`` belongs to another query, or is damaged.
        """
        from logferry.services.daily._api_logs import API_LOGS, ApiLogFilters

        return self._open(API_LOGS, ApiLogFilters(source=source, url=url), options)

    def meetings(
        self, *, room: str | None = None, ongoing: bool | None = None, **options: Unpack[StreamOptions]
    ) -> Stream[Meeting]:
        """
        Meeting sessions with their participants; newest start first.

        ``session_logs`` and ``session_metrics`` take the id of a meeting as ``mtg_session_id``.  The window applies to
        the start of meetings.

        Args:
            room: Only meetings in the room of this name.
            ongoing: Only ongoing meetings (true), or only finished ones (false).
            options: Options of every stream: ``since``, ``until``, ``page_size`` (default 100, the service's limit),
                ``max_items``, ``resume``, ``strict``.

        Raises:
            InvalidRequestError: The arguments are not valid; nothing was sent.
            CheckpointError: ``resume`` belongs to another query, or is damaged.
        """
        from logferry.services.daily._meetings import MEETINGS, MeetingFilters

        return self._open(MEETINGS, MeetingFilters(room=room, ongoing=ongoing), options)
