"""Options of connections, checked once before anything is sent."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from pathlib import PurePath
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from attrs import field, frozen

from logferry._errors import ConfigurationError
from logferry._http.proxies import is_proxy
from logferry._redaction import Secret

Authorities: TypeAlias = str | PurePath | ssl.SSLContext
"""Which certificates are trusted: a file of CA certificates in PEM format, or a context."""

FAST: Final = "fast"
"""The value of ``transport`` that selects pyreqwest."""


@frozen(kw_only=True)
class Timeouts:
    """Seconds of one attempt: until the connection is established, until the next bytes arrive, and for the whole exchange."""

    connect: float = 5.0
    read: float = 30.0
    whole: float = 300.0


def _checked_proxy(url: str | None) -> str | None:
    if url is None:
        return None
    if not is_proxy(url):
        # The value can hold a password, so it is not shown.
        raise ConfigurationError("proxy is no URL of a proxy", hint="It looks like http://proxy.example:3128")
    return Secret(url)


def _checked_authorities(verify: object) -> str | ssl.SSLContext | None:
    if verify is None or isinstance(verify, str | ssl.SSLContext):
        return verify
    if isinstance(verify, PurePath):
        return str(verify)
    raise ConfigurationError(
        f"verify is {verify!r}: TLS verification cannot be switched on or off",
        hint="Name a file of CA certificates, or give an ssl.SSLContext",
    )


def _checked_transport(transport: object) -> object:
    if transport is None or transport == FAST:
        return transport
    import httpx  # noqa: PLC0415  # most clients have no transport of their own

    if isinstance(transport, httpx.BaseTransport | httpx.AsyncBaseTransport):
        return transport
    raise ConfigurationError(
        f"transport: {type(transport).__name__} is no httpx transport",
        hint="Give an httpx.BaseTransport or httpx.AsyncBaseTransport, 'fast', or leave it out",
    )


@frozen(kw_only=True)
class WireOptions:
    """
    The connections of a client, shared by its views; a setting that cannot be used is a ConfigurationError.

    Attributes:
        base_url: Origin and path in front of every request's path.
        proxy: URL of a proxy; ``None`` for that of the environment.
        verify: A file of CA certificates, an ``ssl.SSLContext``, or ``None`` for the usual authorities.
        transport: Any httpx transport, ``"fast"``, or ``None`` for the default.
        request_id_header: The response header that names the request, in lower case.
        body_limit: Largest body that is read, in bytes after decompression.
    """

    base_url: str
    proxy: str | None = field(default=None, repr=False, converter=_checked_proxy)
    verify: str | ssl.SSLContext | None = field(default=None, converter=_checked_authorities)
    transport: object = field(default=None, converter=_checked_transport)
    request_id_header: str = "x-request-id"
    body_limit: int = 64 * 1024 * 1024

    @property
    def is_loopback_http(self) -> bool:
        """Whether requests go to this machine, unencrypted."""
        parts = urlsplit(self.base_url)
        return parts.scheme == "http" and is_loopback(parts.hostname or "")


def checked_base_url(url: str, *, setting: str, example: str, allow_insecure: bool) -> str:
    """
    Check *url* as the base of requests, and return it without a trailing slash.

    Errors call it *setting*, and show *example*.  Plain ``http`` is for loopback only, unless *allow_insecure*.

    Raises:
        ConfigurationError: It is not a valid URL, holds credentials, or is plain ``http`` to another machine.
    """
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises for a port that is no number
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ConfigurationError(f"{setting} is no URL of a service", hint=f"It looks like {example}")
    if parts.username or parts.password:
        raise ConfigurationError(f"{setting} holds credentials", hint="Put them into their own settings")
    if parts.scheme == "http" and not allow_insecure and not is_loopback(host):
        raise ConfigurationError(
            f"{setting} is plain http, which would send credentials unencrypted to {host}",
            hint="Use https; allow_insecure=True, in logferry.toml allow_insecure = true, accepts it",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
