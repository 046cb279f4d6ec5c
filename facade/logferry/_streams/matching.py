"""
What the caller filters by is checked where items show it.

A service that does not know a parameter ignores it (measured on releases of Logto), and sends all items.  So an item that
shows another value than the filter's is left out, and the first one makes a remark.  What an item does not show is left to
the service.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import AttrsInstance, evolve, frozen

from logferry._flow.layers import layer
from logferry._flow.steps import Batch, Flow, SubFlow
from logferry._json import is_array, is_object
from logferry._streams.definition import Filter, Shown, StreamDefinition


def shown_at(*path: str, absent: Any = None) -> Shown:
    """
    How items show the value of a filter: in the field at a path of names.

    Args:
        path: Names of fields, from the outside in.
        absent: What stands for a field that an object does not have: ``None`` where that says nothing, an empty text where
            the service never finds such an item by the filter.
    """

    def shown(item: Any) -> Any:
        value = item
        for name in path:
            if not is_object(value):
                return None
            value = value.get(name, absent if name == path[-1] else None)
        return value

    return shown


@frozen
class Check:
    """A filter that a caller uses, and whose value items show: it has to be one of those that are *wanted*."""

    name: str
    wanted: frozenset[Any]
    shown: Shown
    any_case: bool

    @classmethod
    def of(cls, one: Filter, value: Any) -> Check | None:
        """The check of a filter's value; ``None`` where items do not show it."""
        if one.shown is None or value is None:
            return None
        values: Sequence[Any] = value if is_array(value) else [value]
        return cls(one.name, frozenset(_plain(each, any_case=one.any_case) for each in values), one.shown, one.any_case)

    def admits(self, item: Any) -> bool:
        """Whether an item does not show another value; one of another kind cannot be compared."""
        value = self.shown(item)
        if value is None or type(value) not in {*map(type, self.wanted)}:
            return True
        return _plain(value, any_case=self.any_case) in self.wanted

    @property
    def remark(self) -> str:
        """The remark of an item that shows another value."""
        return f"the service ignores the filter {self.name}: it sends items that show another value, which are left out"


def _plain(value: Any, *, any_case: bool) -> Any:
    return value.casefold() if any_case and isinstance(value, str) else value


def checks_of(definition: StreamDefinition[Any, Any, Any], filters: AttrsInstance) -> tuple[Check, ...]:
    """The checks of what a caller filters a stream by."""
    checks = (Check.of(one, getattr(filters, one.name)) for one in definition.filter_list)
    return tuple(check for check in checks if check is not None)


def matching(flow: Flow, checks: Sequence[Check]) -> Flow:
    """Leave out the items of a flow's batches that show another value than the filter's."""
    reported: set[str] = set()

    def sift(batch: Batch) -> SubFlow[object]:
        items = batch.items
        kept = [index for index, item in enumerate(items) if all(check.admits(item) for check in checks)]
        if len(kept) == len(items):
            return (yield batch)
        failed = [check for check in checks if not all(map(check.admits, items))]
        remarks = tuple(check.remark for check in failed if check.name not in reported)
        reported.update(check.name for check in failed)
        narrowed = batch.narrowed(kept, end=len(items))
        return (yield evolve(narrowed, remarks=(*batch.remarks, *remarks)))

    return layer(flow, {Batch: sift})
