"""The embedded store: one DuckDB file with a table of records and a table of windows, changed in one transaction."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import duckdb
import pyarrow as pa

from logferry._config.paths import followed, local_path
from logferry._errors import StoreError
from logferry.stores._addresses import store_instead
from logferry.stores._coverage import Coverage, Stretch
from logferry.stores._duckdb_file import beside, make, refuse_other, take_log_along
from logferry.stores._duckdb_views import bring_views_up_to_date
from logferry.stores._durable import owner_only
from logferry.stores._lock import locked
from logferry.stores._store import Mode, Question, no_store
from logferry.stores._versions import current, outstanding

if TYPE_CHECKING:
    from types import TracebackType

_MEMORY: Final = 96
"""
Memory limit of DuckDB, in MiB, without the memory of a commit.

By default DuckDB takes most of the machine's memory for its cache.
"""

_TIMES_AS_MUCH: Final = 4
"""The memory of a commit, as a multiple of the size of its records (measured: 89 MiB, all replaced, need less)."""

_TABLES: Final = """
CREATE TABLE logferry_schema (version INTEGER NOT NULL);
CREATE TABLE logs (
    uid VARCHAR PRIMARY KEY,
    stream VARCHAR NOT NULL,
    account VARCHAR NOT NULL,
    timestamp TIMESTAMP_NS,
    observed_timestamp TIMESTAMP_NS,
    severity_number TINYINT NOT NULL,
    severity_text VARCHAR,
    event_name VARCHAR,
    body VARCHAR,
    trace_id VARCHAR,
    attributes JSON,
    resource JSON,
    issues JSON,
    raw JSON
);
CREATE TABLE logferry_windows (
    account VARCHAR NOT NULL,
    stream VARCHAR NOT NULL,
    filters JSON NOT NULL,
    since TIMESTAMP_NS NOT NULL,
    until TIMESTAMP_NS NOT NULL,
    state VARCHAR NOT NULL,
    checkpoint VARCHAR,
    begun TIMESTAMP_NS
);
"""
_UPSERT: Final = """
INSERT OR REPLACE INTO logs
SELECT uid, stream, account, make_timestamp_ns(timestamp), make_timestamp_ns(observed_timestamp), severity_number,
       severity_text, event_name, body, trace_id, attributes, resource, issues, raw
FROM arrived
"""
_NEWER: Final = "newer version of DuckDB"
_HELD: Final = re.compile(r"Conflicting lock is held in \S* ?\((PID \d+)\)")
_NANOSECONDS: Final = pa.int64()
_MOMENTS: Final = ("timestamp", "observed_timestamp")


class DuckDBStore:
    """
    A DuckDB file.

    Table ``logs`` has the fields of a record, with ``uid`` as its primary key, times as ``TIMESTAMP_NS`` in UTC, and
    ``attributes``, ``resource``, ``issues`` and ``raw`` as JSON.  Table ``logferry_windows`` has the complete windows.

    Each stream has a view, such as ``logto_audit_logs``: the fields of its records, and a typed column for each
    documented attribute, with its name.  A value of another type than documented is null there (JSON text in a column
    of texts); ``attributes`` has it unchanged.  Views are updated whenever the file is opened for writing.  A table or
    view of such a name that logferry did not make, or whose comment was changed, is left alone.

    Args:
        path: The file; created if missing, readable by its owner only, in a format that DuckDB 1.4 reads.  A link is
            followed.
        mode: What it is opened for.
    """

    migrations: ClassVar[Mapping[int, str]] = {}
    """The migrations as SQL; each leads to the next version."""

    def __init__(self, path: str | Path, *, mode: Mode = "make") -> None:
        self._path = local_path(path, "store", store_instead)
        self._file = self._path
        self._mode: Mode = mode
        self._stack = ExitStack()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._room = 0

    def __repr__(self) -> str:
        return f"DuckDBStore({str(self._path)!r})"

    def __enter__(self) -> Self:
        with ExitStack() as stack, self._errors():
            self._file = followed(self._path)
            if not self._file.parent.is_dir():
                raise StoreError(f"there is no folder {self._file.parent}", hint="Make it first")
            reading = self._mode == "read"
            if not reading:
                stack.enter_context(locked(beside(self._file, "lock"), str(self._path)))
            with owner_only():
                if self._file.exists():
                    refuse_other(self._file, str(self._path))
                    if not reading:
                        take_log_along(self._path, self._file)
                elif self._mode != "make":
                    raise no_store(self._path)
                else:
                    make(self._file)
                # Absolute: DuckDB takes the part of a relative path before a colon for the name of an extension.
                connection = duckdb.connect(str(self._file.absolute()), read_only=reading, config={"threads": 1})
                self._connection = stack.enter_context(connection)
            self._room = 0
            self._make_room(0)
            self._prepare()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection = None
        with self._errors(), owner_only():
            self._stack.close()

    def coverage(self) -> Mapping[Question, Coverage]:
        """The coverage by query."""
        found: dict[Question, list[Stretch]] = {}
        for account, stream, filters, since, until, state, checkpoint, begun in self._rows(
            "SELECT account, stream, filters, epoch_ns(since), epoch_ns(until), state, checkpoint, epoch_ns(begun) "
            "FROM logferry_windows ORDER BY since"
        ):
            stretch = Stretch(since=since, until=until, state=state, checkpoint=checkpoint, begun=begun or 0)
            found.setdefault(Question(account, stream, filters), []).append(stretch)
        return {question: Coverage(tuple(stretches)) for question, stretches in found.items()}

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Write records and coverage in one transaction."""
        windows = [
            (one.account, one.stream, one.filters, part.since, part.until, part.state, part.checkpoint, part.begun)
            for one, covered in coverage.items()
            for part in covered.stretches
        ]
        with self._errors():
            self._make_room(records.nbytes)
        with self._errors(), self._transaction() as connection:
            if records.num_rows:
                for name in _MOMENTS:
                    place = records.schema.get_field_index(name)
                    records = records.set_column(place, name, records.column(name).cast(_NANOSECONDS))
                connection.register("arrived", records)
                connection.execute(_UPSERT).fetchall()
                connection.unregister("arrived")
            for one in coverage:
                connection.execute(
                    "DELETE FROM logferry_windows WHERE account = ? AND stream = ? AND filters = ?",
                    [one.account, one.stream, one.filters],
                ).fetchall()
            for window in windows:
                connection.execute(
                    "INSERT INTO logferry_windows VALUES (?, ?, ?, make_timestamp_ns(?), make_timestamp_ns(?), ?, ?, "
                    "make_timestamp_ns(nullif(?, 0)))",
                    window,
                ).fetchall()

    def counts(self) -> Mapping[tuple[str, str], int]:
        """The number of records, by names of account and stream."""
        rows = self._rows("SELECT account, stream, count(*) FROM logs GROUP BY account, stream")
        return {(account, stream): count for account, stream, count in rows}

    def size(self) -> int | None:
        """The size of the file and its write-ahead log, in bytes."""
        return sum(path.stat().st_size for path in (self._file, beside(self._file, "wal")) if path.exists())

    def _make_room(self, size: int) -> None:
        """Raise the memory limit for a commit of this many bytes; it stays, since DuckDB cannot always free memory."""
        room = _MEMORY + _TIMES_AS_MUCH * -(-size // 2**20)
        if room > self._room:
            self._opened().execute(f"SET memory_limit = '{room}MiB'").fetchall()
            self._room = room

    def _prepare(self) -> None:
        """Create the tables, or migrate those of an older logferry."""
        with self._transaction() as connection:
            names = {name for (name,) in self._rows("SELECT table_name FROM duckdb_tables()")}
            if "logferry_schema" in names:
                versions = [version for (version,) in self._rows("SELECT version FROM logferry_schema")]
            elif self._mode != "make":
                raise no_store(self._path)
            elif "logs" in names:
                raise StoreError(
                    f"{self._path} has a table logs that logferry did not make", hint="Choose another file"
                )
            else:
                versions = [current(self.migrations)]
                connection.execute(_TABLES).fetchall()
                connection.execute("INSERT INTO logferry_schema VALUES (?)", versions).fetchall()
            found = versions[0] if len(versions) == 1 else None
            for reached, script in outstanding(found, self.migrations, str(self._path), mode=self._mode):
                connection.execute(script).fetchall()
                connection.execute("UPDATE logferry_schema SET version = ?", [reached]).fetchall()
            if self._mode != "read":
                bring_views_up_to_date(connection)

    def _rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        with self._errors():
            return self._opened().execute(query).fetchall()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise StoreError(f"{self._path} is not open", hint="Use it in a with block")
        return self._connection

    @contextmanager
    def _transaction(self) -> Generator[duckdb.DuckDBPyConnection]:
        connection = self._opened()
        connection.begin()
        try:
            yield connection
        except BaseException:
            # Some errors end the transaction, and the first error is the one to report.
            with suppress(duckdb.Error):
                connection.rollback()
            raise
        with owner_only():
            connection.commit()

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Convert any DuckDB error to a StoreError."""
        try:
            yield
        except (duckdb.Error, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        other = _HELD.search(str(error))
        if other is not None:
            return StoreError(
                f"{self._path} is open in another process ({other[1]})",
                hint="Close it there: DuckDB lets one process write, or several read",
            )
        # Only the first line: the others quote the query.
        reason = str(error).partition("\n")[0] or type(error).__name__
        return StoreError(f"{self._path} cannot be used: {reason}", hint=_hint(error))


def _hint(error: Exception) -> str:
    if _NEWER in str(error):
        return "Update it: pip install --upgrade duckdb"
    if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.SerializationException):
        return "What it had committed is still there, unless the disk is damaged: open it again"
    return "What it had committed is still there; is the file a DuckDB database, writable, with room on the disk?"
