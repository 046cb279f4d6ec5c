"""The views of a DuckDB store: one for each stream, with its documented attributes as typed columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from logferry._accounts.registry import all_attributes
from logferry._records.fields import FIELDS

if TYPE_CHECKING:
    import duckdb

    from logferry._records.attributes import Attribute, AttributeType

_LAST: Final = ("attributes", "resource", "issues", "raw")
_FIRST: Final = tuple(name for name in FIELDS if name not in {"stream", *_LAST})

_CASTS: Final[dict[AttributeType, tuple[str, str]]] = {
    "integer": ("BIGINT", "'BIGINT', 'UBIGINT'"),
    "number": ("DOUBLE", "'DOUBLE', 'BIGINT', 'UBIGINT'"),
    "boolean": ("BOOLEAN", "'BOOLEAN'"),
}
"""The type of a column, and DuckDB's names of the JSON types that it takes."""

_MARK: Final = "made by logferry: "
"""The prefix of the comment of logferry's views; a digest of the query follows."""

_NAMES: Final = """
SELECT lower(table_name), NULL FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = current_schema()
UNION ALL
SELECT lower(view_name), comment FROM duckdb_views()
WHERE database_name = current_database() AND schema_name = current_schema()
"""


def bring_views_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    """
    Create missing views, and replace those of an older logferry.

    A table or view of such a name that logferry did not make is left alone.

    Args:
        connection: In a transaction that changes the store.
    """
    comments: dict[str, str | None] = dict(connection.execute(_NAMES).fetchall())
    for stream, attributes in all_attributes():
        name, query = view_name(stream), view_query(stream, attributes)
        comment = _MARK + hashlib.sha256(query.encode()).hexdigest()[:16]
        if name not in comments or (comments[name] != comment and (comments[name] or "").startswith(_MARK)):
            connection.execute(f"CREATE OR REPLACE VIEW {_quoted(name)} AS {query}").fetchall()
            connection.execute(f"COMMENT ON VIEW {_quoted(name)} IS {_text(comment)}").fetchall()


def view_name(stream: str) -> str:
    """The name of a stream's view, such as ``logto_audit_logs``."""
    return stream.replace(".", "_").lower()


def view_query(stream: str, attributes: Iterable[Attribute]) -> str:
    """The query of a stream's view; families of attributes have no column, only ``attributes`` has them."""
    columns = [_column(one) for one in attributes if not one.is_family]
    return f"SELECT {', '.join((*_FIRST, *columns, *_LAST))} FROM logs WHERE stream = {_text(stream)}"  # noqa: S608


def _column(attribute: Attribute) -> str:
    """An attribute as a column, see ``DuckDBStore``; no value makes the query fail."""
    # A JSON pointer needs an escape for two characters only, whatever the name.
    place = _text("/" + attribute.name.replace("~", "~0").replace("/", "~1"))
    if attribute.type in _CASTS:
        kind, types = _CASTS[attribute.type]
        # A cast alone would round numbers and parse texts.
        is_one = f"json_type(attributes, {place}) IN ({types})"
        value = f"CASE WHEN {is_one} THEN TRY_CAST(attributes ->> {place} AS {kind}) END"
    elif attribute.type == "string":
        value = f"attributes ->> {place}"
    else:
        value = f"attributes -> {place}"
    return f"{value} AS {_quoted(attribute.name)}"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
