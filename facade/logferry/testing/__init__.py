"""
Fakes of the services, for tests and for trying things out.

A fake is a pure function of request, state and clock, with the real service's habits. Two adapters put it to work:
`InProcessTransport` under an httpx client, and `serve` on a loopback port. `VirtualClock` gives time that passes at once,
`failing` lets requests fail, `relay` breaks connections, and `Comparison` says whether all came that a fake knows to be there.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from logferry.testing._faults import failing, first_of
from logferry.testing._http import Fake, FakeRequest, FakeResponse
from logferry.testing._recorder import Faults, Recorder
from logferry.testing._truth import Comparison, Differences

if TYPE_CHECKING:
    from logferry.testing._asgi import asgi
    from logferry.testing._clock import VirtualClock
    from logferry.testing._relay import Disruption, relay
    from logferry.testing._server import require_server, serve, serve_all, serve_until_interrupted
    from logferry.testing._transport import InProcessTransport
    from logferry.testing.cognigy import CognigyFake
    from logferry.testing.daily import DailyFake
    from logferry.testing.logto import LogtoFake
    from logferry.testing.signalwire import SignalWireFake

__all__ = [
    "CognigyFake",
    "Comparison",
    "DailyFake",
    "Differences",
    "Disruption",
    "Fake",
    "FakeRequest",
    "FakeResponse",
    "Faults",
    "InProcessTransport",
    "LogtoFake",
    "Recorder",
    "SignalWireFake",
    "VirtualClock",
    "asgi",
    "failing",
    "first_of",
    "relay",
    "require_server",
    "serve",
    "serve_all",
    "serve_until_interrupted",
]

# Loaded on first use, since most bring along something heavy: httpx, anyio, uvicorn, a service.
_LAZY = {
    "CognigyFake": "cognigy",
    "DailyFake": "daily",
    "Disruption": "_relay",
    "InProcessTransport": "_transport",
    "LogtoFake": "logto",
    "SignalWireFake": "signalwire",
    "VirtualClock": "_clock",
    "asgi": "_asgi",
    "relay": "_relay",
    "require_server": "_server",
    "serve": "_server",
    "serve_all": "_server",
    "serve_until_interrupted": "_server",
}


def __getattr__(name: str) -> Any:
    try:
        module = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
