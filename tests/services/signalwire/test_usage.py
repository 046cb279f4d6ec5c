"""The logs of calls, messages, faxes and conferences: what distinguishes them from the video logs."""

from __future__ import annotations

from typing import Any, Final

import pytest

import logferry
from logferry._records.origin import Origin
from logferry._records.record import LogRecord
from logferry._streams.definition import StreamDefinition
from logferry.extend import ERROR, INFO, WARN
from logferry.services.signalwire._streams import CONFERENCE_LOGS, FAX_LOGS, MESSAGE_LOGS, VOICE_LOGS
from logferry.testing import InProcessTransport, SignalWireFake, connected

CREATED: Final = 1_767_225_600_000_000_000
DAY: Final = 86_400_000_000_000
DEFINITIONS: Final[dict[str, StreamDefinition[Any, Any, Any]]] = {
    one.name: one for one in (CONFERENCE_LOGS, FAX_LOGS, MESSAGE_LOGS, VOICE_LOGS)
}
ROW: Final = {"id": "a", "created_at": "2026-01-01T00:00:00Z"}


def record(definition: StreamDefinition[Any, Any, Any], **fields: Any) -> LogRecord:
    """Return the record of a log."""
    item = ROW | fields
    assert definition.fits(item)
    origin = Origin(
        stream=definition.name,
        account="calls",
        server_address="acme.signalwire.com",
        observed_time_unix_nano=CREATED,
        normalizer=definition.normalizer,
        tenant="project",
    )
    return definition.normalizer.record(item, origin)


@pytest.mark.parametrize(
    ("stream", "status", "severity"),
    [
        ("voice_logs", "completed", INFO),
        ("voice_logs", "busy", WARN),
        ("voice_logs", "no-answer", WARN),
        ("voice_logs", "failed", ERROR),
        ("voice_logs", "hovering", INFO),
        ("voice_logs", None, INFO),
        ("message_logs", "delivered", INFO),
        ("message_logs", "undelivered", ERROR),
        ("message_logs", "failed", ERROR),
        ("fax_logs", "completed", INFO),
        ("fax_logs", "no-answer", WARN),
        ("fax_logs", "failed", ERROR),
        ("conference_logs", "completed", INFO),
    ],
)
def test_the_severity_follows_from_the_status(stream: str, status: str | None, severity: int) -> None:
    """What failed is an error, a call without an answer is a warning; there is no text, as the service has no levels."""
    found = record(DEFINITIONS[f"signalwire.{stream}"], status=status)
    assert (found.severity_number, found.severity_text) == (severity, None)


def test_the_text_of_a_record_has_no_number_of_a_phone() -> None:
    """The text has type, direction and status; the parties are attributes."""
    fields = {"type": "relay_pstn_call", "from": "+15551234567", "to": "+15557654321", "direction": "inbound"}
    found = record(VOICE_LOGS, status="completed", **fields)
    assert (found.body, found.event_name) == ("relay_pstn_call inbound completed", "signalwire.relay_pstn_call")
    assert found.attributes["signalwire.from"] == "+15551234567"
    assert record(VOICE_LOGS, type="smoke").event_name == "signalwire.voice.log"
    assert record(VOICE_LOGS, discarded_at="2026-01-02T00:00:00Z").body == "discarded"


def test_an_error_code_is_the_type_of_the_error() -> None:
    """OpenTelemetry has a name for the code of an error; its words are SignalWire's own."""
    found = record(MESSAGE_LOGS, status="failed", error_code="30003", error_message="Unreachable")
    assert found.attributes["error.type"] == "30003"
    assert found.attributes["signalwire.error.message"] == "Unreachable"


def test_a_charge_as_a_text_becomes_a_number() -> None:
    """The list of conferences has the charges of video sessions as texts."""
    found = record(CONFERENCE_LOGS, type="video_room_session", charge="0.25", charge_details=[])
    assert found.attributes["signalwire.charge"] == 0.25
    assert record(CONFERENCE_LOGS, charge="free").attributes["signalwire.charge"] == "free"


def test_a_video_session_in_both_lists_gives_two_records() -> None:
    """The ids of the two lists overlap, and no `uid` does."""
    with connected(logferry.SignalWire, SignalWireFake(records=40)) as client:
        conferences, videos = (
            {record.uid for record in stream.records()} for stream in (client.conference_logs(), client.video_logs())
        )
        ids = [{entry.id for entry in stream} for stream in (client.conference_logs(), client.video_logs())]
    assert ids[0] == ids[1]
    assert len(conferences) == len(videos) == len(ids[0])
    assert conferences.isdisjoint(videos)


@pytest.mark.parametrize(
    ("stream", "after", "before"),
    [
        ("voice_logs", "2025-12-31", "2026-01-03"),
        ("message_logs", "2025-12-31", "2026-01-03"),
        ("fax_logs", "2025-12-31", "2026-01-03"),
        ("conference_logs", "2026-01-01T11:59:59Z", "2026-01-02T00:00:01Z"),
    ],
)
def test_the_bounds_are_days_where_the_documentation_has_days(stream: str, after: str, before: str) -> None:
    """The request has the days around the window, so that nothing in it is left out."""
    transport = InProcessTransport(SignalWireFake())
    options: Any = {"space": "acme", "project_id": SignalWireFake().project_id, "api_token": SignalWireFake().api_token}
    with logferry.SignalWire(transport=transport, **options) as client:
        client.stream(f"signalwire.{stream}", since="2026-01-01T12:00:00Z", until="2026-01-02").to_list()
    assert f"created_before={before.replace(':', '%3A')}" in transport.requests[0].query
    assert f"created_after={after.replace(':', '%3A')}" in transport.requests[0].query


@pytest.mark.parametrize(
    ("stream", "status", "changes"),
    [
        ("voice_logs", "completed", False),
        ("voice_logs", "in-progress", True),
        ("voice_logs", None, False),
        ("message_logs", "sent", True),
        ("message_logs", "delivered", False),
        ("fax_logs", "ringing", True),
        ("fax_logs", "completed", False),
        ("conference_logs", "in-progress", True),
        ("conference_logs", "completed", False),
    ],
)
def test_a_log_changes_until_its_status_is_final(stream: str, status: str | None, changes: bool) -> None:
    """A store reads a log again while its status can change, and a message at most three days long."""
    is_final = DEFINITIONS[f"signalwire.{stream}"].incremental.is_final
    assert is_final is not None
    item = {**ROW, "status": status}
    assert is_final(item, CREATED + DAY) is not changes
    assert is_final(item, CREATED + 3 * DAY) is (not changes or stream == "message_logs")


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_a_log_that_does_not_fit_is_repaired(definition: StreamDefinition[Any, Any, Any]) -> None:
    """What does not fit is taken out, of a log and of the remains of one, and both have their own model."""
    repaired = definition.repair({**ROW, "status": 7})
    assert definition.fits(repaired.value)
    assert repaired.issues
    deleted = {**ROW, "discarded_at": "2026-01-02T00:00:00Z"}
    assert definition.fits(deleted)
    assert definition.repair({**deleted, "id": 7}).issues
    assert type(definition.entry(deleted)).__name__ == "DiscardedLog"
    assert type(definition.entry(ROW)).__name__ != "DiscardedLog"
