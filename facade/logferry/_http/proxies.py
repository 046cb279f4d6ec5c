"""Which proxy a client's requests go through: decided here, for every transport alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from logferry._errors import ConfigurationError
from logferry._redaction import Secret

if TYPE_CHECKING:
    from logferry._http.options import WireOptions


def proxy_of(options: WireOptions) -> str | None:
    """
    The URL of the proxy that was given, else of the one that the environment names, or ``None``.

    Raises:
        ConfigurationError: The environment names one that cannot be used.
    """
    if options.proxy is not None:
        return options.proxy
    # Plain http stays on this machine: a proxy that the environment names for all else would read the credentials.
    return None if options.is_loopback_http else _environment_proxy(options.base_url)


def is_proxy(url: str) -> bool:
    """Whether a URL is one of a proxy that every transport can use."""
    try:
        parts = urlsplit(url)
        # A "#" in a password, unquoted, ends the address: the first part of the password would be taken for the port.
        return bool(
            parts.scheme in ("http", "https")
            and parts.hostname
            and parts.port != 0
            and not (parts.fragment or "#" in url)
        )
    except ValueError:
        return False


def _environment_proxy(url: str) -> str | None:
    from urllib.request import getproxies, getproxies_environment, proxy_bypass  # noqa: PLC0415  # httpx has loaded it

    parts = urlsplit(url)
    named = getproxies_environment()
    if named:
        bypassed = is_bypassed(named.get("no", ""), parts.hostname or "", parts.port or _PORTS[parts.scheme])
    else:  # those of the operating system, if any
        named, bypassed = getproxies(), proxy_bypass(parts.netloc)
    proxy = named.get(parts.scheme) or named.get("all")
    if not proxy or bypassed:
        return None
    proxy = Secret(proxy if "://" in proxy else f"http://{proxy}")
    if not is_proxy(proxy):
        raise ConfigurationError(
            f"the proxy that the environment names for {parts.scheme} cannot be used",
            hint=f"Set {parts.scheme.upper()}_PROXY or ALL_PROXY to an address such as http://proxy.example:3128 (no socks), "
            "or name the service in NO_PROXY",
        )
    return proxy


_PORTS = {"http": 80, "https": 443}


def is_bypassed(listed: str, host: str, port: int) -> bool:
    """
    Whether ``NO_PROXY`` lists a host, which has no brackets.

    The entries are separated by commas or spaces: names, which stand for all below them too; addresses; networks such as
    ``10.0.0.0/8``; each with a port or without; or ``*``.
    """
    host = host.lower().rstrip(".")
    return any(
        name == "*" or (wanted in ("", str(port)) and (_is_within(host, name) or f".{host}".endswith(f".{name}")))
        for name, wanted in _entries(listed)
    )


def _entries(listed: str) -> Iterator[tuple[str, str]]:
    """Name or address, and port, of each entry."""
    for entry in re.split(r"[,\s]+", listed.lower()):
        if entry.startswith("["):
            name, _, rest = entry[1:].partition("]")
            port = rest.removeprefix(":")
        elif entry.count(":") == 1:
            name, _, port = entry.partition(":")
        else:  # an address of IPv6 has more
            name, port = entry, ""
        name = name.removeprefix("*.").strip(".") if name != "*" else name
        if name:
            yield name, port


def _is_within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
