"""From video logs to records: the golden file, and the mapping field by field."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from logferry._records.origin import Origin
from logferry._records.record import LogRecord
from logferry.services.signalwire._records import NORMALIZER
from logferry.services.signalwire._streams import VIDEO_LOGS
from logferry_clients.signalwire.models import DiscardedLog, VideoLog
from logferry_clients.signalwire.models.discarded_log import fits_discarded_log
from logferry_clients.signalwire.models.video_log import fits_video_log

ORIGIN = Origin(
    stream="signalwire.video_logs",
    account="calls",
    server_address="acme.signalwire.com",
    observed_time_unix_nano=1_795_164_430_000_000_001,
    normalizer=NORMALIZER,
    tenant="project",
)

DISCARDED = {"id": "d1", "discarded_at": "2022-01-02T00:00:00Z", "created_at": "2022-01-01T10:00:00Z"}

MAPPED = {
    "id": "signalwire.log.id",
    "source": "signalwire.source",
    "type": "signalwire.type",
    "url": "signalwire.resource.url",
    "room_name": "signalwire.room.name",
    "status": "signalwire.status",
    "locked": "signalwire.locked",
    "started_at": "signalwire.started_at",
    "ended_at": "signalwire.ended_at",
    "charge": "signalwire.charge",
    "charge_details": "signalwire.charge_details",
}
"""The attribute of each field of the page but ``created_at``."""


def record_of(item: Any, origin: Origin = ORIGIN) -> LogRecord:
    assert fits_discarded_log(item) or fits_video_log(item)
    return NORMALIZER.record(item, origin)


def test_the_page_example_becomes_its_golden_record(
    page_example: list[dict[str, Any]], samples: Path, request: pytest.FixtureRequest
) -> None:
    """The example of the documentation page becomes the record in the golden file."""
    golden = samples / "signalwire/page_example.records.jsonl"
    lines = [record_of(log).to_json().decode() for log in page_example]
    if request.config.getoption("--golden"):
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert golden.read_text(encoding="utf-8").splitlines() == lines


def test_no_field_of_the_page_is_lost(page_example: list[dict[str, Any]]) -> None:
    """Each field of the example is where the mapping says."""
    (log,) = page_example
    record = record_of(log)
    assert record.uid == f"signalwire:project:{log['id']}"
    assert record.time_unix_nano == 1_641_031_200_000_000_000
    assert (record.severity_number, record.severity_text) == (9, None)
    assert record.event_name == "signalwire.video_conference_session"
    assert record.body == "video_conference_session my_room completed"
    assert record.resource == {
        "service.name": "signalwire",
        "server.address": "acme.signalwire.com",
        "signalwire.space": "acme",
        "signalwire.project.id": "project",
    }
    assert record.attributes == {MAPPED[key]: value for key, value in log.items() if key != "created_at"} | {
        "signalwire.duration_s": 3600.0
    }


def test_the_account_replaces_a_missing_project_in_the_uid(page_example: list[dict[str, Any]]) -> None:
    """An origin without a tenant puts the account's name into the uid and no project into the resource."""
    record = record_of(page_example[0], evolve(ORIGIN, tenant=None))
    assert record.uid.startswith("signalwire:calls:")
    assert "signalwire.project.id" not in record.resource


def test_a_custom_host_names_no_space(page_example: list[dict[str, Any]]) -> None:
    """With a custom address the space is unknown."""
    resource = record_of(page_example[0], evolve(ORIGIN, server_address="127.0.0.1")).resource
    assert (resource["server.address"], "signalwire.space" in resource) == ("127.0.0.1", False)


def test_a_session_in_progress_has_no_end(page_example: list[dict[str, Any]]) -> None:
    """Fields that are null during a session are left out, and there is no duration."""
    log = {**page_example[0], "status": "in-progress", "ended_at": None, "room_name": None, "url": None}
    record = record_of(log)
    assert record.body == "video_conference_session in-progress"
    gone = {"signalwire.ended_at", "signalwire.duration_s", "signalwire.room.name", "signalwire.resource.url"}
    assert not gone & set(record.attributes)
    assert record.uid == record_of(page_example[0]).uid


def test_an_unknown_type_has_no_event_name(page_example: list[dict[str, Any]]) -> None:
    """An undocumented type stays in attribute and body; the event name remains one of the known ones."""
    record = record_of({**page_example[0], "type": "video_hologram", "source": "sip"})
    assert record.event_name == "signalwire.video.log"
    assert record.attributes["signalwire.type"] == "video_hologram"
    assert record.attributes["signalwire.source"] == "sip"


def test_the_older_shape_gives_the_same_attributes(page_example: list[dict[str, Any]]) -> None:
    """Older names of times, and a charge as a string, become the current attributes."""
    log = dict(page_example[0])
    older = {
        "start_time": log.pop("started_at"),
        "end_time": log.pop("ended_at"),
        "updated_at": "2022-01-01T11:00:01Z",
        "charge": "0.01",
        "source": "realtime-api",
    }
    del log["locked"]
    new, old = record_of(page_example[0]).attributes, record_of(log | older).attributes
    assert old.pop("signalwire.updated_at") == "2022-01-01T11:00:01Z"
    assert old | {"signalwire.source": "realtime_api", "signalwire.locked": False} == new


@pytest.mark.parametrize(
    ("charge", "expected"), [(0.01, 0.01), ("0.01", 0.01), ("5", 5.0), ("free", "free"), ("", ""), ("0.0.1", "0.0.1")]
)
def test_a_charge_is_a_number_where_it_can_be(charge: Any, expected: Any, page_example: list[dict[str, Any]]) -> None:
    """A numeric string becomes a number; another string stays."""
    assert record_of({**page_example[0], "charge": charge}).attributes["signalwire.charge"] == expected


def test_unknown_fields_are_kept_without_secrets(page_example: list[dict[str, Any]]) -> None:
    """An undocumented field becomes an attribute; possible secrets are masked there and in raw."""
    log = {**page_example[0], "region": {"name": "eu"}, "join_token": "live"}
    record = record_of(log)
    assert record.attributes["signalwire.region"] == {"name": "eu"}
    assert record.attributes["signalwire.join_token"] == "******"
    assert record.raw["join_token"] == "live"


def test_a_deleted_log_is_a_record() -> None:
    """A deleted log is a record with its own time, and each model recognises its kind."""
    record = record_of(DISCARDED)
    assert (record.uid, record.body, record.event_name) == (
        "signalwire:project:d1",
        "discarded",
        "signalwire.video.log",
    )
    assert record.time_unix_nano == 1_641_031_200_000_000_000
    assert record.attributes == {
        "signalwire.log.id": "d1",
        "signalwire.discarded_at": "2022-01-02T00:00:00Z",
    }


def test_every_field_round_trips(page_example: list[dict[str, Any]]) -> None:
    """Each item survives item -> entry -> JSON unchanged, as the model of its kind."""
    for item, kind in ((page_example[0], VideoLog), (DISCARDED, DiscardedLog)):
        entry = VIDEO_LOGS.entry(item)
        assert isinstance(entry, kind)
        assert entry.to_dict() == item


def test_an_invalid_item_is_repaired_as_its_kind(page_example: list[dict[str, Any]]) -> None:
    """Fields that do not decode are removed and listed, and the others stay."""
    bad: dict[str, Any] = {**page_example[0], "locked": "perhaps", "charge_details": [{"charge": {}}]}
    assert not VIDEO_LOGS.fits(bad)
    repaired = VIDEO_LOGS.repair(bad)
    assert repaired.complete
    assert {issue.partition(":")[0] for issue in repaired.issues} == {"locked", "charge_details[0].charge"}
    lost = VIDEO_LOGS.repair({"id": "d1", "discarded_at": 7})
    assert not lost.complete
    assert NORMALIZER.record(lost.value, ORIGIN).uid == "signalwire:project:d1"


def test_an_unreadable_time_is_an_issue(page_example: list[dict[str, Any]]) -> None:
    """An unreadable creation time becomes time 0 with an issue, and the record can still be written."""
    record = record_of({**page_example[0], "created_at": "soon"})
    assert (record.time_unix_nano, record.issues) == (0, ("created_at: no date and time",))
    assert record.to_json()


def test_records_survive_pickling(page_example: list[dict[str, Any]]) -> None:
    """A record that was pickled in another process keeps its project."""
    record = record_of(page_example[0])
    copy = pickle.loads(pickle.dumps(record))  # noqa: S301  # our own data
    assert copy == record
    assert copy.uid == record.uid
