"""The attributes of SignalWire's records as a table; ``_records`` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from logferry.extend import Attribute

_HEAD: Final = (
    Attribute("signalwire.log.id", "string", "id", "Identifies the log.", optional=False),
    Attribute("signalwire.source", "string", "source", "What made it, such as realtime_api or laml."),
    Attribute("signalwire.type", "string", "type", "What kind it is, such as relay_pstn_call."),
    Attribute("signalwire.resource.url", "string", "url", "The address of what the log is about."),
    Attribute("signalwire.status", "string", "status", "How far it is, such as queued or completed."),
)
_PARTIES: Final = (
    Attribute("signalwire.direction", "string", "direction", "Which way it goes, such as inbound."),
    Attribute("signalwire.from", "string", "from", "Who began it."),
    Attribute("signalwire.to", "string", "to", "Who it goes to."),
)
_FAILURE: Final = (
    Attribute("error.type", "string", "error_code", "Why it failed, for programs."),
    Attribute("signalwire.error.message", "string", "error_message", "Why it failed, for people."),
)
_TAIL: Final = (
    Attribute("signalwire.charge", "number", "charge", "What it costs, in US dollars; a text that is no number stays."),
    Attribute("signalwire.charge_details", "array", "charge_details", "What the charge is made of."),
    Attribute("signalwire.discarded_at", "string", "discarded_at", "When the log was deleted, in ISO 8601."),
    Attribute("signalwire.*", "any", "*", "Any other field of the log, without secrets."),
)

ATTRIBUTES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "signalwire.conference_logs": (
        *_HEAD,
        Attribute("signalwire.conference.name", "string", "name", "The name of the conference."),
        Attribute("signalwire.room.name", "string", "room_name", "The name of the room of a video session."),
        Attribute("signalwire.locked", "boolean", "locked", "Whether the room is closed to newcomers."),
        Attribute("signalwire.region", "string", "region", "Where it takes place."),
        Attribute("signalwire.log.project.id", "string", "project_id", "The project, as the log names it."),
        Attribute("signalwire.conference.max_size", "integer", "max_size", "How many can take part."),
        Attribute("signalwire.conference.participants", "integer", "current_participants", "How many take part."),
        Attribute("signalwire.recording.url", "string", "recording_url", "The address of the recording."),
        Attribute("signalwire.recording.duration_s", "number", "recording_duration", "How long it is, in seconds."),
        Attribute("signalwire.recording.file_size", "number", "recording_file_size", "How large it is, in bytes."),
        Attribute("signalwire.started_at", "string", "started_at", "When a video session began, in ISO 8601."),
        Attribute("signalwire.ended_at", "string", "ended_at", "When a video session was over, in ISO 8601."),
        Attribute("signalwire.updated_at", "string", "updated_at", "When the log last changed, in ISO 8601."),
        *_TAIL,
    ),
    "signalwire.fax_logs": (
        *_HEAD,
        *_PARTIES,
        Attribute("signalwire.fax.remote_station", "string", "remote_station", "The name of the other machine."),
        Attribute("signalwire.fax.pages", "integer", "number_of_pages", "How many pages it has."),
        Attribute("signalwire.fax.quality", "string", "quality", "Its resolution, such as fine."),
        *_FAILURE,
        *_TAIL,
    ),
    "signalwire.message_logs": (
        *_HEAD,
        *_PARTIES,
        Attribute("signalwire.message.kind", "string", "kind", "Whether it has text only: sms or mms."),
        Attribute("signalwire.message.segments", "integer", "number_of_segments", "How many parts it is sent in."),
        *_FAILURE,
        *_TAIL,
    ),
    "signalwire.voice_logs": (
        *_HEAD,
        *_PARTIES,
        Attribute("signalwire.duration_s", "number", "duration", "How long the call is, in seconds."),
        Attribute("signalwire.duration_ms", "number", "duration_ms", "How long the call is, in milliseconds."),
        Attribute("signalwire.billing_ms", "number", "billing_ms", "How much of it is charged for, in milliseconds."),
        Attribute("signalwire.parent.id", "string", "parent_id", "The call that this one is a leg of."),
        *_TAIL,
    ),
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
