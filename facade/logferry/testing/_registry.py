"""The fake of each service, and the settings of an account of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logferry._accounts.registry import Service, all_services, service_named

if TYPE_CHECKING:
    from logferry.testing._http import Fake
    from logferry.testing.conformance import MakeFake


def make_fake(service: Service, *, records: int, epoch: int, growing: bool = True) -> Fake:
    """
    Make a fake of a service with a computed history.

    Args:
        service: The service.
        records: Number of records at *epoch*.
        epoch: The time of the newest record, in nanoseconds since the epoch, UTC.
        growing: Whether more records arrive as time passes.
    """
    made: Fake = service.fake(records=records, epoch=epoch, growing=growing)
    return made


def scripted_fake(service: Service) -> MakeFake:
    """Return the function that makes fakes of a service with a scripted history."""
    make: MakeFake = service.fake.of_rows
    return make


def service_of(fake: Fake) -> Service:
    """
    Return the service of a fake.

    Raises:
        TypeError: No known service has its streams.
    """
    streams = getattr(fake, "streams", ())
    service = service_named(streams[0].partition(".")[0]) if streams else None
    if service is not None:
        return service
    known = ", ".join(service.name for service in all_services())
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
