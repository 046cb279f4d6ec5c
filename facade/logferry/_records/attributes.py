"""What the records of every service have in common in their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from attrs import frozen

from logferry._redaction import without_secrets

Attributes: TypeAlias = dict[str, Any]
"""Names to JSON values; never ``None`` at the top."""


AttributeType: TypeAlias = Literal["string", "integer", "number", "boolean", "array", "object", "any"]
"""A JSON type, in the words of JSON Schema; ``any`` where it differs."""


@frozen
class Attribute:
    """
    A row of the table that documents a stream's attributes.

    Attributes:
        name: The attribute's name.  One that ends in ``*`` is a family: all names that begin so and have no row of their own.
        type: The type of its value.
        source: The fields of the item that it comes from, as paths, separated by ``", "``; any one of them is enough.
        meaning: What it says, in one line.
        optional: Whether a record can lack it, although its item has the documented shape.
    """

    name: str
    type: AttributeType
    source: str
    meaning: str
    optional: bool = True

    @property
    def is_family(self) -> bool:
        """Whether it stands for several attributes, whose names depend on the data."""
        return self.name.endswith("*")


def present(attributes: Attributes) -> Attributes:
    """The attributes that have a value."""
    if None in attributes.values():
        return {name: value for name, value in attributes.items() if value is not None}
    return attributes


def mapped(item: Mapping[str, Any], names: Mapping[Any, str | None], *, prefix: str) -> Attributes:
    """
    The fields of an item under the names of their attributes; without those that have no value, and without secrets.

    Args:
        item: The item.
        names: Field to attribute; ``None`` for a field that is elsewhere in the record, or held back.  What they name has no
            secret in it.
        prefix: What the names of other fields begin with as attributes, such as ``"daily"``.
    """
    attributes: Attributes = {}
    unknown: dict[str, Any] = {}
    # A loop over what is there is quicker than looking for each field, and for unknown ones; hardly any are (measured).
    for key, value in item.items():
        try:
            name = names[key]
        except KeyError:
            unknown[key] = value
        else:
            if name is not None and value is not None:
                attributes[name] = value
    if unknown:
        attributes |= {f"{prefix}.{key}": value for key, value in without_secrets(unknown).items() if value is not None}
    return attributes
