"""What can be set on a client: frozen, checked once, before anything is sent."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import field, frozen

from logferry._config.hooks import Hooks
from logferry._errors import ConfigurationError
from logferry._http.rate import Rate
from logferry._http.retry import RetryPolicy

if TYPE_CHECKING:
    import ssl


@frozen(kw_only=True)
class Timeouts:
    """
    Bounds of one attempt, in seconds.

    Attributes:
        connect: Until a connection stands.
        read: Until the next bytes of an answer arrive.
        whole: For the whole exchange, from the first byte sent to the last one read.
    """

    connect: float = 5.0
    read: float = 30.0
    whole: float = 300.0


@frozen(kw_only=True)
class WireOptions:
    """
    How connections are made; fixed for the life of a client and shared by its views.

    Attributes:
        base_url: Origin and path in front of every request's path.
        proxy: URL of a proxy, or ``None`` for what the environment says.
        verify: A file of CA certificates, an ``ssl.SSLContext``, or ``None`` for the usual authorities.
        transport: Any httpx transport, ``"fast"``, or ``None`` for the usual one.
        request_id_header: The response header that names the request, in lower case.
        body_limit: Largest body that is read, in bytes after decompression.
    """

    base_url: str
    proxy: str | None = field(default=None, repr=False)
    verify: str | ssl.SSLContext | None = None
    transport: Any = None
    request_id_header: str = "x-request-id"
    body_limit: int = 64 * 1024 * 1024

    @property
    def is_loopback_http(self) -> bool:
        """Whether requests go to this machine, unencrypted."""
        parts = urlsplit(self.base_url)
        return parts.scheme == "http" and is_loopback(parts.hostname or "")


@frozen(kw_only=True)
class CallOptions:
    """
    How requests are made; a view of a client may have its own.

    Attributes:
        timeouts: Bounds of one attempt.
        retries: When a failed request is sent again.
        deadline: Seconds that one iteration may take in all, or ``None``.
        rate: How many requests the account makes in how much time; ``None`` for no bound but the service's own words.
        concurrency: How many requests of one iteration may be under way.
        hooks: Who is told what happens.
    """

    timeouts: Timeouts = field(factory=Timeouts)
    retries: RetryPolicy = field(factory=RetryPolicy)
    deadline: float | None = None
    rate: Rate | None = None
    concurrency: int = 4
    hooks: Hooks = field(factory=Hooks)


def checked_base_url(url: str, *, setting: str, example: str, allow_insecure: bool) -> str:
    """
    *url* as a base for requests, without a trailing slash.

    Args:
        url: Scheme, host, and optionally port and path.
        setting: What to call it in errors, such as an environment variable.
        example: What a right one looks like.
        allow_insecure: Accept plain ``http`` to any host, not to loopback only.

    Raises:
        ConfigurationError: It is no such URL, holds credentials, or is plain ``http`` to another machine.
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
