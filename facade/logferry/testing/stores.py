"""
A suite that any store has to pass: each record once, as it came, and with it what is complete.

::

    from logferry.testing.stores import CHECKS, Case

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_store(check, tmp_path):
        check(Case(make=lambda: MyStore(tmp_path / "logs"), rows=lambda: read(tmp_path / "logs")))

Each check wants a place of its own, where nothing is yet, and raises an `AssertionError` that says what is wrong.
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
    A place for a store, and a way to look into it.

    Attributes:
        make: Makes the store; always for the same place.
        rows: What is in it while it is closed, row by row: the columns that it keeps, with times as nanoseconds since the
            epoch.
        resolution: How many nanoseconds apart times have to be that it keeps apart.
    """

    make: Callable[[], Store]
    rows: Callable[[], Iterable[Mapping[str, Any]]]
    resolution: int = field(default=1)

    def check(self, *tables: pa.Table) -> None:
        """
        Nothing, if these records are what is in the store.

        Raises:
            AssertionError: They are not.
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
"""Raises an `AssertionError` if a store does not do what it has to."""


def records(count: int, *, first: int = 0, time: int = _NOON, body: str | None = "", **columns: Any) -> pa.Table:
    """
    Records of `logferry.stores.SCHEMA`, the same ones for the same arguments.

    Args:
        count: How many.
        first: The number of the first one, which is in its ``uid``.
        time: When the one with number 0 was, in nanoseconds since the epoch; each is a second and a nanosecond later than
            the one before.
        body: What they say, before their number; ``None`` for nothing.
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
    """A new store has nothing, and can be opened again."""
    for _ in range(2):
        with case.make() as store:
            _same("the coverage", dict(store.coverage()), {})
    case.check()


def keeps_records(case: Case) -> None:
    """What was committed is there after it was closed, and after more came, also without anything being complete."""
    with case.make() as store:
        store.commit(records(50), {_HERE: _covered(0, 50)})
    case.check(records(50))
    with case.make() as store:
        store.commit(records(50, first=50), {_HERE: _covered(0, 100)})
        store.commit(records(1, first=100), {})
        _same("the coverage", dict(store.coverage()), {_HERE: _covered(0, 100)})
    case.check(records(50), records(50, first=50), records(1, first=100))


def keeps_every_column(case: Case) -> None:
    """Every column survives: nanoseconds, times long ago and far ahead, JSON, texts of any kind, and what is absent."""
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
    """A record that comes again replaces the one that was there, among others that are new, however often."""
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
    """Records of many days, streams and accounts in one commit all arrive, also around midnight."""
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
    """What is complete is replaced by question, of several at once, and stays as it is for all others."""
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
    """Each state of a stretch comes back as it was."""
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
    """A question of which nothing is complete any more has no coverage; its records stay."""
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
    """A commit of nothing changes nothing."""
    with case.make() as store:
        store.commit(records(0), {})
        store.commit(records(2), {_HERE: _covered(0, 10)})
        store.commit(records(0), {})
        _same("the coverage", dict(store.coverage()), {_HERE: _covered(0, 10)})
    case.check(records(2))


def serves_any_thread(case: Case) -> None:
    """It can be opened by one thread, used by another, and closed by a third."""

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
"""All of it."""


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
