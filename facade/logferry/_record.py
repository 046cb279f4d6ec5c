"""
The record: one log entry in the OpenTelemetry log data model, and where it came from.

A record is made for every item, but most of its fields are read for few of them.  So it holds the item and the little
that every reader wants (time, severity, body); ``uid``, ``attributes``, ``resource`` and the ``datetime``s are made by
its stream's normalizer when they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, Final, Generic, TypeVar, final

from attrs import field, frozen

from logferry._attributes import Attributes, present
from logferry._identity import digest
from logferry._json import dumps
from logferry._times import rfc3339, utc_datetime

J = TypeVar("J")
T = TypeVar("T")

INFO: Final = 9
"""OpenTelemetry's severity number of INFO."""

ERROR: Final = 17
"""OpenTelemetry's severity number of ERROR."""


@frozen(kw_only=True)
class Normalizer(Generic[J]):
    """
    A stream's way from a well-formed item to a record: pure functions, checked against the item's shape.

    Attributes:
        record: The record of an item; called for every item, so it reads only what every reader wants.
        identity: What makes the item's ``uid``: its tenant and its id, each ``None`` where the item has none.
        attributes: What the item says, by OpenTelemetry's names where they exist.
        resource: What produced the log: service, address, tenant.
    """

    record: Callable[[J, Origin], LogRecord]
    identity: Callable[[J], tuple[str | None, str | None]]
    attributes: Callable[[J], Attributes]
    resource: Callable[[J, Origin], Attributes]


@frozen(kw_only=True)
class Origin:
    """
    What the records of one page have in common.

    Attributes:
        stream: The stream's name, such as ``"logto.audit_logs"``.
        account: The account's name.
        server_address: Host name of the service.
        observed_time_unix_nano: When the page had arrived, by the local clock.
        normalizer: Makes the rest of a record when it is read.
        tenant: Whose logs they are, where the items do not say; ``None`` where nobody knows.
        filters: What was asked for, by the filters' Python names; no part of a record, so equality leaves it out.
    """

    stream: str
    account: str
    server_address: str
    observed_time_unix_nano: int
    normalizer: Normalizer[Any]
    tenant: str | None = None
    filters: Mapping[str, Any] = field(factory=dict[str, Any], eq=False)


def _kept(make: Callable[[LogRecord], T]) -> Callable[[LogRecord], T]:
    """Keep what is made when it is read for the first time, in a slot outside equality, hash and pickle."""
    slot = f"_{make.__name__}"

    @wraps(make)
    def read(record: LogRecord) -> T:
        try:
            made: T = getattr(record, slot)
        except AttributeError:
            made = make(record)
            setattr(record, slot, made)
        return made

    return read


@final
class LogRecord:
    """
    One log entry, normalized to the OpenTelemetry log data model.  Immutable, hashable, picklable.

    Two records are equal when all their fields are, ``raw`` included; the hash is that of ``uid``.

    Args:
        origin: What the records of a page have in common.
        item: The item, in the shape that the normalizer expects.
        time_unix_nano: See the property of this name, as for all that follow.
        severity_number: 0 where neither the service nor the mapping says.
        severity_text: The service's own word.
        event_name: Low-cardinality name of the kind of event.
        body: The display text.
        trace_id: 32 hexadecimal digits.
    """

    __slots__ = (
        "_attributes",
        "_body",
        "_event_name",
        "_issues",
        "_item",
        "_ordinal",
        "_origin",
        "_raw",
        "_resource",
        "_severity_number",
        "_severity_text",
        "_time_unix_nano",
        "_trace_id",
        "_uid",
    )
    _raw: Any
    _issues: tuple[str, ...]
    _ordinal: int

    def __init__(  # noqa: PLR0917  # positional, because it is called for every item
        self,
        origin: Origin,
        item: Any,
        time_unix_nano: int,
        severity_number: int = 0,
        severity_text: str | None = None,
        event_name: str | None = None,
        body: str | None = None,
        trace_id: str | None = None,
    ) -> None:
        self._origin = origin
        self._item = item
        self._time_unix_nano = time_unix_nano
        self._severity_number = severity_number
        self._severity_text = severity_text
        self._event_name = event_name
        self._body = body
        self._trace_id = trace_id

    def as_received(self, raw: Any, issues: tuple[str, ...], ordinal: int = 0) -> LogRecord:
        """
        This record, but for what an item seldom has.

        Args:
            raw: What the service sent, where the item had to be repaired.
            issues: What did not decode.
            ordinal: How many equal items without id came before.
        """
        record = LogRecord(*self._state())
        record._raw = raw
        record._issues = issues
        record._ordinal = ordinal
        return record

    @property
    @_kept
    def uid(self) -> str:
        """
        Stable over runs, equal only for the same record: ``<service>:<tenant>:<id>``.

        Where the item names no tenant, the account's stands for it, or the account's name; for a missing id, a digest of
        the item, and its ordinal among equal ones.
        """
        tenant, identity = self._origin.normalizer.identity(self._item)
        service = self._origin.stream.partition(".")[0]
        tenant = tenant or self._origin.tenant or self._origin.account
        return f"{service}:{tenant}:{identity or self._digest()}"

    def _digest(self) -> str:
        ordinal = getattr(self, "_ordinal", 0)
        return f"{digest(self.raw)}-{ordinal}" if ordinal else digest(self.raw)

    @property
    def stream(self) -> str:
        """The stream's name, such as ``"logto.audit_logs"``."""
        return self._origin.stream

    @property
    def account(self) -> str:
        """The account's name."""
        return self._origin.account

    @property
    def time_unix_nano(self) -> int:
        """When it happened: nanoseconds since the epoch, UTC, lossless; 0 where the service's time cannot be read."""
        return self._time_unix_nano

    @property
    def observed_time_unix_nano(self) -> int:
        """When the page with it had arrived, by the local clock: nanoseconds since the epoch, UTC."""
        return self._origin.observed_time_unix_nano

    @property
    def timestamp(self) -> datetime:
        """When it happened, as an aware ``datetime`` in UTC, cut to microseconds; the epoch where it is unknown."""
        return utc_datetime(self._time_unix_nano)

    @property
    def observed_timestamp(self) -> datetime:
        """When the page with it had arrived, as an aware ``datetime`` in UTC, cut to microseconds."""
        return utc_datetime(self._origin.observed_time_unix_nano)

    @property
    def severity_number(self) -> int:
        """0 to 24 as in OpenTelemetry; 0 where neither the service nor the mapping says."""
        return self._severity_number

    @property
    def severity_text(self) -> str | None:
        """The service's own word, or ``None``."""
        return self._severity_text

    @property
    def event_name(self) -> str | None:
        """The kind of event, of low cardinality, or ``None``."""
        return self._event_name

    @property
    def body(self) -> str | None:
        """The display text, or ``None``."""
        return self._body

    @property
    def trace_id(self) -> str | None:
        """32 hexadecimal digits, or ``None``."""
        return self._trace_id

    @property
    @_kept
    def attributes(self) -> Attributes:
        """What the entry says, by the names of OpenTelemetry's semantic conventions where they exist; do not change it."""
        return self._origin.normalizer.attributes(self._item)

    @property
    @_kept
    def resource(self) -> Attributes:
        """What produced the entry: ``service.name``, ``server.address``, tenant; do not change it."""
        return self._origin.normalizer.resource(self._item, self._origin)

    @property
    def issues(self) -> tuple[str, ...]:
        """What did not decode, each with the path to the value, never the value itself."""
        try:
            return self._issues
        except AttributeError:
            return ()

    @property
    def raw(self) -> Any:
        """The item as received, decoded; may hold secrets that ``attributes`` leaves out."""
        try:
            return self._raw
        except AttributeError:
            return self._item

    def to_dict(self, *, raw: bool = False) -> dict[str, Any]:
        """
        The record as JSON values; absent ones are left out.

        Args:
            raw: Add the item as received, which may hold secrets.
        """
        fields: dict[str, Any] = {
            "uid": self.uid,
            "stream": self.stream,
            "account": self.account,
            "timestamp": rfc3339(self._time_unix_nano),
            "observed_timestamp": rfc3339(self.observed_time_unix_nano),
            "severity_number": self._severity_number,
            "severity_text": self._severity_text,
            "event_name": self._event_name,
            "body": self._body,
            "trace_id": self._trace_id,
            "attributes": self.attributes or None,
            "resource": self.resource or None,
            "issues": list(self.issues) or None,
        }
        return present(fields) | ({"raw": self.raw} if raw else {})

    def to_json(self, *, raw: bool = False) -> bytes:
        """
        The record as one line of JSON, without a line end.

        Args:
            raw: Add the item as received, which may hold secrets.
        """
        return dumps(self.to_dict(raw=raw))

    def _state(self) -> tuple[Any, ...]:
        return (
            self._origin,
            self._item,
            self._time_unix_nano,
            self._severity_number,
            self._severity_text,
            self._event_name,
            self._body,
            self._trace_id,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LogRecord):
            return NotImplemented
        mine, theirs = self.__reduce__()[1], other.__reduce__()[1]
        return bool(mine == theirs)

    def __hash__(self) -> int:
        return hash(self.uid)

    def __reduce__(self) -> tuple[Any, ...]:
        ordinal = getattr(self, "_ordinal", 0)
        return _restored, (self._state(), self.raw, self.issues, ordinal)

    def __repr__(self) -> str:
        return (
            f"LogRecord(uid={self.uid!r}, time={rfc3339(self._time_unix_nano)!r}, "
            f"severity_number={self._severity_number}, body={self._body!r})"
        )


def _restored(state: tuple[Any, ...], raw: Any, issues: tuple[str, ...], ordinal: int) -> LogRecord:
    return LogRecord(*state).as_received(raw, issues, ordinal)
