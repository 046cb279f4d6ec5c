"""Several accounts, each a fake: their configuration, and a transport that routes their requests."""

import json
from collections.abc import Mapping

import httpx

from logferry.testing._http import Fake
from logferry.testing._registry import service_of, settings_for

__all__ = ["Hosts", "configuration"]


def configuration(fakes: Mapping[str, Fake], urls: Mapping[str, str] | None = None) -> str:
    """
    Return the text of a `logferry.toml` with an account of each fake.

    Args:
        fakes: The fakes, by the account's name.
        urls: The URLs of served fakes, by the account's name; all others are reached through `Hosts`.
    """
    tables: list[str] = []
    for name, fake in fakes.items():
        service = service_of(fake)
        url = (urls or {}).get(name, f"https://{name}.example")
        settings = {"service": service.name, **settings_for(fake, url)}
        # A JSON string is a valid TOML string.
        tables.append("\n".join([f"[accounts.{name}]", *(f"{key} = {json.dumps(settings[key])}" for key in settings)]))
    return "\n\n".join(tables) + "\n"


class Hosts(httpx.AsyncBaseTransport):
    """
    Route requests by host to the fake of an account, as in `open_accounts("logferry.toml", transport=Hosts(...))`.

    Args:
        transports: The transports, by the account's name, such as an `InProcessTransport` of its fake.
    """

    def __init__(self, transports: Mapping[str, httpx.AsyncBaseTransport]) -> None:
        self._transports = transports

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Forward a request."""
        return await self._transports[request.url.host.partition(".")[0]].handle_async_request(request)
