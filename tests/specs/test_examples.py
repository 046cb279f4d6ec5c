"""Every example in every spec is valid for its schema, since servers and documents are made from both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from openapi_schema_validator import OAS31Validator

from logferry._json import is_array

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*/openapi.yaml"))


def examples(node: Any, pointer: str = "") -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Yield the examples of media types, parameters and schemas, each with its pointer and schema."""
    if isinstance(node, list):
        for index, child in enumerate(cast("Sequence[Any]", node)):
            yield from examples(child, f"{pointer}/{index}")
    if isinstance(node, dict):
        element = cast("dict[str, Any]", node)
        schema = element.get("schema", element)
        given: Any = element.get("examples", [])
        # Media types have examples as an object by name, schemas as a list.
        values = given if is_array(given) else [one["value"] for one in given.values()]
        for number, value in enumerate([*values, *([element["example"]] if "example" in element else [])]):
            yield f"{pointer}/examples/{number}", schema, value
        for name, child in element.items():
            if name not in {"examples", "example"}:
                yield from examples(child, f"{pointer}/{name}")


def misfits(spec: Mapping[str, Any]) -> list[str]:
    """Return the violations with their pointers."""
    return [
        f"{pointer}{error.json_path}: {error.message}"
        for pointer, schema, value in examples(spec)
        for error in OAS31Validator({**schema, "components": spec["components"]}).iter_errors(value)
    ]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.parent.name)
def test_every_example_is_valid(path: Path) -> None:
    """A mock server made from the spec answers with its examples, and refuses values that its schema refuses."""
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(examples(spec))
    assert misfits(spec) == []


def test_an_invalid_example_is_found() -> None:
    """An invalid example is found beside a schema and within one."""
    spec = {
        "components": {"schemas": {"Id": {"type": "string", "minLength": 24, "examples": ["short"]}}},
        "content": {"schema": {"$ref": "#/components/schemas/Id"}, "examples": {"one": {"value": 7}}},
        "parameter": {"schema": {"type": "integer", "example": "text"}},
    }
    assert len(misfits(spec)) == 3
