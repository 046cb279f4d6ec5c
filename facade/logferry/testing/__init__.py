"""
Fakes of the services, for tests and for first steps.

A fake is a pure function of request, state and clock that behaves like the real service.  Two adapters run it:
`InProcessTransport` in an httpx client, and `serve` on a loopback port.

`VirtualClock` is a clock that never waits (`Clock` is its protocol).  `failing` and `Schedule` make requests fail,
`relay` breaks connections.  `Row` and `random_rows` script the history of a fake, and `Comparison` checks that all its
items arrive.  `connected` makes a client of a fake; `configuration` and `Hosts` let `open_accounts` open several.
`logferry.testing.pytest` is a plugin with fixtures.
"""

from typing import TYPE_CHECKING

from logferry._lazy import lazy_names
from logferry._time.clock import Clock
from logferry.testing._faults import cut, emptied, failing, first_of, html_page, late, reset, shortened, stale
from logferry.testing._http import Fake, FakeRequest, FakeResponse
from logferry.testing._recorder import Change, Faults, Outcome, Recorder
from logferry.testing._rows import Row, random_rows
from logferry.testing._truth import Comparison, Differences

if TYPE_CHECKING:
    from logferry.testing._accounts import Hosts, configuration
    from logferry.testing._asgi import asgi
    from logferry.testing._clock import VirtualClock
    from logferry.testing._openapi import SpecChecker
    from logferry.testing._relay import Disruption, relay
    from logferry.testing._schedule import ALL, FATAL, PASSING, QUIET, Kind, Schedule
    from logferry.testing._server import require_server, serve, serve_all, serve_until_interrupted
    from logferry.testing._stream_fake import Listed, StreamFake
    from logferry.testing._transport import InProcessTransport
    from logferry.testing._wiring import MakeAccount, MakeClient, connected
    from logferry.testing.cognigy import CognigyFake
    from logferry.testing.daily import DailyFake
    from logferry.testing.logto import LogtoFake
    from logferry.testing.signalwire import SignalWireFake

__all__ = [
    "ALL",
    "FATAL",
    "PASSING",
    "QUIET",
    "Change",
    "Clock",
    "CognigyFake",
    "Comparison",
    "DailyFake",
    "Differences",
    "Disruption",
    "Fake",
    "FakeRequest",
    "FakeResponse",
    "Faults",
    "Hosts",
    "InProcessTransport",
    "Kind",
    "Listed",
    "LogtoFake",
    "MakeAccount",
    "MakeClient",
    "Outcome",
    "Recorder",
    "Row",
    "Schedule",
    "SignalWireFake",
    "SpecChecker",
    "StreamFake",
    "VirtualClock",
    "asgi",
    "configuration",
    "connected",
    "cut",
    "emptied",
    "failing",
    "first_of",
    "html_page",
    "late",
    "random_rows",
    "relay",
    "require_server",
    "reset",
    "serve",
    "serve_all",
    "serve_until_interrupted",
    "shortened",
    "stale",
]

if not TYPE_CHECKING:
    # Most of these import something heavy: httpx, anyio, uvicorn, a service.
    __getattr__, __dir__ = lazy_names(
        globals(),
        {
            "_accounts": "Hosts configuration",
            "_asgi": "asgi",
            "_clock": "VirtualClock",
            "_openapi": "SpecChecker",
            "_relay": "Disruption relay",
            "_schedule": "ALL FATAL PASSING QUIET Kind Schedule",
            "_server": "require_server serve serve_all serve_until_interrupted",
            "_stream_fake": "Listed StreamFake",
            "_transport": "InProcessTransport",
            "_wiring": "MakeAccount MakeClient connected",
            "cognigy": "CognigyFake",
            "daily": "DailyFake",
            "logto": "LogtoFake",
            "signalwire": "SignalWireFake",
        },
    )
