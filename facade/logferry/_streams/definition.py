"""What a stream is, before anything is requested: its names, its limits, its shape and what it promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from attrs import AttrsInstance, field, fields, frozen

from logferry._concurrency.density import StreamOrder
from logferry._flow.steps import Flow, Position
from logferry._json import is_object
from logferry._lazy import loaded
from logferry._records.attributes import Attribute
from logferry._records.origin import Normalizer
from logferry._streams.incremental import Incremental
from logferry._time.window import Window

E = TypeVar("E")
J = TypeVar("J")
F = TypeVar("F", bound=AttrsInstance)
J_co = TypeVar("J_co", covariant=True)
F_contra = TypeVar("F_contra", bound=AttrsInstance, contravariant=True)


class Walk(Protocol[F_contra]):
    """Starts a stream's flow: the part of paging that only the stream's own service knows."""

    def __call__(self, filters: F_contra, page_size: int, window: Window, position: Position | None) -> Flow:
        """
        Yield every item of *window* once.

        Args:
            filters: The caller's filters.
            page_size: How many items to ask for at once, at least 1.  Where a page is too large to be read, the flow is begun
                again at the same position with half as many.  So items that a request repeats on purpose must become
                fewer with it, too.
            window: Which items; the flow filters what the service does not.
            position: Where to resume, as a batch gave it; ``None`` for the start.
        """
        ...


@frozen(kw_only=True)
class Forward(Generic[F]):
    """
    How a stream says what came after a cursor, so that it is followed and synced without reading anything again.

    Attributes:
        walk: Starts a walk, see ``Walk``, which yields what has come since its position, each item once, and ends where nothing more
            is there; its last position is where the next walk goes on, see ``forward_walk``.  Without a position it begins where the
            window does.  It goes beyond the window's end, up to now.
        catches_late: Whether an item that arrives late comes after the cursor too, whatever its time.  Elsewhere the stream's own
            walk reads the settling time again from time to time.
    """

    walk: Walk[F]
    catches_late: bool = True


class Repaired(Protocol[J_co]):
    """An item made well-formed, as the generated ``repair_...`` functions return it."""

    @property
    def value(self) -> J_co:
        """A copy without what does not fit."""
        ...

    @property
    def issues(self) -> tuple[str, ...]:
        """What was taken out, each with the path to the value."""
        ...

    @property
    def complete(self) -> bool:
        """Whether no required value had to be invented."""
        ...


@frozen
class _Replaced:
    """What stands for an item that is no object, in a stream without a repair of its own."""

    item: object
    value: Any = field(factory=dict[str, Any], init=False)
    issues: tuple[str, ...] = field(default=("no object",), init=False)
    complete: bool = field(default=False, init=False)


def _itself(item: Any) -> Any:
    return item


@frozen(kw_only=True)
class Filter:
    """A filter of a stream, as ``filter_field`` declares it; *name* is that of the field."""

    name: str
    wire_name: str
    summary: str
    parse: Callable[[str], Any] = field(repr=False)
    choices: tuple[str, ...] = ()
    several: bool = False
    shown: Shown | None = field(default=None, repr=False)
    any_case: bool = False

    def read(self, text: str) -> Any:
        """Its value of a text that a user typed, with commas between several; a ValueError says what would do."""
        value = [self.parse(part.strip()) for part in text.split(",")] if self.several else self.parse(text)
        self.check(value)
        return value

    def check(self, value: Any) -> None:
        """Raise a ValueError, which says what would do, for a value that the service does not know."""
        values = value if self.several else [value]
        if self.choices and (not values or isinstance(values, str) or any(one not in self.choices for one in values)):
            raise ValueError(f"it is one {'or more ' if self.several else ''}of {', '.join(self.choices)}")


Shown: TypeAlias = Callable[[Any], Any]
"""Gives the value of a filter that an item shows, as the filter's own type; ``None`` where the item shows none."""


def filter_field(
    wire_name: str,
    summary: str,
    *,
    parse: Callable[[str], Any] = str,
    choices: Sequence[str] = (),
    several: bool = False,
    shown: Shown | None = None,
    any_case: bool = False,
) -> Any:
    """
    An optional field of a class of filters.

    Args:
        wire_name: The filter's name on the wire.
        summary: What it does, in one line.
        parse: Makes its value of a text that a user typed; raises a ValueError that says what would do.
        choices: The values that the service knows, as it spells them; default: any.  Others are refused before anything is
            sent.
        several: Whether its value is a list; any sequence becomes one, and a user types commas in between.
        shown: Gives the value of it that an item shows, see ``shown_at``.  An item that shows another value than the
            caller's is left out, so it is for filters that are known to compare for equality; ``None`` for others.
        any_case: Whether upper and lower case may be the same for the service.
    """
    metadata = {
        "wire_name": wire_name,
        "summary": summary,
        "parse": parse,
        "choices": tuple(choices),
        "several": several,
        "shown": shown,
        "any_case": any_case,
    }

    def as_list(value: Any) -> Any:
        return value if value is None or isinstance(value, str) else list[Any](value)

    options: dict[str, Any] = {"converter": as_list} if several else {}
    return field(default=None, metadata=metadata, **options)


def flag(text: str) -> bool:
    """A switch that a user typed: ``true`` or ``false``."""
    if text.lower() not in ("true", "false"):
        raise ValueError("it is true or false")
    return text.lower() == "true"


@frozen(kw_only=True, repr=False)
class StreamDefinition(Generic[E, J, F]):
    """
    A stream of a service.

    Attributes:
        name: ``<service>.<stream>``; the service's client opens it with a method called as the part after the dot.
        summary: What it holds, in one line.
        paging: How the service pages, in a few words.
        order: ``"newest first"`` or ``"oldest first"`` where the service sorts by time, else ``"as sent"``.
        time_filter: Who filters by time, in a few words.
        resolution: How finely the service filters by time, in nanoseconds, where several partitions of a window are read at once:
            the walk gives ``Batch.times`` and ``Batch.sent`` then, and where the order is ``"as sent"``, its positions also
            hold in a window that ends earlier.  ``None`` where pages are read one after the other.
        promise: What a pull of the stream guarantees, and why.
        filters: The class of its own filters: attrs, every field a ``filter_field``.
        needs_one_of: Names of filters of which the service wants at least one; empty where it wants none.
        tenant_filter: Name of the filter that says whose logs are read; empty where the account or the items do.
        page_size: How many items are requested at once unless the caller says otherwise.
        largest_page_size: The service's limit, or ``None`` where it is unknown.
        walk: Starts the stream's flow, see ``Walk``.
        forward: How it says what came after a cursor; ``None`` where it cannot.
        fits: Whether an item has the shape that the documentation promises; default: whether it is a JSON object.
        repair: Makes an item fit; default: an empty object takes the place of what is no object.
        entry: The typed model of an item that fits; default: the item as it is.
        normalizer: The record of an item that fits.
        attributes_home: Module and name of the tables of attributes, by stream; empty where there are none.
        incremental: How it is read again and again.
    """

    name: str
    summary: str
    paging: str
    order: StreamOrder
    time_filter: str
    resolution: int | None = None
    promise: str
    filters: type[F]
    needs_one_of: tuple[str, ...] = ()
    tenant_filter: str = ""
    page_size: int
    largest_page_size: int | None = None
    walk: Walk[F]
    forward: Forward[F] | None = None
    fits: Callable[[object], bool] = is_object
    repair: Callable[[object], Repaired[J]] = _Replaced
    entry: Callable[[Any], E] = _itself
    normalizer: Normalizer[J]
    attributes_home: str = ""
    incremental: Incremental = field(factory=Incremental)

    def __repr__(self) -> str:
        return f"<StreamDefinition {self.name}>"

    @property
    def method(self) -> str:
        """The method of the service's client that opens the stream."""
        return self.name.partition(".")[2]

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes that its normalizer makes; loaded when they are read."""
        tables: Mapping[str, tuple[Attribute, ...]] = loaded(self.attributes_home) if self.attributes_home else {}
        return tables.get(self.name, ())

    @property
    def filter_list(self) -> tuple[Filter, ...]:
        """Its own filters, in the order of the method's parameters."""
        return tuple(Filter(name=one.name, **one.metadata) for one in fields(self.filters))
