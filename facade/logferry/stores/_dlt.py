"""A store in any destination of dlt: PostgreSQL, BigQuery, Snowflake, DuckDB and others."""

# pyright: reportUnknownMemberType=false
# The stubs of pyarrow are partly untyped.

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeAlias

import platformdirs
import pyarrow as pa
import pyarrow.compute as pc

from logferry._config.paths import local_path, scheme_of
from logferry._errors import ConfigurationError, StoreError
from logferry.stores._addresses import store_instead
from logferry.stores._coverage import Coverage
from logferry.stores._dlt_pipeline import MOMENTS, Pipeline, as_told
from logferry.stores._durable import make_folder, owner_only
from logferry.stores._lock import locked
from logferry.stores._store import Mode, Question, no_store
from logferry.stores._versions import current, outstanding

if TYPE_CHECKING:
    from types import TracebackType

Migration: TypeAlias = Callable[[Pipeline], None]
"""Migrates the tables of a destination through its pipeline."""

_JSON: Final = ("attributes", "resource", "issues", "raw")
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""An escaped NUL character in JSON text, but not an escaped backslash that is followed by the same digits."""

_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FOLDER: Final = "Name a folder on this machine"

_LOGS: Final = "logs"
_WINDOWS: Final = "logferry_windows"
_VERSIONS: Final = "logferry_schema"


class DltStore:
    """
    A destination of dlt, which finds its credentials as usual: in the environment or in ``secrets.toml``.

    Table ``logs`` has the fields of a record, merged on ``uid``.  Times are in UTC, with nanoseconds if the destination
    supports them (DuckDB: ``TIMESTAMP_NS``), else truncated to its precision (PostgreSQL: microseconds).
    ``attributes``, ``resource``, ``issues`` and ``raw`` have its JSON type (PostgreSQL: ``jsonb``), or are texts if it
    has no JSON type that Arrow tables can fill.  The NUL character, which PostgreSQL and others reject in texts,
    becomes U+FFFD.

    Table ``logferry_windows`` has a row for each query with its stretches as JSON text.  It is written after the
    records: records that a killed process wrote without their windows are read again.  It is read from the destination,
    so that another machine can continue.  Only one process may write at a time.

    dlt's telemetry and logging are switched off for the life of the process.

    Args:
        destination: Its name in dlt, such as ``postgres``, or the path of a class.
        credentials: The destination's credentials, in any form that it takes; ``None`` for those that dlt finds.
        dataset: The schema, data set or folder of the tables.
        folder: The folder of pending load packages; default: below ``LOGFERRY_DATA``, else below the user's data
            folder.  It may be lost.
        mode: What it is opened for; packages that a killed process left pending are loaded in any mode.
    """

    migrations: ClassVar[Mapping[int, Migration]] = {}
    """The migrations; each leads to the next version."""

    def __init__(
        self,
        destination: str,
        *,
        credentials: object = None,
        dataset: str = "logferry",
        folder: str | Path | None = None,
        mode: Mode = "make",
    ) -> None:
        if not _NAME.fullmatch(destination):
            # Not shown: it may contain a password.
            scheme = scheme_of(destination)
            raise ConfigurationError(
                "what follows dlt: names no destination of dlt",
                hint="Name one such as dlt:postgres" if scheme is None else store_instead(scheme),
            )
        self._mode: Mode = mode
        self._destination = destination
        self._credentials = credentials
        self._dataset = dataset
        self._folder = local_path(folder, "folder", _FOLDER) if folder else _data_folder() / "dlt"
        self._name = f"dlt:{destination}"
        self._pipeline: Pipeline | None = None
        self._stack = ExitStack()

    def __repr__(self) -> str:
        return f"DltStore({self._destination!r}, dataset={self._dataset!r})"

    def __enter__(self) -> Self:
        with ExitStack() as stack, self._errors():
            self._make_folder()
            folder = self._found_folder()
            stack.enter_context(locked(folder.with_suffix(".lock"), self._name))
            stack.callback(self._end)
            self._begin(folder)
            self._prepare()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def coverage(self) -> Mapping[Question, Coverage]:
        """The coverage by query, read from the destination."""
        with self._errors():
            rows = self._opened().rows(_WINDOWS, "account, stream, filters, stretches")
        try:
            found = {Question(*question): Coverage.from_json(stretches) for *question, stretches in rows}
        except (ValueError, TypeError) as error:
            raise StoreError(
                f"table {_WINDOWS} of {self._name} is damaged",
                hint="The records are still there: empty it, and sync reads again what the services still have",
            ) from error
        return {question: covered for question, covered in found.items() if covered.stretches}

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Write the records, then the coverage."""
        with self._errors():
            pipeline = self._opened()
            # Drop the packages of a failed commit: dlt would load them instead of this one.
            self._settle()
            if records.num_rows:
                pipeline.load(_LOGS, _converted(records, pipeline.moment), key=["uid"], json=_JSON)
            if coverage:
                pipeline.load(_WINDOWS, _windows(coverage), key=["account", "stream", "filters"])

    def counts(self) -> Mapping[tuple[str, str], int]:
        """The number of records, by names of account and stream."""
        with self._errors():
            rows = self._opened().rows(_LOGS, "account, stream, count(*)", "GROUP BY account, stream")
        return {(account, stream): int(count) for account, stream, count in rows}

    def size(self) -> int | None:
        """``None``: destinations do not report the size of a table."""
        return None

    def _opened(self) -> Pipeline:
        if self._pipeline is None:
            raise StoreError(f"{self._name} is not open", hint="Use it in a with block")
        return self._pipeline

    def _found_folder(self) -> Path:
        """The folder of this destination's packages, shared with no other destination."""
        with tempfile.TemporaryDirectory() as folder:
            pipeline = self._made(Path(folder))
            place = pipeline.place
            pipeline.close()
        digest = hashlib.blake2b(f"{self._dataset} {place}".encode(), digest_size=8).hexdigest()
        return self._folder / f"{self._destination.rpartition('.')[2]}-{digest}"

    def _made(self, folder: Path) -> Pipeline:
        return Pipeline(self._destination, self._credentials, self._dataset, folder)

    def _begin(self, folder: Path) -> None:
        """Restore the pipeline from its folder, or from the destination if the folder is not usable."""
        try:
            self._pipeline = self._made(folder)
            self._settle()
        except Exception:  # noqa: BLE001  # a kill may leave any state; all of it can be restored
            shutil.rmtree(folder, ignore_errors=True)
            self._pipeline = self._made(folder)

    def _settle(self) -> None:
        """
        Load the packages that a killed process left pending, unless another machine has written newer ones since.

        Raises:
            Exception: They cannot be loaded.
        """
        pipeline = self._opened()
        if pipeline.pending and pipeline.is_overtaken():
            raise StoreError(f"the pending packages of {self._name} are outdated")
        if pipeline.pending:
            pipeline.finish()

    def _end(self) -> None:
        if self._pipeline is not None:
            self._pipeline.close()
        self._pipeline = None

    def _prepare(self) -> None:
        """Create the tables, or migrate those of an older logferry."""
        pipeline = self._opened()
        pipeline.refuse_appending()
        versions = [version for (version,) in pipeline.rows(_VERSIONS, "version")]
        if not versions and self._mode != "make":
            raise no_store(self._name)
        if not versions:
            pipeline.load(_VERSIONS, _version(current(self.migrations)), key=["part"])
        for version in versions:
            for reached, migrate in outstanding(version, self.migrations, self._name, mode=self._mode):
                migrate(pipeline)
                pipeline.load(_VERSIONS, _version(reached), key=["part"])

    def _make_folder(self) -> None:
        try:
            make_folder(self._folder)
        except OSError as error:
            raise StoreError(
                f"{self._name}: the folder {self._folder}, for pending packages, cannot be made: {error.strerror}",
                hint="Let LOGFERRY_DATA name a folder that you can write to",
            ) from error

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Convert any exception of dlt, a driver or the destination to an error of logferry."""
        try:
            with owner_only():
                yield
        except Exception as error:
            told = as_told(error, self._name)
            if told is error:
                raise
            raise told from error


def _data_folder() -> Path:
    named = os.environ.get("LOGFERRY_DATA")
    return local_path(named, "LOGFERRY_DATA", _FOLDER) if named else platformdirs.user_data_path("logferry")


def _replaced(records: pa.Table, place: int, sign: str, replace: Callable[[str], str]) -> pa.Table:
    """The records with a text replaced in a column, if any row contains it."""
    column = records.column(place)
    if not pc.any(pc.match_substring(column, sign)).as_py():
        return records
    texts = [None if text is None else replace(text) for text in column.to_pylist()]
    replaced = records.set_column(place, records.schema.names[place], pa.array(texts, pa.string()))
    return replaced.cast(records.schema)


def _version(number: int) -> pa.Table:
    return pa.table({"part": ["tables"], "version": pa.array([number], pa.int64())})


def _windows(coverage: Mapping[Question, Coverage]) -> pa.Table:
    questions = list(coverage)
    return pa.table(
        {
            "account": pa.array([one.account for one in questions], pa.string()),
            "stream": pa.array([one.stream for one in questions], pa.string()),
            "filters": pa.array([one.filters for one in questions], pa.string()),
            "stretches": pa.array([coverage[one].to_json() for one in questions], pa.string()),
        }
    )


def _converted(records: pa.Table, kind: pa.DataType) -> pa.Table:
    """Convert records to the types of a destination: its precision of times, and no NUL characters."""
    for place, name in enumerate(records.schema.names):
        if name in _JSON:
            records = _replaced(records, place, "\\u0000", lambda text: _NUL.sub(r"\1\\ufffd", text))
        elif pa.types.is_string(records.column(place).type):
            records = _replaced(records, place, "\0", lambda text: text.replace("\0", "\ufffd"))
    for name in MOMENTS:
        place = records.schema.get_field_index(name)
        # Without the zone: rounding would load the machine's zone database, which UTC does not need.
        times: Any = records.column(place).cast(pa.timestamp("ns"))
        if kind != times.type:
            times = pc.floor_temporal(times, unit="microsecond").cast(pa.timestamp("us")).cast(kind)
        records = records.set_column(place, name, times)
    return records
