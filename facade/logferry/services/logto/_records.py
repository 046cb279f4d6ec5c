"""From an audit log to a record: OpenTelemetry's names where they exist, else names of Logto's own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from logferry._json import Json, is_object
from logferry._record import ERROR, INFO, Attributes, LogRecord, Normalizer, Origin
from logferry._redaction import without_secrets
from logferry._times import FIRST, LAST, MILLISECOND
from logferry_clients.logto.models.audit_log import AuditLogJson
from logferry_clients.logto.models.audit_log_payload import AuditLogPayloadJson
from logferry_clients.logto.models.parsed_user_agent import ParsedUserAgentJson

_SEVERITIES: Final = {"Success": INFO, "Error": ERROR}

_SEPARATE_HEADERS: Final = frozenset({"botverified", "city", "country", "latitude", "longitude", "region", "timezone"})
"""Injected headers that get an attribute each: where a request came from, and whether it was a robot's."""

_MAPPED: Final = frozenset(AuditLogPayloadJson.__annotations__)
"""Keys of the payload that the documentation names; all others are kept under ``logto.payload``."""


def milliseconds_to_nano(milliseconds: object) -> int | None:
    """Nanoseconds of Unix milliseconds, integer or fractional, without loss; ``None`` for what is no moment."""
    if type(milliseconds) is int:
        nanoseconds = milliseconds * MILLISECOND
    elif type(milliseconds) is float and FIRST < milliseconds < LAST:
        nanoseconds = int(Decimal(repr(milliseconds)) * MILLISECOND)
    else:
        return None
    return nanoseconds if FIRST <= nanoseconds < LAST else None


def _record(item: AuditLogJson, origin: Origin) -> LogRecord:
    time = milliseconds_to_nano(item["createdAt"])
    result = item["payload"]["result"]
    record = LogRecord(
        origin, item, time or 0, _SEVERITIES.get(result, 0), result or None, "logto.audit_log", item["key"] or None
    )
    return (
        record if time is not None else record.as_received(item, ("createdAt: no moment between the years 1 and 9999",))
    )


def _identity(item: AuditLogJson) -> tuple[str | None, str | None]:
    return item.get("tenantId"), item["id"]


def _resource(item: AuditLogJson, origin: Origin) -> Attributes:
    resource: Attributes = {"service.name": "logto", "server.address": origin.server_address}
    if "tenantId" in item:
        resource["logto.tenant.id"] = item["tenantId"]
    return resource


def _attributes(item: AuditLogJson) -> Attributes:  # noqa: C901  # one branch per optional field
    payload = item["payload"]
    attributes: dict[str, Json] = {"logto.log.key": item["key"], "logto.result": payload["result"]}
    if payload["key"] != item["key"]:
        attributes["logto.payload.key"] = payload["key"]
    if "error" in payload:
        attributes.update(_error(payload["error"]))
    if "ip" in payload:
        attributes["client.address"] = payload["ip"]
    if "userAgent" in payload:
        attributes["user_agent.original"] = payload["userAgent"]
    if "userAgentParsed" in payload:
        attributes.update(_user_agent(payload["userAgentParsed"], original=payload.get("userAgent")))
    if "injectedHeaders" in payload:
        attributes.update(_injected_headers(payload["injectedHeaders"]))
    if "signInContext" in payload:
        attributes["logto.sign_in_context"] = without_secrets(payload["signInContext"])
    if "userId" in payload:
        attributes["user.id"] = payload["userId"]
    if "applicationId" in payload:
        attributes["logto.application.id"] = payload["applicationId"]
    if "sessionId" in payload:
        attributes["session.id"] = payload["sessionId"]
    if "params" in payload:
        # Authorization codes and their verifiers come unmasked, on older servers live tokens too (measured).
        attributes["logto.params"] = without_secrets(payload["params"])
    unknown = {key: value for key, value in payload.items() if key not in _MAPPED}
    for key, value in without_secrets(unknown).items():
        attributes[f"logto.payload.{key}"] = value
    return {key: value for key, value in attributes.items() if value is not None}


def _error(error: Mapping[str, Any] | str) -> Attributes:
    """An error is an object, or a text that holds an OpenID Connect error as JSON (47 of 63 measured), or any text."""
    details = _json_object(error) if isinstance(error, str) else error
    if details is None:
        return {"error.type": "_OTHER", "logto.error.message": error}
    code, message = ("error", "error_description") if isinstance(error, str) else ("code", "message")
    kind = details.get(code)
    attributes: Attributes = {"error.type": kind if isinstance(kind, str) and kind else "_OTHER"}
    if details.get(message) is not None:
        attributes["logto.error.message"] = details[message]
    # The stack trace names paths of the server; it stays in the raw item.  OpenID Connect errors repeat their type as
    # their message.
    said = {code, message, "stack", *(["message"] if details.get("message") == kind else [])}
    left = {key: value for key, value in details.items() if key not in said}
    if left:
        attributes["logto.error"] = without_secrets(left)
    return attributes


def _json_object(text: str) -> Mapping[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if is_object(value) else None


def _user_agent(parsed: ParsedUserAgentJson, *, original: str | None) -> Attributes:
    """The parsed user agent; of the login client, hence not OpenTelemetry's ``os.*``, ``device.*`` and ``host.*``."""
    attributes: Attributes = {}
    for part, value in parsed.items():
        if is_object(value):
            for name, detail in value.items():
                attributes[_USER_AGENT_NAMES.get((part, name), f"logto.user_agent.{part}.{name}")] = detail
        elif part != "ua":
            attributes[f"logto.user_agent.{part}"] = value
    if "ua" in parsed and parsed["ua"] != original:
        attributes["user_agent.original" if original is None else "logto.user_agent.ua"] = parsed["ua"]
    return attributes


_USER_AGENT_NAMES: Final = {
    ("browser", "name"): "user_agent.name",
    ("browser", "version"): "user_agent.version",
    ("os", "name"): "user_agent.os.name",
    ("os", "version"): "user_agent.os.version",
}


def _injected_headers(headers: Mapping[str, str]) -> Attributes:
    attributes: Attributes = {
        f"http.request.header.{name.lower()}": [value]
        for name, value in headers.items()
        if name.lower() in _SEPARATE_HEADERS
    }
    others = {name: value for name, value in headers.items() if name.lower() not in _SEPARATE_HEADERS}
    if others:
        attributes["logto.injected_headers"] = without_secrets(others)
    return attributes


NORMALIZER: Final = Normalizer[AuditLogJson](
    record=_record, identity=_identity, attributes=_attributes, resource=_resource
)
