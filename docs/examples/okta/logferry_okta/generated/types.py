"""Shared by the generated modules: absent values, requests and responses, texts of models, and the repair of JSON values"""

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from itertools import islice
from typing import Any, Final, Generic, Literal, TypeVar, final
from urllib.parse import quote

from attrs import define, field, fields, frozen

R = TypeVar("R")
J = TypeVar("J")


@final
class Unset:
    """The type of UNSET, which stands for a value that was not sent. Falsy, and there is only one."""

    __slots__ = ()

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        # A text names a global, so copies and pickles are the same object.
        return "UNSET"


UNSET: Final = Unset()


_LONGEST_REPR: Final = 300
_LONGEST_MODEL: Final = 160
_LONGEST_VALUE: Final = 60


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _outline(value: Any) -> str:
    """Describe a value without its content: the names of an object, the kind and size of other values."""
    if isinstance(value, Mapping):
        members: Mapping[Any, Any] = value
        names = [repr(str(name)[:_LONGEST_VALUE]) for name in islice(members, _LONGEST_VALUE)]
        return _cut(f"{{{', '.join(names)}}}", _LONGEST_VALUE)
    if isinstance(value, str | bytes):
        return f"<{len(value)} {'characters' if isinstance(value, str) else 'bytes'}>"
    if isinstance(value, list):
        items: list[Any] = value
        return f"<{len(items)} items>"
    return "None" if value is None else f"<{type(value).__name__}>"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(_cut(value, _LONGEST_VALUE))
    if value is None or isinstance(value, bool | int | float | Unset):
        return _cut(repr(value), _LONGEST_VALUE)
    return _cut(repr(value), _LONGEST_MODEL) if hasattr(type(value), "__attrs_attrs__") else _outline(value)


def describe(model: Any, *, hidden: Collection[str]) -> str:
    """
    A text of a model for logs and debuggers: short, and without what can be a secret.

    Of free-form objects it has the names, of lists the length, of hidden fields the size. What was not sent is left out.
    """
    parts = [
        f"{one.name}={_outline(value) if one.name in hidden else _shown(value)}"
        for one in fields(type(model))
        if (value := getattr(model, one.name, UNSET)) is not UNSET and value != {}
    ]
    return _cut(f"{type(model).__name__}({', '.join(parts)})", _LONGEST_REPR)


@define
class Response(Generic[R]):
    """A response from an endpoint"""

    status_code: int
    """The status, which equals the member of http.HTTPStatus where there is one: proxies answer with others too."""
    content: bytes = field(repr=_outline)
    headers: MutableMapping[str, str] = field(repr=_outline)
    parsed: R | None = field(repr=_shown)


@frozen
class Request(Generic[R]):
    """A request as it goes over the wire, with the reader of its response. Sending needs a base URL and credentials."""

    method: str
    path: str
    """The path below the base URL, its parameters quoted."""
    params: tuple[tuple[str, str], ...]
    """The query, as texts. A list is a repeated name."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    form: tuple[tuple[str, str], ...] | None = field(repr=False)
    """The body, to be sent as application/x-www-form-urlencoded, or None where there is none."""
    parse: Callable[[Any], R] = field(repr=False)
    """Makes the model of the decoded JSON of a success."""


WireValue = str | int | float | bool | None


def wire_pairs(*items: tuple[str, WireValue | Sequence[WireValue]]) -> tuple[tuple[str, str], ...]:
    """Write values as they go over the wire: None is left out, a list repeats its name, booleans are lower case."""
    pairs: list[tuple[str, str]] = []
    for name, value in items:
        for one in (value,) if isinstance(value, str) or not isinstance(value, Sequence) else value:
            if one is not None:
                pairs.append((name, str(one).lower() if isinstance(one, bool) else str(one)))
    return tuple(pairs)


def path_segment(value: WireValue) -> str:
    """Quote a value as one segment of a path.

    Raises:
        ValueError: For a value that would address another resource: an empty one, "." or "..".
    """
    segment = str(value)
    if segment in {"", ".", ".."}:
        raise ValueError(f"{segment!r} cannot be part of a path")
    return quote(segment, safe="")


@frozen
class Repaired(Generic[J]):
    """A JSON value that fits its shape, and the changes that made it fit."""

    value: J = field(repr=_outline)
    issues: tuple[str, ...]
    """Removed and missing values by their paths; never the values, which may be secrets."""
    complete: bool
    """Whether every required value was present. If not, neutral values replace them: an empty text, 0, False."""


@frozen
class Scalar:
    """The shape of a value whose content is not checked."""

    kind: str
    types: tuple[type, ...]
    neutral: Any
    allowed: frozenset[Any] | None = None


@frozen
class ListOf:
    """The shape of an array."""

    item: "Shape"


@frozen
class ObjectOf:
    """The shape of an object: its known values, and the shape of the others."""

    required: Mapping[str, "Shape"]
    optional: Mapping[str, "Shape"]
    other: "Shape"


@frozen
class OneOf:
    """The shape of a value that has one of several shapes."""

    options: tuple["Shape", ...]


Shape = Scalar | ListOf | ObjectOf | OneOf

ANYTHING: Final = Scalar("anything", (object,), None)
STRING: Final = Scalar("string", (str,), "")
INTEGER: Final = Scalar("integer", (int,), 0)
NUMBER: Final = Scalar("number", (int, float), 0)
BOOLEAN: Final = Scalar("boolean", (bool,), False)
NULL: Final = Scalar("null", (type(None),), None)

_KINDS: Final[Mapping[type, str]] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}
_UNFIT: Final = object()


@define
class _Repair:
    """Compares one value with its shape, and lists the parts that do not fit."""

    issues: list[str] = field(factory=list)
    complete: bool = True

    def fit(self, shape: Shape, value: Any, path: str) -> Any:
        """Return the part of the value that fits: the value, a copy without the rest, or _UNFIT."""
        match shape:
            case Scalar(types=types, allowed=allowed):
                if shape is ANYTHING or (type(value) in types and (allowed is None or value in allowed)):
                    return value
            case ListOf(item=item):
                if type(value) is list:
                    fitted = [self.fit(item, one, f"{path}[{index}]") for index, one in enumerate(value)]
                    return [one for one in fitted if one is not _UNFIT]
            case ObjectOf():
                if type(value) is dict:
                    return self.fit_object(shape, value, path)
            case OneOf(options=options):
                return self.fit_one(options, value, path)
        self.note(path, f"expected {_kind(shape)}, got {_KINDS.get(type(value), type(value).__name__)}")
        return _UNFIT

    def fit_object(self, shape: ObjectOf, value: dict[str, Any], path: str) -> dict[str, Any]:
        fitted: dict[str, Any] = {}
        for name, one in value.items():
            known = shape.required.get(name) or shape.optional.get(name) or shape.other
            kept = self.fit(known, one, _join(path, name))
            if kept is not _UNFIT:
                fitted[name] = kept
        for name, missing in shape.required.items():
            if name not in fitted:
                if name not in value:
                    self.note(_join(path, name), "missing")
                fitted[name] = _neutral(missing)
                self.complete = False
        return fitted

    def fit_one(self, options: tuple[Shape, ...], value: Any, path: str) -> Any:
        """Prefer the option with nothing to repair, then the one that loses least."""
        attempts: list[tuple[_Repair, Any]] = []
        for option in options:
            attempt = _Repair()
            kept = attempt.fit(option, value, path)
            if kept is not _UNFIT:
                attempts.append((attempt, kept))
        if not attempts:
            self.note(path, f"expected {_kind(OneOf(options))}, got {_KINDS.get(type(value), type(value).__name__)}")
            return _UNFIT
        best, kept = min(attempts, key=lambda attempt: len(attempt[0].issues))
        self.issues += best.issues
        self.complete = self.complete and best.complete
        return kept

    def note(self, path: str, text: str) -> None:
        self.issues.append(f"{path}: {text}" if path else text)


def repair(shape: Shape, value: object) -> Repaired[Any]:
    """Make a value fit its shape: remove the rest from a copy, and add neutral values for required ones that are missing."""
    walk = _Repair()
    kept = walk.fit(shape, value, "")
    if kept is _UNFIT:
        return Repaired(_neutral(shape), tuple(walk.issues), complete=False)
    return Repaired(kept, tuple(walk.issues), walk.complete)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _kind(shape: Shape) -> str:
    match shape:
        case Scalar(kind=kind):
            return kind
        case ListOf():
            return "array"
        case ObjectOf():
            return "object"
        case OneOf(options=options):
            return " or ".join(dict.fromkeys(map(_kind, options)))


def _neutral(shape: Shape) -> Any:
    match shape:
        case Scalar(neutral=neutral):
            return neutral
        case ListOf():
            return []
        case ObjectOf(required=required):
            return {name: _neutral(one) for name, one in required.items()}
        case OneOf(options=options):
            return _neutral(options[0])


__all__ = ["UNSET", "Repaired", "Request", "Response", "Unset"]
