"""Converts video logs to records, with SignalWire's own names: OpenTelemetry has none for sessions in video rooms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from logferry.extend import (
    INFO,
    SECOND,
    Attributes,
    IdentityFields,
    LogRecord,
    Normalizer,
    Origin,
    TimeField,
    make_record,
    mapped,
    present,
    text_to_nano,
    without_secrets,
)
from logferry.services.signalwire._account import space_of
from logferry.services.signalwire._items import is_discarded
from logferry_clients.signalwire.models.discarded_log import DiscardedLogJson, DiscardedLogKey
from logferry_clients.signalwire.models.video_log import VideoLogJson, VideoLogKey
from logferry_clients.signalwire.models.video_log_type import VideoLogType

VideoItemJson: TypeAlias = VideoLogJson | DiscardedLogJson
"""The JSON of a video log, or of the remains of a deleted one."""

_STARTED: Final = "signalwire.started_at"
_ENDED: Final = "signalwire.ended_at"
_DETAILS: Final = "signalwire.charge_details"

# The keys come from the generated types: both type checkers reject a key that the spec does not have.
_LOG: Final[Mapping[VideoLogKey, str | None]] = {
    "id": "signalwire.log.id",
    "source": "signalwire.source",
    "type": "signalwire.type",
    "url": "signalwire.resource.url",
    "room_name": "signalwire.room.name",
    "status": "signalwire.status",
    "locked": "signalwire.locked",
    "started_at": _STARTED,
    "start_time": _STARTED,
    "ended_at": _ENDED,
    "end_time": _ENDED,
    "updated_at": "signalwire.updated_at",
    "charge": "signalwire.charge",
    "charge_details": _DETAILS,
    "created_at": None,
}
_DISCARDED: Final[Mapping[DiscardedLogKey, str | None]] = {
    "id": "signalwire.log.id",
    "discarded_at": "signalwire.discarded_at",
    "created_at": None,
}
_ALL: Final = dict[str, str | None]([*_LOG.items(), *_DISCARDED.items()])
_USUAL: Final[Mapping[str, str | None]] = {
    key: name for key, name in _LOG.items() if key not in {"start_time", "end_time"}
}
"""The attribute of each other field of a log.  None of them holds a secret, and all but one are scalars."""

_ID: Final[VideoLogKey] = "id"
_TIME: Final[VideoLogKey] = "created_at"
_TYPE: Final[VideoLogKey] = "type"
_ROOM: Final[VideoLogKey] = "room_name"
_STATUS: Final[VideoLogKey] = "status"

TYPES: Final[Mapping[VideoLogType, str]] = {
    "video_room_session": "signalwire.video_room_session",
    "video_conference_session": "signalwire.video_conference_session",
}
_EVENTS: Final[Mapping[str, str]] = {str(kind): event for kind, event in TYPES.items()}
_OTHER_EVENT: Final = "signalwire.video.log"


def _record(item: VideoItemJson, origin: Origin, time: int) -> LogRecord:
    fields: Mapping[str, Any] = item
    kind = fields.get(_TYPE)
    event = _EVENTS.get(kind, _OTHER_EVENT) if isinstance(kind, str) else _OTHER_EVENT
    if is_discarded(item):
        body = "discarded"
    else:
        room, status = fields.get(_ROOM), fields.get(_STATUS)
        # The usual case first: a join takes four times as long.
        body = f"{kind} {room} {status}" if kind and room and status else " ".join(filter(None, (kind, room, status)))
    return make_record(origin, item, time, INFO, None, event, body or None)


def resource_of(_item: object, origin: Origin) -> Attributes:
    return present(
        {
            "service.name": "signalwire",
            "server.address": origin.server_address,
            "signalwire.space": space_of(origin.server_address),
            "signalwire.project.id": origin.tenant,
        }
    )


def _attributes(item: VideoItemJson) -> Attributes:
    usual = not (is_discarded(item) or "start_time" in item or "end_time" in item)
    attributes = _fields_of_log(item) if usual else _any_fields(item)
    charge = attributes.get("signalwire.charge")
    if isinstance(charge, str):
        attributes["signalwire.charge"] = dollars(charge)
    started, ended = text_to_nano(attributes.get(_STARTED)), text_to_nano(attributes.get(_ENDED))
    if started is not None and ended is not None:
        attributes.setdefault("signalwire.duration_s", (ended - started) / SECOND)
    return attributes


def _fields_of_log(item: Mapping[str, Any]) -> Attributes:
    attributes = mapped(item, _USUAL, prefix="signalwire")
    details = attributes.get(_DETAILS)
    if details is not None:
        attributes[_DETAILS] = without_secrets(details)
    return attributes


def _any_fields(item: Mapping[str, Any]) -> Attributes:
    """The fields of an item as attributes; of two fields for one attribute, the first wins."""
    attributes: Attributes = {}
    for key, value in without_secrets(item).items():
        name = _ALL.get(key, f"signalwire.{key}")
        if name is not None and value is not None:
            attributes.setdefault(name, value)
    return attributes


def dollars(charge: str) -> float | str:
    """A charge as a number, if it is a text with a number; any other text stays."""
    return float(charge) if charge.isascii() and charge.replace(".", "", 1).isdigit() else charge


NORMALIZER: Final = Normalizer[VideoItemJson](
    times=TimeField(_TIME),
    make=_record,
    identity=IdentityFields(_ID),  # items have no project; the client knows it
    attributes=_attributes,
    resource=resource_of,
    untimed="created_at: no date and time",
)
