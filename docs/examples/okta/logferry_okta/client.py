"""The client of an Okta organization."""

from typing import TYPE_CHECKING, ClassVar, Unpack

from logferry.extend import Client, ClientOptions, Connection, Settings, StreamOptions, Streams, api_key

if TYPE_CHECKING:
    from logferry.extend import Stream
    from logferry_okta.generated.models.log_event import LogEvent


class Okta(Client):
    """An Okta organization: its address and an API token (``OKTA_BASE_URL``, ``OKTA_API_TOKEN``)."""

    service: ClassVar[str] = "okta"
    request_id_header: ClassVar[str] = "x-okta-request-id"
    streams: ClassVar[Streams] = Streams("logferry_okta.stream:SYSTEM_LOG")
    authentication: ClassVar[str] = "API token"
    settings: ClassVar[tuple[str, ...]] = ("base_url", "api_token")

    def __init__(
        self, *, base_url: str | None = None, api_token: str | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        settings = Settings(service=self.service, given={"base_url": base_url, "api_token": api_token})
        del api_token  # a traceback with locals would show it
        super().__init__(settings, options)

    def _connect(self, settings: Settings) -> Connection:
        address, token = settings.require("base_url", "api_token")
        url = settings.url("base_url", address, example="https://acme.okta.com")
        return Connection(base_url=url, authorizer=api_key(f"SSWS {token}", header="Authorization"))

    def system_log(
        self, *, filter_: str | None = None, q: str | None = None, **options: Unpack[StreamOptions]
    ) -> "Stream[LogEvent]":
        """The events, oldest first: of *filter_*, an expression of SCIM, and *q*, words that an event has in some field."""
        from logferry_okta.stream import SYSTEM_LOG, SystemLogFilters  # noqa: PLC0415  # loaded with the first stream

        return self._open(SYSTEM_LOG, SystemLogFilters(filter_=filter_, q=q), options)
