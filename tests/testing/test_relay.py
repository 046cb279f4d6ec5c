"""Faults below HTTP: a pull through the relay is complete or raises an error of logferry, sync and async."""

import socket
from contextlib import suppress
from typing import Any, Literal

import anyio
import pytest

import logferry
from logferry.testing import (
    CognigyFake,
    DailyFake,
    Disruption,
    LogtoFake,
    Recorder,
    SignalWireFake,
    relay,
    serve,
)

DISRUPTIONS = [
    Disruption("reset"),
    Disruption("reset", "head", 20),
    Disruption("reset", "body"),
    Disruption("reset", "body", 100),
    Disruption("reset", "end"),
    Disruption("close"),
    Disruption("close", "head", 9),
    Disruption("close", "body"),
    Disruption("close", "body", 1),
    Disruption("close", "end"),
    Disruption("stall"),
    Disruption("stall", "head", 30),
    Disruption("stall", "body", 50),
    Disruption("trickle"),
    Disruption("trickle", "body", 3),
]
PATIENCE = logferry.Timeouts(connect=5, read=0.2)
RETRIES = logferry.RetryPolicy(attempts=10, first_delay=0)  # a busy machine delays answers too


def pulled(address: str, fake: LogtoFake, *, sync: bool) -> list[str]:
    """Return the ids of all records, sync or async."""
    logto = logferry.Logto(
        endpoint=address, app_id=fake.app_id, app_secret=fake.app_secret, timeout=PATIENCE, retries=RETRIES
    )
    records = logto.audit_logs(until="2030-01-01", page_size=10).records()

    async def collect() -> list[logferry.LogRecord]:
        async with logto:
            return await records.ato_list()

    if not sync:
        return ids(anyio.run(collect))
    with logto:
        return ids(records.to_list())


def ids(records: list[logferry.LogRecord]) -> list[str]:
    """Return the service's ids of records."""
    return [record.uid.rpartition(":")[2] for record in records]


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@pytest.mark.parametrize("disruption", DISRUPTIONS, ids=lambda one: f"{one.how}-{one.part}-{one.after}")
def test_a_pull_through_a_failing_relay_is_complete(disruption: Disruption, sync: bool) -> None:
    """With any disruption at the token, at the first, a middle or the last page, each record comes once."""
    fake = LogtoFake(records=45)
    with serve(fake) as url, relay(url, dict.fromkeys([1, 3, 5, 8], disruption)) as address:
        assert pulled(address, fake, sync=sync) == list(fake.truth())


@pytest.mark.parametrize("name", ["daily.api_logs", "signalwire.video_logs", "cognigy.project_logs"])
def test_each_service_is_complete_through_the_relay(name: str) -> None:
    """Every third answer is disrupted, each time in another way."""
    service = name.partition(".")[0]
    kinds: dict[str, Any] = {"daily": DailyFake, "signalwire": SignalWireFake, "cognigy": CognigyFake}
    clients: dict[str, Any] = {
        "daily": logferry.Daily,
        "signalwire": logferry.SignalWire,
        "cognigy": logferry.Cognigy,
    }
    fake, client = kinds[service](), clients[service]
    schedule = {3 * number: disruption for number, disruption in enumerate(DISRUPTIONS, 1)}
    settings = {key: value for key, value in fake.settings.items() if key != "space"}
    recorder = Recorder(fake)
    with serve(recorder) as url, relay(url, schedule) as address:
        with client(base_url=address, **settings, timeout=PATIENCE, retries=RETRIES) as made:
            items = made.stream(name, page_size=20, until="2100-01-01").raw().to_list()
        assert recorder.count > 20
    identities, truth = [fake.identity(name, item) for item in items], list(fake.truth(name))
    if name == "cognigy.project_logs":  # its entries keep the service's order within a partition alone
        identities, truth = sorted(identities), sorted(truth)
    assert identities == truth


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("reset", logferry.ConnectionFailedError),
        ("close", logferry.ConnectionFailedError),
        ("stall", logferry.RequestTimeoutError),
    ],
)
def test_a_lasting_disruption_is_an_error(how: Literal["reset", "close", "stall"], kind: type[Exception]) -> None:
    """After the last attempt the error has the checkpoint, from which another client reads the rest."""
    fake = LogtoFake(records=45)
    settings: dict[str, Any] = {"app_id": fake.app_id, "app_secret": fake.app_secret, "timeout": PATIENCE}
    broken = dict.fromkeys(range(4, 100), Disruption(how, "body", 30))
    records: list[logferry.LogRecord] = []
    with serve(fake) as url:
        with (
            relay(url, broken) as address,
            logferry.Logto(endpoint=address, retries=RETRIES, **settings) as logto,
            pytest.raises(kind) as caught,
        ):
            records.extend(logto.audit_logs(until="2030-01-01", page_size=10).records())
        error = caught.value
        assert isinstance(error, logferry.LogferryError)
        assert (error.attempts, len(records)) == (10, 20)
        with logferry.Logto(endpoint=url, **settings) as logto:
            records += logto.audit_logs(resume=error.checkpoint).records()
    assert ids(records) == list(fake.truth())


def test_the_relay_ends_with_connected_clients() -> None:
    """An open or stalled connection does not keep the relay from ending."""
    fake = LogtoFake(records=1)
    with serve(fake) as url:
        with relay(url, {1: Disruption("stall")}) as address:
            port = int(address.rpartition(":")[2])
            idle = socket.create_connection(("127.0.0.1", port))
            stalled = socket.create_connection(("127.0.0.1", port))
            stalled.sendall(b"GET /api/logs HTTP/1.1\r\nHost: x\r\n\r\n")
        for connection in (idle, stalled):
            with connection, suppress(ConnectionResetError):
                assert connection.recv(1) == b""


def test_the_relay_closes_connections_without_a_server() -> None:
    """If the server is gone, the relay closes the connection."""
    with (
        relay("http://127.0.0.1:9", {}) as address,
        logferry.Logto(endpoint=address, access_token="hush", retries=0) as logto,
        pytest.raises(logferry.ConnectionFailedError),
    ):
        logto.audit_logs().to_list()
