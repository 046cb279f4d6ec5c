"""The attributes of Logto's records as a table; ``_records`` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from logferry.extend import Attribute

_UA: Final = "payload.userAgentParsed"

ATTRIBUTES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "logto.audit_logs": (
        Attribute("logto.log.key", "string", "key", "The event, such as Interaction.SignIn.Submit.", optional=False),
        Attribute("logto.payload.key", "string", "payload.key", "The payload's own event, where it is another one."),
        Attribute("logto.result", "string", "payload.result", "Success or Error.", optional=False),
        Attribute("error.type", "string", "payload.error", "The error's code; _OTHER where it has none."),
        Attribute("logto.error.message", "string", "payload.error", "The error in words."),
        Attribute(
            "logto.error", "object", "payload.error", "What else the error says, without secrets and the stack trace."
        ),
        Attribute("client.address", "string", "payload.ip", "The address of the login client."),
        Attribute("user.id", "string", "payload.userId", "The user who authenticated."),
        Attribute("session.id", "string", "payload.sessionId", "The session of the sign-in."),
        Attribute(
            "logto.application.id",
            "string",
            "payload.applicationId",
            "The application that was signed in to, or that asked for a token.",
        ),
        Attribute(
            "logto.application.cimd_client_id",
            "string",
            "payload.cimdClientId",
            "The application, where it is known by the address of its metadata.",
        ),
        Attribute("logto.params", "object", "payload.params", "The parameters of the request, without secrets."),
        Attribute(
            "user_agent.original",
            "string",
            f"payload.userAgent, {_UA}.ua",
            "The login client's User-Agent header.",
        ),
        Attribute("user_agent.name", "string", f"{_UA}.browser.name", "The name of the login client's browser."),
        Attribute("user_agent.version", "string", f"{_UA}.browser.version", "The version of the browser."),
        Attribute("user_agent.os.name", "string", f"{_UA}.os.name", "The login client's operating system."),
        Attribute("user_agent.os.version", "string", f"{_UA}.os.version", "The version of the operating system."),
        Attribute(
            "logto.user_agent.browser.major",
            "string",
            f"{_UA}.browser.major",
            "The first number of the browser's version.",
        ),
        Attribute(
            "logto.user_agent.browser.type",
            "string",
            f"{_UA}.browser.type",
            "The kind of browser, where it is a special one, such as crawler.",
        ),
        Attribute("logto.user_agent.device.model", "string", f"{_UA}.device.model", "The model of the device."),
        Attribute(
            "logto.user_agent.device.type", "string", f"{_UA}.device.type", "The kind of device, such as mobile."
        ),
        Attribute("logto.user_agent.device.vendor", "string", f"{_UA}.device.vendor", "The vendor of the device."),
        Attribute("logto.user_agent.engine.name", "string", f"{_UA}.engine.name", "The browser's engine."),
        Attribute("logto.user_agent.engine.version", "string", f"{_UA}.engine.version", "The version of the engine."),
        Attribute(
            "logto.user_agent.cpu.architecture", "string", f"{_UA}.cpu.architecture", "The device's kind of processor."
        ),
        Attribute(
            "logto.user_agent.ua", "string", f"{_UA}.ua", "The text that was parsed, where the header is another one."
        ),
        Attribute("logto.user_agent.*", "any", f"{_UA}.*", "Any other part of the parsed User-Agent header."),
        Attribute(
            "logto.sign_in_context",
            "object",
            "payload.signInContext",
            "What a proxy in front of the server knows of the client, such as its city.",
        ),
        Attribute(
            "http.request.header.*",
            "array",
            "payload.injectedHeaders.*",
            "The same of older servers: botverified, city, country, latitude, longitude, region, timezone.",
        ),
        Attribute(
            "logto.injected_headers", "object", "payload.injectedHeaders", "Any other injected header, without secrets."
        ),
        Attribute("logto.payload.*", "any", "payload.*", "Any other field of the payload, without secrets."),
        Attribute("logto.*", "any", "*", "Any other field of the log, without secrets."),
    ),
}
"""The attributes of each stream's records, by the stream's name."""
