"""Which names in logferry a part of a service's spec is known by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

from attrs import field, frozen

from logferry._accounts.registry import SERVICES
from logferry.specs._document import Document
from logferry.specs._selection import reachable

if TYPE_CHECKING:
    from logferry._streams.definition import StreamDefinition

_MOST: Final = 6
"""Names of a change that are listed."""

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@frozen
class Names:
    """
    The names of one service's streams.

    Attributes:
        streams: Its streams, each with the names of its entries' classes.
    """

    streams: tuple[tuple[StreamDefinition[Any, Any, Any], frozenset[str]], ...] = field(factory=tuple, repr=False)

    def of_operation(self, document: Document, operation: Document) -> tuple[str, ...]:
        """The streams that an operation answers."""
        if not self.streams:
            return ()
        return tuple(stream.name for stream, _ in self._streams_of(document, operation))

    def of_parameter(self, document: Document, operation: Document, wire_name: str) -> tuple[str, ...]:
        """The filters that a parameter stands for."""
        if not self.streams:
            return ()
        return tuple(
            f"filter {one.name} of {stream.name}"
            for stream, _ in self._streams_of(document, operation)
            for one in stream.filter_list
            if one.wire_name == wire_name
        )

    def of_field(self, owner: str, at: str) -> tuple[str, ...]:
        """The field of an entry, and the attributes of records, that a field of a response stands for."""
        if not self.streams or not at:
            return ()
        leaf = at.rpartition(".")[2].removesuffix("[]")
        entry = [f"{owner}.{_CAPITAL.sub('_', leaf).lower()}"] if owner and leaf and leaf != "*" else []
        return tuple([*entry, *dict.fromkeys(self._attributes(at))][:_MOST])

    def _attributes(self, at: str) -> Iterator[str]:
        path = f".{at.replace('[]', '')}".replace("..", ".")
        for stream, _ in self.streams:
            for one in stream.attributes:
                if any(path.endswith(f".{source}") for source in one.source.split(", ") if source != "*"):
                    yield f"attribute {one.name} of {stream.name}"

    def _streams_of(
        self, document: Document, operation: Document
    ) -> Iterator[tuple[StreamDefinition[Any, Any, Any], frozenset[str]]]:
        components = {ref.rpartition("/")[2] for ref, _ in reachable(document, operation.get("responses", {}))}
        yield from (one for one in self.streams if one[1] & components)


def names_of(service: str | None) -> Names:
    """The names of a service; none for another one."""
    known = next((one for one in SERVICES if one.name == service), None)
    return Names(() if known is None else tuple((stream, _entries(stream)) for stream in known.streams))


def _entries(stream: StreamDefinition[Any, Any, Any]) -> frozenset[str]:
    """The classes of a stream's entries: those of the class method, or of the function, that makes them."""
    owner: Any = getattr(stream.entry, "__self__", None)
    if owner is not None:
        return frozenset({owner.__name__})
    made: Any = get_type_hints(stream.entry).get("return")
    return frozenset(one.__name__ for one in get_args(made) or (made,) if hasattr(one, "__name__"))
