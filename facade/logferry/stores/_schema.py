"""Records as Arrow: one fixed schema, built column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from logferry._json import dumps

if TYPE_CHECKING:
    from logferry._records.record import LogRecord

_MOMENT: Final = pa.timestamp("ns", tz="UTC")

_FIELDS: Final[list[pa.Field[Any]]] = [
    pa.field("uid", pa.string(), nullable=False),
    pa.field("stream", pa.string(), nullable=False),
    pa.field("account", pa.string(), nullable=False),
    pa.field("timestamp", _MOMENT),
    pa.field("observed_timestamp", _MOMENT),
    pa.field("severity_number", pa.int8(), nullable=False),
    pa.field("severity_text", pa.string()),
    pa.field("event_name", pa.string()),
    pa.field("body", pa.string()),
    pa.field("trace_id", pa.string()),
    pa.field("attributes", pa.string()),
    pa.field("resource", pa.string()),
    pa.field("issues", pa.string()),
    pa.field("raw", pa.string()),
]
SCHEMA: Final = pa.schema(_FIELDS)
"""
The fields of a record; ``attributes``, ``resource``, ``issues`` and ``raw`` are JSON texts, absent values are null.

Times are nanoseconds, UTC; an unknown time is null.  Arrow's range is 1677 to 2262: a time outside it is null, and
``issues`` says so.
"""

_TYPES: Final[list[pa.DataType]] = [one.type for one in _FIELDS]
_FIRST: Final = -(2**63) + 1
_LAST: Final = 2**63 - 1


def record_batch(records: Sequence[LogRecord], *, raw: bool = False) -> pa.RecordBatch:
    """
    Records as a batch of `SCHEMA`, in their order.

    Args:
        records: The records to convert.
        raw: Fill the column ``raw`` with the items as received, which may hold secrets; else it is null.
    """
    columns: list[list[Any]] = [
        [record.uid for record in records],
        [record.stream for record in records],
        [record.account for record in records],
        [_moment(record.time_unix_nano) for record in records],
        [record.observed_time_unix_nano for record in records],
        [record.severity_number for record in records],
        [record.severity_text for record in records],
        [record.event_name for record in records],
        [record.body for record in records],
        [record.trace_id for record in records],
        [_json(record.attributes) for record in records],
        [_json(record.resource) for record in records],
        [_json(_issues(record)) for record in records],
        [dumps(record.raw) for record in records] if raw else [None] * len(records),
    ]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, _TYPES, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)  # pyright: ignore[reportUnknownMemberType]  # untyped stub


def _moment(nanoseconds: int) -> int | None:
    return nanoseconds if nanoseconds and _FIRST <= nanoseconds <= _LAST else None


def _issues(record: LogRecord) -> Sequence[str]:
    if _FIRST <= record.time_unix_nano <= _LAST:
        return record.issues
    return (*record.issues, "timestamp: beyond the years 1677 to 2262, so a store has none")


def _json(value: Any) -> bytes | None:
    return dumps(value) if value else None
