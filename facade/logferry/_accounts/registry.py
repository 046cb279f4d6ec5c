"""
The services that logferry knows: its own, and those of other packages.

A package registers a `Service` under the entry point group ``logferry.services``.  Entry points are read where all services or an
unknown name are asked for, once in a process, so a client of a built-in service costs nothing more.  A package that does not work
never stops the others: it is left out, and the error for it names the distribution.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from logferry._config.settings import Settings
from logferry._errors import ConfigurationError
from logferry._lazy import loaded
from logferry._redaction import printable

if TYPE_CHECKING:  # clients bring along httpx, which a look at the names does not need
    from importlib.metadata import EntryPoint

    from logferry._client import Client
    from logferry._records.attributes import Attribute
    from logferry._streams.definition import StreamDefinition

GROUP: Final = "logferry.services"
"""The entry point group of services."""

NAME: Final = re.compile("[a-z][a-z0-9]*")
"""The names that a service can have."""

_SHOWN: Final = 200
"""This many characters of the error of a package are shown."""


@frozen(kw_only=True)
class Service:
    """
    A service, for the registry.  All that it names is loaded when it is used.

    A place is a module and a name in it, with a colon between them, such as ``"acorn_logs.client:Acorn"``.

    Attributes:
        name: The service's name: lower-case letters and digits.  The names of its streams begin with it and a dot, those of its
            environment variables with it and an underscore.
        client_home: The place of its client class.
        attributes_home: The place of the tables of attributes, by stream; empty where there are none.
        fake_home: The place of its fake, for ``logferry simulate`` and ``logferry.testing``; empty where there is none.
        distribution: Name and version of the distribution that registers it; logferry sets it, and its own have none.
    """

    name: str
    client_home: str
    attributes_home: str = ""
    fake_home: str = ""
    distribution: str = ""

    @property
    def client(self) -> type[Client]:
        """
        Its client class.

        Raises:
            ConfigurationError: The package of the service does not work.
        """
        client: type[Client] = self._loaded(self.client_home)
        if self.distribution and getattr(client, "service", None) != self.name:
            raise self._broken(f"{self.client_home} is no client of a service called {self.name}")
        return client

    @property
    def streams(self) -> tuple[StreamDefinition[Any, Any, Any], ...]:
        """
        What its client can open.

        Raises:
            ConfigurationError: The package of the service does not work.
        """
        client = self.client
        with self._working():
            streams = client.streams
        for stream in streams:
            if not stream.name.startswith(f"{self.name}."):
                raise self._broken(f"the stream {stream.name} is called as one of another service")
        return streams

    @property
    def attributes(self) -> Mapping[str, tuple[Attribute, ...]]:
        """The attributes of its streams, by the stream's name; loads neither its client nor its streams."""
        tables: Mapping[str, tuple[Attribute, ...]] = self._loaded(self.attributes_home) if self.attributes_home else {}
        return tables

    @property
    def fake(self) -> Any:
        """
        Its fake, a class.

        Raises:
            ConfigurationError: It has none, or the package of the service does not work.
        """
        if not self.fake_home:
            raise ConfigurationError(
                f"the service {self.name} has no fake", hint="Its Service names none: set fake_home"
            )
        return self._loaded(self.fake_home)

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

    def _loaded(self, home: str) -> Any:
        with self._working():
            return loaded(home)

    @contextmanager
    def _working(self) -> Generator[None]:
        """Name the distribution in whatever its package raises."""
        try:
            yield
        except Exception as error:
            if not self.distribution:
                raise
            raise self._broken(_worded(error)) from error

    def _broken(self, why: str) -> ConfigurationError:
        error = _FAILURES[self.name] = _broken(self.name, self.distribution, why)
        return error


SERVICES: Final = tuple(
    Service(
        name=name,
        client_home=f"logferry.services.{name}:{client}",
        attributes_home=f"logferry.services.{name}._attributes:ATTRIBUTES",
        fake_home=f"logferry.testing.{name}:{client}Fake",
    )
    for name, client in (("cognigy", "Cognigy"), ("daily", "Daily"), ("logto", "Logto"), ("signalwire", "SignalWire"))
)
"""The built-in services, by name."""

_FAILURES: Final[dict[str, ConfigurationError]] = {}


def all_services() -> tuple[Service, ...]:
    """The built-in services, and those of other packages that work; by name."""
    return (*SERVICES, *outside_services())


def service_named(name: str) -> Service | None:
    """
    The service of a name, or ``None``.

    Raises:
        ConfigurationError: The package that registers it does not work.
    """
    found = next((one for one in SERVICES if one.name == name), None)
    if found is None:
        found = next((one for one in outside_services() if one.name == name), None)
        if found is None and name in _FAILURES:
            raise _FAILURES[name]
    return found


def all_streams(
    services: Iterable[Service] | None = None,
) -> Iterator[tuple[Service, StreamDefinition[Any, Any, Any]]]:
    """The streams of services, by default of all, each with its service; a package that does not work is left out."""
    for service in all_services() if services is None else services:
        with suppress(ConfigurationError):
            yield from ((service, stream) for stream in service.streams)


def all_attributes() -> Iterator[tuple[str, tuple[Attribute, ...]]]:
    """The streams of all services that have a table of attributes, each with its table."""
    for service in all_services():
        with suppress(ConfigurationError):
            for stream, attributes in service.attributes.items():
                if stream.startswith(f"{service.name}."):
                    yield stream, attributes


def failures() -> tuple[ConfigurationError, ...]:
    """What did not work of other packages, as far as they have been loaded."""
    return tuple(_FAILURES.values())


def forget() -> None:
    """Read the entry points anew when they are needed next."""
    outside_services.cache_clear()
    _FAILURES.clear()


@cache
def outside_services() -> tuple[Service, ...]:
    """The services of other packages that work, by name; their clients are loaded."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # it reads what is installed, and takes time to import

    registered: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        registered.setdefault(point.name, {})[_distribution(point)] = point
    found: list[Service] = []
    for name, points in sorted(registered.items()):
        try:
            found.append(_service(name, points))
        except ConfigurationError as error:
            _FAILURES[name] = error
    return tuple(found)


def _service(name: str, points: Mapping[str, EntryPoint]) -> Service:
    """The service that entry points of one name register; its client is loaded."""
    distributions = sorted(points)
    if name in [one.name for one in SERVICES]:
        raise _broken(name, _listed(distributions), "logferry has a service of this name itself")
    if len(points) > 1:
        raise ConfigurationError(
            f"{_listed(distributions)} all register a service called {name}, so none is used",
            hint="Uninstall all of them but one",
        )
    (distribution,) = distributions
    if not NAME.fullmatch(name):
        raise _broken(name, distribution, "a name has lower-case letters and digits only")
    try:
        service = points[distribution].load()
    except Exception as error:
        raise _broken(name, distribution, _worded(error)) from error
    if not isinstance(service, Service) or service.name != name:
        raise _broken(name, distribution, f"{points[distribution].value} is no Service called {name}")
    service = evolve(service, distribution=distribution)
    assert service.client is not None  # noqa: S101  # loaded here, so that a package that does not work is left out
    return service


def _distribution(point: EntryPoint) -> str:
    return "an unknown distribution" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def _worded(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}")[:_SHOWN]


def _broken(name: str, distribution: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the service {name} of {distribution} cannot be used: {why}",
        hint=f"Update or uninstall {distribution.rpartition(' ')[0] or distribution}",
    )
