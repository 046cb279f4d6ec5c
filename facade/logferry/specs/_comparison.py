"""Compares two schemas: where the new one allows less than the old one, and where it allows more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from attrs import define, field

from logferry.specs._bounds import BOUNDED, Found, bounds_of, shown
from logferry.specs._changes import Effect
from logferry.specs._shapes import KINDS, Flat, Node, Schemas, kind_of

Way: TypeAlias = Literal["parameter", "request", "response"]
"""Who writes the value: the client in the query, a header or the path; the client in a body; the service."""


@define
class Comparison:
    """Compares schemas of two documents in one direction."""

    old: Schemas
    new: Schemas
    way: Way
    _running: set[tuple[tuple[int, ...], tuple[int, ...]]] = field(factory=set[tuple[tuple[int, ...], tuple[int, ...]]])

    def compare(self, old: Node, new: Node, at: str = "", owner: str = "") -> Iterator[Found]:
        """Yield the differences of two schemas."""
        key = self.old.identity(old), self.new.identity(new)
        if key in self._running:  # a schema within itself
            return
        self._running.add(key)
        try:
            before, after = self.old.alternatives(old), self.new.alternatives(new)
            yield from self._flags(old, new, at, owner)
            yield from self._kinds(before, after, at, owner)
            for kind in ("string", "number", "boolean"):
                yield from self._scalars(_of(before, kind), _of(after, kind), kind, at, owner)
            yield from self._arrays(_of(before, "array"), _of(after, "array"), at, owner)
            yield from self._objects(_of(before, "object"), _of(after, "object"), at, owner)
        finally:
            self._running.discard(key)

    def _flags(self, old: Node, new: Node, at: str, owner: str) -> Iterator[Found]:
        before, after = (schemas.flag(node, "deprecated") for schemas, node in ((self.old, old), (self.new, new)))
        if bool(before) != bool(after):
            yield Found(at, "is deprecated" if after else "is not deprecated any more", "none", owner)
        before, after = self.old.default(old), self.new.default(new)
        if before != after and self.way != "response":
            yield Found(at, f"the default was {shown(before)}, and is {shown(after)}", "none", owner)

    def _kinds(self, old: list[Flat], new: list[Flat], at: str, owner: str) -> Iterator[Found]:
        before, after = _all_kinds(old), _all_kinds(new)
        less, more = _beyond(before, after), _beyond(after, before)
        if "null" in less ^ more and len(before) < len(KINDS) and len(after) < len(KINDS):
            effect: Effect = "wider" if "null" in more else "narrower"
            yield Found(at, "can be null" if "null" in more else "is not null any more", effect, owner)
        less, more = less - {"null"}, more - {"null"}
        if less or more:
            if self.way == "parameter" and _is_any_text(new) and not {"array", "object"} & less:
                less = frozenset[str]()  # a number is a text too
            effect = "different" if less and more else "narrower" if less else "wider"
            words = [
                " or ".join(sorted(one - {"null"})) if len(one) < len(KINDS) else "anything" for one in (before, after)
            ]
            yield Found(at, f"the type was {words[0]}, and is {words[1]}", effect, owner)

    def _scalars(self, old: list[Flat], new: list[Flat], kind: str, at: str, owner: str) -> Iterator[Found]:
        if not old or not new:
            return
        before, after = _values(old, kind), _values(new, kind)
        was_open, is_open = _is_open(old), _is_open(new)
        removed = [one for one in before if one not in after]
        added = [one for one in after if one not in before]
        if was_open and not is_open:
            yield Found(at, f"only these values are left: {_listed(after)}", "narrower", owner)
        elif is_open and not was_open:
            yield Found(at, f"other values than {_listed(before)} are possible", "wider", owner)
        both_open = is_open and was_open
        if removed and not (was_open and not is_open) and (after or not is_open):
            effect: Effect = "none" if both_open or is_open else "narrower"
            known = "known " if both_open else ""
            yield Found(at, f"the {known}{_plural('value', removed)} {_listed(removed)} went away", effect, owner)
        if added and not (is_open and not was_open) and not (was_open and not is_open):
            yield Found(
                at,
                f"the {'known ' if both_open else ''}{_plural('value', added)} {_listed(added)} came",
                "none" if both_open else "wider",
                owner,
            )
        if both_open:
            yield from bounds_of(old, new, BOUNDED.get(kind, frozenset()), at, owner)

    def _arrays(self, old: list[Flat], new: list[Flat], at: str, owner: str) -> Iterator[Found]:
        if not old or not new:
            return
        yield from bounds_of(old, new, BOUNDED["array"], at, owner)
        before = self.old.one_of([one.items for one in old])
        after = self.new.one_of([one.items for one in new])
        yield from self.compare(before, after, f"{at}[]", owner)

    def _objects(self, old: list[Flat], new: list[Flat], at: str, owner: str) -> Iterator[Found]:
        if not old or not new:
            return
        if len(old) == len(new) == 1:
            yield from self._object(old[0], new[0], at, owner)
            return
        pairs, gone, come = self._paired(old, new)
        for one, other in pairs:
            yield from self._object(one, other, at, owner)
        for one in gone:
            yield Found(at, f"the form {_described(one)} went away", "narrower", owner)
        for one in come:
            yield Found(at, f"the form {_described(one)} came", "wider", owner)

    def _paired(
        self, old: Sequence[Flat], new: Sequence[Flat]
    ) -> tuple[list[tuple[Flat, Flat]], list[Flat], list[Flat]]:
        """Pair the forms of an object that are alike, then those of one name, those with most properties in common, then what is left if it is one of each."""
        pairs: list[tuple[Flat, Flat]] = []
        left, right = list(old), list(new)
        alike: tuple[Callable[[Flat, Flat], bool], ...] = (
            lambda one, other: not any(True for _ in self._object(one, other, "", "")),
            lambda one, other: bool(one.name) and one.name == other.name,
            lambda one, other: (
                2 * len(one.properties.keys() & other.properties) > len({**one.properties, **other.properties})
            ),
            lambda _one, _other: len(left) == len(right) == 1,
        )
        for is_alike in alike:
            for one in list(left):
                match = next((other for other in right if is_alike(one, other)), None)
                if match is not None:
                    pairs.append((one, match))
                    left.remove(one)
                    right.remove(match)
        return pairs, left, right

    def _object(self, old: Flat, new: Flat, at: str, owner: str) -> Iterator[Found]:
        owner = old.name or new.name or owner
        yield from bounds_of([old], [new], BOUNDED["object"], at, owner)
        before, after = self._properties(self.old, old), self._properties(self.new, new)
        for name in dict.fromkeys([*before, *after]):
            place = f"{at}.{name}" if at else name
            was, is_ = name in old.required, name in new.required
            if name not in after:
                gone = ", which was always there," if was and self.way == "response" else ""
                yield Found(place, f"the property{gone} went away", "different", owner)
            elif name not in before:
                yield Found(place, *self._came(new, name, after[name]), owner)
            else:
                if was != is_:
                    yield Found(place, *self._required(is_required=is_, node=after[name]), owner)
                yield from self.compare(before[name], after[name], place, owner)
        for name in sorted(
            (old.required ^ new.required) - before.keys() - after.keys() - old.properties.keys() - new.properties.keys()
        ):
            yield Found(
                f"{at}.{name}" if at else name, *self._required(is_required=name in new.required, node=()), owner
            )
        yield from self._additional(old, new, at, owner)

    def _properties(self, schemas: Schemas, flat: Flat) -> Mapping[str, Node]:
        hidden = "writeOnly" if self.way == "response" else "readOnly"
        return {name: node for name, node in flat.properties.items() if not schemas.flag(node, hidden)}

    def _came(self, new: Flat, name: str, node: Node) -> tuple[str, Effect]:
        if self.way == "response" or name not in new.required:
            return "the property came", "none"
        has_default = self.new.flag(node, "default") is not None
        return (
            f"the required property came{', with a default' if has_default else ''}",
            "none" if has_default else "narrower",
        )

    def _required(self, *, is_required: bool, node: Node) -> tuple[str, Effect]:
        if not is_required:
            return "can be missing" if self.way == "response" else "is not required any more", "wider"
        if self.way != "response" and self.new.flag(node, "default") is not None:
            return "is required, with a default", "none"
        return "is always there" if self.way == "response" else "is required", "narrower"

    def _additional(self, old: Flat, new: Flat, at: str, owner: str) -> Iterator[Found]:
        before, after = old.additional, new.additional
        place = f"{at}.*" if at else "*"
        if isinstance(before, tuple) and isinstance(after, tuple):
            yield from self.compare(before, after, place, owner)
        elif isinstance(before, tuple):
            yield Found(
                place,
                "other properties can be anything" if after else "other properties went away",
                "wider" if after else "different",
                owner,
            )
        elif isinstance(after, tuple):
            what = "other properties have a type" if before else "other properties came"
            yield Found(place, what, "narrower" if before else "none", owner)
        elif before != after:
            # Readers ignore properties that they do not know.
            effect: Effect = "narrower" if before else "none" if self.way == "response" else "wider"
            yield Found(
                place,
                "other properties are not allowed any more" if before else "other properties are allowed",
                effect,
                owner,
            )


def _of(flats: list[Flat], kind: str) -> list[Flat]:
    """The alternatives that allow a type of JSON; a number is also a whole one."""
    wanted = {kind, "integer"} if kind == "number" else {kind}
    return [
        one for one in flats if (one.kinds is None and _is_about(one)) or (one.kinds is not None and one.kinds & wanted)
    ]


def _is_about(flat: Flat) -> bool:
    return bool(flat.bounds or flat.values or flat.properties)


def _all_kinds(flats: list[Flat]) -> frozenset[str]:
    found = frozenset[str]()
    for one in flats:
        found |= KINDS if one.kinds is None else one.kinds
    return found - {"integer"} if "number" in found and found != KINDS else found


def _beyond(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    return one - other - ({"integer"} if "number" in other else frozenset[str]())


def _is_any_text(flats: list[Flat]) -> bool:
    return any(one.kinds and "string" in one.kinds and one.values is None and not one.bounds for one in flats)


def _values(flats: list[Flat], kind: str) -> list[Any]:
    kinds = {kind, "integer"} if kind == "number" else {kind}
    return list(dict.fromkeys(one for flat in flats for one in flat.values or () if kind_of(one) in kinds))


def _is_open(flats: list[Flat]) -> bool:
    return any(one.values is None for one in flats)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values)) or "none"


def _plural(word: str, values: Sequence[Any]) -> str:
    return word if len(values) == 1 else f"{word}s"


def _described(flat: Flat) -> str:
    return flat.name or f"with {', '.join(list(flat.properties)[:4]) or 'no properties'}"
