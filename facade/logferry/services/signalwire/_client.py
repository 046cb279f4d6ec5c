"""The client of a SignalWire account."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Unpack

from logferry.extend import (
    Client,
    ClientOptions,
    ConfigurationError,
    Connection,
    Settings,
    StreamOptions,
    Streams,
)
from logferry.services.signalwire._account import api_refusal, project_token, space_url

if TYPE_CHECKING:
    from logferry.extend import Stream
    from logferry_clients.signalwire.models.conference_log import ConferenceLog
    from logferry_clients.signalwire.models.discarded_log import DiscardedLog
    from logferry_clients.signalwire.models.fax_log import FaxLog
    from logferry_clients.signalwire.models.message_log import MessageLog
    from logferry_clients.signalwire.models.video_log import VideoLog
    from logferry_clients.signalwire.models.voice_log import VoiceLog


class SignalWire(Client):
    """
    A project of a SignalWire space.

    Missing arguments are read from the environment.

    Args:
        space: The space's name, such as ``acme``, or its host, such as ``acme.signalwire.com`` (``SIGNALWIRE_SPACE``).
        project_id: The project's id (``SIGNALWIRE_PROJECT_ID``).
        api_token: An API token of the project that has the scopes of its streams (``SIGNALWIRE_API_TOKEN``): Video, Voice,
            Messaging, Fax.
        base_url: An address that replaces the space's (``SIGNALWIRE_BASE_URL``).  The links of its pages must lead to
            the same address, or be relative.
        options: Options of every client: ``account``, ``timeout``, ``retries``, ``deadline``, ``rate``, ``proxy``,
            ``verify``, ``transport``, ``on_request``, ``on_retry``, ``on_page``, ``on_issue``, ``allow_insecure``,
            ``clock``.

    Raises:
        ConfigurationError: A setting is missing or wrong.
    """

    service: ClassVar[str] = "signalwire"
    streams: ClassVar[Streams] = Streams(
        "logferry.services.signalwire._streams:CONFERENCE_LOGS",
        "logferry.services.signalwire._streams:FAX_LOGS",
        "logferry.services.signalwire._streams:MESSAGE_LOGS",
        "logferry.services.signalwire._streams:VIDEO_LOGS",
        "logferry.services.signalwire._streams:VOICE_LOGS",
    )
    authentication: ClassVar[str] = "HTTP Basic, project id and API token"
    settings: ClassVar[tuple[str, ...]] = ("space", "project_id", "api_token")
    optional_settings: ClassVar[tuple[str, ...]] = ("base_url",)

    def __init__(
        self,
        *,
        space: str | None = None,
        project_id: str | None = None,
        api_token: str | None = None,
        base_url: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        settings = Settings(
            service=self.service,
            given={"space": space, "project_id": project_id, "api_token": api_token, "base_url": base_url},
        )
        del api_token  # a traceback with locals would show it
        super().__init__(settings, options)

    def _connect(self, settings: Settings) -> Connection:
        address: str | None = None
        # An argument takes precedence over the environment, even if they have different names.
        if settings.is_given("base_url") or not settings.is_given("space"):
            address = settings.find("base_url")
        project, token, *space = settings.require("project_id", "api_token", *(() if address else ("space",)))
        base_url = settings.url(
            "base_url",
            address or space_url(*space, setting=settings.called("space")),
            example="https://acme.signalwire.com",
        )
        if base_url.endswith(("/api", "/api/video", "/api/video/logs")):
            raise ConfigurationError(
                f"{settings.called('base_url')} holds the path of the API", hint="Give the part before /api"
            )
        authorizer = project_token(project_id=project, api_token=token)
        return Connection(base_url=base_url, authorizer=authorizer, tenant=project, read_refusal=api_refusal)

    def video_logs(
        self, *, include_deleted: bool | None = None, **options: Unpack[StreamOptions]
    ) -> Stream[VideoLog | DiscardedLog]:
        """
        The video logs: one for each session in a video room or a video conference, in the service's order.

        A log changes until its session is over (its status, end and charge), so read a session in progress again; its
        ``uid`` stays.

        Args:
            include_deleted: Whether to return the remains of deleted logs too, as ``DiscardedLog``.
            options: Options of every stream: ``since``, ``until``, ``page_size`` (1 to 1000, default 1000),
                ``max_items``, ``resume``, ``strict``.

        Raises:
            InvalidRequestError: The arguments are not valid; nothing was sent.
            CheckpointError: ``resume`` belongs to another query, or is damaged.
        """
        from logferry.services.signalwire._streams import VIDEO_LOGS, LogFilters

        return self._open(VIDEO_LOGS, LogFilters(include_deleted=include_deleted), options)

    def voice_logs(
        self, *, include_deleted: bool | None = None, **options: Unpack[StreamOptions]
    ) -> Stream[VoiceLog | DiscardedLog]:
        """
        The voice logs: one for each call, or leg of a call, in the service's order.  The token needs the scope Voice.

        A log changes until its call is over; its ``uid`` stays.  Arguments and errors are those of ``video_logs``.
        """
        from logferry.services.signalwire._streams import VOICE_LOGS, LogFilters

        return self._open(VOICE_LOGS, LogFilters(include_deleted=include_deleted), options)

    def message_logs(
        self, *, include_deleted: bool | None = None, **options: Unpack[StreamOptions]
    ) -> Stream[MessageLog | DiscardedLog]:
        """
        The message logs: one for each text message, without its text, in the service's order.  The token needs the scope Messaging.

        A log changes until its delivery is known; its ``uid`` stays.  Arguments and errors are those of ``video_logs``.
        """
        from logferry.services.signalwire._streams import MESSAGE_LOGS, LogFilters

        return self._open(MESSAGE_LOGS, LogFilters(include_deleted=include_deleted), options)

    def fax_logs(
        self, *, include_deleted: bool | None = None, **options: Unpack[StreamOptions]
    ) -> Stream[FaxLog | DiscardedLog]:
        """
        The fax logs: one for each fax, in the service's order.  The token needs the scope Fax.

        A log changes until its fax is over; its ``uid`` stays.  Arguments and errors are those of ``video_logs``.
        """
        from logferry.services.signalwire._streams import FAX_LOGS, LogFilters

        return self._open(FAX_LOGS, LogFilters(include_deleted=include_deleted), options)

    def conference_logs(
        self, *, include_deleted: bool | None = None, **options: Unpack[StreamOptions]
    ) -> Stream[ConferenceLog | DiscardedLog]:
        """
        The conference logs: one for each conference of calls, and each video session, in the service's order.  The token needs the scope Voice or Video.

        A log changes until its conference is over; its ``uid`` stays.  Arguments and errors are those of ``video_logs``.
        """
        from logferry.services.signalwire._streams import CONFERENCE_LOGS, LogFilters

        return self._open(CONFERENCE_LOGS, LogFilters(include_deleted=include_deleted), options)
