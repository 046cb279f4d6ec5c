"""Rules for every service: its streams, its settings, its credentials, the form of its records."""

from __future__ import annotations

import inspect
import logging
import re
import time
import traceback
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

import logferry
from logferry._accounts.registry import SERVICES, Service
from logferry.testing import (
    CognigyFake,
    DailyFake,
    Fake,
    FakeRequest,
    FakeResponse,
    InProcessTransport,
    LogtoFake,
    Recorder,
    SignalWireFake,
    serve,
)
from logferry.testing._registry import make_fake, variables_for

ALL: Final = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
SAMPLES: Final = Path(__file__).parents[1] / "samples"
SESSION: Final = {"mtg_session_id": "m"}
OPTIONS: Final = ("since", "until", "page_size", "max_items", "resume", "strict")
"""The options of every stream beside its own filters."""


@contextmanager
def opened(service: Service, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Generator[Any]:
    """Return a client of a fictitious account, configured by the environment alone."""
    fake = make_fake(service, records=3, epoch=1_795_164_426_000_000_000)
    for variable, value in variables_for(fake, "http://127.0.0.1:1").items():
        monkeypatch.setenv(variable, value)
    with service.client.from_env(**options) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "filters", "paging", "order", "time_filter"),
    [
        (
            "cognigy.project_logs",
            ["project_id", "filter_", "type_", "user_id", "flow_name"],
            "id cursor",
            "as sent",
            "server",
        ),
        ("daily.api_logs", ["source", "url"], "id cursor", "newest first", "client"),
        ("daily.meetings", ["room", "ongoing"], "id cursor", "newest first", "server"),
        ("daily.session_logs", ["mtg_session_id", "user_session_id", "log_level"], "offset", "oldest first", "server"),
        ("daily.session_metrics", ["mtg_session_id", "user_session_id"], "offset", "oldest first", "server"),
        ("logto.audit_logs", ["user_id", "application_id", "log_key"], "page number", "newest first", "server"),
        *((name, ["include_deleted"], "links.next", "as sent", "server") for name in SignalWireFake().streams),
    ],
)
def test_a_stream_matches_its_definition(
    name: str, filters: list[str], paging: str, order: str, time_filter: str
) -> None:
    """Its method has the name of the stream, takes its filters by name, and documents paging, order and filters."""
    (service,) = (one for one in SERVICES if one.name == name.partition(".")[0])
    (stream,) = (one for one in service.streams if one.name == name)
    method = inspect.signature(getattr(service.client, stream.method))
    own = [parameter for parameter in method.parameters.values() if parameter.name not in {"self", "options"}]
    assert [parameter.name for parameter in own] == [one.name for one in stream.filter_list] == filters
    assert {(parameter.kind, parameter.default) for parameter in own} == {(inspect.Parameter.KEYWORD_ONLY, None)}
    assert (stream.paging, stream.order) == (paging, order)
    assert stream.time_filter.startswith(time_filter)


@ALL
def test_none_means_not_given(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every filter and option of every stream may be ``None``, which adds nothing to the request."""
    with opened(service, monkeypatch) as client:
        for stream in service.streams:
            needed = SESSION if "mtg_session_id" in stream.needs_one_of else {}
            nothing: dict[str, Any] = {one.name: None for one in stream.filter_list} | dict.fromkeys(OPTIONS[:-1])
            method = getattr(client, stream.method)
            assert repr(method(**nothing | needed)) == repr(method(**needed))
            method(**needed, since="24h", until="1h", page_size=5, max_items=5, strict=True)


SETTINGS: Final = {
    "cognigy": {"COGNIGY_API_KEY", "COGNIGY_BASE_URL", "COGNIGY_PROJECT_ID"},
    "daily": {"DAILY_API_KEY", "DAILY_BASE_URL"},
    "logto": {"LOGTO_ENDPOINT", "LOGTO_APP_ID", "LOGTO_APP_SECRET", "LOGTO_ACCESS_TOKEN", "LOGTO_RESOURCE"},
    "signalwire": {"SIGNALWIRE_SPACE", "SIGNALWIRE_PROJECT_ID", "SIGNALWIRE_API_TOKEN", "SIGNALWIRE_BASE_URL"},
}


@ALL
def test_settings_are_arguments_and_variables(service: Service) -> None:
    """Each setting is an argument, and a variable of the same name with the service as its prefix."""
    names = (*service.client.settings, *service.client.optional_settings)
    parameters = inspect.signature(service.client).parameters
    assert set(names) == {name for name in parameters if name != "options"}
    assert {*service.variables, *service.optional_variables} == {f"{service.name}_{name}".upper() for name in names}
    assert {*service.variables, *service.optional_variables} >= SETTINGS[service.name]


def basic(name: str, secret: str) -> str:
    """Return the Authorization header for these values."""
    return f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("fake", "settings", "header", "value"),
    [
        (CognigyFake(), ("api_key", "project_id"), "X-API-Key", CognigyFake().api_key),
        (DailyFake(), ("api_key",), "Authorization", f"Bearer {DailyFake().api_key}"),
        (
            SignalWireFake(),
            ("project_id", "api_token"),
            "Authorization",
            basic(SignalWireFake().project_id, SignalWireFake().api_token),
        ),
        (LogtoFake(), ("app_id", "app_secret"), "Authorization", "Bearer eyJ"),
    ],
    ids=["Cognigy", "Daily", "SignalWire", "Logto"],
)
def test_credentials_are_sent_as_documented(fake: Fake, settings: tuple[str, ...], header: str, value: str) -> None:
    """Each service uses its own scheme, and no credential is in the URL."""
    service = next(one for one in SERVICES if one.name == type(fake).__name__.removesuffix("Fake").lower())
    transport = InProcessTransport(fake)
    given = {name: getattr(fake, name) for name in settings} | {service.client.address: "https://default.logto.app"}
    make: Any = service.client  # it has settings of its own
    with make(transport=transport, **given) as client:
        stream = client.stream(service.streams[-1].name, until="2027-01-01")
        stream.to_list(1)
    *tokens, asked = transport.requests
    assert (asked.header(header) or "").startswith(value)
    assert [request.target for request in tokens] == (["/oidc/token"] if service.name == "logto" else [])
    assert not any(getattr(fake, name) in asked.target for name in settings if name != "project_id")


@ALL
def test_no_secret_is_shown(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No log message of any level, traceback or repr has a secret, also where a pull fails."""

    def failing(request: FakeRequest, number: int) -> FakeResponse | None:
        return FakeResponse(500) if number > 2 and "token" not in request.path else None

    fake = make_fake(service, records=1000, epoch=time.time_ns() // 10**9 * 10**9)
    caplog.set_level(logging.DEBUG)
    server = Recorder(fake, faults=failing, clock=time.time_ns)
    with serve(server) as url:
        for variable, value in variables_for(fake, url).items():
            monkeypatch.setenv(variable, value)
        with service.client.from_env(retries=0) as client, pytest.raises(logferry.ServiceError) as caught:
            client.stream(service.streams[-1].name, page_size=50).to_list()
    sent = [request.header(name) for request in server.requests for name in ("Authorization", "X-API-Key")]
    secrets = {value.rpartition(" ")[2] for value in sent if value}
    secrets |= {getattr(fake, name) for name in ("api_key", "app_secret", "api_token") if hasattr(fake, name)}
    error = caught.value
    told = [caplog.text, *traceback.format_exception(error), repr(error), repr(vars(error)), repr(client)]
    assert caplog.records
    assert [secret for secret in secrets if any(secret in text for text in told)] == []


def golden_records() -> list[Any]:
    """Return each record of the golden files, with the name of its file."""
    return [
        pytest.param(orjson.loads(line), id=f"{file.relative_to(SAMPLES).as_posix()}:{number}")
        for file in sorted(SAMPLES.rglob("*records.jsonl"))
        for number, line in enumerate(file.read_bytes().splitlines(), 1)
        if number <= 5  # the others are of the same stream
    ]


KINDS: Final = {
    "uid": str,
    "stream": str,
    "account": str,
    "timestamp": str,
    "observed_timestamp": str,
    "severity_number": int,
    "severity_text": str,
    "event_name": str,
    "body": str,
    "trace_id": str,
    "attributes": dict,
    "resource": dict,
    "issues": list,
}
"""Return the fields of a record as JSON, in their order."""

ALWAYS: Final = {"uid", "stream", "account", "timestamp", "observed_timestamp", "severity_number", "resource"}


@pytest.mark.parametrize("record", golden_records())
def test_a_record_as_json_has_the_promised_fields(record: dict[str, Any]) -> None:
    """Names, order and types are the same for every service; absent fields are left out, never null."""
    assert list(record) == [name for name in KINDS if name in record]
    assert record.keys() >= ALWAYS
    assert all(type(value) is KINDS[name] and value not in ("", {}, []) for name, value in record.items())
    assert None not in (*record["attributes"].values(), *record["resource"].values())
    assert 0 <= record["severity_number"] <= 24
    for name in ("timestamp", "observed_timestamp"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", record[name])
        assert datetime.fromisoformat(record[name][:26] + "+00:00").tzinfo is not None
    service = record["stream"].partition(".")[0]
    assert record["uid"].startswith(f"{service}:")
    assert record["resource"].keys() >= {"service.name", "server.address"}


@pytest.mark.parametrize(
    ("name", "first", "next_page"),
    [
        ("cognigy.project_logs", {"items": [{"_id": "a" * 24, "timestamp": "soon"}], "total": 1}, None),
        ("daily.api_logs", [{"id": "a", "createdAt": "soon"}], []),
        ("daily.meetings", {"data": [{"id": "a", "start_time": 10**15}]}, {"data": []}),
        ("daily.session_logs", {"logs": [{"time": "soon"}]}, {"logs": []}),
        ("daily.session_metrics", {"metrics": [{"time": "soon"}]}, {"metrics": []}),
        (
            "logto.audit_logs",
            [{"id": "a", "key": "k", "payload": {"key": "k", "result": "Success"}, "createdAt": 1e300}],
            None,
        ),
        *(
            (name, {"links": {}, "data": [{"id": "a", "created_at": "soon"}]}, None)
            for name in SignalWireFake().streams
        ),
    ],
)
def test_a_record_of_unknown_time_passes_every_window(
    name: str, first: object, next_page: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreadable time becomes 0 with an issue, and the record passes any window."""
    (service,) = (one for one in SERVICES if one.name == name.partition(".")[0])
    pages: list[object] = []

    def answer(request: FakeRequest, _number: int) -> FakeResponse | None:
        if request.path == "/oidc/token":
            return None
        pages.append(first if not pages or next_page is None else next_page)
        return FakeResponse(200, (("Total-Number", "1"),), orjson.dumps(pages[-1]))

    transport = InProcessTransport(make_fake(service, records=1, epoch=0), faults=answer, clock=time.time_ns)
    with opened(service, monkeypatch, transport=transport) as client:
        filters = SESSION if "session" in name else {}
        stream = client.stream(name, filters=filters, since="2026-01-01", until="2026-01-02").records()
        (record,) = stream.to_list()
    assert record.time_unix_nano == 0
    assert record.issues
