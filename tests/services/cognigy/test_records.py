"""From log entries to records: the golden file, and the mapping field by field."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest

from logferry._records.origin import Origin
from logferry._records.record import LogRecord
from logferry.services.cognigy._records import NORMALIZER
from logferry_clients.cognigy.models.log_entry import LogEntry, fits_log_entry, repair_log_entry

ORIGIN = Origin(
    stream="cognigy.project_logs",
    account="bots",
    server_address="api-trial.cognigy.ai",
    observed_time_unix_nano=1_795_164_430_000_000_001,
    normalizer=NORMALIZER,
    tenant="64f0c0ffee64f0c0ffee64f0",
    filters={"project_id": "64f0c0ffee64f0c0ffee64f0"},
)

ENTRY: dict[str, Any] = {
    "_id": "65000000000f43e00c7669e0",
    "timestamp": "2026-01-01T00:00:00.123Z",
    "msg": "HTTP request failed",
    "meta": {"userId": "anna", "sessionId": "s-1", "flowName": "Main", "channel": "webchat3", "apiToken": "live"},
    "traceId": "2F1E0D3C-0000-4000-8000-00000000000A",
    "type": "error",
    "organisation": "acme",
}


def record_of(item: Any, **origin: Any) -> LogRecord:
    assert fits_log_entry(item)
    return NORMALIZER.record(item, attrs.evolve(ORIGIN, **origin))


def test_the_page_example_becomes_its_golden_record(samples: Path, request: pytest.FixtureRequest) -> None:
    """The example of the documentation page becomes the record in the golden file."""
    golden = samples / "cognigy/page_example.records.jsonl"
    page = orjson.loads((samples / "cognigy/page_example.json").read_bytes())
    lines = [record_of(item).to_json().decode() for item in page["items"]]
    if request.config.getoption("--golden"):
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert golden.read_text(encoding="utf-8").splitlines() == lines


def test_every_field_has_its_target() -> None:
    """Each field is where the mapping says; fields that can hold a valid secret stay in ``raw``."""
    record = record_of(ENTRY)
    assert record.uid == "cognigy:64f0c0ffee64f0c0ffee64f0:65000000000f43e00c7669e0"
    assert record.time_unix_nano == 1_767_225_600_123_000_000
    assert (record.body, record.event_name) == ("HTTP request failed", None)
    assert record.trace_id == "2f1e0d3c00004000800000000000000a"
    assert record.attributes == {
        "cognigy.trace.id": "2F1E0D3C-0000-4000-8000-00000000000A",
        "user.id": "anna",
        "session.id": "s-1",
        "cognigy.flow.name": "Main",
        "cognigy.meta": {"channel": "webchat3", "apiToken": "******"},
        "cognigy.organisation": "acme",
    }
    assert record.resource == {
        "service.name": "cognigy.ai",
        "server.address": "api-trial.cognigy.ai",
        "cognigy.project.id": "64f0c0ffee64f0c0ffee64f0",
    }
    assert record.raw == ENTRY


def test_an_entry_round_trips_through_its_model() -> None:
    """Item -> entry -> JSON changes no value."""
    assert LogEntry.from_dict(ENTRY).to_dict() == ENTRY


@pytest.mark.parametrize(
    ("level", "number"),
    [("fatal", 21), ("error", 17), ("warn", 13), ("info", 9), ("debug", 5), ("trace", 1), ("audit", 0)],
)
def test_severity_is_the_level(level: str, number: int) -> None:
    """Each level has its number; an undocumented level stays in the text."""
    record = record_of({**ENTRY, "type": level})
    assert (record.severity_number, record.severity_text) == (number, level)


@pytest.mark.parametrize(
    ("asked", "severity"),
    [(None, (0, None)), (["warn"], (13, "warn")), (["warn", "error"], (0, None))],
)
def test_an_entry_without_a_level_takes_the_requested_one(
    asked: list[str] | None, severity: tuple[int, str | None]
) -> None:
    """A query for one level sets the severity; with several levels, or none, the severity is unknown."""
    item = {name: value for name, value in ENTRY.items() if name != "type"}
    record = record_of(item, filters={"type_": asked})
    assert (record.severity_number, record.severity_text) == severity
    assert record_of(ENTRY, filters={"type_": ["warn"]}).severity_text == "error"


@pytest.mark.parametrize(
    ("text", "trace_id"),
    [
        ("0AF7651916CD43DD8448EB211C80319C", "0af7651916cd43dd8448eb211c80319c"),
        ("00000000-0000-0000-0000-000000000000", None),
        ("0af7651916cd43dd8448eb211c80319", None),
        ("0af7651916cd-43dd8448eb211c80319c", None),
        ("turn-7", None),
    ],
)
def test_only_a_valid_trace_id_is_a_trace_id(text: str, trace_id: str | None) -> None:
    """A trace id is 32 hexadecimal digits or a UUID, not all zero; the attribute always has the text."""
    record = record_of({**ENTRY, "traceId": text})
    assert (record.trace_id, record.attributes["cognigy.trace.id"]) == (trace_id, text)


def test_known_fields_of_meta_are_attributes_only_as_text() -> None:
    """``meta`` is undocumented, so a user that is not a string stays there."""
    attributes = record_of({**ENTRY, "meta": {"userId": 7}}).attributes
    assert attributes["cognigy.meta"] == {"userId": 7}
    assert "user.id" not in attributes


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_an_unreadable_time_is_unknown_and_flagged(text: str) -> None:
    """An invalid time becomes time 0 with an issue."""
    record = record_of({**ENTRY, "timestamp": text})
    assert (record.time_unix_nano, len(record.issues)) == (0, 1)


def test_the_account_replaces_a_missing_project_in_the_uid() -> None:
    """A record normalized by hand without a project has the account's name in its uid."""
    record = record_of(ENTRY, tenant=None)
    assert record.uid.startswith("cognigy:bots:")
    assert "cognigy.project.id" not in record.resource


def test_an_item_that_does_not_decode_is_repaired() -> None:
    """The record lists the fields that do not decode and has the others."""
    repaired = repair_log_entry({"_id": "a", "timestamp": "2026-01-01T00:00:00Z", "msg": 7, "meta": None})
    assert len(repaired.issues) == 2
    assert repaired.complete
    assert record_of(repaired.value).body is None


def test_the_project_is_part_of_the_uid_and_is_pickled() -> None:
    """The same entry has the same uid with any filters, but another uid in another project."""
    record = record_of(ENTRY)
    assert record == record_of(ENTRY, filters={"user_id": "anna"}) == pickle.loads(pickle.dumps(record))  # noqa: S301
    assert record != record_of(ENTRY, tenant="0" * 24)
    assert record_of(ENTRY, tenant="0" * 24).uid.startswith(f"cognigy:{'0' * 24}:")
