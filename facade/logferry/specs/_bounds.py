"""Compares what two schemas bound: lengths, numbers, formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from attrs import frozen

from logferry.specs._changes import Effect
from logferry.specs._shapes import Flat


@frozen
class Found:
    """
    One difference of two schemas.

    Attributes:
        at: The path to the value, such as ``[].payload.userId``.
        what: What differs, in words.
        effect: What it does to what is allowed.
        owner: The component that has the property, or an empty text.
    """

    at: str
    what: str
    effect: Effect
    owner: str = ""


_UPWARD: Final = frozenset({"minimum", "minLength", "minItems", "minProperties"})
_DOWNWARD: Final = frozenset({"maximum", "maxLength", "maxItems", "maxProperties"})
BOUNDED: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "multipleOf", "format"}),
    "array": frozenset({"minItems", "maxItems", "uniqueItems"}),
    "object": frozenset({"minProperties", "maxProperties"}),
}
_ALWAYS: Final = frozenset[str]().union(*BOUNDED.values())


def bounds_of(old: list[Flat], new: list[Flat], names: frozenset[str], at: str, owner: str) -> Iterator[Found]:
    before, after = _loosest(old, names), _loosest(new, names)
    for name in dict.fromkeys([*before, *after]):
        was, is_ = before.get(name), after.get(name)
        if was != is_:
            what = f"{name} was {_bound(was)}, and is {_bound(is_)}"
            yield Found(at, what, _effect(name, was, is_), owner)


def _loosest(flats: list[Flat], names: frozenset[str]) -> Mapping[str, Any]:
    """The bounds that every value keeps."""
    mine = [flat for flat in flats if flat.values is None]
    found: dict[str, Any] = {}
    bounds: list[Any]
    for name in dict.fromkeys(name for flat in mine for name in flat.bounds if name in names or name not in _ALWAYS):
        bounds = [flat.bounds.get(name) for flat in mine]
        if None in bounds:
            continue
        if name in _UPWARD:
            found[name] = min(bounds)
        elif name in _DOWNWARD:
            found[name] = max(bounds)
        else:
            found[name] = bounds[0] if all(one == bounds[0] for one in bounds) else bounds
    return found


def _effect(name: str, was: Any, is_: Any) -> Effect:
    if was is None or is_ is None:
        return "narrower" if was is None else "wider"
    if name in _UPWARD:
        return "narrower" if is_ > was else "wider"
    if name in _DOWNWARD:
        return "narrower" if is_ < was else "wider"
    if name == "multipleOf" and not (is_ % was and was % is_):
        return "narrower" if not is_ % was else "wider"
    return "different"


def _bound(value: Any) -> str:
    if isinstance(value, tuple):
        number, beyond = cast("tuple[float, int]", value)
        return f"{'more than ' if beyond > 0 else 'less than ' if beyond < 0 else ''}{number}"
    return shown(value)


def shown(value: Any) -> str:
    return "not set" if value is None else repr(value) if isinstance(value, str) else str(value)
