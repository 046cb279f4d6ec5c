"""Reads OpenAPI documents: a file, or the spec that is installed with a service's generated client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import yaml

from logferry._errors import InvalidRequestError
from logferry._json import is_array, is_object

Document: TypeAlias = Mapping[str, Any]
"""An OpenAPI 3 document: JSON values, with texts as keys.  Parts can be shared, never circular."""

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The names of operations in a path item."""

_LARGEST: Final = 64 * 2**20
"""Bytes of a file."""

_MOST_VALUES: Final = 5_000_000
"""Values of a document, an alias counted as often as it is used: nested aliases can stand for more than fits in memory."""

_DEEPEST: Final = 200
"""Levels of a document."""

# The kinds of plain scalars in YAML 1.2's core schema, which OpenAPI asks for: `no` and `2025-08-11` are texts.
_KINDS: Final = (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", "tTfF"),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)", "-+0123456789"),
    ("float", r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))", "-+.0123456789"),
    ("merge", r"<<", "<"),
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
)  # fmt: skip


if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where the machine has it


class _Loader(_Base):
    """Builds JSON values only."""


def _integer(loader: Any, node: Any) -> int:
    text: str = loader.construct_scalar(node)
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _set_up(loader: Any) -> None:
    """Let a loader know the scalars of YAML 1.2, and no others."""
    loader.yaml_implicit_resolvers = {}
    for name, pattern, first in _KINDS:
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(rf"\A{pattern}\Z"), list(first))
    loader.add_constructor("tag:yaml.org,2002:int", _integer)


_set_up(_Loader)


def load(source: str | Path) -> Document:
    """
    Read an OpenAPI document.

    Args:
        source: A file of YAML or JSON, or the name of a service, such as ``logto``: the spec that is installed with logferry.

    Raises:
        InvalidRequestError: There is no such file, or it is no OpenAPI 3 document.
    """
    path = Path(source)
    if isinstance(source, str) and is_service(source) and not path.is_file():
        return installed(source)
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidRequestError(f"{path} is larger than {_LARGEST >> 20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise InvalidRequestError(
            f"{path} cannot be read: {reason}", hint=f"Name a file, or a service: {', '.join(services())}"
        ) from error
    return parsed(text, str(path))


def parsed(text: str, name: str) -> Document:
    """
    Read an OpenAPI document from its text, in YAML or JSON.

    Args:
        text: The document.
        name: What errors call it.

    Raises:
        InvalidRequestError: It is no OpenAPI 3 document.
    """
    try:
        value = json.loads(text) if text.lstrip()[:1] == "{" else _yaml(text, name)
    except InvalidRequestError:
        raise
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        place = getattr(error, "problem_mark", None) or getattr(error, "lineno", None)
        line = f", line {place if isinstance(place, int) else place.line + 1}" if place else ""
        raise InvalidRequestError(f"{name} is neither YAML nor JSON{line}") from error
    _measure(value, name, {})
    value = _with_texts_as_keys(value, {})
    version = value.get("openapi") if is_object(value) else None
    if (
        not is_object(value)
        or not isinstance(version, str)
        or not version.startswith("3.")
        or not is_object(value.get("paths", {}))
    ):
        old = is_object(value) and "swagger" in value
        raise InvalidRequestError(
            f"{name} is no OpenAPI 3 document",
            hint="Convert the Swagger 2 document to OpenAPI 3 first"
            if old
            else "Its key openapi has to be 3.0.x or 3.1.x",
        )
    return cast("Document", value)


def installed(service: str) -> Document:
    """The spec that ships with a service's generated client."""
    value: Document = json.loads((files("logferry_clients") / service / "openapi.json").read_text(encoding="utf-8"))
    return value


def services() -> list[str]:
    """The services whose specs are installed."""
    return sorted(one.name for one in files("logferry_clients").iterdir() if (one / "openapi.json").is_file())


def is_service(name: str) -> bool:
    """Whether a spec of this service is installed."""
    return name.isidentifier() and name in services()


def dumped(document: Document) -> str:
    """The document as JSON text, as generated clients have it."""
    try:
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"the document holds a value that JSON does not have: {error}") from error


def operations(document: Document) -> Sequence[tuple[str, str, Document, Document]]:
    """Each operation: its path, its method in lower case, its path item, and the operation itself."""
    found: list[tuple[str, str, Document, Document]] = []
    for path, item in document.get("paths", {}).items():
        if is_object(item):
            found.extend((path, method, item, item[method]) for method in METHODS if is_object(item.get(method)))
    return found


def described(responses: Mapping[str, Any], status: str) -> str | None:
    """The key of the response that describes a status: its own, that of its range, or the default; ``None`` for none."""
    return next((one for one in (status, f"{status[:1]}XX", "default") if one in responses), None)


def _yaml(text: str, name: str) -> Any:
    # The parser calls itself for each level, and has no limit of its own.
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _too_deep(name)
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe one


def _too_deep(name: str) -> InvalidRequestError:
    return InvalidRequestError(f"{name} is nested more deeply than {_DEEPEST} levels")


def _measure(value: Any, name: str, sizes: dict[int, int], depth: int = 0) -> int:
    """How many values there are, aliases counted as often as they are used; refuse too many, and circular ones."""
    if not (is_object(value) or is_array(value)):
        return 1
    if depth > _DEEPEST:
        raise _too_deep(name)
    children: Iterable[Any] = value.values() if is_object(value) else value
    key = id(value)
    known = sizes.get(key)
    if known is not None:
        if not known:
            raise InvalidRequestError(f"{name} contains itself by a YAML alias")
        return known
    sizes[key] = 0
    size = 1 + sum(_measure(child, name, sizes, depth + 1) for child in children)
    if size > _MOST_VALUES:
        raise InvalidRequestError(f"{name} holds more than {_MOST_VALUES:,} values")
    sizes[key] = size
    return size


def _with_texts_as_keys(value: Any, done: dict[int, Any]) -> Any:
    """The value with texts as keys, since YAML takes the status 200 for a number; shared parts stay shared."""
    if is_array(value) and id(value) not in done:
        done[id(value)] = [_with_texts_as_keys(child, done) for child in value]
    elif is_object(value) and id(value) not in done:
        done[id(value)] = {_text(name): _with_texts_as_keys(child, done) for name, child in value.items()}
    return done.get(id(value), value)


def _text(name: Any) -> str:
    return str(name).lower() if isinstance(name, bool) else str(name)
