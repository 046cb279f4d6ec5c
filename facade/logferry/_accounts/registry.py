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
    """A service by name; its code is loaded when it is used, from the module and the name in it that *client_home* gives."""

    name: str
    client_home: str

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
        tables: Mapping[str, tuple[Attribute, ...]] = loaded(f"logferry.services.{self.name}._attributes:ATTRIBUTES")
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


SERVICES: Final = tuple(
    Service(name=name, client_home=f"logferry.services.{name}:{client}")
    for name, client in (("cognigy", "Cognigy"), ("daily", "Daily"), ("logto", "Logto"), ("signalwire", "SignalWire"))
)
"""All services, by name."""
