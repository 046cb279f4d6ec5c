"""The client of a Cognigy account."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, Unpack

from attrs import evolve

from logferry.extend import (
    Client,
    ClientOptions,
    ConfigurationError,
    Connection,
    InvalidRequestError,
    Rate,
    Settings,
    StreamOptions,
    Streams,
)
from logferry.extend import api_key as authorized_by
from logferry.services.cognigy._account import EXAMPLE, api_refusal

if TYPE_CHECKING:
    from logferry.extend import Stream
    from logferry_clients.cognigy.models.log_entry import LogEntry
    from logferry_clients.cognigy.models.log_level import LogLevel

_PROJECT_ID: Final = re.compile("[a-z0-9]{24}")
_PROJECT_ID_HINT: Final = "It is 24 lower-case letters and digits, as in the address of the project in the browser"
_PASTED: Final = re.compile(r"/(openapi|v2\.\d+)$")


class Cognigy(Client):
    """
    A user of a Cognigy.AI installation, hosted by the vendor or self-hosted.

    Missing arguments are read from the environment.

    Args:
        api_key: An API key of a user who may read the projects' logs (``COGNIGY_API_KEY``).
        base_url: The API's address, without its version, such as ``https://api-trial.cognigy.ai/new``
            (``COGNIGY_BASE_URL``).
        project_id: The project of calls that name none (``COGNIGY_PROJECT_ID``).
        type_brackets: Write levels as ``type[]=error&type[]=warn`` instead of ``type=error&type=warn``
            (``COGNIGY_TYPE_BRACKETS``, ``true`` or ``false``); the documentation does not say which one an
            installation takes.
        options: Options of every client: ``account``, ``timeout``, ``retries``, ``deadline``, ``rate``, ``proxy``,
            ``verify``, ``transport``, ``on_request``, ``on_retry``, ``on_page``, ``on_issue``, ``allow_insecure``,
            ``clock``.

    Raises:
        ConfigurationError: A setting is missing or wrong.
    """

    service: ClassVar[str] = "cognigy"
    documented_rate: ClassVar[Rate | None] = Rate(requests=1000, seconds=300)
    streams: ClassVar[Streams] = Streams("logferry.services.cognigy._streams:PROJECT_LOGS")
    authentication: ClassVar[str] = "API key"
    settings: ClassVar[tuple[str, ...]] = ("base_url", "api_key", "project_id")
    optional_settings: ClassVar[tuple[str, ...]] = ("type_brackets",)

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        project_id: str | None = None,
        type_brackets: bool | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        settings = Settings(
            service=self.service,
            given={
                "api_key": api_key,
                "base_url": base_url,
                "project_id": project_id,
                "type_brackets": type_brackets,
            },
        )
        del api_key  # a traceback with locals would show it
        super().__init__(settings, options)

    def _connect(self, settings: Settings) -> Connection:
        address, key = settings.require("base_url", "api_key")
        base_url = settings.url("base_url", address, example=EXAMPLE)
        pasted = _PASTED.search(base_url)
        if pasted is not None:
            raise ConfigurationError(
                f"{settings.called('base_url')} ends in {pasted[0]}",
                hint=f"Give the API's address without it, such as {EXAMPLE}",
            )
        self._project_id = settings.find("project_id")
        if self._project_id is not None and not _PROJECT_ID.fullmatch(self._project_id):
            raise ConfigurationError(f"{settings.called('project_id')} is no id of a project", hint=_PROJECT_ID_HINT)
        self._type_brackets = settings.flag("type_brackets")
        return Connection(
            base_url=base_url, authorizer=authorized_by(key, header="X-API-Key"), read_refusal=api_refusal
        )

    def project_logs(
        self,
        *,
        project_id: str | None = None,
        filter_: str | None = None,
        type_: Sequence[LogLevel] | None = None,
        user_id: str | None = None,
        flow_name: str | None = None,
        **options: Unpack[StreamOptions],
    ) -> Stream[LogEntry]:
        """
        The logs of a project: what its flows, endpoints and integrations reported.

        The service keeps them for a short time, 24 hours unless the installation is configured otherwise.  Without
        ``since``, the walk reads everything that the service still has.

        Args:
            project_id: The project; default: the account's.
            filter_: Only entries with this in their type, message or trace id.
            type_: Only entries of these levels, such as ``["error", "warn"]``.  An entry can lack its
                level; if the query names exactly one, its record has that level.
            user_id: Only entries of this user.
            flow_name: Only entries of the flow with this name.
            options: Options of every stream: ``since``, ``until``, ``page_size`` (1 to 100, default 100),
                ``max_items``, ``resume``, ``strict``.

        Raises:
            InvalidRequestError: The arguments are not valid; nothing was sent.
            CheckpointError: ``resume`` belongs to another query, or is damaged.
        """
        from logferry.services.cognigy._streams import PROJECT_LOGS, PROJECT_LOGS_WITH_BRACKETS, ProjectLogFilters

        if project_id is not None and not _PROJECT_ID.fullmatch(project_id):
            raise InvalidRequestError("project_id is no id of a project", hint=_PROJECT_ID_HINT)
        given = ProjectLogFilters(
            project_id=project_id, filter_=filter_, type_=type_, user_id=user_id, flow_name=flow_name
        )
        # A checkpoint without other arguments has its project; otherwise the account's project applies.
        if project_id is None and (options.get("resume") is None or given != ProjectLogFilters()):
            if self._project_id is None:
                raise InvalidRequestError(
                    f"{PROJECT_LOGS.name} needs project_id",
                    hint=self._worded("Give it, or set COGNIGY_PROJECT_ID for all calls"),
                )
            given = evolve(given, project_id=self._project_id)
        return self._open(PROJECT_LOGS_WITH_BRACKETS if self._type_brackets else PROJECT_LOGS, given, options)
