"""Makes a document ready for the generator: what it would misread is rewritten, what the templates cannot do is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from logferry._errors import InvalidRequestError
from logferry._json import is_array, is_object
from logferry.specs._document import METHODS, Document, operations
from logferry.specs._selection import resolved

FORM: Final = "application/x-www-form-urlencoded"
_IGNORED_HEADERS: Final = frozenset({"accept", "authorization", "content-type"})
"""Header parameters that OpenAPI has ignored: the media types and the security say the same."""

_FORMATS: Final = frozenset({"password", "binary"})
"""Formats of texts that the templates know; a text of another format stays the text that was sent."""

_AS_THEY_ARE: Final = frozenset({"example", "examples", "enum", "const", "default", "servers"})
"""Keys whose values are data."""

_MAPS: Final = frozenset({
    "$defs", "callbacks", "content", "encoding", "headers", "links", "parameters", "paths", "patternProperties", "properties",
    "requestBodies", "responses", "schemas", "securitySchemes",
})  # fmt: skip
"""Keys whose values are objects with names of the author's choice."""

_SCHEMAS: Final = "#/components/schemas/"

_INSTEAD: Final = "Send it by hand, or leave the operation out with --operation"


def prepared(document: Document) -> Document:
    """
    The document as the generator reads it best.

    A text with a format (a time, a UUID) is a text, a ``const`` an enum of one value, and a default is described instead of
    sent with every request.  Security of the document becomes that of each operation.  Of several media types, the JSON one
    stays, or the form.  Where a schema contains itself, the inner one can be anything.

    Raises:
        InvalidRequestError: An operation needs what the templates do not make; the error says where, why and what to do.
    """
    refusals = [
        text
        for path, method, item, one in operations(document)
        for text in _refusals(document, path, method, item, one)
    ]
    if refusals:
        several = f"{len(refusals)} parts of the document cannot be generated: {first_ten(refusals)}"
        raise InvalidRequestError(refusals[0] if len(refusals) == 1 else several, hint=_INSTEAD)
    result = cast("dict[str, Any]", _rewritten(document, {}))
    _break_circles(result.get("components", {}).get("schemas", {}))
    for _, _, _, operation in operations(result):
        if "security" in document:
            cast("dict[str, Any]", operation).setdefault("security", document["security"])
    return result


def is_json(media_type: str) -> bool:
    """Whether a body of this media type is JSON."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind in {"application/json", "*/*", "application/*"} or kind.endswith("+json")


def followed(document: Document, value: Any) -> Mapping[str, Any]:
    """An object of the document, its references followed; empty where there is none."""
    seen: set[str] = set()
    while is_object(value) and isinstance(value.get("$ref"), str):
        if value["$ref"] in seen:
            raise InvalidRequestError(f"the reference {value['$ref']} leads to itself")
        seen.add(value["$ref"])
        value = resolved(document, value["$ref"])
    return value if is_object(value) else {}


def first_ten(texts: Sequence[str]) -> str:
    """The first ten texts, and how many more there are."""
    shown = texts[:10]
    return "; ".join([*shown, *([f"and {len(texts) - len(shown)} more"] if len(texts) > len(shown) else [])])


def _refusals(document: Document, path: str, method: str, item: Document, operation: Document) -> Iterator[str]:
    where = f"{method.upper()} {path}"
    for given in (*item.get("parameters", ()), *operation.get("parameters", ())):
        parameter = followed(document, given)
        name = parameter.get("name")
        if parameter.get("in") == "cookie":
            yield f"{where}: the parameter {name} is a cookie, and a request of a log client carries no cookies"
        if "content" in parameter:
            yield f"{where}: the parameter {name} is a JSON document within the {parameter.get('in')}"
        if name == "body" and "requestBody" in operation:
            yield f"{where}: a parameter is called body, like the argument of the request body"
    body = followed(document, operation.get("requestBody"))
    media = list(body.get("content", {}))
    if media and not any(is_json(one) or one.partition(";")[0].strip() == FORM for one in media):
        yield f"{where}: the request body is {' or '.join(media)}; JSON and form bodies are built"
    form = followed(document, body.get("content", {}).get(FORM, {}).get("schema"))
    if form and not any(map(is_json, media)) and not form.get("properties"):
        yield f"{where}: the form has no properties of its own"
    responses = operation.get("responses", {})
    successes = {status: followed(document, one) for status, one in responses.items() if status.startswith("2")}
    if not successes:
        yield f"{where}: no response has a status 2xx, so nothing says what a success is"
    for status, response in sorted(successes.items())[:1]:
        content = list(response.get("content", {}))
        if content and not any(map(is_json, content)):
            yield f"{where}: the response {status} is {' or '.join(content)}; only JSON is decoded"


def _rewritten(value: Any, done: dict[int, Any]) -> Any:
    if is_array(value):
        return [_rewritten(one, done) for one in value]
    if not is_object(value):
        return value
    if id(value) not in done:
        result: dict[str, Any] = {}
        done[id(value)] = result
        result.update(_rewritten_object(value, done))
    return done[id(value)]


def _rewritten_object(value: dict[str, Any], done: dict[int, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, child in value.items():
        if key in _AS_THEY_ARE or key.startswith("x-"):
            result[key] = child
        elif key in _MAPS and is_object(child):
            result[key] = {name: _rewritten(one, done) for name, one in child.items()}
        else:
            result[key] = _rewritten(child, done)
    if is_array(value.get("parameters")) and ({"responses", *METHODS} & value.keys()):
        result["parameters"] = [one for one in result["parameters"] if not _is_ignored(one)]
    if is_object(value.get("content")) and value["content"]:
        result["content"] = _one_medium(result["content"])
    if _is_schema(value):
        _rewrite_schema(result)
    if is_object(value.get("schema")) and "name" in value and "description" in value and "$ref" not in value["schema"]:
        result["schema"].setdefault("description", value["description"])
    return result


def _break_circles(schemas: dict[str, Any]) -> None:
    """Let what is inside a schema and refers to it, or to one around it, be anything: the templates make no such models."""
    done: set[str] = set()

    def descend(name: str, around: tuple[str, ...]) -> None:
        for one in _with_reference(schemas[name]):
            target = one["$ref"].removeprefix(_SCHEMAS)
            if target in around:
                one.clear()
                one["description"] = f"Anything: {target} within itself."
            elif target in schemas and target not in done:
                descend(target, (*around, target))
        done.add(name)

    for name in schemas:
        if name not in done:
            descend(name, (name,))


def _with_reference(schema: Any) -> list[dict[str, Any]]:
    """The references to schemas below a schema."""
    found: list[dict[str, Any]] = []
    to_do: list[Any] = [schema]
    while to_do:
        one = to_do.pop()
        if is_array(one):
            to_do.extend(one)
        elif is_object(one):
            if isinstance(one.get("$ref"), str) and one["$ref"].startswith(_SCHEMAS):
                found.append(one)
            to_do.extend(one.values())
    return found


def _is_ignored(parameter: Any) -> bool:
    return (
        is_object(parameter)
        and parameter.get("in") == "header"
        and str(parameter.get("name")).lower() in _IGNORED_HEADERS
    )


def _one_medium(content: dict[str, Any]) -> dict[str, Any]:
    preferred = next((one for one in content if is_json(one)), FORM if FORM in content else next(iter(content)))
    return {"application/json" if "*" in preferred else preferred: content[preferred]}


def _is_schema(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("type"), str | list) or bool({"const", "enum", "default"} & value.keys())


def _rewrite_schema(schema: dict[str, Any]) -> None:
    if "const" in schema and "enum" not in schema:
        schema["enum"] = [schema.pop("const")]
    if schema.get("format") not in _FORMATS and "string" in _types(schema):
        schema.pop("format", None)
    if "default" in schema and "in" not in schema:
        default = schema.pop("default")
        if default is not None:
            text = schema.get("description", "")
            schema["description"] = f"{text}{' ' if text else ''}The server's default is {default}."


def _types(schema: Mapping[str, Any]) -> list[Any]:
    kind = schema.get("type")
    return kind if is_array(kind) else [kind]
