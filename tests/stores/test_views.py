"""The views of a DuckDB store: documented attributes of each stream as typed columns; views of the owner stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import duckdb
import pyarrow as pa
import pytest

from logferry import StoreError
from logferry._accounts.registry import SERVICES, Service
from logferry._json import dumps
from logferry._records.attributes import Attribute, AttributeType
from logferry._records.record import LogRecord
from logferry.stores import DuckDBStore, record_batch
from logferry.stores._duckdb_views import view_name, view_query
from logferry.testing import connected
from logferry.testing._registry import make_fake
from logferry.testing.stores import records

NUMBER: Final = 300
STREAMS: Final = [pytest.param(service, stream, id=stream) for service in SERVICES for stream in service.attributes]
FIRST: Final = {
    "uid": "VARCHAR",
    "account": "VARCHAR",
    "timestamp": "TIMESTAMP_NS",
    "observed_timestamp": "TIMESTAMP_NS",
    "severity_number": "TINYINT",
    "severity_text": "VARCHAR",
    "event_name": "VARCHAR",
    "body": "VARCHAR",
    "trace_id": "VARCHAR",
}
LAST: Final = {"attributes": "JSON", "resource": "JSON", "issues": "JSON", "raw": "JSON"}
TYPES: Final[Mapping[AttributeType, str]] = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "array": "JSON",
    "object": "JSON",
    "any": "JSON",
}
ODD: Final[Sequence[Any]] = (
    "text", "", "12", "true", 0, 12, -3, 1.5, 1e300, 2**64 - 1, True, [], ["a"], {}, {"a": {"b": 1}}, "NaN", "\x00'\"",
)  # fmt: skip
"""Values of every type, for attributes of any type."""


def asked(path: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        answer = connection.execute(query)
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def views(path: Path) -> dict[str, str]:
    """Return the queries of the views in a file, by name."""
    rows = asked(path, "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal")
    return {row["view_name"]: row["sql"] for row in rows}


def changed(path: Path, *statements: str) -> None:
    """Change a file as its owner would."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def made(path: Path) -> Path:
    """Return a new store."""
    with DuckDBStore(path):
        return path


def of_fake(service: Service, stream: str) -> list[LogRecord]:
    """Return records of the service's fake."""
    fake = make_fake(service, records=NUMBER, epoch=1_795_164_426_000_000_000)
    found: list[LogRecord] = []
    with connected(service.client, fake) as client:
        for question in fake.questions(stream):
            found += client.stream(stream, filters=dict(question), max_items=NUMBER - len(found)).records()
            if len(found) == NUMBER:
                break
    return found


def exact(service: Service, stream: str) -> list[Attribute]:
    """Return the attributes that have a column."""
    return [one for one in service.attributes[stream] if not one.is_family]


def documented(value: Any, attribute: Attribute) -> Any:
    """Return the column value for an attribute's value."""
    if TYPES[attribute.type] == "JSON":
        return None if value is None else json.loads(value)
    return value


@pytest.mark.parametrize(("service", "stream"), STREAMS)
def test_a_view_has_a_typed_column_for_each_attribute(service: Service, stream: str, tmp_path: Path) -> None:
    """The view has the fields of the record, then its documented attributes by name and type."""
    path = made(tmp_path / "logs.duckdb")
    columns = asked(path, f"DESCRIBE {stream.replace('.', '_')}")
    typed = {one.name: TYPES[one.type] for one in exact(service, stream)}
    assert [(one["column_name"], one["column_type"]) for one in columns] == [*(FIRST | typed | LAST).items()]


@pytest.mark.parametrize(("service", "stream"), STREAMS)
def test_a_view_shows_all_attributes(service: Service, stream: str, tmp_path: Path) -> None:
    """Every attribute of every record is in its column, a missing one is NULL, and only the view's stream is there."""
    path = tmp_path / "logs.duckdb"
    arrived = of_fake(service, stream)
    with DuckDBStore(path) as store:
        store.commit(pa.Table.from_batches([record_batch(arrived)]), {})
        store.commit(records(5), {})
    rows = {row["uid"]: row for row in asked(path, f"SELECT * FROM {view_name(stream)}")}  # noqa: S608  # our names
    assert len(rows) == NUMBER
    for record in arrived:
        row = rows[record.uid]
        assert (row["body"], row["severity_number"]) == (record.body, record.severity_number)
        shown = {one.name: documented(row[one.name], one) for one in exact(service, stream)}
        assert shown == {name: record.attributes.get(name) for name in shown}
        assert json.loads(row["attributes"]) == record.attributes


@pytest.mark.parametrize(("service", "stream"), STREAMS)
def test_a_view_accepts_any_value(service: Service, stream: str, tmp_path: Path) -> None:
    """A value of another type is NULL in a typed column and JSON in a text column; numbers are not rounded."""
    path = tmp_path / "logs.duckdb"
    names = [one.name for one in exact(service, stream)]
    odd: list[bytes | None] = [dumps(dict.fromkeys(names, value)) for value in ODD]
    odd += [None, b"null", b"[]", b"3", b'"text"', b"{}", dumps(dict.fromkeys(names))]
    table = records(len(odd))
    for column, values in (("attributes", odd), ("stream", [stream] * len(odd))):
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array(values, pa.string()))
    with DuckDBStore(path) as store:
        store.commit(table, {})
    rows = asked(path, f"SELECT * FROM {view_name(stream)} ORDER BY uid")  # noqa: S608  # our names
    assert len(rows) == len(odd)
    for value, row in zip(ODD, rows, strict=False):
        for one in exact(service, stream):
            assert shows(row[one.name], value, one.type), (value, one)
    assert all(row[one] is None for row in rows[len(ODD) : -1] for one in names)


def shows(cell: Any, value: Any, kind: AttributeType) -> bool:
    """Return whether a cell has the expected content for a value."""
    if kind == "string" and isinstance(value, str):
        return bool(cell == value)
    if TYPES[kind] in {"VARCHAR", "JSON"}:
        return bool(json.loads(cell) == value)
    if kind == "boolean":
        fits = isinstance(value, bool)
    elif kind == "number":
        return bool(cell == (float(value) if type(value) in {int, float} else None))
    else:
        fits = type(value) is int and value < 2**63
    return bool(cell == (value if fits else None))


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a/b~c", "~1", "$.a", "a.*", "a\\b", "Ünï", "a'); DROP TABLE logs; --"])
@pytest.mark.parametrize("kind", ["string", "integer"])
def test_special_characters_in_names_have_no_effect(name: str, kind: AttributeType) -> None:
    """Quotes and JSON path characters in names of streams and attributes are taken literally."""
    value = {"string": "text", "integer": 7}[kind]
    columns = {**FIRST, **LAST, "stream": "VARCHAR"}
    query = view_query(name, [Attribute(f"{name}?", kind, "*", "Any.")])
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE logs ({', '.join(f'{one} {kind}' for one, kind in columns.items())})")
        connection.execute(
            "INSERT INTO logs BY NAME SELECT ? AS stream, ? AS attributes", [name, json.dumps({f"{name}?": value})]
        )
        answer = connection.execute(query)
        shown = dict(zip([column[0] for column in answer.description or []], answer.fetchall()[0], strict=True))
    assert shown[f"{name}?"] == value


def older(path: Path, statements: Iterable[str] = ()) -> Path:
    """Return a store of a logferry without views, with later changes of its owner."""
    made(path)
    changed(path, *(f"DROP VIEW {name}" for name in views(path)), *statements)
    return path


def test_an_older_store_gets_views_when_it_is_opened_for_change(tmp_path: Path) -> None:
    """Reading changes nothing; the next opening for writing creates all views for the existing records."""
    row = """('a', 'logto.audit_logs', 'main', 9, '{"user.id": "anna"}')"""
    insert = f"INSERT INTO logs (uid, stream, account, severity_number, attributes) VALUES {row}"  # noqa: S608  # made up
    path = older(tmp_path / "logs.duckdb", [insert])
    with DuckDBStore(path, mode="read"):
        pass
    assert views(path) == {}
    with DuckDBStore(path, mode="change"):
        pass
    assert views(path).keys() == {view_name(stream) for service in SERVICES for stream in service.attributes}
    assert asked(path, 'SELECT uid, "user.id" AS name FROM logto_audit_logs') == [{"uid": "a", "name": "anna"}]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE Logto_Audit_Logs AS SELECT 1 AS mine",
        "CREATE VIEW LOGTO_AUDIT_LOGS AS SELECT 1 AS mine",
        "CREATE VIEW logto_audit_logs AS SELECT 1 AS mine; COMMENT ON VIEW logto_audit_logs IS 'mine'",
    ],
    ids=["table", "view", "view with a comment"],
)
def test_tables_and_views_of_the_owner_stay(statement: str, tmp_path: Path) -> None:
    """A table or view with the name of a stream's view stays unchanged, and the other views are created."""
    path = older(tmp_path / "logs.duckdb", [statement])
    for _ in range(2):
        made(path)
        assert asked(path, "SELECT * FROM logto_audit_logs") == [{"mine": 1}]
        assert "daily_meetings" in views(path)


@pytest.mark.parametrize(
    "statement",
    ["CREATE OR REPLACE VIEW daily_meetings AS SELECT 1 AS mine", "COMMENT ON VIEW daily_meetings IS 'ours'"],
    ids=["replaced", "commented"],
)
def test_views_that_the_owner_changed_stay(statement: str, tmp_path: Path) -> None:
    """A view that was replaced or has another comment belongs to the owner; a dropped one is created again."""
    path = made(tmp_path / "logs.duckdb")
    changed(path, statement, "DROP VIEW daily_api_logs")
    before = asked(path, "SELECT sql, comment FROM duckdb_views() WHERE view_name = 'daily_meetings'")
    made(path)
    assert asked(path, "SELECT sql, comment FROM duckdb_views() WHERE view_name = 'daily_meetings'") == before
    assert "daily_api_logs" in views(path)


def test_a_view_of_another_version_is_replaced(tmp_path: Path) -> None:
    """A view with fewer columns is replaced by the current one; current views are not written again."""
    path = made(tmp_path / "logs.duckdb")
    today = views(path)
    changed(
        path,
        "CREATE OR REPLACE VIEW daily_meetings AS SELECT uid FROM logs",
        "COMMENT ON VIEW daily_meetings IS 'made by logferry: 0123456789abcdef'",
    )
    made(path)
    assert views(path) == today
    size = path.stat().st_size
    made(path)
    assert path.stat().st_size == size


def test_views_are_created_in_the_transaction_of_the_migration(tmp_path: Path) -> None:
    """If a migration fails, the store has no views either."""

    class Failing(DuckDBStore):
        migrations: ClassVar[Mapping[int, str]] = {1: "SELECT nothing FROM nowhere"}

    path = older(tmp_path / "logs.duckdb")
    with pytest.raises(StoreError, match="nowhere"), Failing(path):
        pass
    assert views(path) == {}
