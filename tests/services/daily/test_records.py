"""From Daily's items to records: the golden files, and the mapping field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from logferry._records.origin import Origin
from logferry._records.record import LogRecord
from logferry._streams.definition import StreamDefinition
from logferry.services.daily._api_logs import API_LOGS
from logferry.services.daily._meetings import MEETINGS
from logferry.services.daily._sessions.streams import SESSION_LOGS, SESSION_METRICS
from logferry_clients.daily.models import ApiLog, Meeting, SessionLog

TOKEN = "live-secret"  # made up


def record_of(definition: StreamDefinition[Any, Any, Any], item: Any) -> LogRecord:
    """Return the record of an item that decodes."""
    assert definition.fits(item)
    origin = Origin(
        stream=definition.name,
        account="rooms",
        server_address="api.daily.co",
        observed_time_unix_nano=1_795_164_430_000_000_001,
        normalizer=definition.normalizer,
    )
    record: LogRecord = definition.normalizer.record(item, origin)
    return record


def page_example(samples: Path, operation: str) -> list[dict[str, Any]]:
    """Return the rows of the answer on a documentation page."""
    body = orjson.loads((samples / "daily" / operation / "page_example.json").read_bytes())
    arrays = {"list_logs": "logs", "list_meetings": "data"}
    rows: list[dict[str, Any]] = body[arrays[operation]] if operation in arrays else body
    return rows


@pytest.mark.parametrize(
    ("operation", "definition"),
    [("list_logs", SESSION_LOGS), ("list_api_logs", API_LOGS), ("list_meetings", MEETINGS)],
)
def test_the_page_example_becomes_its_golden_records(
    operation: str, definition: StreamDefinition[Any, Any, Any], samples: Path, request: pytest.FixtureRequest
) -> None:
    """The example of the documentation page becomes the records in the golden file."""
    golden = samples / "daily" / operation / "page_example.records.jsonl"
    lines = [record_of(definition, item).to_json().decode() for item in page_example(samples, operation)]
    if request.config.getoption("--golden"):
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert golden.read_text(encoding="utf-8").splitlines() == lines


def test_entries_round_trip(samples: Path) -> None:
    """The typed models keep every field of the examples."""
    for item in page_example(samples, "list_logs"):
        assert SessionLog.from_dict(item).to_dict() == item
    for item in page_example(samples, "list_api_logs"):
        assert ApiLog.from_dict(item).to_dict() == item
    for item in page_example(samples, "list_meetings"):
        assert Meeting.from_dict(item).to_dict() == item


def test_every_field_of_a_session_log_has_its_target(samples: Path) -> None:
    """Each documented field is where the mapping says; a null peer is left out."""
    alone, *_, other = page_example(samples, "list_logs")
    record = record_of(SESSION_LOGS, other)
    assert record.time_unix_nano == 1_774_283_575_473_000_000
    assert (record.body, record.event_name) == (other["message"], "daily.call.log")
    assert record.uid.startswith(f"daily:{other['domainName']}:")
    assert record.resource == {
        "service.name": "daily",
        "server.address": "api.daily.co",
        "daily.domain.name": other["domainName"],
    }
    assert record.attributes == {
        "daily.client_time": other["clientTime"],
        "daily.level": other["level"],
        "daily.log.code": other["code"],
        "daily.meeting_session.id": other["mtgSessionId"],
        "session.id": other["userSessionId"],
        "daily.peer.id": other["peerId"],
    }
    assert "daily.peer.id" not in record_of(SESSION_LOGS, alone).attributes


def test_every_field_of_an_api_log_is_mapped_or_kept_in_raw(samples: Path) -> None:
    """Each documented field is where the mapping says; a body, which can hold tokens, is reduced to its size."""
    item = page_example(samples, "list_api_logs")[-1]
    record = record_of(API_LOGS, item)
    assert record.uid == f"daily:{item['domainId']}:{item['id']}"
    assert record.time_unix_nano == 1_710_528_060_000_000_000
    assert record.resource["daily.domain.id"] == item["domainId"]
    assert record.attributes == {
        "daily.source": item["source"],
        "client.address": item["ip"],
        "http.request.method": item["method"],
        "url.path": item["url"],
        "http.response.status_code": item["status"],
        "error.type": "invalid-request-error",
        "daily.error.info": "room not found",
        "user.id": item["userId"],
        "http.request.body.size": len(item["request"]),
        "http.response.body.size": len(item["response"]),
    }
    assert record.to_dict(raw=True)["raw"] == item


def test_every_field_of_a_meeting_has_its_target(samples: Path) -> None:
    """Each documented field is where the mapping says; the session id has the same attribute name as in logs."""
    item = page_example(samples, "list_meetings")[1]
    record = record_of(MEETINGS, item)
    assert record.uid == f"daily:rooms:{item['id']}"
    assert record.time_unix_nano == item["start_time"] * 10**9
    assert (record.body, record.event_name, record.severity_number) == ("meeting my-room ended", "daily.meeting", 9)
    assert record.resource == {"service.name": "daily", "server.address": "api.daily.co"}
    assert record.attributes == {
        "daily.meeting_session.id": item["id"],
        "daily.room.name": item["room"],
        "daily.meeting.duration_s": item["duration"],
        "daily.meeting.ongoing": item["ongoing"],
        "daily.meeting.max_participants": item["max_participants"],
        "daily.meeting.participants": item["participants"],
    }


@pytest.mark.parametrize(
    ("item", "body"),
    [
        ({}, "meeting"),
        ({"room": "hello"}, "meeting hello"),
        ({"room": "hello", "ongoing": True}, "meeting hello ongoing"),
        ({"room": "", "ongoing": False}, "meeting ended"),
    ],
)
def test_the_text_of_a_meeting(item: dict[str, Any], body: str) -> None:
    """The body names the room and the state where known; unknown values have no attribute."""
    record = record_of(MEETINGS, {"start_time": 10**12, **item})
    assert (record.body, record.time_unix_nano) == (body, 0)
    assert record.issues == ("start_time: no moment between the years 1 and 9999",)
    assert None not in record.attributes.values()


@pytest.mark.parametrize(("level", "severity"), [(0, 17), (1, 9), (2, 5), (3, 0), (-1, 0)])
def test_levels_have_a_number_and_no_text(level: int, severity: int) -> None:
    """Daily sends numeric levels, so there is no severity text; an undocumented level has no severity."""
    record = record_of(SESSION_LOGS, {"time": "2026-03-23T16:32:55.473000001Z", "level": level})
    assert (record.severity_number, record.severity_text) == (severity, None)
    assert record.attributes["daily.level"] == level
    assert record.time_unix_nano % 1000 == 1


@pytest.mark.parametrize("item", [{}, {"time": "soon"}, {"time": ""}])
def test_an_unreadable_time_is_an_issue(item: dict[str, Any]) -> None:
    """A time that cannot be read is unknown and an issue."""
    record = record_of(SESSION_LOGS, item)
    assert (record.time_unix_nano, record.issues) == (0, ("time: no date and time",))
    assert record.severity_number == 0
    assert record_of(API_LOGS, {"createdAt": "soon"}).issues == ("createdAt: no date and time",)


def test_undocumented_fields_are_kept() -> None:
    """Undocumented fields get names under Daily's prefix; possible secrets are masked."""
    item = {"time": "2026-03-23T16:32:55Z", "sdk": {"version": "1"}, "token": TOKEN}
    attributes = record_of(SESSION_LOGS, item).attributes
    assert attributes == {"daily.sdk": {"version": "1"}, "daily.token": "******"}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"url": "/v1/rooms?limit=5&token=live-secret"},
            {"url.path": "/v1/rooms", "url.query": "limit=5&token=******"},
        ),
        ({"url": "/v1/meeting-tokens/live-secret"}, {"url.path": "/v1/meeting-tokens/******"}),
        ({"url": "/room?t=live-secret&x=1"}, {"url.path": "/room", "url.query": "t=******&x=1"}),
        (
            {"url": "https://me:live-secret@hooks.example/in?a=b", "source": "webhook"},
            {"url.full": "https://hooks.example/in?a=b", "daily.source": "webhook"},
        ),
        ({"url": "http://["}, {}),
        ({"method": "BREW"}, {"http.request.method": "_OTHER", "http.request.method_original": "BREW"}),
        ({"status": "404"}, {"http.response.status_code": 404, "error.type": "404"}),
        ({"status": "gone"}, {"daily.status": "gone"}),
        ({"request": "h\u00e9", "response": None}, {"http.request.body.size": 3}),
        (
            {
                "status": 400,
                "response": '{"error":"invalid-request-error","info":"room not found","token":"live-secret"}',
            },
            {
                "http.response.status_code": 400,
                "error.type": "invalid-request-error",
                "daily.error.info": "room not found",
                "http.response.body.size": 79,
            },
        ),
        (
            {"status": 200, "response": '{"token":"live-secret"}'},
            {"http.response.status_code": 200, "http.response.body.size": 23},
        ),
    ],
)
def test_bodies_and_tokens_of_an_api_log_stay_in_raw(item: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each field has its attribute; bodies and tokens are only in the raw item."""
    record = record_of(API_LOGS, {"createdAt": "2024-03-15T18:42:00.000Z", **item})
    assert record.attributes == expected
    assert TOKEN not in str(record.to_dict())


@pytest.mark.parametrize(
    ("status", "severity"), [(200, 9), (302, 9), (404, 13), ("500", 17), (0, 0), ("gone", 0), (None, 0)]
)
def test_the_status_sets_the_severity(status: Any, severity: int) -> None:
    """A 4xx status is a warning and a 5xx status an error; an invalid status has no severity."""
    item = {"method": "GET", "url": "/v1/rooms?a=b"} | ({} if status is None else {"status": status})
    record = record_of(API_LOGS, item)
    assert (record.severity_number, record.severity_text) == (severity, None)
    assert record.body == ("GET /v1/rooms" if status in {None, "gone"} else f"GET /v1/rooms -> {status}")


def test_events_are_named_after_their_source() -> None:
    """Requests and webhooks have different event names; an undocumented source has none."""
    names = [record_of(API_LOGS, {"source": source}).event_name for source in ("api", "webhook", "other")]
    assert names == ["daily.api.request", "daily.webhook.delivery", None]


@pytest.mark.parametrize(
    ("item", "time", "issues"),
    [
        ({"time": "1970-01-01T00:00:01Z"}, 10**9, ()),
        ({"timestamp": 2000}, 2 * 10**9, ()),
        ({"kind": "track"}, 0, ("time: no date and time",)),
        ({"time": "soon"}, 0, ("time: no date and time",)),
    ],
)
def test_a_metric_keeps_its_whole_item(item: dict[str, Any], time: int, issues: tuple[str, ...]) -> None:
    """All fields of a sample are under one attribute; its time comes from either of its time fields."""
    record = record_of(SESSION_METRICS, {**item, "domainName": "rooms"})
    assert record.attributes == {"daily.metrics": {**item, "domainName": "rooms"}}
    assert (record.time_unix_nano, record.issues, record.severity_number) == (time, issues, 0)
    assert record.resource["daily.domain.name"] == "rooms"


def test_a_metric_has_the_attributes_of_its_call() -> None:
    """Session, room and device time also have attributes of their own; numbers stay in the whole item."""
    item = {
        "time": "2026-01-01T00:00:00.125Z",
        "clientTime": "2026-01-01T00:00:00.100Z",
        "mtgSessionId": "m",
        "userSessionId": "u",
        "roomName": "hello",
        "domainName": "rooms",
        "videoRecvPacketLoss": 0.5,
        "userSentBitsPerSecAvg": None,
        "metrics": {"sfu-recv": {"transport": {"recvPacketsLostPct": 1}}},
        "later": [1],
    }
    assert record_of(SESSION_METRICS, item).attributes == {
        "daily.client_time": "2026-01-01T00:00:00.100Z",
        "daily.meeting_session.id": "m",
        "session.id": "u",
        "daily.room.name": "hello",
        "daily.metrics": item,
    }
    entry = SESSION_METRICS.entry(item)
    assert (entry.room_name, entry.video_recv_packet_loss, entry["later"]) == ("hello", 0.5, [1])
    assert entry.to_dict() == item


def test_an_item_that_does_not_decode_is_repaired() -> None:
    """Fields that do not decode are removed and listed, even if the whole item is no object."""
    repaired = SESSION_LOGS.repair({"time": 5, "message": "m", "level": "high"})
    assert repaired.value == {"message": "m"}
    assert len(repaired.issues) == 2
    assert SESSION_METRICS.repair("text").value == {}
    assert not SESSION_METRICS.repair("text").complete
