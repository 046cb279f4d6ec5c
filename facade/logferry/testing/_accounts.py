"""Several accounts at once, each a fake: the configuration that describes them, and the transport that asks them."""

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
        urls: Where they are served, by the account's name; those that are not named are asked through `Hosts`.
    """
    tables: list[str] = []
    for name, fake in fakes.items():
        service = service_of(fake)
        url = (urls or {}).get(name, f"https://{name}.example")
        settings = {"service": service.name, **settings_for(fake, url)}
        # What JSON makes of a text is what TOML wants.
        tables.append("\n".join([f"[accounts.{name}]", *(f"{key} = {json.dumps(settings[key])}" for key in settings)]))
    return "\n\n".join(tables) + "\n"


class Hosts(httpx.AsyncBaseTransport):
    """
    Asks the service that a request's host stands for, as in `open_accounts("logferry.toml", transport=Hosts(...))`.

    Args:
        transports: What answers, by the account's name, such as an `InProcessTransport` of its fake.
    """

    def __init__(self, transports: Mapping[str, httpx.AsyncBaseTransport]) -> None:
        self._transports = transports

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask it."""
        return await self._transports[request.url.host.partition(".")[0]].handle_async_request(request)
