"""The attributes of Daily's records as a table; ``_records`` and ``_meeting_records`` make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from logferry.extend import Attribute

_CLIENT_TIME: Final = Attribute(
    "daily.client_time",
    "string",
    "clientTime",
    "When it happened by the clock of the participant's device, in ISO 8601.",
)
_MEETING_SESSION: Final = Attribute("daily.meeting_session.id", "string", "mtgSessionId", "The meeting session.")
_SESSION: Final = Attribute("session.id", "string", "userSessionId", "The participant's session.")
_OTHERS: Final = Attribute("daily.*", "any", "*", "Any other field of the item, without secrets.")

ATTRIBUTES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "daily.session_logs": (
        _MEETING_SESSION,
        _SESSION,
        Attribute("daily.peer.id", "string", "peerId", "The session of the participant that the line is about."),
        Attribute("daily.level", "integer", "level", "How important it is: the lower, the more important."),
        Attribute("daily.log.code", "integer", "code", "The kind of event; Daily publishes no list of them."),
        _CLIENT_TIME,
        _OTHERS,
    ),
    "daily.session_metrics": (
        _MEETING_SESSION,
        _SESSION,
        Attribute("daily.room.name", "string", "roomName", "The name of the room."),
        _CLIENT_TIME,
        Attribute(
            "daily.metrics", "object", "*", "The whole item with all its numbers, without secrets.", optional=False
        ),
    ),
    "daily.api_logs": (
        Attribute("daily.source", "string", "source", "Who made the request: api (a client), or webhook (Daily)."),
        Attribute("user.id", "string", "userId", "The owner of the account."),
        Attribute("client.address", "string", "ip", "Where the request came from."),
        Attribute(
            "http.request.method", "string", "method", "The HTTP method; _OTHER where it is none of the known ones."
        ),
        Attribute(
            "http.request.method_original", "string", "method", "The HTTP method, where it is none of the known ones."
        ),
        Attribute("url.path", "string", "url", "The route of the API, without secrets."),
        Attribute("url.query", "string", "url", "The query of the request, without secrets."),
        Attribute("url.full", "string", "url", "The address of the webhook server, without secrets."),
        Attribute("http.response.status_code", "integer", "status", "The HTTP status of the response."),
        Attribute("daily.status", "string", "status", "The status, where it is no HTTP status."),
        Attribute(
            "error.type",
            "string",
            "response, status",
            "The error that the response names, or its status; from 400.",
        ),
        Attribute("daily.error.info", "string", "response", "The error in words; from status 400 on."),
        Attribute("http.request.body.size", "integer", "request", "The size of the request's body, in bytes."),
        Attribute("http.response.body.size", "integer", "response", "The size of the response's body, in bytes."),
        _OTHERS,
    ),
    "daily.meetings": (
        Attribute("daily.meeting_session.id", "string", "id", "The meeting session, as its logs name it."),
        Attribute("daily.room.name", "string", "room", "The name of the room."),
        Attribute("daily.meeting.ongoing", "boolean", "ongoing", "Whether the meeting is ongoing."),
        Attribute(
            "daily.meeting.duration_s", "integer", "duration", "How long it was, or has been going on, in seconds."
        ),
        Attribute(
            "daily.meeting.max_participants",
            "integer",
            "max_participants",
            "How many participants were there at the same time, at most.",
        ),
        Attribute(
            "daily.meeting.participants",
            "array",
            "participants",
            "The participants and their times, without secrets.",
        ),
        _OTHERS,
    ),
}
"""The attributes of each stream's records, by the stream's name."""
