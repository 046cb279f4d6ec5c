"""
The record: one log entry in the OpenTelemetry log data model, and where it came from.

A record is made for every item, but most of its fields are read for few of them.  So it holds the item and the little
that every reader wants (time, severity, body); ``uid``, ``trace_id``, ``attributes``, ``resource`` and the ``datetime``s
are made by its stream's normalizer when they are read.
"""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NoReturn, final

from logferry._json import digest, dumps
from logferry._records.attributes import Attributes
from logferry._records.fields import Fields
from logferry._records.origin import Origin
from logferry._redaction import short
from logferry._time.timestamps import rfc3339, utc_datetime

_keep: Final = object.__setattr__
"""Sets what is made when read, past the class that prevents it."""

_state: Final = attrgetter(
    "_origin", "_item", "time_unix_nano", "severity_number", "severity_text", "event_name", "body"
)
"""The arguments of ``make_record`` that make a record again."""


def make_record(  # noqa: PLR0917  # positional, because it is called for every item
    origin: Origin,
    item: Any,
    time_unix_nano: int,
    severity_number: int = 0,
    severity_text: str | None = None,
    event_name: str | None = None,
    body: str | None = None,
) -> LogRecord:
    """
    The record of an item, for ``Normalizer.make``; the same as a call of ``LogRecord``, which takes longer.

    Args:
        origin: What the records of a page have in common.
        item: The item, in the shape that the normalizer expects.
        time_unix_nano: When it happened, in nanoseconds since the epoch, UTC; 0 where that cannot be read.
        severity_number: OpenTelemetry's, 1 to 24, such as ``INFO`` or ``ERROR``; 0, the default, where nothing says it.
        severity_text: The service's own word; default: none.
        event_name: Low-cardinality name of the kind of event, such as ``"logto.audit_log"``; default: none.
        body: The display text; default: none.
    """
    made: Any = Fields()
    # Private to the two classes, of which this is a part.
    made._origin = origin  # noqa: SLF001
    made._item = made.raw = item  # noqa: SLF001
    made.time_unix_nano = time_unix_nano
    made.severity_number = severity_number
    made.severity_text = severity_text
    made.event_name = event_name
    made.body = body
    made.issues = ()
    made._ordinal = 0  # noqa: SLF001
    made._uid = made._attributes = made._resource = None  # noqa: SLF001
    made.__class__ = LogRecord
    record: LogRecord = made
    return record


@final
class LogRecord(Fields):
    """
    One log entry, normalized to the OpenTelemetry log data model.  Immutable, hashable, picklable.

    Two records are equal when all their fields are, ``raw`` included; the hash is that of ``uid``.  What it is made of, see
    ``make_record``.
    """

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> LogRecord:
        return make_record(*args, **kwargs)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a LogRecord is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a LogRecord is immutable: {name} cannot be deleted")

    def as_received(self, raw: Any, issues: tuple[str, ...], ordinal: int = 0) -> LogRecord:
        """
        This record, but for what an item seldom has.

        Args:
            raw: What the service sent, where the item had to be repaired.
            issues: What did not decode.
            ordinal: How many equal items without id came before.
        """
        record = make_record(*_state(self))
        _keep(record, "raw", raw)
        _keep(record, "issues", issues)
        _keep(record, "_ordinal", ordinal)
        return record

    @property
    def uid(self) -> str:
        """
        Stable over runs, equal only for the same record: ``<service>:<tenant>:<id>``.

        Where the item names no tenant, the account's stands for it, or the account's name; for a missing id, a digest of
        the item, and its ordinal among equal ones.
        """
        uid = self._uid
        if uid is None:
            tenant, identity = self._origin.normalizer.identity(self._item)
            uid = self._origin.prefix(tenant) + (identity or self._digest())
            _keep(self, "_uid", uid)
        return uid

    def _digest(self) -> str:
        return f"{digest(self.raw)}-{self._ordinal}" if self._ordinal else digest(self.raw)

    @property
    def stream(self) -> str:
        """The stream's name, such as ``"logto.audit_logs"``."""
        return self._origin.stream

    @property
    def account(self) -> str:
        """The account's name."""
        return self._origin.account

    @property
    def observed_time_unix_nano(self) -> int:
        """When the page with it had arrived, by the local clock: nanoseconds since the epoch, UTC."""
        return self._origin.observed_time_unix_nano

    @property
    def trace_id(self) -> str | None:
        """32 hexadecimal digits, or ``None``."""
        read = self._origin.normalizer.trace_id
        return None if read is None else read(self._item)

    @property
    def timestamp(self) -> datetime:
        """When it happened, as an aware ``datetime`` in UTC, cut to microseconds; the epoch where it is unknown."""
        return utc_datetime(self.time_unix_nano)

    @property
    def observed_timestamp(self) -> datetime:
        """When the page with it had arrived, as an aware ``datetime`` in UTC, cut to microseconds."""
        return utc_datetime(self._origin.observed_time_unix_nano)

    @property
    def attributes(self) -> Attributes:
        """What the entry says, by the names of OpenTelemetry's semantic conventions where they exist; do not change it."""
        attributes = self._attributes
        if attributes is None:
            attributes = self._origin.normalizer.attributes(self._item)
            _keep(self, "_attributes", attributes)
        return attributes

    @property
    def resource(self) -> Attributes:
        """What produced the entry: ``service.name``, ``server.address``, tenant; do not change it."""
        resource = self._resource
        if resource is None:
            origin, item = self._origin, self._item
            resource = origin.resource(item, origin.normalizer.identity(item)[0]).copy()
            _keep(self, "_resource", resource)
        return resource

    def to_dict(self, *, raw: bool = False) -> dict[str, Any]:
        """
        The record as JSON values; absent ones are left out.

        Args:
            raw: Add the item as received, which may hold secrets.
        """
        return self._values(self.uid, self.attributes, self.resource, raw=raw)

    def to_json(self, *, raw: bool = False) -> bytes:
        """
        The record as one line of JSON, without a line end.

        Args:
            raw: Add the item as received, which may hold secrets.
        """
        # What a line is made of is not kept, since a record that has been written is seldom read.
        origin, item = self._origin, self._item
        tenant, identity = origin.normalizer.identity(item)
        uid = self._uid or origin.prefix(tenant) + (identity or self._digest())
        attributes = self._attributes
        if attributes is None:
            attributes = origin.normalizer.attributes(item)
        return dumps(self._values(uid, attributes, self._resource or origin.resource(item, tenant), raw=raw))

    def _values(self, uid: str, attributes: Attributes, resource: Attributes, *, raw: bool) -> dict[str, Any]:
        origin = self._origin
        values: dict[str, Any] = {
            "uid": uid,
            "stream": origin.stream,
            "account": origin.account,
            "timestamp": rfc3339(self.time_unix_nano),
            "observed_timestamp": origin.observed,
            "severity_number": self.severity_number,
        }
        if not self.time_unix_nano:
            del values["timestamp"]
        if self.severity_text is not None:
            values["severity_text"] = self.severity_text
        if self.event_name is not None:
            values["event_name"] = self.event_name
        if self.body is not None:
            values["body"] = self.body
        if (trace_id := self.trace_id) is not None:
            values["trace_id"] = trace_id
        if attributes:
            values["attributes"] = attributes
        if resource:
            values["resource"] = resource
        if self.issues:
            values["issues"] = list(self.issues)
        if raw:
            values["raw"] = self.raw
        return values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LogRecord):
            return NotImplemented
        mine, theirs = self.__reduce__()[1], other.__reduce__()[1]
        return bool(mine == theirs)

    def __hash__(self) -> int:
        return hash(self.uid)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (_state(self), self.raw, self.issues, self._ordinal)

    def __repr__(self) -> str:
        return (
            f"LogRecord(uid={short(self.uid)}, time={rfc3339(self.time_unix_nano) if self.time_unix_nano else None!r}, "
            f"severity={self.severity_number}, event={short(self.event_name)}, body={short(self.body)})"
        )


def numbered(record: LogRecord, ordinal: int) -> LogRecord:
    """A new record, with the number of equal items without id that came before."""
    _keep(record, "_ordinal", ordinal)
    return record


def _restored(state: tuple[Any, ...], raw: Any, issues: tuple[str, ...], ordinal: int) -> LogRecord:
    return make_record(*state).as_received(raw, issues, ordinal)
