"""
Converts Daily's meetings to records.

OpenTelemetry has no names for meetings, so all attributes are Daily's own.  The meeting session has the same name as in
the logs of calls, so that the two can be joined.  A record's time is the start of the meeting; its text has the room
and whether the meeting is ongoing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from logferry.extend import (
    INFO,
    SECOND,
    Attributes,
    IdentityFields,
    LogRecord,
    Normalizer,
    Origin,
    ServiceResource,
    TimeField,
    make_record,
    mapped,
    without_secrets,
)
from logferry_clients.daily.models.meeting import MeetingJson, MeetingKey

_MEETING: Final[Mapping[MeetingKey, str | None]] = {
    "id": "daily.meeting_session.id",
    "room": "daily.room.name",
    "start_time": None,
    "duration": "daily.meeting.duration_s",
    "ongoing": "daily.meeting.ongoing",
    "max_participants": "daily.meeting.max_participants",
    "participants": None,
}
_ID: Final[MeetingKey] = "id"
_START: Final[MeetingKey] = "start_time"
_STATES: Final = {True: "ongoing", False: "ended"}


def _record(item: MeetingJson, origin: Origin, time: int) -> LogRecord:
    ongoing = item.get("ongoing")
    words = "meeting", item.get("room"), None if ongoing is None else _STATES[ongoing]
    return make_record(origin, item, time, INFO, None, "daily.meeting", " ".join(word for word in words if word))


def _attributes(item: MeetingJson) -> Attributes:
    attributes = mapped(item, _MEETING, prefix="daily")
    if "participants" in item:
        attributes["daily.meeting.participants"] = without_secrets(item["participants"])
    return attributes


MEETING_NORMALIZER: Final = Normalizer[MeetingJson](
    times=TimeField(_START, SECOND),
    make=_record,
    identity=IdentityFields(_ID),  # items have no domain; the account identifies it
    attributes=_attributes,
    resource=ServiceResource("daily"),
    untimed="start_time: no moment between the years 1 and 9999",
)
