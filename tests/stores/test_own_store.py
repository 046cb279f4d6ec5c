"""A custom store: the example of the README passes the suite, and stores that lose, repeat or forget rows fail."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeAlias

import pyarrow as pa
import pytest

from logferry.stores import Coverage, Question, Store
from logferry.testing.stores import CHECKS, Case, Check

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def make() -> Callable[[], Store]:
    """Return the class of the README, without the code that uses it."""
    (code,) = [
        code for code in re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if "class " in code
    ]
    names: dict[str, Any] = {}
    exec(compile(code.partition("\nwith ")[0], "README.md", "exec"), names)  # noqa: S102  # our own README
    made: Callable[[], Store] = names["SQLiteStore"]
    return made


def rows() -> Iterator[Mapping[str, Any]]:
    with sqlite3.connect("logs.sqlite") as database:
        database.row_factory = sqlite3.Row
        for row in database.execute("SELECT uid, stream, account, severity_text, body, attributes FROM logs"):
            yield dict(row)
    database.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_example_of_the_readme_passes(
    check: Check, make: Callable[[], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The class in the README is a valid store."""
    monkeypatch.chdir(tmp_path)
    check(Case(make=make, rows=rows))


Rows: TypeAlias = list[dict[str, Any]]


class Kept:
    """A store in memory that keeps its content when it is closed, with optional defects."""

    def __init__(
        self,
        *,
        loses: bool = False,
        doubles: bool = False,
        forgets: bool = False,
    ) -> None:
        self.rows: Rows = []
        self._loses, self._doubles, self._forgets = loses, doubles, forgets
        self._known: dict[Question, Coverage] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def coverage(self) -> Mapping[Question, Coverage]:
        """Return the coverage; if the store forgets, only that of the last commit."""
        return self._known

    def commit(self, records: pa.Table, coverage: Mapping[Question, Coverage]) -> None:
        """Store the rows; a store that loses drops its first row, one that repeats keeps replaced rows."""
        new: Rows = records.select(["uid", "body"]).to_pylist()
        again = [] if self._doubles else [row["uid"] for row in new]
        kept = [row for row in self.rows if row["uid"] not in again]
        self.rows = [*(kept[1:] if self._loses else kept), *new]
        self._known = dict(coverage) if self._forgets else {**self._known, **coverage}


def case_of(store: Kept) -> Case:
    return Case(make=lambda: store, rows=lambda: store.rows)


def failed(make: Callable[[], Kept]) -> list[str]:
    """Return the checks that a store does not pass."""
    names: list[str] = []
    for check in CHECKS:
        store = make()
        try:
            check(case_of(store))
        except AssertionError:
            names.append(check.__name__)
    return names


def test_the_suite_detects_a_bad_store() -> None:
    """The suite passes a correct store and fails those that lose, repeat or forget rows."""
    assert failed(Kept) == []
    assert "keeps_records" in failed(lambda: Kept(loses=True))
    assert "replaces_by_uid" in failed(lambda: Kept(doubles=True))
    assert "replaces_coverage" in failed(lambda: Kept(forgets=True))
