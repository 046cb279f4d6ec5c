"""The documentation page of Logto's GET /api/logs, transcribed, against the spec."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
SPEC: dict[str, Any] = yaml.safe_load((ROOT / "specs/logto/openapi.yaml").read_text(encoding="utf-8"))
PAGE_EXAMPLE: list[Any] = json.loads((ROOT / "tests/samples/logto/page_example.json").read_text(encoding="utf-8"))
LIST_LOGS = "/paths/~1api~1logs/get"


class Stated(NamedTuple):
    """What a page or a spec states about one value."""

    type: str
    required: bool = False
    default: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None


PAGE_PARAMETERS = {
    "userId": Stated("string"),
    "applicationId": Stated("string"),
    "logKey": Stated("string"),
    "page": Stated("integer", default=1, minimum=1),
    "page_size": Stated("integer", default=20, minimum=1),
}
PAGE_FIELDS = {
    "tenantId": Stated("string", required=True, max_length=21),
    "id": Stated("string", required=True, min_length=1, max_length=21),
    "key": Stated("string", required=True, min_length=1, max_length=128),
    "payload": Stated("object", required=True),
    "payload.key": Stated("string", required=True),
    "payload.result": Stated("Success | Error", required=True),
    "payload.error": Stated("object | string"),
    "payload.ip": Stated("string"),
    "payload.userAgent": Stated("string"),
    "payload.userAgentParsed": Stated("object"),
    "payload.userAgentParsed.ua": Stated("string"),
    "payload.userAgentParsed.browser": Stated("object"),
    "payload.userAgentParsed.browser.name": Stated("string"),
    "payload.userAgentParsed.browser.version": Stated("string"),
    "payload.userAgentParsed.browser.major": Stated("string"),
    "payload.userAgentParsed.browser.type": Stated("string"),
    "payload.userAgentParsed.device": Stated("object"),
    "payload.userAgentParsed.device.model": Stated("string"),
    "payload.userAgentParsed.device.type": Stated("string"),
    "payload.userAgentParsed.device.vendor": Stated("string"),
    "payload.userAgentParsed.engine": Stated("object"),
    "payload.userAgentParsed.engine.name": Stated("string"),
    "payload.userAgentParsed.engine.version": Stated("string"),
    "payload.userAgentParsed.os": Stated("object"),
    "payload.userAgentParsed.os.name": Stated("string"),
    "payload.userAgentParsed.os.version": Stated("string"),
    "payload.userAgentParsed.cpu": Stated("object"),
    "payload.userAgentParsed.cpu.architecture": Stated("string"),
    "payload.injectedHeaders": Stated("object"),
    "payload.injectedHeaders.*": Stated("string"),
    "payload.userId": Stated("string"),
    "payload.applicationId": Stated("string"),
    "payload.sessionId": Stated("string"),
    "payload.params": Stated("object"),
    "createdAt": Stated("number", required=True),
}
PAGE_STATUSES = {"200", "400", "401", "403"}


def walk(node: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every element of the spec with its pointer, except examples."""
    yield pointer, node
    if isinstance(node, list):
        for index, child in enumerate(cast("Sequence[Any]", node)):
            yield from walk(child, f"{pointer}/{index}")
    if isinstance(node, dict):
        for key, child in cast("dict[str, Any]", node).items():
            if key != "examples":
                yield from walk(child, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")


ELEMENTS = dict(walk(SPEC))


def resolve(pointer: str) -> str:
    """Follow the reference at a pointer, if there is one."""
    element = ELEMENTS[pointer]
    return resolve(element["$ref"].removeprefix("#")) if "$ref" in element else pointer


def type_of(pointer: str) -> str:
    """Return the type of the schema at a pointer, in the terms of the page."""
    schema = ELEMENTS[resolve(pointer)]
    if "anyOf" in schema:
        options = [type_of(f"{resolve(pointer)}/anyOf/{index}") for index in range(len(schema["anyOf"]))]
        return " | ".join(options)
    return " | ".join(schema["enum"]) if "enum" in schema else schema.get("type", "anything")


def stated(pointer: str, *, required: bool) -> Stated:
    """Return what the spec states about the value whose schema is at a pointer."""
    schema = ELEMENTS[resolve(pointer)]
    bounds = [schema.get(word) for word in ("x-default", "minimum", "maximum", "minLength", "maxLength")]
    return Stated(type_of(pointer), required, *bounds)


def spec_parameters() -> dict[str, str]:
    """Return the pointer of each parameter of the operation."""
    parameters = ELEMENTS[f"{LIST_LOGS}/parameters"]
    return {parameter["name"]: f"{LIST_LOGS}/parameters/{index}" for index, parameter in enumerate(parameters)}


def spec_fields(pointer: str, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Yield path, pointer and required-ness of each value of an object and of its nested objects."""
    pointer = resolve(pointer)
    schema = ELEMENTS[pointer]
    for name in schema.get("properties", ()):
        yield f"{path}{name}", f"{pointer}/properties/{name}", name in schema.get("required", ())
        yield from spec_fields(f"{pointer}/properties/{name}", f"{path}{name}.")
    if "type" in schema.get("additionalProperties", ()):
        yield f"{path}*", f"{pointer}/additionalProperties", False


FIELDS = {path: (pointer, required) for path, pointer, required in spec_fields("/components/schemas/AuditLog")}


def listed_evidence() -> list[str]:
    """Return the pointers that scripts/evidence lists for this spec."""
    listing = subprocess.run(
        [sys.executable, ROOT / "scripts/evidence.py"], capture_output=True, text=True, check=True
    ).stdout
    return [line.removeprefix("logto ") for line in listing.splitlines() if line.startswith("logto /")]


EVIDENCE = set(listed_evidence())


def has_evidence(pointer: str) -> bool:
    """Return whether the element, or an enclosing one, names a source."""
    return any(pointer == one or pointer.startswith(f"{one}/") for one in EVIDENCE)


def elements() -> Iterator[str]:
    """Yield the pointer of every element that states something about the service."""
    named = {"paths", "parameters", "responses", "headers", "properties", "schemas", "securitySchemes"}
    for pointer in ELEMENTS:
        *_, container, name = "", *pointer.split("/")
        if container in named or name in {"additionalProperties", "requestBody"}:
            yield pointer


def facts() -> Iterator[dict[str, str]]:
    """Yield every entry of every x-evidence."""
    for pointer, node in ELEMENTS.items():
        if pointer.endswith("/x-evidence"):
            yield from node


def test_the_spec_is_valid_openapi() -> None:
    """The spec is a valid OpenAPI document."""
    validate(SPEC)


@pytest.mark.parametrize("name", PAGE_PARAMETERS)
def test_a_parameter_is_as_on_the_page(name: str) -> None:
    """Each parameter of the page has its type, default and bounds in the spec, or a source for a difference."""
    pointer = spec_parameters()[name]
    found = stated(f"{pointer}/schema", required=ELEMENTS[pointer].get("required", False))
    assert PAGE_PARAMETERS[name] == found or has_evidence(pointer)


@pytest.mark.parametrize("path", PAGE_FIELDS)
def test_a_field_is_as_on_the_page(path: str) -> None:
    """Each field of the page has its type, bounds and required-ness in the spec, or a source for a difference."""
    pointer, required = FIELDS[path]
    assert PAGE_FIELDS[path] == stated(pointer, required=required) or has_evidence(pointer)


def test_only_these_differ_from_the_page() -> None:
    """The spec contradicts the page about three values only."""
    parameters = {name: stated(f"{pointer}/schema", required=False) for name, pointer in spec_parameters().items()}
    fields = {path: stated(pointer, required=required) for path, (pointer, required) in FIELDS.items()}
    page, spec = PAGE_PARAMETERS | PAGE_FIELDS, parameters | fields
    assert {"page_size", "tenantId", "payload.result"} == {name for name in page if page[name] != spec[name]}


def test_each_status_of_the_page_is_in_the_spec() -> None:
    """Every status of the page is in the spec."""
    assert set(ELEMENTS[f"{LIST_LOGS}/responses"]) >= PAGE_STATUSES


def test_additions_to_the_page_have_a_source() -> None:
    """Every element of the spec beyond the page names its source."""
    on_page = {LIST_LOGS.rpartition("/")[0], "/components/securitySchemes/managementApi"}
    on_page |= {pointer for name, pointer in spec_parameters().items() if name in PAGE_PARAMETERS}
    on_page |= {f"{LIST_LOGS}/responses/{status}" for status in PAGE_STATUSES}
    for path in PAGE_FIELDS:
        pointer = FIELDS[path][0]
        on_page |= {pointer, resolve(pointer)}
        schema = ELEMENTS[resolve(pointer)]
        on_page |= {resolve(f"{resolve(pointer)}/anyOf/{index}") for index in range(len(schema.get("anyOf", ())))}
    on_page |= {"/components/schemas/AuditLog"}
    assert not [pointer for pointer in elements() if pointer not in on_page and not has_evidence(pointer)]


def test_the_example_of_the_page_is_in_the_spec() -> None:
    """The spec has the example of the page, value for value."""
    media_type = ELEMENTS[f"{LIST_LOGS}/responses/200/content/application~1json"]
    example: list[Any] = media_type["examples"]["documentation"]["value"]
    assert example == PAGE_EXAMPLE


def test_the_example_of_the_page_is_valid() -> None:
    """The example of the page is valid for the schema of the answer, lengths included."""
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/AuditLog"}, "components": SPEC["components"]}
    errors = OAS31Validator(schema).iter_errors(PAGE_EXAMPLE)
    assert not [error.message for error in errors]


def test_evidence_lists_every_fact() -> None:
    """The listing has as many entries as the spec has facts."""
    assert len(list(facts())) == len(listed_evidence())


def test_every_fact_has_a_source() -> None:
    """A fact has a statement and a source, and no other field."""
    assert not [fact for fact in facts() if set(fact) != {"fact", "source"} or not all(fact.values())]
