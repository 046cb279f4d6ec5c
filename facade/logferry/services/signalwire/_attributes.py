"""The attributes of SignalWire's records as a table; ``_records`` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from logferry.extend import Attribute

ATTRIBUTES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "signalwire.video_logs": (
        Attribute("signalwire.log.id", "string", "id", "Identifies the log.", optional=False),
        Attribute("signalwire.source", "string", "source", "What made the session, such as realtime_api."),
        Attribute("signalwire.type", "string", "type", "What kind of session, such as video_conference_session."),
        Attribute("signalwire.resource.url", "string", "url", "The address of what the log is about."),
        Attribute("signalwire.room.name", "string", "room_name", "The name of the room."),
        Attribute("signalwire.status", "string", "status", "How far the session is, such as in-progress or completed."),
        Attribute("signalwire.locked", "boolean", "locked", "Whether the room is closed to newcomers."),
        Attribute("signalwire.started_at", "string", "started_at, start_time", "When the session began, in ISO 8601."),
        Attribute("signalwire.ended_at", "string", "ended_at, end_time", "When the session was over, in ISO 8601."),
        Attribute(
            "signalwire.duration_s", "number", "ended_at, end_time", "How long the session was, in seconds; computed."
        ),
        Attribute("signalwire.updated_at", "string", "updated_at", "When the log last changed, in ISO 8601."),
        Attribute(
            "signalwire.charge",
            "number",
            "charge",
            "What the session costs, in US dollars; a text that is no number stays.",
        ),
        Attribute("signalwire.charge_details", "array", "charge_details", "What the charge is made of."),
        Attribute("signalwire.discarded_at", "string", "discarded_at", "When the log was deleted, in ISO 8601."),
        Attribute("signalwire.*", "any", "*", "Any other field of the log, without secrets."),
    ),
}
"""The attributes of each stream's records, by the stream's name."""
