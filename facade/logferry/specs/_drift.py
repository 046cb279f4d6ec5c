"""Compares recorded traffic with specs: what was seen that a spec does not have."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import asdict, define, frozen

from logferry._json import is_array, is_object
from logferry._redaction import printable
from logferry.specs._document import Document, described, load, operations, services
from logferry.specs._shapes import Flat, Node, Schemas, kind_of
from logferry.specs._traffic import Exchange, exchanges

_LONGEST_VALUE: Final = 60
_FREE: Final = "*"


@frozen(kw_only=True)
class Sighting:
    """
    Something in recorded traffic that a spec does not have.

    Attributes:
        spec: The spec, by service or file; an empty text for requests that no spec has.
        operation: The operation, as ``GET /api/logs``.
        place: Where it was seen, such as ``response 200: [].payload.result``.
        what: What was seen, in words: types and words of an enum, never other values, which can be secrets.
        times: How often it was seen.
    """

    spec: str
    operation: str
    place: str
    what: str
    times: int


@frozen
class Drift:
    """
    What ``drift`` found.

    Attributes:
        exchanges: How many exchanges the traffic has.
        matched: How many of them are of an operation of a spec.
        sightings: What the specs do not have, in the order it was seen first.
    """

    exchanges: int
    matched: int
    sightings: tuple[Sighting, ...]

    def formatted(self, form: str) -> str:
        """The result as ``text``, ``markdown`` or ``json``."""
        if form == "json":
            return json.dumps(asdict(self), indent=2, ensure_ascii=False)
        mark = "- " if form == "markdown" else ""
        lines = [
            printable(
                f"{mark}{one.spec or 'no spec'}: {one.operation}{f', {one.place}' if one.place else ''}: {one.what} ({one.times})"
            )
            for one in self.sightings
        ]
        return "\n".join([*lines, f"{mark}{self.matched} of {self.exchanges} exchanges are of a spec"])


def drift(traffic: str | Path, specs: Sequence[str | Path] = ()) -> Drift:
    """
    What recorded traffic has that the specs do not: fields, types, values of enums, parameters, statuses.

    Args:
        traffic: A HAR file, as browsers and proxies save it.
        specs: The specs: files, or services.  Default: all services.  An exchange is of the first spec that has its operation.

    Raises:
        InvalidRequestError: A file cannot be read.
    """
    known = [_Spec.of(str(one), load(one)) for one in specs or services()]
    found: Counter[tuple[str, str, str, str]] = Counter()
    count = matched = 0
    for exchange in exchanges(Path(traffic)):
        count += 1
        for spec in known:
            operation = spec.operation(exchange)
            if operation is not None:
                matched += 1
                found.update((spec.name, *one) for one in set(operation.sightings(exchange)))
                break
        else:
            found["", f"{exchange.method} {exchange.path}", "", "no spec has the operation"] += 1
    sightings = [
        Sighting(spec=spec, operation=operation, place=place, what=what, times=times)
        for (spec, operation, place, what), times in found.items()
    ]
    return Drift(count, matched, tuple(sightings))


@define
class _Spec:
    name: str
    all: list[_Operation]

    @classmethod
    def of(cls, name: str, document: Document) -> _Spec:
        schemas = Schemas(document)
        prefixes = {urlsplit(str(one.get("url", ""))).path.rstrip("/") for one in document.get("servers", ())} | {""}
        start = "|".join(re.escape(one) for one in sorted(prefixes, key=len, reverse=True))
        return cls(
            name,
            [
                _Operation(f"{method.upper()} {path}", method.upper(), _pattern(start, path), item, one, schemas)
                for path, method, item, one in operations(document)
            ],
        )

    def operation(self, exchange: Exchange) -> _Operation | None:
        """The operation of an exchange; one without parameters in its path before others."""
        fitting = [one for one in self.all if one.method == exchange.method and one.path.fullmatch(exchange.path)]
        return min(fitting, key=lambda one: one.name.count("{"), default=None)


def _pattern(start: str, path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^{}]*\}", path)
    return re.compile(f"(?:{start})" + "[^/]+".join(map(re.escape, parts)))


@define
class _Operation:
    name: str
    method: str
    path: re.Pattern[str]
    item: Document
    operation: Document
    schemas: Schemas

    def sightings(self, exchange: Exchange) -> Iterator[tuple[str, str, str]]:
        """Yield operation, place and words of what the spec does not have."""
        for place, what in self._places(exchange):
            yield self.name, place, what

    def _places(self, exchange: Exchange) -> Iterator[tuple[str, str]]:
        given = [
            self.schemas.followed(one)
            for one in (*self.item.get("parameters", ()), *self.operation.get("parameters", ()))
        ]
        names = {one.get("name") for one in given if one.get("in") == "query"}
        for name in dict.fromkeys(name for name, _ in exchange.query):
            if name not in names and name.removesuffix("[]") not in names:
                yield f"parameter {_short(name)}", "the spec has no such parameter"
        body = self._schema(self.schemas.followed(self.operation.get("requestBody")))
        if exchange.sent is not None and body is not None:
            yield from _seen(self.schemas, exchange.sent, (body,), "request body")
        responses = self.operation.get("responses", {})
        status = str(exchange.status)
        key = described(responses, status)
        if key is None:
            yield f"response {status}", "the spec has no such status"
            return
        schema = self._schema(self.schemas.followed(responses[key]))
        if schema is not None and exchange.is_json:
            yield from _seen(self.schemas, exchange.body, (schema,), f"response {status}")

    def _schema(self, value: Any) -> Any:
        content: Any = value.get("content") if is_object(value) else None
        media = next((one for name, one in content.items() if "json" in name), None) if is_object(content) else None
        return media.get("schema") if is_object(media) else None


def _seen(schemas: Schemas, value: Any, node: Node, place: str) -> Iterator[tuple[str, str]]:
    for at, what in _walk(schemas, value, node, ""):
        yield f"{place}: {at}" if at else place, what


def _walk(schemas: Schemas, value: Any, node: Node, at: str) -> Iterator[tuple[str, str]]:
    kind = kind_of(value)
    flats = schemas.alternatives(node)
    fitting = [
        one for one in flats if one.kinds is None or kind in one.kinds or (kind == "integer" and "number" in one.kinds)
    ]
    if kind == "number" and not fitting and float(value).is_integer():
        fitting = [one for one in flats if "integer" in (one.kinds or ())]  # 42.0 is a whole number in JSON
    if not fitting:
        expected = sorted({name for one in flats for name in one.kinds or ()})
        yield at, f"the type is {kind}, not {' or '.join(expected)}"
    elif is_array(value):
        items = schemas.one_of([one.items for one in fitting])
        for one in value:
            yield from _walk(schemas, one, items, f"{at}[]")
    elif is_object(value):
        attempts = [list(_object(schemas, value, one, at)) for one in fitting]
        yield from min(attempts, key=len)
    elif value is not None:
        known = [one for flat in fitting for one in flat.values or ()]
        if known and value not in known:
            is_open = any(flat.values is None for flat in fitting)
            yield at, f"the {'known ' if is_open else ''}values do not include {_short(value)}"


def _object(schemas: Schemas, value: Mapping[str, Any], flat: Flat, at: str) -> Iterator[tuple[str, str]]:
    for name, one in value.items():
        place = f"{at}.{_short(name)}" if at else _short(name)
        if name in flat.properties:
            yield from _walk(schemas, one, flat.properties[name], place)
        elif isinstance(flat.additional, tuple):
            yield from _walk(schemas, one, flat.additional, f"{at}.{_FREE}" if at else _FREE)
        elif flat.properties or flat.additional is False:  # an object without properties can hold anything
            yield place, f"the spec has no such field, here of type {kind_of(one)}"
    for name in sorted(_missing(value, flat.required)):
        yield f"{at}.{name}" if at else name, "the field is required, and missing"


def _missing(value: Mapping[str, Any], required: Iterable[str]) -> set[str]:
    return set(required) - value.keys()


def _short(value: Any) -> str:
    text = printable(str(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
