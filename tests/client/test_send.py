"""``send``: every documented operation is reachable with the credentials, retries and errors of a client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from importlib import import_module, resources
from typing import Any, Final

import orjson
import pytest

import logferry
from logferry._accounts.registry import SERVICES, Service
from logferry._json import is_array
from logferry.hooks import RetryEvent
from logferry.testing import FakeRequest, FakeResponse, InProcessTransport, LogtoFake, SignalWireFake, connected
from logferry.testing._registry import make_fake, settings_for
from logferry_clients.logto.api.audit_logs import get_audit_log
from logferry_clients.logto.models.audit_log import AuditLog
from logferry_clients.signalwire.api.message_logs import get_message_log
from logferry_clients.signalwire.api.video_logs import get_video_log
from logferry_clients.signalwire.models.discarded_log import DiscardedLog

ID: Final = "0123456789abcdefghij0123"
LOG: Final = {"id": "a", "key": "k", "payload": {"key": "k", "result": "Success"}, "createdAt": 1}


def specs() -> Iterator[tuple[Service, Mapping[str, Any]]]:
    """Yield the spec of each service."""
    for service in SERVICES:
        spec = resources.files(f"logferry_clients.{service.name}").joinpath("openapi.json").read_bytes()
        yield service, orjson.loads(spec)


def operations() -> Iterator[Any]:
    """Yield each operation that takes the credentials of an account, with its path and its spec."""
    for service, spec in specs():
        for path, item in spec["paths"].items():
            if "get" in item:
                yield pytest.param(service, spec, path, item["get"], id=item["get"]["operationId"])


def smallest(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a schema, with the required fields only."""
    if "$ref" in schema:
        return smallest(spec, spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return smallest(spec, schema["anyOf"][0])
    match schema.get("type"):
        case "object":
            return {name: smallest(spec, schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return [smallest(spec, schema["items"])]
        case "string":
            return schema.get("enum", ["text"])[0]
        case _:
            return 1


@pytest.mark.parametrize(("service", "spec", "path", "operation"), [*operations()])
def test_every_documented_operation_is_reachable(
    service: Service, spec: Mapping[str, Any], path: str, operation: Mapping[str, Any]
) -> None:
    """The builder of each operation makes a request that a client sends with its credentials, and parses."""
    module = import_module(f"logferry_clients.{service.name}.api.{operation['tags'][0]}.{operation['operationId']}")
    answered = smallest(spec, operation["responses"]["200"]["content"]["application/json"]["schema"])

    def answer(request: FakeRequest, _number: int) -> FakeResponse | None:
        return None if request.path == "/oidc/token" else FakeResponse(200, (), orjson.dumps(answered))

    fake = make_fake(service, records=1, epoch=0)
    transport = InProcessTransport(fake, faults=answer)
    needed: list[str] = [one["name"] for one in operation.get("parameters", ()) if one.get("required")]
    names = {"projectId": "project_id", "logEntryId": "log_entry_id", "auditEventId": "audit_event_id"}
    given: dict[str, Any] = {names.get(name, name): ID for name in needed}
    make: Any = service.client  # it has settings of its own
    with make(transport=transport, **settings_for(fake, "https://default.logto.app")) as client:
        value = client.send(module.request(**given))
    sent = transport.requests[-1]
    expected = path
    for name in needed:
        expected = expected.replace(f"{{{name}}}", ID)
    assert (sent.method, sent.path) == ("GET", expected)
    assert sent.header("Authorization") or sent.header("X-API-Key")
    values: list[Any] = value if is_array(value) else [value]
    models = f"logferry_clients.{service.name}.models."
    assert all(type(one).__module__.startswith(models) for one in values)


def test_a_request_can_be_sent_from_a_task() -> None:
    """``asend`` returns the same as ``send``."""

    def answer(request: FakeRequest, _number: int) -> FakeResponse | None:
        return None if request.path == "/oidc/token" else FakeResponse(200, (), orjson.dumps(LOG))

    async def sent() -> AuditLog:
        async with connected(logferry.Logto, LogtoFake(), faults=answer) as client:
            return await client.asend(get_audit_log.request(id="a"))

    with connected(logferry.Logto, LogtoFake(), faults=answer) as client:
        assert asyncio.run(sent()) == client.send(get_audit_log.request(id="a")) == AuditLog.from_dict(LOG)


def test_an_item_is_of_the_kind_that_its_fields_show() -> None:
    """A deleted log has the type of the remains of one."""
    deleted = {"id": "a", "discarded_at": "2026-01-01T00:00:00Z", "created_at": "2026-01-01T00:00:00Z"}
    body = FakeResponse(200, (), orjson.dumps(deleted))
    with connected(logferry.SignalWire, SignalWireFake(), faults=lambda _request, _number: body) as client:
        assert isinstance(client.send(get_video_log.request(id="a")), DiscardedLog)


def test_a_failure_is_retried() -> None:
    """A request that fails is sent again, and the hook names no stream."""
    events: list[RetryEvent] = []

    def answer(request: FakeRequest, number: int) -> FakeResponse | None:
        if request.path == "/oidc/token":
            return None
        return FakeResponse(503) if number < 3 else FakeResponse(200, (), orjson.dumps(LOG))

    with connected(logferry.Logto, LogtoFake(), faults=answer, on_retry=events.append) as client:
        assert client.send(get_audit_log.request(id="a")).id == "a"
    assert {event.stream for event in events} == {""}


@pytest.mark.parametrize(
    ("response", "error", "words"),
    [
        (FakeResponse(404, (), b'{"error": "Not Found"}'), logferry.BadRequestError, "404 Not Found: Not Found"),
        (FakeResponse(200, (), b'{"id": 1}'), logferry.ResponseShapeError, "not what the operation documents"),
        (FakeResponse(200, (), b"7"), logferry.ResponseShapeError, "not what the operation documents"),
    ],
)
def test_a_failure_is_an_error_of_logferry(
    response: FakeResponse, error: type[logferry.LogferryError], words: str
) -> None:
    """A refusal, and a response of another shape, raise an error that names the request and the account."""
    with (
        connected(
            logferry.SignalWire, SignalWireFake(), faults=lambda _request, _number: response, account="video"
        ) as client,
        pytest.raises(error, match=words) as caught,
    ):
        client.send(get_message_log.request(id="a"))
    assert (caught.value.service, caught.value.account, caught.value.stream) == ("signalwire", "video", None)
    assert (caught.value.method, (caught.value.url or "").rpartition("/")[2]) == ("GET", "a")
