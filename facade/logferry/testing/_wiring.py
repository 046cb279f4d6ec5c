"""Clients of fakes: in process, or on loopback as the environment's account."""

from typing import Any, Protocol, TypeVar, Unpack

from logferry._client import Client
from logferry._config.arguments import ClientOptions
from logferry.testing._clock import VirtualClock
from logferry.testing._http import Fake
from logferry.testing._recorder import Faults, Recorder
from logferry.testing._registry import service_of
from logferry.testing._transport import InProcessTransport

__all__ = ["MakeAccount", "MakeClient", "connected", "just_after"]

C = TypeVar("C", bound=Client)

_ADDRESS = "https://fake.example"


class MakeClient(Protocol):
    """Makes clients of fakes in process; see `connected`."""

    def __call__(
        self, client: type[C], fake: Fake, *, faults: Faults | None = None, **options: Unpack[ClientOptions]
    ) -> C:
        """Make a client of the class `client`."""
        ...


class MakeAccount(Protocol):
    """Serves fakes on loopback, and sets the environment variables of an account of each."""

    def __call__(self, fake: Fake, *, faults: Faults | None = None) -> Recorder:
        """
        Serve `fake`, whose clock stands still at its epoch.

        Args:
            fake: The fake.
            faults: The faults; see `failing`.

        Returns:
            The record of the requests.
        """
        ...


def just_after(fake: Fake) -> int:
    """Return a moment at which a window without an end includes all items that a fake has at its epoch."""
    return fake.epoch + 1_000_000


def connected(client: type[C], fake: Fake, *, faults: Faults | None = None, **options: Unpack[ClientOptions]) -> C:
    """
    Make a client of a fake in process.

    Nothing waits: unless `options` have another clock, client and fake share a `VirtualClock`, which stands a
    millisecond after the fake's epoch.

    Args:
        client: The client's class, such as `logferry.Logto`.
        fake: A fake of the same service.
        faults: The faults; see `failing`.
        options: Options of the client, without its settings.

    Raises:
        TypeError: The fake is not of the client's service.
    """
    streams = getattr(fake, "streams", ())
    if not streams or not streams[0].startswith(f"{client.service}."):
        name = service_of(fake).name
        raise TypeError(f"{client.__name__} is not a client of {name}, the service of {type(fake).__name__}")
    if "clock" not in options:
        options["clock"] = VirtualClock(just_after(fake))
    if "transport" not in options:
        options["transport"] = InProcessTransport(fake, clock=options["clock"].now, faults=faults)
    make: Any = client  # a service's own settings are not in the base class
    made: C = make(**{client.address: _ADDRESS}, **fake.settings, **options)
    return made
