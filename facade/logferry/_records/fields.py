"""The fields of a record: their names, and the slots that hold them while it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from logferry._records.attributes import Attributes
    from logferry._records.origin import Origin

T = TypeVar("T")

FIELDS: Final = (
    "uid",
    "stream",
    "account",
    "timestamp",
    "observed_timestamp",
    "severity_number",
    "severity_text",
    "event_name",
    "body",
    "trace_id",
    "attributes",
    "resource",
    "issues",
)
"""Their names in JSON and in tables, in their order; ``raw`` follows where it is requested."""


@dataclass_transform(frozen_default=True)
def _read_only(*, init: bool) -> Callable[[type[T]], type[T]]:
    """Tells type checkers that the fields of a class cannot be set."""
    assert not init  # noqa: S101  # type checkers alone read it
    return lambda fields: fields


@_read_only(init=False)
class Fields:
    """
    The fields of a record, while it is made.

    Reading a slot costs a fifth of reading a property, but slots can be set; hence two classes of one layout: this one,
    whose fields can be set, and ``LogRecord``, whose fields cannot.
    """

    __slots__ = {
        "_attributes": "Made when read.",
        "_item": "The item, in the shape that the normalizer expects.",
        "_ordinal": "How many equal items without id came before.",
        "_origin": "What the records of a page have in common.",
        "_resource": "Made when read.",
        "_uid": "Made when read.",
        "body": "The display text, or ``None``.",
        "event_name": "The kind of event, of low cardinality, or ``None``.",
        "issues": "What did not decode, each with the path to the value, never the value itself.",
        "raw": "The item as received, decoded; may hold secrets that ``attributes`` leaves out.",
        "severity_number": "0 to 24 as in OpenTelemetry; 0 where neither the service nor the mapping says.",
        "severity_text": "The service's own word, or ``None``.",
        "time_unix_nano": (
            "When it happened: nanoseconds since the epoch, UTC, lossless; 0 where the service's time cannot be read."
        ),
    }

    _attributes: Attributes | None
    _item: Any
    _ordinal: int
    _origin: Origin
    _resource: Attributes | None
    _uid: str | None
    body: str | None
    event_name: str | None
    issues: tuple[str, ...]
    raw: Any
    severity_number: int
    severity_text: str | None
    time_unix_nano: int
