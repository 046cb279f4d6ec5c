"""Records as columns: a Parquet file, an Arrow file, or an Arrow stream."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast

import pyarrow as pa
import pyarrow.parquet as pq

from logferry.stores._schema import SCHEMA, record_batch

if TYPE_CHECKING:
    from io import IOBase

    from logferry._records.record import LogRecord

_PENDING: Final = 1000
"""Records that are converted together, at most."""

_GROUP_ROWS: Final = 65_536
_GROUP_BYTES: Final = 64 * 1024 * 1024
_GROUP_BATCHES: Final = 1024
"""Rows, bytes and pages after which a row group or record batch is written, which bounds the memory."""


class _Writer(Protocol):
    """A writer of pyarrow."""

    def write_table(self, table: pa.Table, /) -> None: ...
    def close(self) -> None: ...


class Columns:
    """
    Writes the columns of `logferry.stores.SCHEMA`; ``raw`` only on request.

    A file gets few large row groups.  A stream gets all pending rows before each wait.

    Args:
        file: The target; it stays open.
        form: ``"parquet"`` or ``"arrow"``.
        raw: Add the items as received.
        streamed: Whether to write an Arrow stream instead of an Arrow file.
    """

    def __init__(self, file: BinaryIO, form: str, *, raw: bool, streamed: bool) -> None:
        self._file = file
        self._raw = raw
        self._streamed = streamed
        schema = SCHEMA if raw else SCHEMA.remove(SCHEMA.get_field_index("raw"))
        self._schema: pa.Schema = schema
        self._open: Callable[[], _Writer]
        if form == "parquet":
            self._open = lambda: pq.ParquetWriter(file, schema, compression="zstd", version="2.6")
        elif streamed:
            self._open = lambda: pa.ipc.new_stream(cast("IOBase", file), schema)
        else:
            self._open = lambda: pa.ipc.new_file(cast("IOBase", file), schema)
        self._writer: _Writer | None = None
        self._pending: list[LogRecord] = []
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self._written = 0
        self._usable = True  # not after an error, nor after the end
        self._ended = False

    def begin(self) -> None:
        """Write the schema, unless it has been written."""
        if self._usable:
            with self._working():
                self._begun()

    def write(self, record: LogRecord) -> None:
        """Write a record; it may stay in a buffer."""
        self._pending.append(record)
        if len(self._pending) >= _PENDING:
            self.flush()

    def flush(self) -> None:
        """Convert pending records; write them to a stream at once, to a file once they fill a row group."""
        if self._usable:
            with self._working():
                self._convert()
                if self._streamed or self._is_enough():
                    self._hand_over()

    def end(self) -> bool:
        """
        Write the remaining records and the footer, once.

        Returns:
            Whether the file can be read, and has a record.
        """
        if self._usable:
            with self._working():
                self._convert()
                self._hand_over()
                self._begun().close()
                self._file.flush()
                self._ended = True
            self._usable = False
        return self._ended and self._written > 0

    @contextmanager
    def _working(self) -> Generator[None]:
        """Mark the writer as unusable after an error, Ctrl-C included: its latest output is incomplete."""
        usable, self._usable = self._usable, False
        yield
        self._usable = usable

    def _begun(self) -> _Writer:
        if self._writer is None:
            self._writer = self._open()
        return self._writer

    def _convert(self) -> None:
        if self._pending:
            batch = record_batch(self._pending, raw=self._raw).select(self._schema.names)
            self._pending = []
            self._batches.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.nbytes

    def _is_enough(self) -> bool:
        return self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES or len(self._batches) >= _GROUP_BATCHES

    def _hand_over(self) -> None:
        if self._batches:
            table = pa.Table.from_batches(self._batches, self._schema).combine_chunks()
            self._batches, self._rows, self._bytes = [], 0, 0
            self._begun().write_table(table)
            self._written += table.num_rows
        if self._streamed:
            self._file.flush()
