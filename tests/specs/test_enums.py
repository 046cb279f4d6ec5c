"""Each enum of the specs is known: what the normalizers, filters and requests make of its values."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import pytest

from logferry._json import is_array, is_object
from logferry.services.cognigy import _records as cognigy
from logferry.services.daily import _records as daily
from logferry.services.logto import _records as logto
from logferry.services.signalwire import _records as signalwire
from logferry.services.signalwire import _usage_records as usage

Document = dict[str, Any]

SERVICES: Final = ("cognigy", "daily", "logto", "signalwire")

TABLES: Final[Mapping[tuple[str, str], Mapping[Any, Any]]] = {
    ("cognigy", "LogLevel"): cognigy.LEVELS,
    ("daily", "GET /logs/api source"): daily.SOURCES,
    ("logto", "AuditLogResult"): logto.RESULTS,
    ("signalwire", "FaxLogStatus"): usage.FAX_SEVERITIES,
    ("signalwire", "MessageLogStatus"): usage.MESSAGE_SEVERITIES,
    ("signalwire", "VideoLogType"): signalwire.TYPES,
    ("signalwire", "VoiceLogStatus"): usage.VOICE_SEVERITIES,
}
"""Enums whose values a table maps; its keys are of the generated type, so that a renamed value is a type error too."""

PASSED_ON: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("daily", "GET /logs logLevel"): frozenset({"ERROR", "INFO", "DEBUG"}),
    ("logto", "AccessTokenRequest grant_type"): frozenset({"client_credentials"}),
    ("signalwire", "VideoLogSource"): frozenset({"realtime_api"}),
    ("signalwire", "VideoLogStatus"): frozenset({"in-progress", "completed"}),
    ("cognigy", "AuditEventType"): frozenset(
        {"action", "create", "replace", "patch", "delete", "authentication", "authorization"}
    ),
    ("daily", "RecordingStatus"): frozenset({"finished", "in-progress", "canceled"}),
    ("daily", "TranscriptStatus"): frozenset({"t_finished", "t_in_progress", "t_error", "t_deleted"}),
    ("signalwire", "VoiceLogType"): frozenset(
        {
            "laml_call",
            "relay_pstn_call",
            "relay_sip_call",
            "relay_webrtc_call",
            "video_room_pstn_leg",
            "video_room_sip_leg",
            "dialogflow_call",
            "fabric_subscriber_device_leg",
        }
    ),
    ("signalwire", "VoiceLogDirection"): frozenset({"inbound", "outbound", "outbound-api", "outbound-dial"}),
    ("signalwire", "VoiceLogSource"): frozenset({"dialogflow", "laml", "realtime_api"}),
    ("signalwire", "VoiceEventLevel"): frozenset({"info", "warn", "error", "debug"}),
    ("signalwire", "MessageLogType"): frozenset({"relay_message", "laml_message"}),
    ("signalwire", "MessageLogKind"): frozenset({"sms", "mms"}),
    ("signalwire", "MessageLogDirection"): frozenset(
        {"inbound", "outbound", "outbound-api", "outbound-call", "outbound-reply"}
    ),
    ("signalwire", "MessageLogSource"): frozenset({"realtime_api", "laml"}),
    ("signalwire", "FaxLogType"): frozenset({"laml_call"}),
    ("signalwire", "FaxLogDirection"): frozenset({"inbound", "outbound-api", "outbound-dial"}),
    ("signalwire", "FaxLogQuality"): frozenset({"fine", "standard", "superfine"}),
    ("signalwire", "FaxLogSource"): frozenset({"laml"}),
    ("signalwire", "ConferenceLogType"): frozenset(
        {"cxml_conference", "relay_conference", "video_room_session", "video_conference_session"}
    ),
}
"""
Enums whose values are sent, or passed on as they are, or of which a table knows some: docs and callers know them.

A new enum in a spec needs a row here, or in `TABLES`.
"""


def enums(document: Document) -> Iterator[tuple[str, list[Any]]]:
    """Yield the enums of a spec: by the component, by the component and its property, or by operation and parameter."""
    for name, schema in document["components"]["schemas"].items():
        yield from _below(schema, name)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", ()) if is_object(operation) else ():
                yield from _below(parameter.get("schema", {}), f"{method.upper()} {path} {parameter.get('name')}")


def _below(schema: Any, name: str) -> Iterator[tuple[str, list[Any]]]:
    if is_array(schema):
        for one in schema:
            yield from _below(one, name)
    elif is_object(schema):
        if "enum" in schema:
            yield name, schema["enum"]
        for key, child in schema.items():
            if key == "properties":
                for inner, one in child.items():
                    yield from _below(one, f"{name} {inner}")
            elif key in {"items", "anyOf", "oneOf", "allOf", "additionalProperties"}:
                yield from _below(child, name)


def misfits(service: str, document: Document) -> list[str]:
    """Return what the facts about a service's enums and its spec do not share."""
    known = {name: set(values) for (owner, name), values in {**TABLES, **PASSED_ON}.items() if owner == service}
    found = {name: set(values) for name, values in enums(document)}
    return [
        f"{name}: {sorted(known.get(name, set()) ^ found.get(name, set()))}"
        for name in {*known, *found}
        if known.get(name) != found.get(name)
    ]


def spec(service: str) -> Document:
    """Return a copy of the installed spec."""
    document: Document = json.loads((files("logferry_clients") / service / "openapi.json").read_text(encoding="utf-8"))
    return copy.deepcopy(document)


VALUES: Final = [
    (service, name, value) for service in SERVICES for name, values in enums(spec(service)) for value in values
]


@pytest.mark.parametrize("service", SERVICES)
def test_each_enum_is_known(service: str) -> None:
    """The tables and lists have exactly the values of the spec."""
    assert misfits(service, spec(service)) == []


@pytest.mark.parametrize(("service", "name", "value"), VALUES, ids=lambda part: str(part).replace("/", "."))
@pytest.mark.parametrize("renamed", [True, False], ids=["renamed", "removed"])
def test_a_changed_value_is_noticed(service: str, name: str, value: str, *, renamed: bool) -> None:
    """A value that is renamed in a spec, or goes away, is one that the facts still have."""
    document = spec(service)
    for found, values in enums(document):
        if found == name and value in values:
            values[values.index(value) : values.index(value) + 1] = [f"{value}_renamed"] if renamed else []
    assert len(misfits(service, document)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_new_value_is_noticed(service: str) -> None:
    """A value that a spec gains is one that no table has."""
    document = spec(service)
    found = list(enums(document))
    for _, values in found:
        values.append("brand_new")
    assert len(misfits(service, document)) == len({name for name, _ in found})


def test_every_service_has_enums() -> None:
    """The parser of these tests finds enums in each service."""
    assert {service for service, _, _ in VALUES} == set(SERVICES)
