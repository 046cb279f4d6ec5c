"""The logs of calls, messages, faxes and conferences of the fake SignalWire: what differs from the video logs."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

__all__ = ["KINDS", "Kind"]

Fields = Callable[[int, bool], dict[str, Any]]
"""Makes the fields of a log, but for its id and moments, from its content and whether it is over."""


@attrs.frozen
class Kind:
    """
    A list of the service.

    Attributes:
        path: Its path.
        fields: Makes the fields of a log; `None` for video logs.
        by_day: Whether the bounds of creation are read as days.
        seeds: Added to the seed of the ids, so that no two lists share them, unless the service's own do.
    """

    path: str
    fields: Fields | None = None
    by_day: bool = False
    seeds: int = 0


def _charges(content: int) -> dict[str, Any]:
    charge = content % 9 / 1000
    return {"charge": charge, "charge_details": [{"description": "Usage", "charge": charge}]}


def _number(content: int) -> str:
    return f"+1555{content % 10**7:07}"


def _voice(content: int, over: bool) -> dict[str, Any]:  # noqa: FBT001 - as `Fields`
    kinds = ("relay_pstn_call", "laml_call", "relay_sip_call", "video_room_pstn_leg", "fabric_subscriber_device_leg")
    kind = kinds[content % len(kinds)]
    outcome = ("completed", "busy", "failed", "no-answer", "ended")[content % 5]
    fields: dict[str, Any] = {
        "type": kind,
        "from": _number(content),
        "to": _number(content * 31),
        "source": "laml" if kind == "laml_call" else "realtime_api",
        "direction": "inbound" if content % 2 else "outbound-api",
        "status": outcome if over else "in-progress",
        "url": None,
        **_charges(content),
    }
    if kind == "fabric_subscriber_device_leg":
        return {**fields, "status": None}
    fields |= {"duration": content % 600 if over else None, "duration_ms": content % 600 * 1000 if over else None}
    if kind.startswith("video_"):
        return fields
    parent = f"call-{content}" if content % 3 else None
    url = "https://space.example/api/calls/1"
    return {**fields, "url": url, "billing_ms": 6000 if over else None, "parent_id": parent}


def _message(content: int, over: bool) -> dict[str, Any]:  # noqa: FBT001
    outcome = ("delivered", "received", "undelivered", "failed")[content % 4]
    failed = over and outcome in {"undelivered", "failed"}
    return {
        "type": "laml_message" if content % 2 else "relay_message",
        "kind": "mms" if content % 3 == 0 else "sms",
        "from": _number(content),
        "to": _number(content * 31),
        "source": "laml" if content % 2 else "realtime_api",
        "direction": "inbound" if outcome == "received" else "outbound-api",
        "status": outcome if over else "queued",
        "url": None if content % 5 else "https://space.example/api/messages/1",
        "number_of_segments": content % 4 + 1,
        "error_code": "30003" if failed else None,
        "error_message": "Unreachable destination handset" if failed else None,
        **_charges(content),
    }


def _fax(content: int, over: bool) -> dict[str, Any]:  # noqa: FBT001
    outcome = ("completed", "failed", "busy")[content % 3]
    return {
        "type": "laml_call",
        "from": _number(content),
        "to": _number(content * 31),
        "source": "laml",
        "direction": None if content % 7 == 0 else "inbound",
        "status": outcome if over else "in-progress",
        "url": "https://space.example/api/fax",
        "remote_station": "12345" if over else None,
        "number_of_pages": content % 9 if over else None,
        "quality": ("fine", "standard", "superfine", None)[content % 4],
        "error_code": "34001" if over and outcome == "failed" else None,
        "error_message": "The line was busy" if over and outcome == "failed" else None,
        **_charges(content),
    }


def _conference(content: int, over: bool) -> dict[str, Any]:  # noqa: FBT001
    if content % 4 == 0:
        # A video session, with its charges as texts.
        return {
            "type": "video_room_session",
            "source": "realtime_api",
            "url": "https://space.example/api/video/room_sessions",
            "room_name": f"room-{content % 7}",
            "status": "completed" if over else "in-progress",
            "locked": False,
            "started_at": "2026-01-01T00:00:00Z",
            "ended_at": "2026-01-01T01:00:00Z" if over else None,
            "charge": "0.0",
            "charge_details": [{"description": "Video", "charge": "0.0"}],
        }
    fields = {
        "type": "relay_conference" if content % 2 else "cxml_conference",
        "project_id": "5f0b1a52-0c5e-4b1e-9d55-6b7a3f0c2e11",
        "region": "us",
        "name": f"conference-{content % 7}",
        "status": "completed" if over else "in-progress",
        "max_size": 20,
        "current_participants": 0 if over else 2,
        "updated_at": "2026-01-01T00:00:00Z",
    }
    recording = {
        "recording_url": "https://space.example/recordings/1",
        "recording_duration": 60,
        "recording_file_size": 480_000,
    }
    return fields | recording if content % 2 and over else fields


KINDS: Mapping[str, Kind] = {
    # The ids of video sessions are the same in both lists.
    "signalwire.conference_logs": Kind("/api/logs/conferences", _conference),
    "signalwire.fax_logs": Kind("/api/fax/logs", _fax, by_day=True, seeds=1),
    "signalwire.message_logs": Kind("/api/messaging/logs", _message, by_day=True, seeds=2),
    "signalwire.video_logs": Kind("/api/video/logs"),
    "signalwire.voice_logs": Kind("/api/voice/logs", _voice, by_day=True, seeds=3),
}
"""The lists by the names of their streams."""
