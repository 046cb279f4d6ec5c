"""
Converts the logs of calls, messages, faxes and conferences to records.

The four kinds differ in their fields and words only: a `Kind` has them, and ``normalizer_of`` makes the rest.  The names are
SignalWire's own, as those of video logs; only the code of an error has a name in OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from attrs import frozen

from logferry.extend import (
    ERROR,
    INFO,
    WARN,
    Attributes,
    LogRecord,
    Normalizer,
    Origin,
    TimeField,
    make_record,
    mapped,
    without_secrets,
)
from logferry.services.signalwire._items import is_discarded
from logferry.services.signalwire._records import dollars, resource_of
from logferry_clients.signalwire.models.conference_log import ConferenceLogKey
from logferry_clients.signalwire.models.conference_log_type import CONFERENCE_LOG_TYPE_VALUES
from logferry_clients.signalwire.models.discarded_log import DiscardedLogKey
from logferry_clients.signalwire.models.fax_log import FaxLogKey
from logferry_clients.signalwire.models.fax_log_status import FaxLogStatus
from logferry_clients.signalwire.models.fax_log_type import FAX_LOG_TYPE_VALUES
from logferry_clients.signalwire.models.message_log import MessageLogKey
from logferry_clients.signalwire.models.message_log_status import MessageLogStatus
from logferry_clients.signalwire.models.message_log_type import MESSAGE_LOG_TYPE_VALUES
from logferry_clients.signalwire.models.voice_log import VoiceLogKey
from logferry_clients.signalwire.models.voice_log_status import VoiceLogStatus
from logferry_clients.signalwire.models.voice_log_type import VOICE_LOG_TYPE_VALUES

_CHARGE: Final = "signalwire.charge"
_DETAILS: Final = "signalwire.charge_details"


@frozen(kw_only=True)
class Kind:
    """
    What distinguishes one kind of log from the others.

    Attributes:
        name: Its name in names of events, such as ``"voice"``.
        types: The types that the documentation has; the event of another one is ``signalwire.<name>.log``.
        names: The attribute of each field; ``None`` for a field that is no attribute.
        subject: The field between the type and the status in the text of a record.
        severities: The severities of statuses; that of any other status is ``INFO``.
        prefix: In front of the ids in ``uid``, where the ids of another stream can be the same.
    """

    name: str
    types: AbstractSet[str]
    names: Mapping[Any, str | None]
    subject: str
    severities: Mapping[Any, int]
    prefix: str = ""

    def __reduce__(self) -> str:
        """Pickle it as the constant of this module that it is, since each record refers to it."""
        return self.name.upper()

    def record(self, item: Mapping[str, Any], origin: Origin, time: int) -> LogRecord:
        """The record of an item."""
        type_, status = item.get("type"), item.get("status")
        event = f"signalwire.{type_}" if type_ in self.types else f"signalwire.{self.name}.log"
        words = ("discarded",) if is_discarded(item) else (type_, item.get(self.subject), status)
        severity = self.severities.get(status, INFO)
        return make_record(origin, item, time, severity, None, event, " ".join(filter(None, words)) or None)

    def identity(self, item: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """No tenant, which the client knows, and the id."""
        return None, f"{self.prefix}{item['id']}"

    def attributes(self, item: Mapping[str, Any]) -> Attributes:
        """The fields of an item under the names of their attributes."""
        found: Attributes = without_secrets(mapped(item, self.names, prefix="signalwire"))
        if isinstance(charge := found.get(_CHARGE), str):
            found[_CHARGE] = dollars(charge)
        return found


# The keys come from the generated types: both type checkers reject a key that the spec does not have.
_VOICE_NAMES: Final[Mapping[VoiceLogKey | DiscardedLogKey, str | None]] = {
    "id": "signalwire.log.id",
    "source": "signalwire.source",
    "type": "signalwire.type",
    "url": "signalwire.resource.url",
    "status": "signalwire.status",
    "direction": "signalwire.direction",
    "from": "signalwire.from",
    "to": "signalwire.to",
    "duration": "signalwire.duration_s",
    "duration_ms": "signalwire.duration_ms",
    "billing_ms": "signalwire.billing_ms",
    "parent_id": "signalwire.parent.id",
    "charge": _CHARGE,
    "charge_details": _DETAILS,
    "created_at": None,
    "discarded_at": "signalwire.discarded_at",
}
_VOICE_SEVERITIES: Final[Mapping[VoiceLogStatus, int]] = {"failed": ERROR, "busy": WARN, "no-answer": WARN}

_MESSAGE_NAMES: Final[Mapping[MessageLogKey | DiscardedLogKey, str | None]] = {
    "id": "signalwire.log.id",
    "source": "signalwire.source",
    "type": "signalwire.type",
    "kind": "signalwire.message.kind",
    "url": "signalwire.resource.url",
    "status": "signalwire.status",
    "direction": "signalwire.direction",
    "from": "signalwire.from",
    "to": "signalwire.to",
    "number_of_segments": "signalwire.message.segments",
    "error_code": "error.type",
    "error_message": "signalwire.error.message",
    "charge": _CHARGE,
    "charge_details": _DETAILS,
    "created_at": None,
    "discarded_at": "signalwire.discarded_at",
}
_MESSAGE_SEVERITIES: Final[Mapping[MessageLogStatus, int]] = {"failed": ERROR, "undelivered": ERROR}

_FAX_NAMES: Final[Mapping[FaxLogKey | DiscardedLogKey, str | None]] = {
    "id": "signalwire.log.id",
    "source": "signalwire.source",
    "type": "signalwire.type",
    "url": "signalwire.resource.url",
    "status": "signalwire.status",
    "direction": "signalwire.direction",
    "from": "signalwire.from",
    "to": "signalwire.to",
    "remote_station": "signalwire.fax.remote_station",
    "number_of_pages": "signalwire.fax.pages",
    "quality": "signalwire.fax.quality",
    "error_code": "error.type",
    "error_message": "signalwire.error.message",
    "charge": _CHARGE,
    "charge_details": _DETAILS,
    "created_at": None,
    "discarded_at": "signalwire.discarded_at",
}
_FAX_SEVERITIES: Final[Mapping[FaxLogStatus, int]] = {"failed": ERROR, "busy": WARN, "no-answer": WARN}

_CONFERENCE_NAMES: Final[Mapping[ConferenceLogKey | DiscardedLogKey, str | None]] = {
    "id": "signalwire.log.id",
    "source": "signalwire.source",
    "type": "signalwire.type",
    "url": "signalwire.resource.url",
    "name": "signalwire.conference.name",
    "room_name": "signalwire.room.name",
    "status": "signalwire.status",
    "locked": "signalwire.locked",
    "region": "signalwire.region",
    "project_id": "signalwire.log.project.id",
    "max_size": "signalwire.conference.max_size",
    "current_participants": "signalwire.conference.participants",
    "recording_url": "signalwire.recording.url",
    "recording_duration": "signalwire.recording.duration_s",
    "recording_file_size": "signalwire.recording.file_size",
    "started_at": "signalwire.started_at",
    "ended_at": "signalwire.ended_at",
    "updated_at": "signalwire.updated_at",
    "charge": _CHARGE,
    "charge_details": _DETAILS,
    "created_at": None,
    "discarded_at": "signalwire.discarded_at",
}

VOICE: Final = Kind(
    name="voice", types=VOICE_LOG_TYPE_VALUES, names=_VOICE_NAMES, subject="direction", severities=_VOICE_SEVERITIES
)
MESSAGE: Final = Kind(
    name="message",
    types=MESSAGE_LOG_TYPE_VALUES,
    names=_MESSAGE_NAMES,
    subject="direction",
    severities=_MESSAGE_SEVERITIES,
)
FAX: Final = Kind(
    name="fax", types=FAX_LOG_TYPE_VALUES, names=_FAX_NAMES, subject="direction", severities=_FAX_SEVERITIES
)
CONFERENCE: Final = Kind(
    name="conference",
    types=CONFERENCE_LOG_TYPE_VALUES,
    names=_CONFERENCE_NAMES,
    subject="name",
    severities={},
    prefix="conference:",  # a video session has the same id among the video logs
)


def normalizer_of(kind: Kind) -> Normalizer[Any]:
    """The normalizer of a kind of log."""
    return Normalizer(
        times=TimeField("created_at"),
        make=kind.record,
        identity=kind.identity,
        attributes=kind.attributes,
        resource=resource_of,
        untimed="created_at: no date and time",
    )
