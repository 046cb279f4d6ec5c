"""The documentation page of SignalWire's GET /api/video/logs, transcribed, against the spec."""

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
SPEC: dict[str, Any] = yaml.safe_load((ROOT / "specs/signalwire/openapi.yaml").read_text(encoding="utf-8"))
PAGE_EXAMPLE: dict[str, Any] = json.loads(
    (ROOT / "tests/samples/signalwire/page_example.json").read_text(encoding="utf-8")
)
LIST_LOGS = "/paths/~1api~1video~1logs/get"
EXAMPLE: dict[str, Any] = SPEC["paths"]["/api/video/logs"]["get"]["responses"]["200"]["content"]["application/json"][
    "examples"
]["documentation"]["value"]


class Stated(NamedTuple):
    """What a page or a spec states about one parameter; none is required."""

    type: str
    default: int | bool | None = None
    minimum: int | None = None
    maximum: int | None = None


PAGE_PARAMETERS = {
    "include_deleted": Stated("boolean", default=False),
    "created_before": Stated("string"),
    "created_on": Stated("string"),
    "created_after": Stated("string"),
    "page_number": Stated("integer", default=0, minimum=0),
    "page_size": Stated("integer", default=50, minimum=1, maximum=1000),
    "page_token": Stated("string"),
}
PAGE_STATUSES = {"200", "400", "401", "403", "422", "500"}
# The page has no schema of the answer; the fields are those of its example.
PAGE_FIELDS = {
    "PageLinks": {"self", "first", "next", "prev"},
    "VideoLogPage": {"links", "data"},
    "VideoLog": {
        "id", "source", "type", "url", "room_name", "status", "locked", "started_at", "ended_at", "charge", "created_at",
        "charge_details",
    },
    "ChargeDetail": {"description", "charge"},
}  # fmt: skip
ON_PAGE = {
    LIST_LOGS.rpartition("/")[0],
    "/components/securitySchemes/projectToken",
    *(f"{LIST_LOGS}/responses/{status}" for status in PAGE_STATUSES),
    *(f"/components/schemas/{schema}" for schema in PAGE_FIELDS),
    *(f"/components/schemas/{schema}/properties/{name}" for schema, names in PAGE_FIELDS.items() for name in names),
}


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
PARAMETERS: dict[str, dict[str, Any]] = {one["name"]: one for one in ELEMENTS[f"{LIST_LOGS}/parameters"]}


def stated(name: str) -> Stated:
    """Return what the spec states about a parameter."""
    schema = PARAMETERS[name]["schema"]
    return Stated(schema["type"], schema.get("x-default"), schema.get("minimum"), schema.get("maximum"))


def listed_evidence() -> list[str]:
    """Return the pointers that scripts/evidence lists for this spec."""
    listing = subprocess.run(
        [sys.executable, ROOT / "scripts/evidence.py"], capture_output=True, text=True, check=True
    ).stdout
    return [line.removeprefix("signalwire ") for line in listing.splitlines() if line.startswith("signalwire /")]


EVIDENCE = set(listed_evidence())


def has_evidence(pointer: str) -> bool:
    """Return whether the element, or an enclosing one, names a source."""
    return any(pointer == one or pointer.startswith(f"{one}/") for one in EVIDENCE)


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
    """Each parameter has its type, default and bounds in the spec, and none is required."""
    assert PAGE_PARAMETERS[name] == stated(name)
    assert not PARAMETERS[name].get("required", False)


def test_there_are_no_other_parameters() -> None:
    """The spec has the parameters of the page, and no others."""
    assert set(PARAMETERS) == set(PAGE_PARAMETERS)


def test_each_status_of_the_page_is_in_the_spec() -> None:
    """The spec has the statuses of the page, and 429, which another page documents for all operations."""
    assert set(ELEMENTS[f"{LIST_LOGS}/responses"]) == {*PAGE_STATUSES, "429"}
    assert ELEMENTS[f"{LIST_LOGS}/responses/429"]["x-evidence"]


@pytest.mark.parametrize("schema", PAGE_FIELDS)
def test_each_field_of_the_page_is_in_the_spec(schema: str) -> None:
    """Each field of the page's answer is in the spec; any other field of the spec names its source."""
    pointer = f"/components/schemas/{schema}/properties"
    assert PAGE_FIELDS[schema] <= set(ELEMENTS[pointer])
    assert all(has_evidence(f"{pointer}/{name}") for name in set(ELEMENTS[pointer]) - PAGE_FIELDS[schema])


def test_additions_to_the_page_have_a_source() -> None:
    """Every element of the spec beyond the page names its source."""
    named = {"paths", "responses", "properties", "schemas", "securitySchemes"}
    stating = [pointer for pointer in ELEMENTS if pointer.count("/") > 1 and pointer.split("/")[-2] in named]
    assert len(stating) > len(ON_PAGE)
    assert not [pointer for pointer in stating if pointer not in ON_PAGE and not has_evidence(pointer)]


def test_the_example_of_the_page_is_in_the_spec() -> None:
    """The spec has the logs of the page's example, value for value, and links for the same relations."""
    assert EXAMPLE["data"] == PAGE_EXAMPLE["data"]
    assert list(EXAMPLE["links"]) == list(PAGE_EXAMPLE["links"])


def test_the_links_of_the_example_are_corrected() -> None:
    """The page's links name another operation; those of the spec name this one, with its own parameters."""
    assert all("/api/video/rooms?page=" in link for link in PAGE_EXAMPLE["links"].values())
    for link in EXAMPLE["links"].values():
        address, _, query = link.partition("?")
        assert address == "https://example.signalwire.com/api/video/logs"
        assert {pair.partition("=")[0] for pair in query.split("&")} <= set(PARAMETERS)


@pytest.mark.parametrize("answer", [EXAMPLE, PAGE_EXAMPLE], ids=["repaired", "as on the page"])
def test_the_example_of_the_page_is_valid(answer: dict[str, Any]) -> None:
    """The example is valid for the schema of the answer."""
    schema = {"$ref": "#/components/schemas/VideoLogPage", "components": SPEC["components"]}
    assert not [error.message for error in OAS31Validator(schema).iter_errors(answer)]


def test_evidence_lists_every_fact() -> None:
    """The listing has as many entries as the spec has facts."""
    assert len(list(facts())) == len(listed_evidence())


def test_every_fact_has_a_source() -> None:
    """A fact has a statement and a source, and no other field."""
    assert not [fact for fact in facts() if set(fact) != {"fact", "source"} or not all(fact.values())]
