"""Checks requests against the OpenAPI spec that ships with a generated client."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import orjson

from logferry.testing._http import FakeRequest

__all__ = ["SpecChecker", "spec_checker"]

Schema = Mapping[str, Any]

_INTEGER = re.compile(r"-?[0-9]+\Z")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_FORM = "application/x-www-form-urlencoded"


@cache
def spec_checker(service: str) -> "SpecChecker":
    """Return the checker for the spec of the generated client `service`, such as ``logto``."""
    return SpecChecker(orjson.loads((files("logferry_clients") / service / "openapi.json").read_bytes()))


@attrs.frozen
class _Operation:
    template: str
    path: re.Pattern[str]
    method: str
    parameters: Mapping[tuple[str, str], Schema]
    form: Schema | None
    schemes: Sequence[Schema]


class SpecChecker:
    """
    Names what violates a spec in a request: path, method, parameters, form fields, credentials.

    It is stricter than the services: it reports a parameter that the spec does not know, since services ignore it
    silently.

    Args:
        spec: An OpenAPI 3 document.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        # Longest first, since the first alternative that matches ends the search.
        urls: list[str] = [server["url"] for server in spec.get("servers", ())]
        prefixes = sorted((urlsplit(url).path.rstrip("/") for url in urls), key=len)
        self._prefix = re.compile("|".join(re.escape(prefix) for prefix in reversed(prefixes)))
        self._operations = [
            self._read(path, item, method)
            for path, item in spec["paths"].items()
            for method in item
            if method in {"get", "put", "post", "delete", "patch", "head"}
        ]

    def violations(self, request: FakeRequest) -> list[str]:
        """Return one sentence for each violation; empty for a valid request."""
        prefix = self._prefix.match(request.path)
        path = request.path[prefix.end() :] if prefix else request.path
        candidates = [operation for operation in self._operations if operation.path.match(path)]
        if not candidates:
            return [f"{request.method} {request.path}: the spec has no such path"]
        for operation in candidates:
            if operation.method == request.method:
                found = self._check(operation, request, path)
                return [f"{request.method} {operation.template}: {message}" for message in found]
        return [f"{request.method} {request.path}: the spec has no such method for this path"]

    def _read(self, path: str, item: Mapping[str, Any], method: str) -> _Operation:
        operation = item[method]
        parameters = [self._resolve(entry) for entry in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        content = self._resolve(operation.get("requestBody", {})).get("content", {})
        known = self._spec.get("components", {}).get("securitySchemes", {})
        alternatives = operation.get("security", self._spec.get("security", ()))
        return _Operation(
            template=path,
            path=_path_pattern(path),
            method=method.upper(),
            parameters={(entry["in"], entry["name"]): entry for entry in parameters},
            form=self._resolve(content[_FORM]["schema"]) if _FORM in content else None,
            schemes=[known[name] for alternative in alternatives for name in alternative],
        )

    def _resolve(self, value: Schema) -> Schema:
        while "$ref" in value:
            target: Any = self._spec
            for step in value["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            value = target
        return value

    def _check(self, operation: _Operation, request: FakeRequest, path: str) -> Iterator[str]:
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        match = operation.path.match(path)
        for (place, name), parameter in operation.parameters.items():
            if place == "path" and match is not None:
                values = [unquote(match[name])]
            elif place == "header":
                values = [value for value in (request.header(name),) if value is not None]
            else:
                values = query.pop(name, []) if place == "query" else []
            yield from self._check_values(f"{place} parameter", name, values, parameter)
        yield from (f"unknown query parameter {name!r}" for name in query)
        if operation.form is not None:
            yield from self._check_form(operation.form, request)
        if operation.schemes and not any(_has_credentials(scheme, request) for scheme in operation.schemes):
            yield "no credentials of a kind that the spec names"

    def _check_form(self, schema: Schema, request: FakeRequest) -> Iterator[str]:
        if (request.header("Content-Type") or "").partition(";")[0].strip().lower() != _FORM:
            yield f"the body is not {_FORM}"
            return
        form: dict[str, list[str]] = {}
        for name, value in parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True):
            form.setdefault(name, []).append(value)
        for name, field in schema.get("properties", {}).items():
            required = name in schema.get("required", ())
            yield from self._check_values(
                "form field", name, form.pop(name, []), {"schema": field, "required": required}
            )
        yield from (f"unknown form field {name!r}" for name in form)

    def _check_values(self, kind: str, name: str, values: Sequence[str], parameter: Schema) -> Iterator[str]:
        schema = self._resolve(parameter.get("schema", {}))
        if not values:
            if parameter.get("required"):
                yield f"{kind} {name!r} is missing"
            return
        if schema.get("type") == "array":
            schema = self._resolve(schema.get("items", {}))
            if parameter.get("explode") is False:
                values = [part for value in values for part in value.split(",")]
        elif len(values) > 1:
            yield f"{kind} {name!r} is sent {len(values)} times"
        for value in values:
            reason = self._wrong(value, schema)
            if reason:
                yield f"{kind} {name!r} {reason}"

    def _wrong(self, text: str, schema: Schema) -> str | None:
        """Describe the violation of a value without the value, since it can be secret; `None` for a valid one."""
        schema = self._resolve(schema)
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            reasons = [self._wrong(text, choice) for choice in choices]
            return None if None in reasons else reasons[0]
        types = schema.get("type", "string")
        reasons = [
            _wrong_type(text, name) or _out_of_bounds(text, name, schema)
            for name in ([types] if isinstance(types, str) else types)
        ]
        if None not in reasons:
            return reasons[0]
        return None if text in _texts(schema.get("enum", (text,))) else "is none of those that the spec lists"


def _path_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts)) + r"\Z"
    )


def _texts(values: Sequence[Any]) -> list[str]:
    return [value if isinstance(value, str) else orjson.dumps(value).decode() for value in values]


def _wrong_type(text: str, name: str) -> str | None:
    right = {
        "integer": bool(_INTEGER.match(text)),
        "number": bool(_NUMBER.match(text)),
        "boolean": text in {"true", "false"},
        "null": not text,
    }
    return None if right.get(name, True) else f"is no {name}"


def _out_of_bounds(text: str, name: str, schema: Schema) -> str | None:
    if name == "string":
        low, high, size, what = schema.get("minLength"), schema.get("maxLength"), float(len(text)), "long"
    elif name in {"integer", "number"}:
        low, high, size, what = schema.get("minimum"), schema.get("maximum"), float(text), "large"
    else:
        return None
    if low is not None and size < low:
        return f"is not {what} enough: at least {low}"
    if high is not None and size > high:
        return f"is too {what}: at most {high}"
    return None


def _has_credentials(scheme: Schema, request: FakeRequest) -> bool:
    if scheme.get("type") == "apiKey" and scheme.get("in") == "header":
        return request.header(scheme["name"]) is not None
    if scheme.get("type") == "apiKey" and scheme.get("in") == "query":
        return scheme["name"] in dict(parse_qsl(request.query, keep_blank_values=True))
    kind = scheme.get("scheme", "bearer").lower()
    return (request.header("Authorization") or "").lower().startswith(f"{kind} ")
