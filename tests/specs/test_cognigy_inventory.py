"""The documentation page of Cognigy's GET /v2.1/projects/{projectId}/logs, transcribed, against the spec."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
SPEC: dict[str, Any] = yaml.safe_load((ROOT / "specs/cognigy/openapi.yaml").read_text(encoding="utf-8"))
PAGE_EXAMPLE: dict[str, Any] = json.loads(
    (ROOT / "tests/samples/cognigy/page_example.json").read_text(encoding="utf-8")
)
PATH = "/v2.1/projects/{projectId}/logs"
OPERATION: dict[str, Any] = SPEC["paths"][PATH]["get"]
SCHEMAS: dict[str, Any] = SPEC["components"]["schemas"]

ID = "^[a-z0-9]{24}$"
DATE = "2025-08-11T10:00:00.000Z"
LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"]
PAGE_PARAMETERS: dict[str, dict[str, Any]] = {
    "projectId": {"required": True, "type": "string", "minLength": 24, "maxLength": 24, "pattern": ID},
    "filter": {"type": "string"},
    "limit": {"type": "integer", "x-default": 25, "minimum": 1, "maximum": 100},
    "skip": {"type": "integer", "x-default": 0, "minimum": 0},
    "sort": {"type": "string", "minLength": 1},
    "next": {"type": "string", "minLength": 24, "maxLength": 24},
    "previous": {"type": "string", "minLength": 24, "maxLength": 24},
    "type": {"type": "array", "items": {"type": "string", "enum": LEVELS}},
    "userId": {"type": "string"},
    "flowName": {"type": "string"},
    "startDate": {"required": True, "type": "string", "format": "date-time", "examples": [DATE]},
    "endDate": {"required": True, "type": "string", "format": "date-time", "examples": [DATE]},
}
CURSOR = {"anyOf": [{"type": "string"}, {"type": "null"}]}
"""The page limits it to 24 characters, which its own example exceeds."""
PAGE_FIELDS: dict[str, dict[str, Any]] = {
    "total": {"type": "integer"},
    "nextCursor": CURSOR,
    "previousCursor": CURSOR,
}
ENTRY_FIELDS = {"_id": "string", "timestamp": "string", "msg": "string", "meta": "object", "traceId": "string"}
ONLY_HERE = {"next", "previous", "_embedded", "_links"}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its reference resolved, without its explanations."""
    if "$ref" in schema:
        return resolved(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    stated = {word: value for word, value in schema.items() if word not in {"description", "x-evidence"}}
    return stated | {word: resolved(stated[word]) for word in ("items",) if word in stated}


def parameters() -> dict[str, dict[str, Any]]:
    """Return what the spec states about each parameter."""
    return {
        one["name"]: resolved(one["schema"]) | ({"required": True} if one.get("required") else {})
        for one in OPERATION["parameters"]
    }


def facts(node: Any) -> Iterator[dict[str, str]]:
    """Yield every entry of every x-evidence."""
    if isinstance(node, list):
        for child in cast("Sequence[Any]", node):
            yield from facts(child)
    if isinstance(node, dict):
        for key, child in cast("dict[str, Any]", node).items():
            if key == "x-evidence":
                yield from child
            elif key != "examples":
                yield from facts(child)


def test_the_spec_is_valid_openapi() -> None:
    """The spec is a valid OpenAPI document."""
    validate(SPEC)


def test_the_parameters_are_those_of_the_page() -> None:
    """The spec has the parameters of the page, in order, and no other but the header Accept."""
    assert [one["name"] for one in OPERATION["parameters"]] == list(PAGE_PARAMETERS)


@pytest.mark.parametrize("name", PAGE_PARAMETERS)
def test_a_parameter_is_as_on_the_page(name: str) -> None:
    """Type, bounds, pattern, default and example are the page's; only the dates differ, with a reason."""
    found = parameters()[name]
    if name in {"startDate", "endDate"}:
        evidence = next(one["x-evidence"] for one in OPERATION["parameters"] if one["name"] == name)
        assert evidence
        found = found | {"required": True, "format": "date-time"}
    assert found == PAGE_PARAMETERS[name]


def test_the_answer_is_as_on_the_page() -> None:
    """A page has the documented fields; any other field names its source."""
    page = SCHEMAS["LogEntryPage"]["properties"]
    assert {name: resolved(page[name]) for name in PAGE_FIELDS} == PAGE_FIELDS
    assert page["items"]["type"] == "array"
    assert set(page) == {"items", *PAGE_FIELDS, *ONLY_HERE}
    assert SCHEMAS["LogEntryPage"]["x-evidence"]
    assert all(page[name]["x-evidence"] for name in ("nextCursor", "previousCursor"))


def test_an_entry_is_as_on_the_page() -> None:
    """An entry has the fields of the page, and its level, which names its source."""
    entry = SCHEMAS["LogEntry"]["properties"]
    assert {name: resolved(entry[name])["type"] for name in ENTRY_FIELDS} == ENTRY_FIELDS
    assert set(entry) == {*ENTRY_FIELDS, "type"}
    assert all(entry[name]["x-evidence"] for name in (*SCHEMAS["LogEntry"]["required"], "type"))


def test_additions_to_the_page_have_a_source() -> None:
    """Every schema, status and field beyond the page names its source."""
    on_page = {"LogEntry", "LogLevel", "JsonObject"}
    assert not [name for name, schema in SCHEMAS.items() if name not in on_page and "x-evidence" not in schema]
    assert not [
        status for status, answer in OPERATION["responses"].items() if status != "200" and "x-evidence" not in answer
    ]


def test_the_key_is_a_header() -> None:
    """The page documents a header as the only authorization."""
    assert OPERATION["security"] == [{"apiKey": []}]
    scheme = SPEC["components"]["securitySchemes"]["apiKey"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")


def test_the_server_is_that_of_the_page() -> None:
    """The example of the page uses the trial installation."""
    assert SPEC["servers"][0]["url"] + PATH == "https://api-trial.cognigy.ai/new/v2.1/projects/{projectId}/logs"


def test_the_example_of_the_page_is_in_the_spec() -> None:
    """The spec has the example of the page, value for value, and the example is valid."""
    media_type = OPERATION["responses"]["200"]["content"]["application/json"]
    assert media_type["examples"]["documentation"]["value"] == PAGE_EXAMPLE
    schema = {"$ref": "#/components/schemas/LogEntryPage", "components": SPEC["components"]}
    assert not [error.message for error in OAS31Validator(schema).iter_errors(PAGE_EXAMPLE)]


def test_every_fact_has_a_source() -> None:
    """A fact has a statement and a source, and no other field."""
    assert not [fact for fact in facts(SPEC) if set(fact) != {"fact", "source"} or not all(fact.values())]
