"""From an audit log to a record: OpenTelemetry's names where they exist, else names of Logto's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from logferry._json import is_object
from logferry._record import ERROR, INFO, Attributes, LogRecord, Normalizer, Origin
from logferry._redaction import without_secrets
from logferry._times import FIRST, LAST, MILLISECOND
from logferry_clients.logto.models.audit_log import AuditLogJson, AuditLogKey
from logferry_clients.logto.models.audit_log_payload import AuditLogPayloadKey
from logferry_clients.logto.models.parsed_user_agent import ParsedUserAgentJson, ParsedUserAgentKey

_SEVERITIES: Final = {"Success": INFO, "Error": ERROR}

_SEPARATE_HEADERS: Final = frozenset({"botverified", "city", "country", "latitude", "longitude", "region", "timezone"})
"""Injected headers that get an attribute each: where a request came from, and whether it was a robot's."""

# Which keys are mapped is said in the generated types, so that both type checkers know a key that the spec does not have:
# pyright takes ``.get("misspelt")`` for Any, and the code behind ``"misspelt" in payload`` for unreachable.
_ITEM: Final[tuple[AuditLogKey, ...]] = ("tenantId", "id", "key", "payload", "createdAt")
_PAYLOAD: Final[tuple[AuditLogPayloadKey, ...]] = (
    "key", "result", "error", "ip", "userAgent", "userAgentParsed", "injectedHeaders", "signInContext", "userId",
    "applicationId", "sessionId", "params",
)  # fmt: skip
_USER_AGENT: Final[tuple[ParsedUserAgentKey, ...]] = ("ua", "browser", "device", "engine", "os", "cpu")

_USER_AGENT_NAMES: Final = {
    "browser.name": "user_agent.name",
    "browser.version": "user_agent.version",
    "os.name": "user_agent.os.name",
    "os.version": "user_agent.os.version",
}
"""Parts of the parsed user agent that OpenTelemetry has names for."""


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
    return _present(
        {
            "service.name": "logto",
            "server.address": origin.server_address,
            "logto.tenant.id": item.get("tenantId"),
        }
    )


def _attributes(item: AuditLogJson) -> Attributes:
    payload = item["payload"]
    # Authorization codes and their verifiers come unmasked, on older servers live tokens too (measured).
    return _present(
        {
            "logto.log.key": item["key"],
            "logto.payload.key": payload["key"] if payload["key"] != item["key"] else None,
            "logto.result": payload["result"],
            **_error(payload.get("error")),
            "client.address": payload.get("ip"),
            "user_agent.original": payload.get("userAgent"),
            **_user_agent(payload.get("userAgentParsed", {}), original=payload.get("userAgent")),
            **_injected_headers(payload.get("injectedHeaders", {})),
            "logto.sign_in_context": without_secrets(payload.get("signInContext")),
            "user.id": payload.get("userId"),
            "logto.application.id": payload.get("applicationId"),
            "session.id": payload.get("sessionId"),
            "logto.params": without_secrets(payload.get("params")),
            **_unknown("logto.payload", payload, known=_PAYLOAD),
            **_unknown("logto", item, known=_ITEM),
        }
    )


def _present(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _unknown(prefix: str, fields: Mapping[str, object], *, known: Collection[str]) -> Attributes:
    """What the documentation does not name; a server adds fields with every release."""
    unknown = {key: value for key, value in fields.items() if key not in known}
    return {f"{prefix}.{key}": value for key, value in without_secrets(unknown).items()}


def _error(error: Mapping[str, Any] | str | None) -> Attributes:
    """An error is an object, or a text that holds an OpenID Connect error as JSON (47 of 63 measured), or any text."""
    if error is None:
        return {}
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
    ua = parsed.get("ua")
    if ua is not None and ua != original:
        attributes["user_agent.original" if original is None else "logto.user_agent.ua"] = ua
    for part in _USER_AGENT:
        details = parsed.get(part)
        if is_object(details):
            for name, detail in details.items():
                path = f"{part}.{name}"
                attributes[_USER_AGENT_NAMES.get(path, f"logto.user_agent.{path}")] = detail
    return attributes | _unknown("logto.user_agent", parsed, known=_USER_AGENT)


def _injected_headers(headers: Mapping[str, str]) -> Attributes:
    separate = {name for name in headers if name.lower() in _SEPARATE_HEADERS}
    attributes: Attributes = {f"http.request.header.{name.lower()}": [headers[name]] for name in separate}
    others = {name: value for name, value in headers.items() if name not in separate}
    return attributes | {"logto.injected_headers": without_secrets(others) or None}


NORMALIZER: Final = Normalizer[AuditLogJson](
    record=_record, identity=_identity, attributes=_attributes, resource=_resource
)
