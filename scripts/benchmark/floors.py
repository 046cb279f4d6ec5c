"""
Floors: hand-written loops that process each item with logferry's own functions, and do nothing else.

The difference between a contestant of logferry and its floor is the cost of paging, windows, retries and checkpoints.  The
difference between the floor and the plain loop is the cost of typed, checked and normalized records.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson
from pyreqwest.client import SyncClientBuilder

import logferry
from benchmark.ferry import read_fields, read_short, reader_of_all
from benchmark.loops import authorization, pages
from benchmark.paging import PAGING, Plain
from logferry._accounts.registry import SERVICES
from logferry._records.origin import Origin
from logferry._streams.definition import StreamDefinition

Pages = Callable[[Plain], Iterator[list[Any]]]


def fast_pages(plain: Plain) -> Iterator[list[Any]]:
    """The pages of the plain loop, requested with pyreqwest instead of httpx."""
    items_of, following, _ = PAGING[plain.stream]
    client = SyncClientBuilder().default_headers(authorization(plain)).build()
    params: dict[str, Any] | None = plain.params
    while params is not None:
        answer = client.get(f"{plain.url}{plain.path}?{urlencode(params)}").build().send()
        body = orjson.loads(memoryview(answer.bytes()))
        items = items_of(body)
        yield items
        params = following(params, body, items)


def counted(plain: Plain, read_pages: Pages) -> int:
    """Untyped dicts, counted one by one."""
    return sum(1 for items in read_pages(plain) for _item in items)


def records(plain: Plain, read_pages: Pages, read: Callable[[Plain], Callable[[logferry.LogRecord], Any]]) -> int:
    """Records, checked and normalized."""
    definition, count, take = _definition(plain), 0, read(plain)
    fits, make, times = definition.fits, definition.normalizer.make, definition.normalizer.times
    origin = Origin(
        stream=plain.stream,
        account="floor",
        server_address="127.0.0.1",
        observed_time_unix_nano=0,
        normalizer=definition.normalizer,
    )
    for items in read_pages(plain):
        for item, time in zip(items, times(items).read(), strict=True):
            if not fits(item):
                raise SystemExit(f"{plain.stream}: an item is not of the documented shape")
            take(make(item, origin, time or 0))
            count += 1
    return count


def entries(plain: Plain, read_pages: Pages) -> int:
    """Typed models, all fields read."""
    definition, count = _definition(plain), 0
    fits, entry = definition.fits, definition.entry
    for items in read_pages(plain):
        for item in items:
            if not fits(item):
                raise SystemExit(f"{plain.stream}: an item is not of the documented shape")
            read_fields(entry(item))
            count += 1
    return count


def to_jsonl(plain: Plain, read_pages: Pages) -> int:
    """Records, each written as a line of JSON."""
    with open(os.devnull, "wb") as file:  # noqa: PTH123  # as the loop beside it

        def write(record: logferry.LogRecord) -> None:
            file.write(record.to_json() + b"\n")

        return records(plain, read_pages, lambda _plain: write)


def _definition(plain: Plain) -> StreamDefinition[Any, Any, Any]:
    return next(one for service in SERVICES for one in service.streams if one.name == plain.stream)


def _short(_plain: Plain) -> Callable[[logferry.LogRecord], Any]:
    return read_short


FLOORS: dict[str, Callable[[Plain], int]] = {
    "floor of records": partial(records, read_pages=pages, read=_short),
    "floor of records, whole": partial(records, read_pages=pages, read=reader_of_all),
    "floor of entries": partial(entries, read_pages=pages),
    "floor of records to jsonl": partial(to_jsonl, read_pages=pages),
    "loop, pyreqwest": partial(counted, read_pages=fast_pages),
    "floor of records, fast": partial(records, read_pages=fast_pages, read=_short),
}
