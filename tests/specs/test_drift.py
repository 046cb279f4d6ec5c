"""``logferry.specs.drift``: what recorded traffic has that the specs do not."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from logferry import InvalidRequestError
from logferry.cli import main
from logferry.specs import drift

SAMPLES = Path(__file__).parents[1] / "samples"
LOGS: list[dict[str, Any]] = json.loads((SAMPLES / "logto/list_audit_logs/logs.json").read_text(encoding="utf-8"))

Har = Callable[..., Path]


def entry(url: str, body: Any, *, status: int = 200, method: str = "GET", encoded: bool = False) -> dict[str, Any]:
    """Return one exchange of a HAR file."""
    text = json.dumps(body)
    content = {"mimeType": "application/json", "text": base64.b64encode(text.encode()).decode() if encoded else text}
    if encoded:
        content["encoding"] = "base64"
    return {"request": {"method": method, "url": url}, "response": {"status": status, "content": content}}


@pytest.fixture
def har(tmp_path: Path) -> Har:
    """Return a function that writes exchanges to a HAR file."""

    def write(*entries: dict[str, Any]) -> Path:
        path = tmp_path / "traffic.har"
        path.write_text(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}), encoding="utf-8")
        return path

    return write


def log(**payload: Any) -> dict[str, Any]:
    """Return a log of a real server, with changes in its payload."""
    changed = copy.deepcopy(LOGS[0])
    changed["payload"].update(payload)
    return changed


def test_traffic_of_a_real_server_has_only_what_is_known_to_be_missing(har: Har) -> None:
    """The 150 logs of a real server have the types of the spec; fields that releases add are named."""
    found = drift(har(entry("https://acme.logto.app/api/logs?page=1&page_size=100", LOGS)), ["logto"])
    assert (found.exchanges, found.matched) == (1, 1)
    assert all("no such field" in one.what for one in found.sightings)
    assert all(one.place.startswith("response 200: [].payload.") for one in found.sightings)


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        ({"newField": 1}, "response 200: [].payload.newField", "the spec has no such field, here of type integer"),
        ({"ip": 7}, "response 200: [].payload.ip", "the type is integer, not string"),
        ({"ip": None}, "response 200: [].payload.ip", "the type is null, not string"),
        ({"result": "Skipped"}, "response 200: [].payload.result", "the known values do not include Skipped"),
        ({"userAgentParsed": {"os": {"name": []}}}, "response 200: [].payload.userAgentParsed.os.name", "the type is array, not string"),
    ],
    ids=["field", "type", "null", "enum value", "within an object"],
)  # fmt: skip
def test_what_the_spec_lacks_is_found(change: dict[str, Any], place: str, what: str, har: Har) -> None:
    """Each sighting has the operation, the path to the value and what differs, and how many exchanges have it."""
    page = entry("https://acme.logto.app/api/logs", [log(**change), log()], encoded=True)
    found = drift(har(page, page))
    assert (place, what, 2) in {(one.place, one.what, one.times) for one in found.sightings}
    assert {(one.spec, one.operation) for one in found.sightings} == {("logto", "GET /api/logs")}


def test_a_missing_field_is_found(har: Har) -> None:
    """A required field that a response lacks is a sighting."""
    changed = log()
    del changed["payload"]["result"]
    found = drift(har(entry("https://acme.logto.app/api/logs", [changed])))
    assert ("response 200: [].payload.result", "the field is required, and missing") in {
        (one.place, one.what) for one in found.sightings
    }


def test_parameters_statuses_and_operations_are_found(har: Har) -> None:
    """So are a parameter, a status and an operation that no spec has."""
    found = drift(
        har(
            entry("https://acme.logto.app/api/logs?page=1&colour=red", [], status=200),
            entry("https://acme.logto.app/api/logs", {"message": "x"}, status=418),
            entry("https://api.daily.co/v1/logs/api?source=api", []),
            entry("https://example.com/other", {}),
        )
    )
    assert [(one.spec, one.operation, one.place) for one in found.sightings] == [
        ("logto", "GET /api/logs", "parameter colour"),
        ("logto", "GET /api/logs", "response 418"),
        ("", "GET /other", ""),
    ]
    assert (found.exchanges, found.matched) == (4, 3)


def test_no_value_is_shown(har: Har) -> None:
    """Values that can be secrets are not in the result, whatever is wrong with them."""
    page = [log(ip=["hush"], password="hush", userAgentParsed="hush", error=7)]
    found = drift(har(entry("https://acme.logto.app/api/logs?page=hush", page)))
    assert found.sightings
    assert "hush" not in found.formatted("json") + found.formatted("text")


def test_a_request_body_is_compared(har: Har) -> None:
    """A JSON body of a request is held against the spec, too."""
    spec = Path(__file__).with_name("documents") / "events.yaml"
    sent = entry("https://events.1password.com/api/v2/auditevents", {"items": []}, method="POST")
    sent["request"]["postData"] = {"mimeType": "application/json", "text": '{"cursor": 7}'}
    found = drift(har(sent), [spec])
    assert [(one.place, one.what) for one in found.sightings] == [
        ("request body: cursor", "the type is integer, not string")
    ]


def test_the_command_exits_with_1_where_specs_lack_something(har: Har) -> None:
    """The command prints a line for each sighting and one for the exchanges."""
    path = str(har(entry("https://acme.logto.app/api/logs", [log(brandNew=True)])))
    done = CliRunner().invoke(main, ["spec", "drift", path])
    assert done.exit_code == 1
    assert "logto: GET /api/logs, response 200: [].payload.brandNew: the spec has no such field" in done.stdout
    assert "1 of 1 exchanges are of a spec" in done.stdout
    path = str(har(entry("https://acme.logto.app/api/logs", [])))
    assert CliRunner().invoke(main, ["spec", "drift", path, "--format", "markdown"]).exit_code == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log": {"entries": 1}}', "[" * 100_000])
def test_a_file_that_is_no_traffic_is_an_error(text: str, tmp_path: Path) -> None:
    """A file that is no HAR file is refused."""
    path = tmp_path / "traffic.har"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequestError):
        drift(path)
