"""The client of a Logto account."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Unpack

from logferry.extend import (
    Client,
    ClientOptions,
    ConfigurationError,
    Connection,
    Rate,
    Settings,
    StreamOptions,
    Streams,
    bearer,
)
from logferry.services.logto._account import (
    api_refusal,
    app_token,
    management_api,
)

if TYPE_CHECKING:
    from logferry.extend import Stream
    from logferry_clients.logto.models.audit_log import AuditLog

_EXAMPLE: Final = "https://acme.logto.app"


class Logto(Client):
    """
    A Logto tenant, on Logto Cloud or self-hosted.

    Missing arguments are read from the environment.  An access token, as an argument or in the
    environment, takes precedence over the app's credentials, unless those are arguments.

    Args:
        endpoint: The tenant's address, such as ``https://acme.logto.app`` (``LOGTO_ENDPOINT``).
        app_id: Id of a machine-to-machine app whose role has the Management API's permission ``all``
            (``LOGTO_APP_ID``).
        app_secret: The app's secret (``LOGTO_APP_SECRET``).
        access_token: An access token instead; the caller renews it (``LOGTO_ACCESS_TOKEN``).
        resource: Indicator of the Management API (``LOGTO_RESOURCE``); default: ``{endpoint}/api`` on Logto Cloud,
            ``https://default.logto.app/api`` elsewhere.
        options: Options of every client: ``account``, ``timeout``, ``retries``, ``deadline``, ``rate``, ``proxy``,
            ``verify``, ``transport``, ``on_request``, ``on_retry``, ``on_page``, ``on_issue``, ``allow_insecure``,
            ``clock``.

    Raises:
        ConfigurationError: A setting is missing or wrong.
    """

    service: ClassVar[str] = "logto"
    request_id_header: ClassVar[str] = "logto-core-request-id"  # measured on 1.36.0 and 1.42.0
    documented_rate: ClassVar[Rate | None] = Rate(requests=200, seconds=10)
    streams: ClassVar[Streams] = Streams("logferry.services.logto._streams:AUDIT_LOGS")
    authentication: ClassVar[str] = "OAuth 2 client credentials, or a ready token"
    settings: ClassVar[tuple[str, ...]] = ("endpoint", "app_id", "app_secret")
    optional_settings: ClassVar[tuple[str, ...]] = ("access_token", "resource")
    address: ClassVar[str] = "endpoint"

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        app_id: str | None = None,
        app_secret: str | None = None,
        access_token: str | None = None,
        resource: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        settings = Settings(
            service=self.service,
            given={
                "endpoint": endpoint,
                "app_id": app_id,
                "app_secret": app_secret,
                "access_token": access_token,
                "resource": resource,
            },
        )
        del app_secret, access_token  # a traceback with locals would show them
        super().__init__(settings, options)

    def _connect(self, settings: Settings) -> Connection:
        token: str | None = None
        if settings.is_given("access_token") or not settings.is_given("app_id", "app_secret"):
            token = settings.find("access_token")
        credentials = () if token else ("app_id", "app_secret")
        endpoint, *pair = settings.require("endpoint", *credentials)
        base_url = settings.url("endpoint", endpoint, example=_EXAMPLE)
        if base_url.endswith("/api"):
            raise ConfigurationError(
                f"{settings.called('endpoint')} ends in /api",
                hint=f"Give the tenant's address alone, such as {_EXAMPLE}",
            )
        if token:
            return Connection(base_url=base_url, authorizer=bearer(token), read_refusal=api_refusal)
        app_id, app_secret = pair
        resource = settings.find("resource") or management_api(base_url)
        authorizer = app_token(app_id=app_id, app_secret=app_secret, resource=resource)
        return Connection(base_url=base_url, authorizer=authorizer, read_refusal=api_refusal)

    def audit_logs(
        self,
        *,
        user_id: str | None = None,
        application_id: str | None = None,
        log_key: str | None = None,
        **options: Unpack[StreamOptions],
    ) -> Stream[AuditLog]:
        """
        The audit logs: what users and applications did to sign in and to get tokens; newest first.

        Filters match exactly, case-sensitively, and are combined by AND (measured on 1.36.0 and 1.42.0).

        Args:
            user_id: Only logs of this user.  Many kinds of log name no user: the end of an interaction, password
                submits, everything of machine-to-machine apps.
            application_id: Only logs of this application.
            log_key: Only logs of this event, such as ``Interaction.SignIn.Submit``; no prefixes.
            options: Options of every stream: ``since``, ``until``, ``page_size`` (1 to 100, default 100),
                ``max_items``, ``resume``, ``strict``.

        Raises:
            InvalidRequestError: The arguments are not valid; nothing was sent.
            CheckpointError: ``resume`` belongs to another query, or is damaged.
        """
        from logferry.services.logto._query import AuditLogFilters
        from logferry.services.logto._streams import AUDIT_LOGS

        filters = AuditLogFilters(user_id=user_id, application_id=application_id, log_key=log_key)
        return self._open(AUDIT_LOGS, filters, options)
