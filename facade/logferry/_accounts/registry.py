"""The services that logferry knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import frozen

from logferry._config.settings import Settings
from logferry._lazy import loaded

if TYPE_CHECKING:  # clients bring along httpx, which a look at the names does not need
    from logferry._client import Client
    from logferry._records.attributes import Attribute
    from logferry._streams.definition import StreamDefinition
    from logferry.testing import Fake
    from logferry.testing.conformance import MakeFake


class FakeFactory(Protocol):
    """Makes the fake of a service."""

    def __call__(self, *, records: int, epoch: int, growing: bool = True) -> Fake:
        """
        Make a fake with a history of its own.

        Args:
            records: How many records it has at *epoch*.
            epoch: When the newest of them was written, in nanoseconds since the epoch, UTC.
            growing: Whether more arrive as time goes on.
        """
        ...


@frozen(kw_only=True)
class Service:
    """
    A service by name; its code is loaded when it is used.

    Attributes:
        name: Such as ``"logto"``.
        client_home: Module and name of its client class.
        fake_home: Module and name of its fake.
        address: The setting that says where the service is; its fake knows the others.
        attributes_home: Module and name of the tables of its streams' attributes.
    """

    name: str
    client_home: str
    fake_home: str
    address: str
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
        return tuple(self._settings.variable(name) for name in self.client.settings)

    @property
    def optional_variables(self) -> tuple[str, ...]:
        """The environment variables that have a default, or stand for others."""
        return tuple(self._settings.variable(name) for name in self.client.optional_settings)

    @property
    def all_variables(self) -> tuple[str, ...]:
        """The environment variables of all its settings."""
        return (*self.variables, *self.optional_variables)

    @property
    def all_settings(self) -> tuple[str, ...]:
        """The names of all its settings."""
        return (*self.client.settings, *self.client.optional_settings)

    @property
    def scripted_fake(self) -> MakeFake:
        """Makes a fake of it with a scripted history."""
        make: MakeFake = loaded(self.fake_home).of_rows
        return make

    def fake(self, *, records: int, epoch: int, growing: bool = True) -> Fake:
        """A fake of it, see ``FakeFactory``."""
        make: FakeFactory = loaded(self.fake_home)
        return make(records=records, epoch=epoch, growing=growing)

    def settings_for(self, fake: Fake, url: str) -> dict[str, str]:
        """The settings that make an account of *fake*, served at *url*."""
        return {self.address: url, **fake.settings}

    def variables_for(self, fake: Fake, url: str) -> dict[str, str]:
        """The same as environment variables."""
        return {self._settings.variable(name): value for name, value in self.settings_for(fake, url).items()}

    @property
    def _settings(self) -> Settings:
        return Settings(service=self.name)


SERVICES: Final = (
    Service(
        name="cognigy",
        client_home="logferry.services.cognigy:Cognigy",
        fake_home="logferry.testing:CognigyFake",
        address="base_url",
        attributes_home="logferry.services.cognigy._attributes:ATTRIBUTES",
    ),
    Service(
        name="daily",
        client_home="logferry.services.daily:Daily",
        fake_home="logferry.testing:DailyFake",
        address="base_url",
        attributes_home="logferry.services.daily._attributes:ATTRIBUTES",
    ),
    Service(
        name="logto",
        client_home="logferry.services.logto:Logto",
        fake_home="logferry.testing:LogtoFake",
        address="endpoint",
        attributes_home="logferry.services.logto._attributes:ATTRIBUTES",
    ),
    Service(
        name="signalwire",
        client_home="logferry.services.signalwire:SignalWire",
        fake_home="logferry.testing:SignalWireFake",
        address="base_url",
        attributes_home="logferry.services.signalwire._attributes:ATTRIBUTES",
    ),
)
"""All services, by name."""
