"""
Schemas in one form, however they are written: references followed, ``allOf`` merged, OpenAPI 3.0 and 3.1 alike.

A schema allows several alternatives (``anyOf``, ``oneOf``, a list of types, ``nullable``); an alternative is flat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from itertools import product
from typing import Any, Final, TypeAlias

from attrs import evolve, field, frozen

from logferry._errors import InvalidRequestError
from logferry._json import is_array, is_object
from logferry.specs._document import Document
from logferry.specs._selection import resolved

Node: TypeAlias = tuple[Any, ...]
"""Schemas that hold at once, as the document has them."""

KINDS: Final = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})

_NAMES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

_MOST_ALTERNATIVES: Final = 256

_OPAQUE: Final = ("not", "if", "then", "else", "patternProperties", "prefixItems", "dependentRequired", "contains")
"""Keywords whose content is compared as it is."""

_LOWER: Final = ("minLength", "minItems", "minProperties")
_UPPER: Final = ("maxLength", "maxItems", "maxProperties")
_SAME_FORMATS: Final = frozenset({"int64", "double", "password"})
"""Formats that say no more than the type does."""

_HINTS: Final[Mapping[str, frozenset[str]]] = {
    "object": frozenset({"properties", "additionalProperties", "required", "minProperties", "maxProperties"}),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}
"""What a schema without a type is about, by its keywords."""


@frozen(kw_only=True)
class Flat:
    """
    One alternative of a schema.

    Attributes:
        kinds: The types of JSON that it allows; ``None`` for any.
        values: The only values; ``None`` for no such list.
        bounds: What it bounds, by keyword.
        items: The items of an array.
        properties: The properties of an object, by name.
        required: The names of properties that have to be there.
        additional: Whether an object may have other properties, or their schema.
        name: The name of the component that it comes from, or an empty text.
    """

    kinds: frozenset[str] | None = None
    values: tuple[Any, ...] | None = None
    bounds: Mapping[str, Any] = field(factory=dict[str, Any])
    items: Node = ()
    properties: Mapping[str, Node] = field(factory=dict[str, Node])
    required: frozenset[str] = frozenset()
    additional: bool | Node = True
    name: str = ""


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Document) -> None:
        # Looked up once: a comparison follows most references many times.
        self._target = cache(partial(resolved, document))
        self._unions: dict[tuple[int, ...], tuple[Any, Any]] = {}
        self._known: dict[tuple[int, ...], tuple[Node, list[Flat]]] = {}

    def alternatives(self, node: Node) -> list[Flat]:
        """What a schema allows."""
        key = tuple(map(id, node))
        if key not in self._known:
            # The node is kept, so that its id stays its own.
            self._known[key] = (node, self._alternatives(node, ()))
        return self._known[key][1]

    def followed(self, value: Any) -> Any:
        """A value, its references followed."""
        seen = set[str]()
        while is_object(value) and isinstance(value.get("$ref"), str) and value["$ref"] not in seen:
            seen.add(value["$ref"])
            value = self._target(value["$ref"])
        return value

    def identity(self, node: Node) -> tuple[int, ...]:
        """The same for the same schemas, wherever they are referred to."""
        return tuple(id(self.followed(part)) for part in node)

    def flag(self, node: Node, keyword: str) -> Any:
        """The value of an annotation, such as ``readOnly``, wherever the schema has it."""
        for part in node:
            target = self.followed(part)
            for one in (part, target):
                if (
                    is_object(one)
                    and one.get(keyword) is not None
                    and (one[keyword] is not False or "default" in keyword)
                ):
                    return one[keyword]
            for inner in target.get("allOf", ()) if is_object(target) else ():
                found = self.flag((inner,), keyword)
                if found is not None:
                    return found
        return None

    def default(self, node: Node) -> Any:
        """The default that the schema states, as OpenAPI has it or as this project's specs do."""
        value = self.flag(node, "default")
        return self.flag(node, "x-default") if value is None else value

    def one_of(self, nodes: Sequence[Node]) -> Node:
        """A schema that allows what any of several does; the same for the same schemas."""
        if len(nodes) == 1:
            return nodes[0]
        key = tuple(id(part) for node in nodes for part in node)
        if key not in self._unions:
            self._unions[key] = ({"anyOf": [{"allOf": [*node]} for node in nodes]}, nodes)
        return (self._unions[key][0],)

    def _alternatives(self, node: Node, stack: tuple[str, ...]) -> list[Flat]:
        result = [Flat()]
        for part in node:
            result = _both(result, self._part(part, stack))
        return result

    def _part(self, part: Any, stack: tuple[str, ...]) -> list[Flat]:
        if not is_object(part):
            return [] if part is False else [Flat()]
        ref = part.get("$ref")
        if isinstance(ref, str):
            if ref in stack:
                return [Flat()]
            target = self._part(self._target(ref), (*stack, ref))
            name = ref.rpartition("/")[2]
            named = [evolve(one, name=one.name or name) for one in target]
            beside = {key: value for key, value in part.items() if key != "$ref"}
            return _both(named, self._part(beside, stack)) if beside else named
        if part.get("nullable") is True:
            rest = {key: value for key, value in part.items() if key != "nullable"}
            return [*self._part(rest, stack), Flat(kinds=frozenset({"null"}))]
        result = [self._own(part)]
        for inner in part.get("allOf", ()):
            result = _both(result, self._part(inner, stack))
        for keyword in ("anyOf", "oneOf"):
            if part.get(keyword):
                options = [flat for option in part[keyword] for flat in self._part(option, stack)]
                result = _both(result, options)
        return result

    def _own(self, part: Mapping[str, Any]) -> Flat:
        """What the keywords of a schema itself say, without those that combine schemas."""
        values = part.get("enum")
        if "const" in part:
            values = [part["const"]]
        additional = part.get("additionalProperties", part.get("unevaluatedProperties", True))
        if is_object(additional):
            additional = _whether(self.alternatives((additional,)), additional)
        return Flat(
            kinds=_kinds(part, values),
            values=None if not is_array(values) else tuple(values),
            bounds=dict(_bounds(part)),
            items=(part["items"],) if "items" in part else (),
            properties={name: (one,) for name, one in part.get("properties", {}).items()},
            required=frozenset(one for one in part.get("required", ()) if isinstance(one, str)),
            additional=additional,
        )


def _whether(alternatives: list[Flat], schema: Any) -> bool | Node:
    """Whether a schema allows anything or nothing, or else the schema."""
    if alternatives == [Flat()]:
        return True
    return (schema,) if alternatives and schema != {"not": {}} else False


def _kinds(part: Mapping[str, Any], values: Any) -> frozenset[str] | None:
    kind = part.get("type")
    if kind is not None:
        return frozenset(kind if is_array(kind) else [kind])
    if is_array(values):
        return frozenset(kind_of(one) for one in values)
    hinted = frozenset(one for one, keywords in _HINTS.items() if keywords & part.keys())
    return hinted or None


def kind_of(value: Any) -> str:
    """The type of a JSON value."""
    return next((name for kind, name in _NAMES.items() if type(value) is kind), "null")


def _bounds(part: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    whole = part.get("type") == "integer"
    for name, exclusive, step in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        bound = _bound(part.get(name), part.get(exclusive), step, whole=whole)
        if bound is not None:
            found.append((name, bound))
    found += [(name, part[name]) for name in _LOWER if part.get(name)]
    found += [(name, part[name]) for name in (*_UPPER, "pattern", "multipleOf") if part.get(name) is not None]
    if part.get("uniqueItems"):
        found.append(("uniqueItems", True))
    if isinstance(part.get("format"), str) and part["format"] not in _SAME_FORMATS:
        found.append(("format", part["format"]))
    found += [(name, part[name]) for name in _OPAQUE if name in part]
    if is_object(part.get("discriminator")):
        found.append(("discriminator", part["discriminator"].get("propertyName")))
    return found


def _bound(value: Any, exclusive: Any, step: int, *, whole: bool) -> tuple[float, int] | None:
    """A bound, and how far beyond it values begin; ``exclusiveMinimum`` is a switch in 3.0 and a number in 3.1."""
    pairs: list[tuple[float, int]] = []
    if isinstance(value, int | float):
        pairs.append((value, step if exclusive is True else 0))
    if isinstance(exclusive, int | float) and not isinstance(exclusive, bool):
        pairs.append((exclusive, step))
    if not pairs:
        return None
    bound, beyond = max(pairs) if step > 0 else min(pairs)
    return (bound + beyond, 0) if whole and bound == int(bound) else (bound, beyond)


def _both(left: list[Flat], right: list[Flat]) -> list[Flat]:
    """The alternatives that hold where one of each list holds."""
    if len(left) * len(right) > _MOST_ALTERNATIVES:
        raise InvalidRequestError(f"a schema has more than {_MOST_ALTERNATIVES} alternatives")
    if left == [Flat()]:
        return right
    return [merged for one, other in product(left, right) if (merged := _merged(one, other)) is not None]


def _merged(one: Flat, other: Flat) -> Flat | None:
    kinds = _common(one.kinds, other.kinds)
    if kinds is not None and not kinds:
        return None
    values = other.values if one.values is None else one.values
    if one.values is not None and other.values is not None:
        values = tuple(value for value in one.values if value in other.values)
    return Flat(
        kinds=kinds,
        values=values,
        bounds=_tightest(one.bounds, other.bounds),
        items=one.items + other.items,
        properties={
            name: one.properties.get(name, ()) + other.properties.get(name, ())
            for name in {**one.properties, **other.properties}
        },
        required=one.required | other.required,
        additional=_additional(one.additional, other.additional),
        name=one.name or other.name,
    )


def _common(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    common = one & other
    if ("integer" in one and "number" in other) or ("number" in one and "integer" in other):
        common |= {"integer"}
    return common


def _additional(one: bool | Node, other: bool | Node) -> bool | Node:  # noqa: FBT001  # as JSON Schema has it
    if one is False or other is False:
        return False
    if one is True:
        return other
    return one if other is True else (*one, *other)


def _tightest(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    if not one or not other:
        return one or other
    result = {**one}
    for name, value in other.items():
        if name not in result:
            result[name] = value
        elif name == "minimum" or name in _LOWER:
            result[name] = max(result[name], value)
        elif name == "maximum" or name in _UPPER:
            result[name] = min(result[name], value)
        elif result[name] != value:
            result[name] = f"{result[name]} and {value}"
    return result
