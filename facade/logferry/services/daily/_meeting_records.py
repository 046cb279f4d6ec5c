"""
From Daily's meetings to records.

OpenTelemetry has no names for meetings, so all attributes are Daily's own; the meeting session has the name that it has in
the logs of calls, so that both can be joined.  A record's time is when the meeting began, its text the room and whether the
meeting goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from logferry._attributes import Attributes, present, undocumented
from logferry._origin import Normalizer, Origin
from logferry._record import INFO, LogRecord, make_record
from logferry._redaction import without_secrets
from logferry._times import SECOND, number_to_nano
from logferry.services.daily._records import resource_of
from logferry_clients.daily.models.meeting import MeetingJson, MeetingKey

_MEETING: Final[tuple[MeetingKey, ...]] = (
    "id", "room", "start_time", "duration", "ongoing", "max_participants", "participants",
)  # fmt: skip
_KNOWN: Final = frozenset[str](_MEETING)
_START: Final[MeetingKey] = "start_time"
_STATES: Final = {True: "ongoing", False: "ended"}


def meeting_to_nano(item: Mapping[str, Any]) -> int | None:
    """When a meeting began; ``None`` where that cannot be read."""
    return number_to_nano(item.get(_START), SECOND)


def _record(item: MeetingJson, origin: Origin) -> LogRecord:
    time = number_to_nano(item.get(_START), SECOND)
    ongoing = item.get("ongoing")
    words = "meeting", item.get("room"), None if ongoing is None else _STATES[ongoing]
    record = make_record(origin, item, time or 0, INFO, None, "daily.meeting", " ".join(word for word in words if word))
    return (
        record
        if time is not None
        else record.as_received(item, ("start_time: no moment between the years 1 and 9999",))
    )


def _identity(item: MeetingJson) -> tuple[str | None, str | None]:
    # The item names no domain; the account stands for it.
    return None, item.get("id")


def _resource(_item: MeetingJson, origin: Origin) -> Attributes:
    return resource_of(origin, {})


def _attributes(item: MeetingJson) -> Attributes:
    return present(
        {
            "daily.meeting_session.id": item.get("id"),
            "daily.room.name": item.get("room"),
            "daily.meeting.duration_s": item.get("duration"),
            "daily.meeting.ongoing": item.get("ongoing"),
            "daily.meeting.max_participants": item.get("max_participants"),
            "daily.meeting.participants": without_secrets(item.get("participants")),
            **undocumented(item, known=_KNOWN, prefix="daily"),
        }
    )


MEETING_NORMALIZER: Final = Normalizer[MeetingJson](
    record=_record, identity=_identity, attributes=_attributes, resource=_resource
)
