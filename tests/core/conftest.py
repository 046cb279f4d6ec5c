"""What the tests of the core share: clients that ask a fake, and real items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

import logferry
from logferry.testing import Fake, Faults, InProcessTransport, LogtoFake


@pytest.fixture(scope="session")
def client() -> Callable[..., logferry.Logto]:
    """Make a client that asks a fake in process; further arguments are the client's."""

    def make(fake: Fake | None = None, *, faults: Faults | None = None, **options: Any) -> logferry.Logto:
        clock = options.get("clock")
        transport = InProcessTransport(
            fake or LogtoFake(), faults=faults, clock=None if clock is None else clock.now, check=False
        )
        given: dict[str, Any] = {
            "endpoint": "https://default.logto.app",
            "app_id": LogtoFake().app_id,
            "app_secret": LogtoFake().app_secret,
            "transport": transport,
            "rate": None,  # most tests have the machine's clock, and none waits for its turn
        }
        return logferry.Logto(**given | options)

    return make


@pytest.fixture(scope="session")
def real_logs(samples: Any) -> list[dict[str, Any]]:
    """150 audit logs, as a real server 1.42.0 sent them."""
    logs: list[dict[str, Any]] = orjson.loads((samples / "logto/list_audit_logs/logs.json").read_bytes())
    return logs
