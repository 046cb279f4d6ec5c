"""Converts audit logs to records: OpenTelemetry's names where they exist, else Logto's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

import orjson

from logferry.extend import (
    ERROR,
    INFO,
    MILLISECOND,
    Attributes,
    IdentityFields,
    LogRecord,
    Normalizer,
    Origin,
    ServiceResource,
    TimeField,
    is_object,
    is_secret_name,
    loads,
    make_record,
    mapped,
    present,
    without_secrets,
)
from logferry_clients.logto.models.audit_log import AuditLogJson, AuditLogKey
from logferry_clients.logto.models.audit_log_payload import AuditLogPayloadKey
from logferry_clients.logto.models.audit_log_result import AuditLogResult
from logferry_clients.logto.models.parsed_user_agent import ParsedUserAgentKey
from logferry_clients.logto.models.user_agent_browser import UserAgentBrowserKey
from logferry_clients.logto.models.user_agent_os import UserAgentOsKey

RESULTS: Final[Mapping[AuditLogResult, int]] = {"Success": INFO, "Error": ERROR}
_SEVERITIES: Final[Mapping[str, int]] = {str(result): severity for result, severity in RESULTS.items()}

_SEPARATE_HEADERS: Final = frozenset({"botverified", "city", "country", "latitude", "longitude", "region", "timezone"})
"""Injected headers with an attribute each: the origin of a request, and whether a robot sent it."""

_USUAL_USER_AGENT: Final = 1000
"""Most parsed user agents have at most this many bytes of JSON."""

_ID: Final[AuditLogKey] = "id"
_TENANT: Final[AuditLogKey] = "tenantId"
_CREATED: Final[AuditLogKey] = "createdAt"
_PAYLOAD_KEY: Final = "logto.payload.key"
_UA: Final = "logto.user_agent.ua"

_Target: TypeAlias = str | Callable[[Any], Attributes]
"""The target of a field: the attribute of this name, or the attributes that are made of its value."""


def _record(item: AuditLogJson, origin: Origin, time: int) -> LogRecord:
    result = item["payload"]["result"]
    return make_record(
        origin, item, time, _SEVERITIES.get(result, 0), result or None, "logto.audit_log", item["key"] or None
    )


def _attributes(item: AuditLogJson) -> Attributes:
    attributes = mapped(item, _ITEM, prefix="logto")
    for key, value in item["payload"].items():
        target = _PAYLOAD.get(key)
        if target is None:
            # Fields that the documentation does not name; every release of the server adds some.
            name, is_secret = _other_field(key)
            attributes[name] = without_secrets(value, under_secret=is_secret, levels=99)
        elif isinstance(target, str):
            attributes[target] = value if isinstance(value, str) else without_secrets(value)
        else:
            attributes.update(target(value))
    if attributes.get(_PAYLOAD_KEY) == item["key"]:
        del attributes[_PAYLOAD_KEY]
    ua = attributes.get(_UA)
    if ua is not None and attributes.setdefault("user_agent.original", ua) == ua:
        del attributes[_UA]
    return present(attributes)


@lru_cache(maxsize=512)
def _other_field(key: str) -> tuple[str, bool]:
    """The attribute of an undocumented field of the payload, and whether it can be a secret."""
    return f"logto.payload.{key}", is_secret_name(key)


def _error(error: Mapping[str, Any] | str) -> Attributes:
    """An error's attributes: it is an object, OpenID Connect's error as JSON text (47 of 63 measured), or any text."""
    details = _json_object(error) if isinstance(error, str) else error
    if details is None:
        return {"error.type": "_OTHER", "logto.error.message": error}
    code, message = ("error", "error_description") if isinstance(error, str) else ("code", "message")
    kind, text = details.get(code), details.get(message)
    attributes: Attributes = {"error.type": kind if isinstance(kind, str) and kind else "_OTHER"}
    # The stack trace names paths of the server, so it stays in the raw item.  OpenID Connect errors repeat their type
    # as their message.
    read = {code, "stack", *(["message"] if details.get("message") == kind else [])}
    if isinstance(text, str):
        attributes["logto.error.message"] = text
        read.add(message)
    left = {key: value for key, value in details.items() if key not in read}
    if left:
        attributes["logto.error"] = without_secrets(left)
    return attributes


def _json_object(text: str) -> Mapping[str, Any] | None:
    try:
        value = loads(text)
    except ValueError:
        return None
    return value if is_object(value) else None


def _user_agent(parsed: Mapping[str, Any]) -> Attributes:
    """The parsed user agent of the login client, so not OpenTelemetry's ``os.*``, ``device.*`` and ``host.*``."""
    try:
        text = orjson.dumps(parsed)
    except TypeError:  # nested too deeply
        return _any_user_agent(parsed)
    return _usual_user_agent(text) if len(text) <= _USUAL_USER_AGENT else _any_user_agent(parsed)


@lru_cache(maxsize=256)
def _usual_user_agent(text: bytes) -> Attributes:
    # Few user agents make up most of a log, and serializing one is faster than flattening it.
    return _any_user_agent(orjson.loads(text))


def _any_user_agent(parsed: Mapping[str, Any]) -> Attributes:
    attributes: Attributes = {}
    is_public = without_secrets(parsed) is parsed
    for part, value in parsed.items():
        details = value if is_object(value) else {"": value}
        for name, detail in (details if is_public else without_secrets(details)).items():
            attributes[_user_agent_name(part, name)] = detail
    return attributes


@lru_cache(maxsize=512)
def _user_agent_name(part: str, name: str) -> str:
    """The attribute of a detail of a part, or of a part that is not an object, whose detail has no name."""
    return _PARTS.get(part, {}).get(name) or f"logto.user_agent.{f'{part}.{name}' if name else part}"


def _injected_headers(headers: Mapping[str, str]) -> Attributes:
    attributes: Attributes = {}
    others: dict[str, str] = {}
    for name, value in headers.items():
        if name.lower() in _SEPARATE_HEADERS:
            attributes.setdefault(f"http.request.header.{name.lower()}", []).append(value)
        else:
            others[name] = value
    return attributes | {"logto.injected_headers": without_secrets(others) or None}


# The mapping, by keys of the generated types: both type checkers reject a key that the spec does not have.  Fields are
# read in no other way: pyright infers Any for ``.get("misspelt")``, and takes the code after ``"misspelt" in payload``
# for unreachable.
_ITEM: Final[Mapping[AuditLogKey, str | None]] = {
    "tenantId": None,
    "id": None,
    "key": "logto.log.key",
    "payload": None,
    "createdAt": None,
}
_PAYLOAD_MAPPING: Final[Mapping[AuditLogPayloadKey, _Target]] = {
    "key": _PAYLOAD_KEY,
    "result": "logto.result",
    "error": _error,
    "ip": "client.address",
    "userAgent": "user_agent.original",
    "userAgentParsed": _user_agent,
    "injectedHeaders": _injected_headers,
    "signInContext": "logto.sign_in_context",
    "userId": "user.id",
    "applicationId": "logto.application.id",
    "cimdClientId": "logto.application.cimd_client_id",
    "sessionId": "session.id",
    # Authorization codes and their verifiers come unmasked, on older servers also live tokens (measured).
    "params": "logto.params",
}
_BROWSER: Final[Mapping[UserAgentBrowserKey, str]] = {"name": "user_agent.name", "version": "user_agent.version"}
_OS: Final[Mapping[UserAgentOsKey, str]] = {"name": "user_agent.os.name", "version": "user_agent.os.version"}
_PARTS_MAPPING: Final[Mapping[ParsedUserAgentKey, Mapping[Any, str]]] = {"browser": _BROWSER, "os": _OS}

_PAYLOAD: Final[Mapping[str, _Target]] = {str(key): target for key, target in _PAYLOAD_MAPPING.items()}
_PARTS: Final[Mapping[str, Mapping[Any, str]]] = {str(key): names for key, names in _PARTS_MAPPING.items()}

NORMALIZER: Final = Normalizer[AuditLogJson](
    times=TimeField(_CREATED, MILLISECOND),  # whole numbers (measured on 1.36.0, 1.42.0)
    make=_record,
    identity=IdentityFields(_ID, _TENANT),
    attributes=_attributes,
    resource=ServiceResource("logto", "logto.tenant.id"),
    untimed="createdAt: no moment between the years 1 and 9999",
)
