"""The attribute tables match the normalizers: every attribute, its type, its source, and no others."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import orjson
import pytest

from logferry._accounts.registry import SERVICES, Service
from logferry._json import is_object
from logferry._records.attributes import Attribute, AttributeType
from logferry._records.origin import Origin
from logferry._records.record import LogRecord
from logferry._streams.definition import StreamDefinition
from logferry.testing import connected
from logferry.testing._registry import make_fake

SAMPLES: Final = Path(__file__).parents[1] / "samples"
EPOCH: Final = 1_795_164_426_000_000_000
NUMBER: Final = 2000

STREAMS: Final = [pytest.param(service, stream, id=stream.name) for service in SERVICES for stream in service.streams]

FILES: Final[Mapping[str, Sequence[tuple[str, str | None]]]] = {
    "cognigy.project_logs": [("cognigy/page_example.json", "items")],
    "daily.api_logs": [("daily/list_api_logs/page_example.json", None)],
    "daily.meetings": [("daily/list_meetings/page_example.json", "data")],
    "daily.session_logs": [("daily/list_logs/page_example.json", "logs")],
    "logto.audit_logs": [
        ("logto/page_example.json", None),
        ("logto/list_audit_logs/logs.json", None),
        ("logto/list_audit_logs/kinds.json", None),
    ],
    "signalwire.video_logs": [("signalwire/page_example.json", "data")],
}
"""The samples of each stream, and the array of the page that has them; metrics have none."""

MADE_UP: Final = frozenset({"daily.made_up_later_field", "signalwire.made_up"})
"""Fields that fakes send on purpose, as a later release of a service would."""

_LOG: Final[dict[str, Any]] = {"id": "a", "key": "k", "createdAt": 1, "payload": {"key": "k", "result": "Success"}}
_VIDEO: Final = {"id": "a", "source": "sip", "type": "t", "created_at": "2026-01-01T00:00:00Z"}
_UA: Final = {"ua": "Parsed/1", "browser": {"type": "crawler", "later": 1}}

NEVER_SEEN: Final[Mapping[str, Sequence[tuple[Mapping[str, Any], Iterable[str]]]]] = {
    "cognigy.project_logs": [
        ({"_id": "a", "timestamp": "2026-01-01T00:00:00Z", "organisation": "acme"}, {"cognigy.*"}),
    ],
    "daily.api_logs": [
        ({"method": "BREW", "status": "soon"}, {"http.request.method_original", "daily.status"}),
        ({"url": "/v1/rooms?limit=5", "later": 1}, {"url.query", "daily.*"}),
    ],
    "daily.session_metrics": [
        ({"clientTime": "2026-01-01T00:00:00Z", "roomName": "hello"}, {"daily.client_time", "daily.room.name"})
    ],
    "logto.audit_logs": [
        (
            {
                **_LOG,
                "later": 1,
                "payload": {
                    "key": "other",
                    "result": "Success",
                    "cimdClientId": "https://app.example/client.json",
                    "userAgent": "Sent/1",
                    "userAgentParsed": _UA,
                    "injectedHeaders": {"city": "Paris"},
                },
            },
            {
                "logto.*",
                "logto.payload.key",
                "logto.application.cimd_client_id",
                "logto.user_agent.ua",
                "logto.user_agent.*",
                "http.request.header.*",
            },
        ),
    ],
    "signalwire.video_logs": [({**_VIDEO, "updated_at": "2026-01-01T00:00:00Z"}, {"signalwire.updated_at"})],
}
"""Rows that neither samples nor fakes have, with an item of the documented shape that has them."""

TYPES: Final[Mapping[AttributeType, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "any": (str, int, float, bool, list, dict),
}


def of_samples(stream: StreamDefinition[Any, Any, Any]) -> Iterator[LogRecord]:
    """Return the records of a stream's samples."""
    items: list[Any] = []
    for file, array in FILES.get(stream.name, ()):
        body = orjson.loads((SAMPLES / file).read_bytes())
        items += body if array is None else body[array]
    yield from normalized(stream, items)


def normalized(stream: StreamDefinition[Any, Any, Any], items: Iterable[Any]) -> Iterator[LogRecord]:
    """Return the records of items of the documented shape."""
    origin = Origin(
        stream=stream.name,
        account="main",
        server_address="api.example.com",
        observed_time_unix_nano=EPOCH,
        normalizer=stream.normalizer,
    )
    for item in items:
        assert stream.fits(item)
        yield stream.normalizer.record(item, origin)


def of_fake(service: Service, stream: StreamDefinition[Any, Any, Any]) -> list[LogRecord]:
    """Return the records of 2,000 items of the service's fake."""
    fake = make_fake(service, records=NUMBER, epoch=EPOCH)
    records: list[LogRecord] = []
    with connected(service.client, fake) as client:
        for question in fake.questions(stream.name):
            pull = client.stream(stream.name, filters=dict(question), max_items=NUMBER - len(records))
            records += pull.records()
            if len(records) == NUMBER:
                return records
    raise AssertionError(len(records))


def row_of(name: str, table: Iterable[Attribute]) -> Attribute | None:
    """Return the row that documents an attribute: its own, else that of the closest family."""
    rows = [row for row in table if row.name == name or (row.is_family and name.startswith(row.name[:-1]))]
    return max(rows, key=lambda row: (row.name == name, len(row.name)), default=None)


def has(value: Any, path: str) -> bool:
    """Return whether an item has a value at a path."""
    name, _, rest = path.partition(".")
    if not is_object(value):
        return False
    inner = [*value.values()] if name == "*" else [value.get(name)]
    return any(has(one, rest) if rest else one is not None for one in inner)


def shown(records: Iterable[LogRecord], table: Sequence[Attribute]) -> Mapping[str, set[str]]:
    """Group the attributes of records by their row; each is of the row's type and has its source."""
    found: dict[str, set[str]] = defaultdict(set)
    always = {row.name for row in table if not row.optional}
    for record in records:
        assert always <= record.attributes.keys()
        for name, value in record.attributes.items():
            row = row_of(name, table)
            assert row is not None, name
            assert type(value) in TYPES[row.type], name
            assert any(has(record.raw, path) for path in row.source.split(", ")), name
            found[row.name].add(name)
    return found


@pytest.mark.parametrize(("service", "stream"), STREAMS)
def test_the_table_matches_the_normalizer(service: Service, stream: StreamDefinition[Any, Any, Any]) -> None:
    """Every attribute of all samples and of 2,000 generated items has a row with its type, source and presence."""
    records = [*of_samples(stream), *of_fake(service, stream)]
    assert len(records) >= NUMBER
    seen = shown(records, stream.attributes)
    # No documented attribute falls under the row for undocumented ones.
    assert seen.get(f"{service.name}.*", set()) <= MADE_UP
    assert seen.keys() == {row.name for row in stream.attributes} - never_seen(stream.name)


@pytest.mark.parametrize(("service", "stream"), STREAMS)
def test_every_row_occurs(service: Service, stream: StreamDefinition[Any, Any, Any]) -> None:
    """Rows that neither samples nor fakes have come from an item of the documented shape."""
    assert service.attributes[stream.name] == stream.attributes
    for item, names in NEVER_SEEN.get(stream.name, ()):
        assert set(names) <= shown(normalized(stream, [item]), stream.attributes).keys()


@pytest.mark.parametrize(("service", "stream"), STREAMS)
@pytest.mark.parametrize("choice", range(3))
def test_every_documented_field_has_a_row(
    service: Service, stream: StreamDefinition[Any, Any, Any], choice: int
) -> None:
    """An item with all fields of the spec, of any of their types, becomes documented attributes only."""
    (shape,) = get_args(get_type_hints(stream.repair)["return"])
    for one in alternatives(shape):
        item = {**example(one, choice), "later": 1}
        found = shown(normalized(stream, [item]), stream.attributes)
        undocumented = {name for row, names in found.items() if row.endswith("*") for name in names}
        assert undocumented <= {f"{service.name}.later"}


def alternatives(shape: Any) -> list[Any]:
    """Return the types of a union without ``None``, or any other type alone."""
    if get_origin(shape) in {Union, UnionType}:
        return [one for one in get_args(shape) if one is not NoneType]
    return [shape]


def example(shape: Any, choice: int) -> Any:
    """Return a value of a type of a generated JSON shape; *choice* picks from unions."""
    some = alternatives(shape)
    chosen = some[choice % len(some)]
    origin, arguments = get_origin(chosen), get_args(chosen)
    if is_typeddict(chosen):
        return {name: example(kind, choice) for name, kind in get_type_hints(chosen).items()}
    if origin is Literal:
        return arguments[0]
    if origin is list:
        return [example(arguments[0], choice)]
    if origin is dict:
        return {"any": example(arguments[1], choice)}
    return {str: "7", int: 7, float: 1.5, bool: True, Any: "anything"}[chosen]


def never_seen(stream: str) -> set[str]:
    """Return the rows that neither samples nor fakes have."""
    return {name for _, names in NEVER_SEEN.get(stream, ()) for name in names}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_tables_are_well_formed(service: Service) -> None:
    """One table per stream, unique names, optional families, and meanings that are sentences."""
    assert service.attributes.keys() == {stream.name for stream in service.streams}
    for table in service.attributes.values():
        names = [row.name for row in table]
        assert len({name.lower() for name in names}) == len(names)
        assert all(row.optional and row.type in TYPES for row in table if row.is_family)
        assert all(row.source and row.meaning[0].isupper() and row.meaning.endswith(".") for row in table)
        assert not any("*" in name[:-1] for name in names)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_tables_and_clients_load_independently(service: Service) -> None:
    """A store that needs attribute names loads no models; a pull loads no tables."""
    code = (
        "import sys; from logferry._accounts.registry import SERVICES; "
        f"(service,) = [one for one in SERVICES if one.name == {service.name!r}]; "
    )
    for what, there, not_there in (
        ("service.attributes", "_attributes", "_streams"),
        ("service.streams", "_client", "_attributes"),
    ):
        run = subprocess.run(
            [sys.executable, "-c", f"{code}{what}; print('\\n'.join(sys.modules))"],
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = run.stdout.split()
        assert f"logferry.services.{service.name}.{there}" in loaded
        assert f"logferry.services.{service.name}.{not_there}" not in loaded
