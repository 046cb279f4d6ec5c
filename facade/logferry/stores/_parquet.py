"""A folder of Parquet files that any reader can glob, and a state file of the complete windows."""

# pyright: reportUnknownMemberType=false
# The stubs of pyarrow are partly untyped.

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeAlias
from urllib.parse import unquote

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from logferry._config.paths import local_path
from logferry._errors import StoreError
from logferry._json import is_array, is_object
from logferry.stores._addresses import store_instead
from logferry.stores._coverage import Coverage
from logferry.stores._durable import make_folder, private_file, put_in_place
from logferry.stores._lock import locked
from logferry.stores._parquet_files import (
    MOST_ROWS,
    UNKNOWN_DATE,
    Part,
    all_files,
    counted,
    has_room,
    has_stream_inside,
    held,
    number_of,
    parts,
    write,
)
from logferry.stores._store import Mode, Question, no_store
from logferry.stores._versions import current, outstanding

if TYPE_CHECKING:
    from types import TracebackType

Migration: TypeAlias = Callable[[Path, dict[str, Any]], dict[str, Any]]
"""Migrates a store: takes the folder and its state, and returns the new state."""

_OWN: Final = "_logferry"
"""Readers of folders skip names with this prefix."""

_UNFINISHED: Final = ".new"
_READABLE: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def _stream_out(folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    """
    Version 2: the stream is in the path of a file, not in a column.

    Each file is replaced in one step, so a killed migration can continue with files of both versions.
    """
    for number, path in enumerate(all_files(folder)):
        if has_stream_inside(path):
            new = folder / _OWN / f"{number}{_UNFINISHED}"
            write(new, counted(path)[0], records=[], old=path)
            put_in_place([(new, path)])
    return state


class ParquetStore:
    """
    A folder of Parquet files, ``stream=…/date=…/….parquet``, by the Hive convention.

    Stream and date are in the path alone; pandas, Arrow, DuckDB and other readers of the convention show both as
    columns. The date is that of the record's own time in UTC, ``1970-01-01`` if that is unknown.  The files of an
    account and date are disjoint, and each is always replaced whole, so that a reader of ``folder/**/*.parquet`` sees
    each record once, at any moment.  A row that is read again is replaced in its file; a new row goes to the account's
    last file of its date, until that is full.  (A record whose known time changes from one date to another is a new
    one.)

    The coverage is in ``_logferry/state.json``.  It is replaced after the files: records that a killed process wrote
    without their coverage are read again.

    Args:
        path: The folder; created if missing, readable by its owner only.  A link is followed.
        mode: What it is opened for.
    """

    migrations: ClassVar[Mapping[int, Migration]] = {1: _stream_out}
    """The migrations; each leads to the next version."""

    def __init__(self, path: str | Path, *, mode: Mode = "make") -> None:
        self._path = local_path(path, "store", store_instead)
        self._mode: Mode = mode
        self._own = self._path / _OWN
        self._state = self._own / "state.json"
        self._numbers = count()
        self._stack = ExitStack()
        self._coverage: dict[Question, Coverage] | None = None

    def __repr__(self) -> str:
        return f"ParquetStore({str(self._path)!r})"

    def __enter__(self) -> Self:
        with ExitStack() as stack, self._errors():
            self._refuse_what_is_none()
            if self._mode != "read":
                make_folder(self._own)
                stack.enter_context(locked(self._own / "lock", str(self._path)))
                self._remove_unfinished()
            self._coverage = self._opened_state()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._coverage = None
        self._stack.close()

    def coverage(self) -> Mapping[Question, Coverage]:
        """The coverage by query."""
        return dict(self._opened())

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Write the records, then the coverage."""
        after = {question: covered for question, covered in {**self._opened(), **coverage}.items() if covered.stretches}
        with self._errors():
            try:
                arrived = list(parts(records))
                put_in_place([pair for part in arrived for pair in self._written(part)])
                put_in_place([pair for part in arrived for pair in self._written_without(part)])
                if coverage:
                    self._write_state(after)
            except BaseException:
                self._remove_unfinished()
                raise
        self._coverage = after

    def counts(self) -> Mapping[tuple[str, str], int]:
        """The number of records, by names of account and stream."""
        self._opened()
        found: dict[tuple[str, str], int] = {}
        with self._errors():
            for path in all_files(self._path):
                account, rows = counted(path)
                key = account, unquote(path.parent.parent.name.removeprefix("stream="))
                found[key] = found.get(key, 0) + rows
        return {key: rows for key, rows in found.items() if rows}

    def size(self) -> int | None:
        """The size of its files, in bytes."""
        with self._errors():
            return sum(path.stat().st_size for path in self._path.rglob("*") if path.is_file())

    def _opened(self) -> dict[Question, Coverage]:
        if self._coverage is None:
            raise StoreError(f"{self._path} is not open", hint="Use it in a with block")
        return self._coverage

    def _written(self, part: Part) -> Iterator[tuple[Path, Path]]:
        """Write the files of a part under temporary names; yields each with its final name."""
        make_folder(part.folder(self._path))
        files = part.files(self._path)
        rest = part.records
        outdated: dict[Path, frozenset[int]] = {}
        taken: dict[Path, list[pa.Table]] = {}
        for path in reversed(files):
            if not rest.num_rows:
                break
            uids, outdated[path] = held(path, rest.column("uid"))
            again = pc.is_in(rest.column("uid"), value_set=uids)
            taken[path] = [rest.filter(again)]
            rest = rest.filter(pc.invert(again))
        if files and rest.num_rows and has_room(files[-1], rest.num_rows):
            taken[files[-1]].append(rest)
            rest = rest.slice(0, 0)
        for path, tables in taken.items():
            if any(table.num_rows for table in tables):
                yield self._rewritten(path, part.account, outdated[path], tables), path
        number = number_of(files[-1]) if files else 0
        for place in range(0, rest.num_rows, MOST_ROWS):
            number += 1
            new = self._new()
            write(new, part.account, records=[rest.slice(place, MOST_ROWS)])
            yield new, part.new_file(self._path, number)

    def _written_without(self, part: Part) -> Iterator[tuple[Path, Path]]:
        """Rewrite the files of unknown dates without records whose time is known now: they have moved to their date."""
        if part.date != UNKNOWN_DATE:
            for path in part.files(self._path, UNKNOWN_DATE):
                _, moved = held(path, part.records.column("uid"))
                if moved:
                    yield self._rewritten(path, part.account, moved, []), path

    def _rewritten(self, path: Path, account: str, without: frozenset[int], records: list[pa.Table]) -> Path:
        new = self._new()
        write(new, account, records=records, old=path, without=without)
        return new

    def _new(self) -> Path:
        return self._own / f"{next(self._numbers)}{_UNFINISHED}"

    def _remove_unfinished(self) -> None:
        for path in self._own.glob(f"*{_UNFINISHED}"):
            path.unlink()

    def _refuse_what_is_none(self) -> None:
        """Raise unless the folder is a store, or can become one in this mode."""
        if self._mode != "make" and not self._own.is_dir():
            raise no_store(self._path)
        if self._path.exists() and not self._path.is_dir():
            raise StoreError(f"{self._path} is a file, no folder", hint="Choose an empty or new folder")
        if self._path.is_dir() and not self._own.is_dir():
            names = sorted(path.name for path in self._path.iterdir() if not path.name.startswith("."))
            if names:
                raise StoreError(
                    f"{self._path} is no store: it has {names[0]}, and no {_OWN}", hint="Choose an empty or new folder"
                )

    def _opened_state(self) -> dict[Question, Coverage]:
        """The state file, migrated to the current version."""
        try:
            state = orjson.loads(self._state.read_bytes())
        except FileNotFoundError:
            # The folder is new, or the file was removed and the folder can be of any version.
            if self._mode == "read":
                return {}
            state = dict[str, Any](version=1, windows=[])
        except ValueError:
            state = None
        if not is_object(state):
            raise self._damaged()
        migrated = False
        for version, migrate in outstanding(state.get("version"), self.migrations, str(self._path), mode=self._mode):
            state = {**migrate(self._path, state), "version": version}
            migrated = True
        try:
            coverage = _read(state)
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged() from error
        if migrated:
            self._write_state(coverage)
        return coverage

    def _damaged(self) -> StoreError:
        return StoreError(
            f"{self._state} is damaged",
            hint="The records are still there: restore it, or delete it, and sync reads again what the services still have",
        )

    def _write_state(self, coverage: Mapping[Question, Coverage]) -> None:
        windows = [
            {
                "account": question.account,
                "stream": question.stream,
                "filters": question.filters,
                "stretches": orjson.Fragment(covered.to_json()),
            }
            for question, covered in sorted(coverage.items())
        ]
        new = self._new()
        with os.fdopen(private_file(new), "wb") as file:
            file.write(orjson.dumps({"version": current(self.migrations), "windows": windows}, option=_READABLE))
            file.flush()
            os.fsync(file.fileno())
        put_in_place([(new, self._state)])

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Convert errors of the file system and of Arrow to a StoreError."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
            raise StoreError(f"{self._path} cannot be used: {reason}", hint=_HINT) from error


_HINT: Final = "What it had committed is still there; is the folder writable, with room on the disk?"


def _read(state: Mapping[str, Any]) -> dict[Question, Coverage]:
    windows = state["windows"]
    if not is_array(windows):
        raise TypeError("no list of windows")
    return {
        Question(one["account"], one["stream"], one["filters"]): Coverage.from_json(orjson.dumps(one["stretches"]))
        for one in windows
    }
