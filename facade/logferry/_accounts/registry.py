"""The services that logferry knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from logferry._config.settings import Settings
from logferry._lazy import loaded

if TYPE_CHECKING:  # clients bring along httpx, which a look at the names does not need
    from logferry._client import Client
    from logferry._records.attributes import Attribute
    from logferry._streams.definition import StreamDefinition


@frozen(kw_only=True)
class Service:
    """
    A service by name; its code is loaded when it is used.

    Attributes:
        name: Such as ``"logto"``.
        client_home: Module and name of its client class.
        attributes_home: Module and name of the tables of its streams' attributes.
    """

    name: str
    client_home: str
    attributes_home: str

    @property
    def client(self) -> type[Client]:
        """Its client class."""
        client: type[Client] = loaded(self.client_home)
        return client

    @property
    def streams(self) -> tuple[StreamDefinition[Any, Any, Any], ...]:
        """What its client can open."""
        return self.client.streams

    @property
    def attributes(self) -> Mapping[str, tuple[Attribute, ...]]:
        """The attributes of its streams, by the stream's name; loads neither its client nor its streams."""
        tables: Mapping[str, tuple[Attribute, ...]] = loaded(self.attributes_home)
        return tables

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that usually make an account."""
        return tuple(self.variable(name) for name in self.client.settings)

    @property
    def optional_variables(self) -> tuple[str, ...]:
        """The environment variables that have a default, or stand for others."""
        return tuple(self.variable(name) for name in self.client.optional_settings)

    @property
    def all_variables(self) -> tuple[str, ...]:
        """The environment variables of all its settings."""
        return (*self.variables, *self.optional_variables)

    @property
    def all_settings(self) -> tuple[str, ...]:
        """The names of all its settings."""
        return (*self.client.settings, *self.client.optional_settings)

    def variable(self, name: str) -> str:
        """The environment variable of one of its settings."""
        return Settings(service=self.name).variable(name)


SERVICES: Final = (
    Service(
        name="cognigy",
        client_home="logferry.services.cognigy:Cognigy",
        attributes_home="logferry.services.cognigy._attributes:ATTRIBUTES",
    ),
    Service(
        name="daily",
        client_home="logferry.services.daily:Daily",
        attributes_home="logferry.services.daily._attributes:ATTRIBUTES",
    ),
    Service(
        name="logto",
        client_home="logferry.services.logto:Logto",
        attributes_home="logferry.services.logto._attributes:ATTRIBUTES",
    ),
    Service(
        name="signalwire",
        client_home="logferry.services.signalwire:SignalWire",
        attributes_home="logferry.services.signalwire._attributes:ATTRIBUTES",
    ),
)
"""All services, by name."""
