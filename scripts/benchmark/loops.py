"""Hand-written loops of httpx and orjson, without types and checks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import orjson

from benchmark.paging import PAGING, Plain


def _token_request(plain: Plain) -> dict[str, Any]:
    form = {"grant_type": "client_credentials", "resource": "https://default.logto.app/api", "scope": "all"}
    return {"url": "/oidc/token", "data": form, "headers": {"Authorization": f"Basic {plain.basic}"}}


def _bearer(answer: httpx.Response) -> dict[str, str]:
    answer.raise_for_status()
    return {"Authorization": f"Bearer {orjson.loads(answer.content)['access_token']}"}


def authorization(plain: Plain) -> dict[str, str]:
    """Return the headers that authorize, for clients that cannot fetch a token."""
    if plain.headers:
        return plain.headers
    with httpx.Client(base_url=plain.url) as client:
        return _bearer(client.post(**_token_request(plain)))


def pages(plain: Plain) -> Iterator[list[Any]]:
    """The pages of the plain loop."""
    items_of, following, _ = PAGING[plain.stream]
    with httpx.Client(base_url=plain.url, headers=plain.headers) as client:
        if not plain.headers:
            client.headers.update(_bearer(client.post(**_token_request(plain))))
        params: dict[str, Any] | None = plain.params
        while params is not None:
            response = client.get(plain.path, params=params)
            response.raise_for_status()
            body = orjson.loads(response.content)
            items = items_of(body)
            yield items
            params = following(params, body, items)


async def _pages_async(plain: Plain) -> AsyncIterator[list[Any]]:
    items_of, following, _ = PAGING[plain.stream]
    async with httpx.AsyncClient(base_url=plain.url, headers=plain.headers) as client:
        if not plain.headers:
            client.headers.update(_bearer(await client.post(**_token_request(plain))))
        params: dict[str, Any] | None = plain.params
        while params is not None:
            response = await client.get(plain.path, params=params)
            response.raise_for_status()
            body = orjson.loads(response.content)
            items = items_of(body)
            yield items
            params = following(params, body, items)


def loop(plain: Plain) -> int:
    """Untyped dicts, counted one by one."""
    count = 0
    for items in pages(plain):
        for _item in items:
            count += 1
    return count


def loop_async(plain: Plain) -> int:
    """The same with ``async``."""

    async def counted() -> int:
        count = 0
        async for items in _pages_async(plain):
            for _item in items:
                count += 1
        return count

    return asyncio.run(counted())


def loop_to_jsonl(plain: Plain) -> int:
    """Untyped dicts, each written as a line of JSON."""
    count = 0
    with open(os.devnull, "wb") as file:  # noqa: PTH123  # opened as a loop would
        for items in pages(plain):
            for item in items:
                file.write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE))
                count += 1
    return count


LOOPS: dict[str, Callable[[Plain], int]] = {
    "loop": loop,
    "loop to jsonl": loop_to_jsonl,
    "loop, async": loop_async,
}
