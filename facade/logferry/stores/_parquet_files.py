"""The Parquet files of one account's day: found, searched and rewritten in bounded memory."""

# pyright: reportUnknownMemberType=false
# The stubs of pyarrow are partly untyped.

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from attrs import frozen

from logferry._errors import StoreError
from logferry.stores._durable import private_file
from logferry.stores._schema import SCHEMA

if TYPE_CHECKING:
    from io import BufferedWriter

MOST_ROWS: Final = 2**17
"""At most this many rows in a file; so the size of a write does not depend on how full the day is."""

_MOST_BYTES: Final = 2**26
"""A file of this size gets no more rows."""

_GROUP_ROWS: Final = 2**14
_GROUP_BYTES: Final = 2**25
"""At most this many rows and bytes in a row group, give or take a batch: a reader holds one in memory."""

_BATCH_ROWS: Final = 2**12
_ACCOUNT: Final = b"logferry.account"
FILE_SCHEMA: Final = SCHEMA.remove(SCHEMA.get_field_index("stream"))
"""The columns of a file: ``stream`` and ``date`` are in its path alone, as readers of the Hive convention expect."""

UNKNOWN_DATE: Final = "1970-01-01"
"""The date of records whose time is unknown."""


Texts: TypeAlias = "pa.ChunkedArray[pa.StringScalar]"


@frozen
class Part:
    """
    The records of a commit that belong to one day of one account's stream.

    Attributes:
        stream: The stream's name.
        account: The account's name.
        date: The day, such as ``2026-11-27``.
        records: The rows, ordered by time.
    """

    stream: str
    account: str
    date: str
    records: pa.Table

    def folder(self, store: Path, date: str | None = None) -> Path:
        """The folder of its files in a store, or of the files of another day."""
        return store / f"stream={quote(self.stream, safe='')}" / f"date={date or self.date}"

    def files(self, store: Path, date: str | None = None) -> list[Path]:
        """Its files, oldest first."""
        return sorted(self.folder(store, date).glob(f"{_prefix(self.account)}-*.parquet"))

    def new_file(self, store: Path, number: int) -> Path:
        """The name of its file of a number."""
        return self.folder(store) / f"{_prefix(self.account)}-{number:06}.parquet"


def number_of(path: Path) -> int:
    """The number in a file's name."""
    return int(path.stem.rpartition("-")[2])


def parts(records: pa.Table) -> Iterator[Part]:
    """Split records by stream, account and day."""
    # Without the zone: the conversion would load the machine's zone database, which UTC does not need.
    dates: Any = records.column("timestamp").cast(pa.timestamp("ns")).cast(pa.date32(), safe=False).cast(pa.string())
    dated = records.append_column("date", dates.fill_null(UNKNOWN_DATE))
    keys = ["stream", "account", "date"]
    dated = dated.sort_by([(key, "ascending") for key in (*keys, "timestamp")])
    place = 0
    groups = dated.group_by(keys, use_threads=False).aggregate([([], "count_all")])
    for group in groups.to_pylist():
        rows = dated.slice(place, group["count_all"]).select(FILE_SCHEMA.names)
        place += rows.num_rows
        yield Part(group["stream"], group["account"], group["date"], rows)


def _prefix(account: str) -> str:
    """The prefix of the names of an account's files; account names can be any text, and may differ in case only."""
    told = re.sub("[^a-z0-9]+", "-", account.lower()).strip("-")[:40]
    digest = hashlib.blake2b(account.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{told}-{digest}" if told else digest


@contextmanager
def opened(path: Path) -> Generator[pq.ParquetFile]:
    """
    Open a file of the store for reading.

    Raises:
        StoreError: It is damaged, or not a file of logferry.
    """
    try:
        # A whole path: Arrow takes a relative one with a colon for an address.
        with pq.ParquetFile(path.absolute()) as file:
            if file.schema_arrow.names not in (FILE_SCHEMA.names, SCHEMA.names):
                raise StoreError(f"{path} has other columns than logferry's files", hint=_ANEW)
            yield file
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read: {_line(error)}", hint=_ANEW) from error


_ANEW: Final = "Move it away, forget that day, and sync again; all else is still there"


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def counted(path: Path) -> tuple[str, int]:
    """The account of a file, and its number of rows."""
    with opened(path) as file:
        told = (file.schema_arrow.metadata or {}).get(_ACCOUNT)
        if told is None:
            raise StoreError(f"{path} is not a file of logferry", hint=_ANEW)
        return told.decode("utf-8", "surrogatepass"), file.metadata.num_rows


def all_files(store: Path) -> list[Path]:
    """The files of a store, sorted."""
    return sorted(store.glob("stream=*/date=*/*.parquet"))


def has_stream_inside(path: Path) -> bool:
    """Whether a file has the stream as a column too, as in version 1 of the folder."""
    with opened(path) as file:
        return file.schema_arrow.names != FILE_SCHEMA.names


def has_room(path: Path, rows: int) -> bool:
    """Whether a file can take this many more rows."""
    return counted(path)[1] + rows <= MOST_ROWS and path.stat().st_size <= _MOST_BYTES


def held(path: Path, uids: Texts) -> tuple[Texts, frozenset[int]]:
    """The uids that a file has, and the indices of their rows."""
    first, last = pc.min(uids).as_py(), pc.max(uids).as_py()
    sought = uids.combine_chunks()
    found: list[Texts] = []
    rows: list[Any] = []
    with opened(path) as file:
        begin = 0
        for group in range(file.num_row_groups):
            if _can_have(file, group, first, last):
                there = file.read_row_group(group, columns=["uid"]).column(0)
                # Index the few uids of the row group, not the many that are sought.
                places = pc.index_in(sought, value_set=there).drop_null()
                found.append(there.take(places))
                rows += pc.add(places, begin).to_pylist()
            begin += file.metadata.row_group(group).num_rows
    uids_found = [uid for chunks in found for uid in chunks.chunks]
    return pa.chunked_array(uids_found, pa.string()), frozenset(rows)


def _can_have(file: pq.ParquetFile, group: int, first: Any, last: Any) -> bool:
    """Whether a row group may have a uid in a range, by its statistics."""
    told = file.metadata.row_group(group).column(0).statistics
    if told is None or told.min is None or told.max is None:
        return True
    return bool(told.min <= last and first <= told.max)


def write(
    new: Path,
    account: str,
    *,
    records: Sequence[pa.Table],
    old: Path | None = None,
    without: frozenset[int] = frozenset(),
) -> None:
    """
    Write a file, and wait until it is on the disk.

    Args:
        new: Its name; no such file exists.
        account: The account of all its rows.
        records: The rows to write after those of ``old``.
        old: The file whose rows are copied first; ``None`` for none.
        without: The indices of the rows of ``old`` that are left out.
    """
    with os.fdopen(private_file(new), "wb") as sink:
        with _Rows(sink, account) as rows:
            if old is not None:
                for table in _kept(old, without):
                    rows.add(table)
            for table in records:
                for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
                    rows.add(pa.Table.from_batches([batch]))
        sink.flush()
        os.fsync(sink.fileno())


def _kept(path: Path, without: frozenset[int]) -> Iterator[pa.Table]:
    """The rows of a file without those of these indices, batch by batch."""
    with opened(path) as file:
        begin = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=FILE_SCHEMA.names):
            places = range(begin, begin + batch.num_rows)
            begin += batch.num_rows
            mask = pa.array([place not in without for place in places], pa.bool_())
            yield pa.Table.from_batches([batch]).filter(mask)


class _Rows:
    """Gathers rows into row groups."""

    def __init__(self, sink: BufferedWriter, account: str) -> None:
        self._schema = FILE_SCHEMA.with_metadata({_ACCOUNT: account.encode("utf-8", "surrogatepass")})
        self._writer = pq.ParquetWriter(sink, self._schema, compression="zstd", version="2.6")
        self._tables: list[pa.Table] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Add rows."""
        self._tables.append(table)
        if sum(one.num_rows for one in self._tables) >= _GROUP_ROWS or (
            sum(one.nbytes for one in self._tables) >= _GROUP_BYTES
        ):
            self._flush()

    def _flush(self) -> None:
        if self._tables:
            table = pa.concat_tables(self._tables).cast(self._schema)
            self._tables = []
            self._writer.write_table(table, row_group_size=table.num_rows or 1)
