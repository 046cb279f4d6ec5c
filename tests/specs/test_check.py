"""``logferry.specs.check``: a vendor's published spec against ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from logferry import InvalidRequestError
from logferry.cli import main
from logferry.specs import Accepted, check
from logferry.specs._check import accepted_of, read_accepted

Document = dict[str, Any]
ROOT = Path(__file__).parents[2]
SERVICES = ("cognigy", "daily", "logto", "signalwire")


@pytest.fixture
def vendor(tmp_path: Path) -> Callable[[Callable[[Document], None]], Path]:
    """Return a function that writes Logto's spec as a vendor might have it: more operations, other names, a change."""

    def write(change: Callable[[Document], None]) -> Path:
        document: Document = json.loads((files("logferry_clients") / "logto/openapi.json").read_text(encoding="utf-8"))
        document["servers"] = [{"url": "https://elsewhere.example"}]
        document["paths"]["/api/users"] = {"get": {"responses": {"200": {"description": "Users."}}}}
        change(document)
        (tmp_path / "vendor.json").write_text(json.dumps(document), encoding="utf-8")
        return tmp_path / "vendor.json"

    return write


def _same(_: Document) -> None:
    """Change nothing."""


def _changed(document: Document) -> None:
    document["components"]["schemas"]["AuditLogPayload"]["properties"]["newField"] = {"type": "string"}
    document["components"]["schemas"]["AuditLogPayload"]["properties"]["ip"]["format"] = "ipv4"


def test_what_ours_does_not_have_is_left_out(vendor: Callable[..., Path]) -> None:
    """Further operations and other servers of the vendor's spec are no differences."""
    assert check("logto", vendor(_same)).difference.changes == ()


def test_differences_are_found(vendor: Callable[..., Path]) -> None:
    """Each difference in an operation of ours is found, compatible ones included."""
    found = check("logto", vendor(_changed))
    places = {(one.place, one.what) for one in found.difference.changes}
    assert ("response 200: [].payload.newField", "the property came") in places
    assert ("response 200: [].payload.ip", "format was not set, and is 'ipv4'") in places


def test_accepted_differences_have_a_reason_and_a_source(vendor: Callable[..., Path]) -> None:
    """An accepted difference is counted with its reason; one that is none any more is named."""
    meant = Accepted(operation="GET *", place="*.ip", reason="Texts stay.", source="a decision of this client")
    stale = Accepted(operation="GET /api/logs", place="parameter nothing", reason="x", source="y")
    found = check("logto", vendor(_changed), accepted=[meant, stale])
    assert {one.place for one in found.difference.changes} == {
        "response 200: [].payload.newField",
        "response 200: payload.newField",
    }
    assert {(change.place, one.reason) for change, one in found.accepted} == {
        ("response 200: [].payload.ip", "Texts stay."),
        ("response 200: payload.ip", "Texts stay."),
    }
    assert found.unused == (stale,)


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_its_accepted_differences(service: str) -> None:
    """The file of each service is installed as it is committed, and each entry has a reason and a source."""
    text = (ROOT / "specs" / service / "accepted.json").read_text(encoding="utf-8")
    assert accepted_of(service) == read_accepted(text, service)


@pytest.mark.parametrize(
    "rows",
    [
        [{"operation": "GET /x", "place": "", "reason": "", "source": "y"}],
        [{"operation": "GET /x", "place": "", "reason": "x", "source": " "}],
        [{"operation": "GET /x", "place": "", "reason": "x"}],
        [1],
        {"a": 1},
    ],
)
def test_an_entry_without_reason_or_source_is_refused(rows: Any) -> None:
    """A difference is not accepted without a reason and a source."""
    with pytest.raises(InvalidRequestError):
        read_accepted(json.dumps(rows), "accepted.json")


def test_the_command_exits_with_1_at_a_difference(vendor: Callable[..., Path], tmp_path: Path) -> None:
    """The command prints differences; with all of them accepted it exits with 0."""
    path = str(vendor(_changed))
    done = CliRunner().invoke(main, ["spec", "check", "logto", "--against", path])
    assert done.exit_code == 1
    assert "payload.newField: the property came" in done.stdout
    accepted = tmp_path / "accepted.json"
    accepted.write_text(json.dumps([{"operation": "*", "place": "*", "reason": "x", "source": "y"}]), encoding="utf-8")
    done = CliRunner().invoke(main, ["spec", "check", "logto", "--against", path, "--accepted", str(accepted)])
    assert done.exit_code == 0, done.output
    assert CliRunner().invoke(main, ["spec", "check", "nothing", "--against", path]).exit_code == 2
