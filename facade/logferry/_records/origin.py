"""Where records come from: what those of one page have in common, and the functions that make the rest of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import Factory, field, frozen

from logferry._records.attributes import Attributes, present
from logferry._time.page_times import PageTimes
from logferry._time.timestamps import rfc3339

if TYPE_CHECKING:
    from logferry._records.record import LogRecord

J = TypeVar("J")
K = TypeVar("K")
V = TypeVar("V")


@frozen(kw_only=True)
class Normalizer(Generic[J]):
    """
    A stream's way from a well-formed item to a record: pure functions, checked against the item's shape.

    Attributes:
        times: When the items of a page happened; of each, whatever it is.
        make: The record of an item and its time, 0 where that cannot be read; called for every item, so it reads only what
            every reader wants.
        identity: What makes the item's ``uid``: its tenant and its id, each ``None`` where the item has none.
        attributes: What the item says, by OpenTelemetry's names where they exist.
        resource: What produced the log: service, address, tenant; of the item, only its tenant may be read.
        trace_id: The trace that the item belongs to, as 32 hexadecimal digits; ``None`` where items name none.
        untimed: The issue of an item whose time cannot be read, with the path to the value.
    """

    times: Callable[[list[Any]], PageTimes]
    make: Callable[[J, Origin, int], LogRecord]
    identity: Callable[[J], tuple[str | None, str | None]]
    attributes: Callable[[J], Attributes]
    resource: Callable[[J, Origin], Attributes]
    trace_id: Callable[[J], str | None] | None = None
    untimed: str = "the time cannot be read"

    def time(self, item: object) -> int | None:
        """When an item happened, whatever it is, in nanoseconds since the epoch; ``None`` where that cannot be read."""
        return self.times([item])[0]

    def record(self, item: J, origin: Origin) -> LogRecord:
        """The record of a single item."""
        time = self.time(item)
        return self.make(item, origin, time) if time is not None else self.without_time(item, origin)

    def without_time(self, item: J, origin: Origin, ordinal: int = 0) -> LogRecord:
        """The record of an item whose time cannot be read, which is an issue."""
        return self.make(item, origin, 0).as_received(item, (self.untimed,), ordinal)


class _Memory(dict[K, V]):
    """What is kept beside a value: it is no part of the value, so copies and pickles begin without it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _Memory, ()


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
        observed: The same as RFC 3339 text.
        tenant: Whose logs they are, where the items do not say; ``None`` where that is unknown.
        filters: The filters of the query, by their Python names; no part of a record, so equality leaves it out.
    """

    stream: str
    account: str
    server_address: str
    observed_time_unix_nano: int
    normalizer: Normalizer[Any]
    tenant: str | None = None
    filters: Mapping[str, Any] = field(factory=dict[str, Any], eq=False)
    _resources: dict[str | None, Attributes] = field(
        factory=_Memory[str | None, Attributes], init=False, eq=False, repr=False
    )
    _prefixes: dict[str | None, str] = field(factory=_Memory[str | None, str], init=False, eq=False, repr=False)
    observed: str = field(
        default=Factory(lambda self: rfc3339(self.observed_time_unix_nano), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )

    def prefix(self, tenant: str | None) -> str:
        """What a ``uid`` begins with; the account stands for a tenant that an item does not name."""
        prefix = self._prefixes.get(tenant)
        if prefix is None:
            service = self.stream.partition(".")[0]
            prefix = self._prefixes[tenant] = f"{service}:{tenant or self.tenant or self.account}:"
        return prefix

    def resource(self, item: Any, tenant: str | None) -> Attributes:
        """The resource of an item of a tenant; it is shared by all of them, so it must not be changed."""
        resource = self._resources.get(tenant)
        if resource is None:
            resource = self._resources[tenant] = self.normalizer.resource(item, self)
        return resource


@frozen
class IdentityFields:
    """
    The ``identity`` of a normalizer, for items with an id and a tenant at the top.

    Attributes:
        identity: The field with the id; ``None`` if items have no id.
        tenant: The field with the tenant; ``None`` if items do not say whose they are.
    """

    identity: str | None
    tenant: str | None = None

    def __call__(self, item: Mapping[Any, Any]) -> tuple[Any, Any]:
        """The tenant and the id of an item."""
        return item.get(self.tenant), item.get(self.identity)


@frozen
class ServiceResource:
    """
    The ``resource`` of a normalizer: the service's name, its address, and the tenant of the item or of the account.

    Attributes:
        service: The service's name.
        tenant: The attribute with the tenant; ``None`` for no attribute.
    """

    service: str
    tenant: str | None = None

    def __call__(self, item: Any, origin: Origin) -> Attributes:
        """The resource of an item."""
        found: Attributes = {"service.name": self.service, "server.address": origin.server_address}
        if self.tenant:
            whose = origin.normalizer.identity(item)[0]
            found[self.tenant] = origin.tenant if whose is None else whose
        return present(found)
