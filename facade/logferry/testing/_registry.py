"""The fake of each service, and the settings of an account of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logferry._accounts.registry import SERVICES, Service
from logferry._lazy import loaded

if TYPE_CHECKING:
    from logferry.testing._http import Fake
    from logferry.testing.conformance import MakeFake

_HOMES: Final = {
    "cognigy": "logferry.testing.cognigy:CognigyFake",
    "daily": "logferry.testing.daily:DailyFake",
    "logto": "logferry.testing.logto:LogtoFake",
    "signalwire": "logferry.testing.signalwire:SignalWireFake",
}


def make_fake(service: Service, *, records: int, epoch: int, growing: bool = True) -> Fake:
    """
    Make a fake of a service with a computed history.

    Args:
        service: The service.
        records: Number of records at *epoch*.
        epoch: The time of the newest record, in nanoseconds since the epoch, UTC.
        growing: Whether more records arrive as time passes.
    """
    made: Fake = loaded(_HOMES[service.name])(records=records, epoch=epoch, growing=growing)
    return made


def scripted_fake(service: Service) -> MakeFake:
    """Return the function that makes fakes of a service with a scripted history."""
    make: MakeFake = loaded(_HOMES[service.name]).of_rows
    return make


def service_of(fake: Fake) -> Service:
    """
    Return the service of a fake.

    Raises:
        TypeError: No known service has its streams.
    """
    streams = getattr(fake, "streams", ())
    for service in SERVICES:
        if streams and streams[0].startswith(f"{service.name}."):
            return service
    known = ", ".join(service.name for service in SERVICES)
    raise TypeError(
        f"{type(fake).__name__} is not a fake of a known service ({known}): "
        f"its streams are {', '.join(streams) or 'not named'}. Give one such as logferry.testing.LogtoFake"
    )


def settings_for(fake: Fake, url: str) -> dict[str, str]:
    """Return the settings of an account of *fake*, served at *url*."""
    return {service_of(fake).client.address: url, **fake.settings}


def variables_for(fake: Fake, url: str) -> dict[str, str]:
    """Return the same as environment variables."""
    variable = service_of(fake).variable
    return {variable(name): value for name, value in settings_for(fake, url).items()}
