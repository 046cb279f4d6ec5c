"""The documentation pages of Daily's GET /logs, GET /logs/api and GET /meetings, transcribed, against the spec."""

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
SPEC: dict[str, Any] = yaml.safe_load((ROOT / "specs/daily/openapi.yaml").read_text(encoding="utf-8"))
LOGS = "/paths/~1logs/get"
API_LOGS = "/paths/~1logs~1api/get"
MEETINGS = "/paths/~1meetings/get"
OPERATIONS = {LOGS: "list_logs", API_LOGS: "list_api_logs", MEETINGS: "list_meetings"}
PAGE, API_LOG = "/components/schemas/SessionLogPage", "/components/schemas/ApiLog"
MEETING_PAGE, MEETING = "/components/schemas/MeetingPage", "/components/schemas/Meeting"
PARTICIPANT = "/components/schemas/MeetingParticipant"


class Stated(NamedTuple):
    """What a page or a spec states about one value."""

    type: str
    default: bool | int | str | None = None


PAGE_PARAMETERS = {
    LOGS: {
        "includeLogs": Stated("boolean", default=True),
        "includeMetrics": Stated("boolean", default=False),
        "userSessionId": Stated("string"),
        "mtgSessionId": Stated("string"),
        "logLevel": Stated("ERROR | INFO | DEBUG"),
        "order": Stated("string", default="DESC"),
        "startTime": Stated("integer<int32>"),
        "endTime": Stated("integer<int32>"),
        "limit": Stated("integer<i32>", default=20),
        "offset": Stated("integer<i32>", default=0),
    },
    API_LOGS: {
        "starting_after": Stated("string"),
        "ending_before": Stated("string"),
        "limit": Stated("integer<i32>", default=20),
        "source": Stated("string", default="api"),
        "url": Stated("string"),
    },
    MEETINGS: {
        "room": Stated("string"),
        "timeframe_start": Stated("integer<int32>"),
        "timeframe_end": Stated("integer<int32>"),
        "limit": Stated("integer<int32>"),
        "starting_after": Stated("string"),
        "ending_before": Stated("string"),
        "ongoing": Stated("boolean"),
        "no_participants": Stated("boolean"),
    },
}
PAGE_FIELDS = {
    PAGE: {"logs": Stated("object[]")},
    API_LOG: {
        "id": Stated("string"),
        "userId": Stated("string"),
        "domainId": Stated("string"),
        "source": Stated("string"),
        "ip": Stated("string"),
        "method": Stated("string"),
        "url": Stated("string"),
        "status": Stated("integer"),
        "createdAt": Stated("string<date-time>"),
        "request": Stated("string | null"),
        "response": Stated("string | null"),
    },
    MEETING_PAGE: {"total_count": Stated("integer"), "data": Stated("object[]")},
    MEETING: {
        "id": Stated("string"),
        "room": Stated("string"),
        "start_time": Stated("integer"),
        "duration": Stated("integer"),
        "ongoing": Stated("boolean"),
        "max_participants": Stated("integer"),
        "participants": Stated("object[]"),
    },
    PARTICIPANT: {
        "user_id": Stated("string | null"),
        "participant_id": Stated("string"),
        "user_name": Stated("string | null"),
        "join_time": Stated("integer"),
        "duration": Stated("integer"),
    },
}
"""The fields of the schemas, as on the pages."""

PAGE_ROW = ("time", "clientTime", "message", "mtgSessionId", "userSessionId", "peerId", "domainName", "level", "code")
"""The fields of the rows in the example of ``GET /logs``; the page does not list them."""

PARAMETERS = [(operation, name) for operation, stated in PAGE_PARAMETERS.items() for name in stated]
FIELDS = [(schema, name) for schema, stated in PAGE_FIELDS.items() for name in stated]


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
    """Return the type of the schema at a pointer, in the terms of the pages."""
    schema = ELEMENTS[resolve(pointer)]
    if "anyOf" in schema:
        return " | ".join(type_of(f"{resolve(pointer)}/anyOf/{index}") for index in range(len(schema["anyOf"])))
    if "enum" in schema:
        return " | ".join(schema["enum"])
    types = schema["type"]
    if types == "array":
        return f"{type_of(f'{resolve(pointer)}/items')}[]"
    name = types if isinstance(types, str) else " | ".join(types)
    return f"{name}<{schema['format']}>" if "format" in schema else name


def parameter(operation: str, name: str) -> str:
    """Return the pointer of a parameter."""
    names = [one["name"] for one in ELEMENTS[f"{operation}/parameters"]]
    return f"{operation}/parameters/{names.index(name)}"


def stated_parameter(operation: str, name: str) -> Stated:
    """Return what the spec states about a parameter."""
    schema = f"{parameter(operation, name)}/schema"
    return Stated(type_of(schema), ELEMENTS[schema].get("x-default"))


def spec_field(schema: str, name: str) -> str:
    """Return the pointer of a field of a schema."""
    return f"{schema}/properties/{name}"


def page_example(operation: str) -> Any:
    """Return the example of a page."""
    sample = ROOT / "tests/samples/daily" / OPERATIONS[operation] / "page_example.json"
    return json.loads(sample.read_text(encoding="utf-8"))


def listed_evidence() -> list[str]:
    """Return the pointers that scripts/evidence lists for this spec."""
    listing = subprocess.run(
        [sys.executable, ROOT / "scripts/evidence.py"], capture_output=True, text=True, check=True
    ).stdout
    return [line.removeprefix("daily ") for line in listing.splitlines() if line.startswith("daily /")]


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


@pytest.mark.parametrize(("operation", "name"), PARAMETERS)
def test_a_parameter_is_as_on_the_page(operation: str, name: str) -> None:
    """Each parameter of a page has its type and default in the spec, or a source for a difference."""
    found = stated_parameter(operation, name)
    assert found == PAGE_PARAMETERS[operation][name] or has_evidence(parameter(operation, name))


@pytest.mark.parametrize(("schema", "name"), FIELDS)
def test_a_field_is_as_on_the_page(schema: str, name: str) -> None:
    """Each field of a page has its type in the spec, or a source for a difference; none is required."""
    pointer = spec_field(schema, name)
    assert Stated(type_of(pointer)) == PAGE_FIELDS[schema][name] or has_evidence(pointer)
    assert "required" not in ELEMENTS[schema]


def test_only_these_differ_from_the_pages() -> None:
    """The spec contradicts the pages only about formats, the words of source, and older texts of status."""
    differing = {name for one, name in PARAMETERS if stated_parameter(one, name) != PAGE_PARAMETERS[one][name]}
    differing |= {name for one, name in FIELDS if Stated(type_of(spec_field(one, name))) != PAGE_FIELDS[one][name]}
    bounds = {"startTime", "endTime", "timeframe_start", "timeframe_end"}
    assert differing == {*bounds, "limit", "offset", "source", "status", "createdAt"}


def test_the_spec_has_every_parameter_and_no_other() -> None:
    """The parameters are those of the pages, in order."""
    for operation, stated in PAGE_PARAMETERS.items():
        assert [one["name"] for one in ELEMENTS[f"{operation}/parameters"]] == list(stated)


def test_a_row_has_the_fields_of_the_example() -> None:
    """The rows of GET /logs have the fields of the rows in the example."""
    assert tuple(ELEMENTS["/components/schemas/SessionLog/properties"]) == PAGE_ROW
    assert all(tuple(row) == PAGE_ROW for row in page_example(LOGS)["logs"])


def test_additions_to_the_pages_have_a_source() -> None:
    """Every element of the spec beyond the pages names its source."""
    on_page = {parameter(operation, name) for operation, name in PARAMETERS}
    on_page |= {spec_field(schema, name) for schema, name in FIELDS}
    on_page |= {f"{operation}/responses/200" for operation in OPERATIONS}
    on_page |= {operation.rpartition("/")[0] for operation in OPERATIONS}
    # The text about includeMetrics mentions the array of metrics.
    on_page |= {*PAGE_FIELDS, spec_field(PAGE, "metrics"), "/components/schemas/SessionLog"}
    on_page |= {"/components/securitySchemes/apiKey"}
    assert not [pointer for pointer in elements() if pointer not in on_page and not has_evidence(pointer)]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_example_of_the_page_is_in_the_spec_and_valid(operation: str) -> None:
    """The spec has the example of the page, value for value, and the example is valid for the schema of the answer."""
    media_type = ELEMENTS[f"{operation}/responses/200/content/application~1json"]
    assert media_type["examples"]["documentation"]["value"] == page_example(operation)
    errors = OAS31Validator({**media_type["schema"], "components": SPEC["components"]}).iter_errors(
        page_example(operation)
    )
    assert not [error.message for error in errors]


def test_every_fact_is_listed_with_its_source() -> None:
    """A fact has a statement and a source, and no other field; the listing has all facts."""
    assert len(list(facts())) == len(listed_evidence())
    assert not [fact for fact in facts() if set(fact) != {"fact", "source"} or not all(fact.values())]
