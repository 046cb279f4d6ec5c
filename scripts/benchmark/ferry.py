"""logferry's own contestants: the same records as decoded JSON, as models, as records, and as lines of JSON."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Hashable, Iterator
from functools import cache, partial
from operator import attrgetter
from typing import Any, get_args, get_type_hints

import attrs

import logferry
from benchmark.paging import Plain
from benchmark.questions import QUESTIONS
from logferry._accounts.registry import SERVICES
from logferry._json import is_array
from logferry.cli._output.stdout import text_console
from logferry.cli._output.table import Table

_UNTIL = "2030-01-01"
"""The end of the window: after the fakes' clocks, which do not advance."""

_SERVICES = {service.name: service for service in SERVICES}
_QUESTIONS = {question.name: question for question in QUESTIONS}

read_short = attrgetter("time_unix_nano", "severity_number", "body")
_FIELDS = (
    "stream",
    "account",
    "time_unix_nano",
    "observed_time_unix_nano",
    "severity_number",
    "severity_text",
    "event_name",
    "body",
    "trace_id",
    "attributes",
    "resource",
    "issues",
)


def opened(plain: Plain, **options: Any) -> logferry.Stream[Any]:
    """Open the stream with logferry."""
    question = _QUESTIONS[plain.name]
    client = _SERVICES[question.service].client
    address = "endpoint" if question.service == "logto" else "base_url"
    settings = {**question.fake(1).settings, address: plain.url}
    settings.pop("space", None)
    make: Any = client
    stream: logferry.Stream[Any] = make(**settings, **options).stream(
        plain.stream, filters=question.filters, until=_UNTIL, page_size=question.page
    )
    return stream


def raw(plain: Plain, **options: Any) -> int:
    """Decoded JSON as received, each item once."""
    count = 0
    for _item in opened(plain, **options).raw():
        count += 1
    return count


def records(plain: Plain, **options: Any) -> int:
    """Records: checked and normalized; time, severity and body read."""
    count = 0
    for record in opened(plain, **options).records():
        read_short(record)
        count += 1
    return count


def whole_records(plain: Plain, **options: Any) -> int:
    """Records with every field and attribute read; ``uid`` unless it is a digest of the whole item."""
    count = 0
    read = reader_of_all(plain)
    for record in opened(plain, **options).records():
        read(record)
        count += 1
    return count


def reader_of_all(plain: Plain) -> Callable[[logferry.LogRecord], Any]:
    """Reads every field of a record; ``uid`` unless it is a digest of the whole item."""
    return attrgetter(*_FIELDS) if _QUESTIONS[plain.name].has_digest else attrgetter("uid", *_FIELDS)


def entries(plain: Plain, **options: Any) -> int:
    """Typed models, all their fields read, those of nested models too."""
    count = 0
    for entry in opened(plain, **options):
        read_fields(entry)
        count += 1
    return count


@cache
def _fields(kind: Hashable) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """Return a reader of all fields of a model, and the fields that can hold models."""
    model: Any = kind
    hints = get_type_hints(model)
    nested = tuple(name for name, hint in hints.items() if any(map(attrs.has, _parts(hint))))
    return attrgetter(*(field.name for field in attrs.fields(model))), nested


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for part in get_args(hint):
        yield from _parts(part)


def read_fields(model: Any) -> None:
    """Read all fields of a model, and of the models in them."""
    read, nested = _fields(model.__class__)
    read(model)
    for name in nested:
        value = getattr(model, name)
        if is_array(value):
            for one in value:
                read_fields(one)
        elif value:
            read_fields(value)


def to_jsonl(plain: Plain, **options: Any) -> int:
    """Records, each written as a line of JSON."""
    count = 0
    with open(os.devnull, "wb") as file:  # noqa: PTH123  # as the loop beside it
        for record in opened(plain, **options).records():
            file.write(record.to_json() + b"\n")
            count += 1
    return count


def to_table(plain: Plain, **options: Any) -> int:
    """Records, each written as a row of the shell's table."""
    count = 0
    with open(os.devnull, "wb") as file:  # noqa: PTH123  # as the loop beside it
        table = Table(text_console(file), [f"{_QUESTIONS[plain.name].service}.{plain.stream}"])
        table.begin()
        for record in opened(plain, **options).records():
            table.write(record)
            count += 1
        table.end()
    return count


def _awaited(view: logferry.View[Any], read: Callable[[Any], Any] | None) -> int:
    async def counted() -> int:
        count = 0
        if read is None:
            async for _item in view:
                count += 1
        else:
            async for item in view:
                read(item)
                count += 1
        return count

    return asyncio.run(counted())


def raw_async(plain: Plain, **options: Any) -> int:
    """Decoded JSON, with ``async for``."""
    return _awaited(opened(plain, **options).raw(), None)


def records_async(plain: Plain, **options: Any) -> int:
    """Records, with ``async for``; time, severity and body read."""
    return _awaited(opened(plain, **options).records(), read_short)


def entries_async(plain: Plain, **options: Any) -> int:
    """Typed models, with ``async for``, all their fields read."""
    return _awaited(opened(plain, **options), read_fields)


FERRY: dict[str, Callable[[Plain], int]] = {
    "raw": raw,
    "records": records,
    "records, whole": whole_records,
    "records, fast": partial(records, transport="fast"),
    "entries": entries,
    "records to jsonl": to_jsonl,
    "records to a table": to_table,
    "raw, async": raw_async,
    "records, async": records_async,
    "records, fast, async": partial(records_async, transport="fast"),
    "entries, async": entries_async,
}
