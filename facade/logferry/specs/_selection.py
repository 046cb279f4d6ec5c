"""Cuts single operations out of a large document, with all that they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from logferry._errors import InvalidRequestError
from logferry._json import is_array, is_object
from logferry.specs._document import METHODS, Document, operations

_COMPONENTS = "#/components/"


def selected(document: Document, wanted: Sequence[str]) -> Document:
    """
    The part of a document that some operations need.

    Args:
        document: An OpenAPI 3 document.
        wanted: Operations by their ``operationId``, or by method and path (``GET /logs``).  Empty for the whole document.

    Raises:
        InvalidRequestError: There is no such operation, or a reference leads nowhere.
    """
    if not wanted:
        return document
    names = {key: (path, method) for path, method, _, one in operations(document) for key in _names(path, method, one)}
    paths: dict[str, dict[str, Any]] = {}
    for name in wanted:
        if name not in names:
            near = get_close_matches(name, names, n=3, cutoff=0.4) or sorted(names)[:3]
            raise InvalidRequestError(
                f"the document has no operation {name}",
                hint=f"It has {len(operations(document)):,} operations, such as {', '.join(near)}",
            )
        path, method = names[name]
        item = document["paths"][path]
        shared = {key: value for key, value in item.items() if key not in METHODS}
        paths.setdefault(path, shared)[method] = item[method]
    components = dict(_referred(document, {"paths": paths, **_schemes(document, paths)}))
    return {
        **{key: value for key, value in document.items() if key not in {"paths", "components", "webhooks"}},
        "paths": paths,
        "components": components,
    }


def _names(path: str, method: str, operation: Document) -> Iterator[str]:
    yield f"{method.upper()} {path}"
    if isinstance(operation.get("operationId"), str):
        yield operation["operationId"]


def _schemes(document: Document, paths: Mapping[str, Mapping[str, Any]]) -> Document:
    """References to the security schemes that the operations name, which requirements name without a reference."""
    items = [item[method] for item in paths.values() for method in METHODS if method in item]
    required = [one for item in items for one in item.get("security", document.get("security", ()))]
    known = document.get("components", {}).get("securitySchemes", {})
    return {
        "schemes": [
            {"$ref": f"{_COMPONENTS}securitySchemes/{name}"} for one in required for name in one if name in known
        ]
    }


def _referred(document: Document, root: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """The components that are referred to, by kind, in the document's order."""
    found = {id(value) for _, value in reachable(document, root)}
    for kind, members in cast("Mapping[str, Mapping[str, Any]]", document.get("components", {})).items():
        kept = {name: value for name, value in members.items() if id(value) in found}
        if kept:
            yield kind, kept


def reachable(document: Document, value: Any) -> Iterator[tuple[str, Any]]:
    """Each reference that a value has, directly or through others, once, with what it names."""
    met: set[str] = set()
    to_do: list[Any] = [value]
    while to_do:
        for ref in _references(to_do.pop()):
            if ref not in met:
                met.add(ref)
                to_do.append(resolved(document, ref))
                yield ref, to_do[-1]


def _references(value: Any) -> Iterator[str]:
    """Every ``$ref`` below a value, and every name of a schema in a discriminator's mapping."""
    to_do: list[Any] = [value]
    while to_do:
        one = to_do.pop()
        if is_array(one):
            to_do.extend(one)
        elif is_object(one):
            if isinstance(one.get("$ref"), str):
                yield one["$ref"]
            mapping = one["discriminator"].get("mapping") if is_object(one.get("discriminator")) else None
            if is_object(mapping):
                yield from (ref for ref in mapping.values() if isinstance(ref, str) and ref.startswith("#"))
            to_do.extend(one.values())


def resolved(document: Document, ref: str) -> Any:
    """
    The value that a reference within the document names.

    Raises:
        InvalidRequestError: It leads nowhere, or to another document.
    """
    resource: Resource[Any] = DRAFT202012.create_resource(document)
    try:
        return Registry[Any]().with_resource("", resource).resolver().lookup(ref).contents
    except Unresolvable as error:
        if not ref.startswith("#"):
            raise InvalidRequestError(
                f"the document refers to another one: {ref}",
                hint="Bundle it into one file first, such as with redocly bundle",
            ) from error
        raise InvalidRequestError(
            f"the document refers to {ref}, which it does not have", hint="Correct the reference"
        ) from error
