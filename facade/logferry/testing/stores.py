"""
A suite for any store: it must keep each record once, unchanged, together with its coverage.

::

    from logferry.testing.stores import CHECKS, Case

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_store(check, tmp_path):
        check(Case(make=lambda: MyStore(tmp_path / "logs"), rows=lambda: read(tmp_path / "logs")))

Each check needs its own empty location, and raises an `AssertionError` that names the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias

import orjson
from attrs import field, frozen

from logferry._extras import needing
from logferry.stores import SCHEMA, Coverage, Question, Store, Stretch

with needing("the suite of stores"):
    import pyarrow as pa

__all__ = ["CHECKS", "Case", "Check", "records"]

_DAY: Final = 86_400 * 10**9
_NOON: Final = 1_767_268_800_123_456_789
_JSON: Final = ("attributes", "resource", "issues", "raw")
_TIMES: Final = ("timestamp", "observed_timestamp")
_HERE: Final = Question("main", "example.logs")
_NAMES: Final = ("main", "Main", "../up", "a/b\\c", "na\u00efve \u2603", "'quoted\" %s", ".", "x" * 200)


@frozen(kw_only=True)
class Case:
    """
    A location for a store, and a way to read its rows.

    Attributes:
        make: Makes the store; always at the same location.
        rows: Reads its rows while it is closed: the columns that it keeps, with times as nanoseconds since the epoch.
        resolution: The resolution of its times, in nanoseconds.
    """

    make: Callable[[], Store]
    rows: Callable[[], Iterable[Mapping[str, Any]]]
    resolution: int = field(default=1)

    def check(self, *tables: pa.Table) -> None:
        """
        Raise unless the store has exactly these records.

        Raises:
            AssertionError: It has others.
        """
        wanted = {row["uid"]: row for table in tables for row in _rows(table)}
        found = list(self.rows())
        uids = [row["uid"] for row in found]
        _same("the uids", sorted(uids), sorted(wanted))
        for row in found:
            for name, value in row.items():
                _same(
                    f"{name} of {row['uid']}",
                    self._comparable(name, value),
                    self._comparable(name, wanted[row["uid"]][name]),
                )

    def _comparable(self, name: str, value: Any) -> Any:
        if name in _TIMES and value is not None:
            return value // self.resolution
        return orjson.loads(value) if name in _JSON and isinstance(value, str | bytes) else value


Check: TypeAlias = Callable[[Case], None]
"""Raises an `AssertionError` if a store violates the contract."""


def records(count: int, *, first: int = 0, time: int = _NOON, body: str | None = "", **columns: Any) -> pa.Table:
    """
    Records of `logferry.stores.SCHEMA`, the same ones for the same arguments.

    Args:
        count: Number of records.
        first: The number of the first one, which is in its ``uid``.
        time: The time of number 0, in nanoseconds since the epoch; each record is a second and a nanosecond later than
            the one before.
        body: The prefix of their bodies, before the number; ``None`` for no body.
        columns: Other columns, the same value in all rows.
    """
    numbers = range(first, first + count)
    filled: dict[str, list[Any]] = {
        "uid": [f"example:main:{number:08}" for number in numbers],
        "stream": [_HERE.stream] * count,
        "account": [_HERE.account] * count,
        "timestamp": [time + number * (10**9 + 1) for number in numbers],
        "observed_timestamp": [time + 7] * count,
        "severity_number": [number % 25 for number in numbers],
        "severity_text": ["Info" if number % 2 else None for number in numbers],
        "body": [None if body is None else f"{body}{number}" for number in numbers],
        "attributes": [orjson.dumps({"number": number, "deep": {"list": [1.5, None]}}) for number in numbers],
    }
    filled |= {name: [value] * count for name, value in columns.items()}
    absent: list[Any] = [None] * count
    return pa.Table.from_pydict({name: filled.get(name, absent) for name in SCHEMA.names}, schema=SCHEMA)


def starts_empty(case: Case) -> None:
    """A new store is empty, and can be opened again."""
    for _ in range(2):
        with case.make() as store:
            _same("the coverage", dict(store.coverage()), {})
    case.check()


def keeps_records(case: Case) -> None:
    """Committed records remain after the store was closed, and after further commits, with or without coverage."""
    with case.make() as store:
        store.commit(records(50), {_HERE: _covered(0, 50)})
    case.check(records(50))
    with case.make() as store:
        store.commit(records(50, first=50), {_HERE: _covered(0, 100)})
        store.commit(records(1, first=100), {})
        _same("the coverage", dict(store.coverage()), {_HERE: _covered(0, 100)})
    case.check(records(50), records(50, first=50), records(1, first=100))


def keeps_every_column(case: Case) -> None:
    """Every column survives: nanoseconds, distant past and future times, JSON, texts of any kind, and nulls."""
    text = 'caf\u00e9 \u2603 \U0001f600 "quoted" back\\slash\nnew line\ttab \'; --'
    told = orjson.dumps({"text": text, "large": 2**53 + 1, "none": None, "list": [[], {}]})
    full = records(
        3,
        severity_text=text,
        event_name=text,
        body=text,
        trace_id="0" * 32,
        attributes=told,
        resource=told,
        issues=b'["a", "b"]',
        raw=told,
    )
    absent = records(
        1, first=3, timestamp=None, observed_timestamp=None, severity_text=None, body=None, attributes=None
    )
    times = (0, 1, _NOON - 250 * 365 * _DAY, _NOON + 200 * 365 * _DAY, -_DAY - 1, -_DAY)
    timed = [records(1, first=10 + place, time=time) for place, time in enumerate(times)]
    with case.make() as store:
        store.commit(pa.concat_tables([full, absent, *timed]), {})
    case.check(full, absent, *timed)


def replaces_by_uid(case: Case) -> None:
    """A record that comes again replaces the earlier one, repeatedly, and in a batch with new ones."""
    with case.make() as store:
        store.commit(records(100), {})
        store.commit(records(60, first=70, body="changed "), {})
        store.commit(records(10, first=70, time=_NOON + 5, body="once more "), {})
    with case.make() as store:
        store.commit(records(1, body="after all "), {})
    case.check(
        records(1, body="after all "),
        records(69, first=1),
        records(10, first=70, time=_NOON + 5, body="once more "),
        records(50, first=80, body="changed "),
    )


def keeps_days_apart(case: Case) -> None:
    """A commit with records of many days, streams and accounts keeps them all, also around midnight."""
    midnight = _NOON - _NOON % _DAY
    tables = [
        records(
            3,
            first=10 * number,
            time=midnight + day * _DAY - (10 * number + 1) * (10**9 + 1),
            account=name,
            stream=stream,
        )
        for number, (day, name, stream) in enumerate(
            (day, name, stream) for day in (-400, 0, 1) for name in _NAMES for stream in ("example.logs", "other.logs")
        )
    ]
    with case.make() as store:
        store.commit(pa.concat_tables(tables), {})
        store.commit(pa.concat_tables(tables), {})
    case.check(*tables)


def replaces_coverage(case: Case) -> None:
    """A commit replaces the coverage of its queries, one or several, and keeps that of all others."""
    questions = [
        Question(name, stream, filters)
        for name in _NAMES
        for stream in ("example.logs", "other.logs")
        for filters in ("{}", '{"name":"it\'s \u2603 \\"x\\""}')
    ]
    first = {question: _covered(0, 10 + place) for place, question in enumerate(questions)}
    partial = Stretch(since=20, until=_NOON, state="partial", checkpoint='{"at": "caf\u00e9 \u2603"}', begun=_NOON + 1)
    changed = {questions[0]: _covered(5, 20).having(partial), questions[1]: _covered(2**61, 2**62)}
    with case.make() as store:
        store.commit(records(0), first)
        store.commit(records(0), changed)
        _same("the coverage", dict(store.coverage()), first | changed)
    with case.make() as store:
        _same("the coverage, opened again", dict(store.coverage()), first | changed)


def keeps_every_state(case: Case) -> None:
    """Each state of a stretch is read back unchanged."""
    coverage = (
        _covered(-(2**62), 0)
        .having(Stretch(since=0, until=_DAY, state="lost"))
        .having(Stretch(since=_DAY, until=2 * _DAY, state="partial", checkpoint="x" * 5000, begun=_NOON))
        .having(Stretch(since=3 * _DAY, until=3 * _DAY + 1, state="provisional"))
    )
    with case.make() as store:
        store.commit(records(0), {_HERE: coverage})
    with case.make() as store:
        _same("the coverage", dict(store.coverage()), {_HERE: coverage})


def forgets(case: Case) -> None:
    """A query whose coverage becomes empty has no coverage; its records stay."""
    other = Question("main", "other.logs")
    with case.make() as store:
        store.commit(records(5), {_HERE: _covered(0, 10), other: _covered(0, 10)})
        store.commit(records(0), {_HERE: _covered(0, 10).without(3, 5)})
        _same("the coverage", dict(store.coverage()), {_HERE: _covered(0, 10).without(3, 5), other: _covered(0, 10)})
        store.commit(records(0), {_HERE: Coverage()})
    with case.make() as store:
        kept = {question: covered for question, covered in store.coverage().items() if covered.stretches}
        _same("the coverage", kept, {other: _covered(0, 10)})
    case.check(records(5))


def takes_nothing(case: Case) -> None:
    """An empty commit changes nothing."""
    with case.make() as store:
        store.commit(records(0), {})
        store.commit(records(2), {_HERE: _covered(0, 10)})
        store.commit(records(0), {})
        _same("the coverage", dict(store.coverage()), {_HERE: _covered(0, 10)})
    case.check(records(2))


def serves_any_thread(case: Case) -> None:
    """One thread can open the store, another use it, and a third close it."""

    def commit(store: Store) -> None:
        store.commit(records(5), {_HERE: _covered(0, 10)})

    def in_a_thread(work: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(work).result()

    store = in_a_thread(case.make().__enter__)
    try:
        in_a_thread(lambda: commit(store))
        _same("the coverage", in_a_thread(lambda: dict(store.coverage())), {_HERE: _covered(0, 10)})
    finally:
        in_a_thread(lambda: store.__exit__(None, None, None))
    case.check(records(5))


CHECKS: Final[Sequence[Check]] = (
    starts_empty,
    keeps_records,
    keeps_every_column,
    replaces_by_uid,
    keeps_days_apart,
    replaces_coverage,
    keeps_every_state,
    forgets,
    takes_nothing,
    serves_any_thread,
)
"""All checks."""


def _covered(since: int, until: int) -> Coverage:
    return Coverage().having(Stretch(since=since, until=until, state="complete"))


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    for name in _TIMES:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.int64()))
    return table.to_pylist()


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")
