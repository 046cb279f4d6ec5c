"""A filter that the service of a trial ignores, and the items that must arrive all the same."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import attrs

from logferry._client import Client
from logferry._errors import LogferryError
from logferry._streams.definition import StreamDefinition
from logferry._streams.matching import Check
from logferry.testing._http import Fake
from logferry.testing._rows import Row
from logferry.testing._wiring import connected

__all__ = ["IgnoredFilter"]

_SHARE: Final = 0.25
"""The share of the trials of a stream with such filters in which the service ignores one."""


@attrs.frozen
class IgnoredFilter:
    """
    A filter that the caller uses and the service ignores.

    Attributes:
        check: How the client checks it.
        value: The value of the filter.
        parameters: Its parameter names on the wire.
        matching: The identities of the items that show that value.
        others: The identities of the items that show another value.
    """

    check: Check
    value: str
    parameters: frozenset[str]
    matching: frozenset[str]
    others: frozenset[str]

    @classmethod
    def found(
        cls,
        client: type[Client],
        fake: Fake,
        definition: StreamDefinition[Any, Any, Any],
        question: Mapping[str, str],
        seed: int,
    ) -> "IgnoredFilter | None":
        """
        Draw a filter, with a value that items of a scripted fake show; mostly `None`.

        Args:
            client: The client's class.
            fake: The fake.
            definition: The stream.
            question: The other filters of the query.
            seed: Decides it.
        """
        chance = random.Random(f"ignored filter {definition.name} {seed}")  # noqa: S311 - the same on every run
        usable = [one for one in definition.filter_list if one.shown is not None and one.name not in question]
        if not usable or chance.random() >= _SHARE:
            return None
        one = chance.choice(usable)
        assert one.shown is not None  # noqa: S101  # they are usable
        items = {fake.identity(definition.name, item): item for item in _items(client, fake, definition, question)}
        values = sorted({value for item in items.values() if isinstance(value := one.shown(item), str) and value})
        if not values:
            return None
        value = chance.choice(values)
        check = Check.of(one, value)
        assert check is not None  # noqa: S101  # items show it
        return cls(
            check,
            value,
            frozenset({one.wire_name}),
            frozenset(identity for identity, item in items.items() if one.shown(item) == value),
            frozenset(identity for identity, item in items.items() if not check.admits(item)),
        )

    @property
    def remark(self) -> str:
        """The remark that the caller must receive."""
        return self.check.remark

    def asked(self, question: Mapping[str, str]) -> Mapping[str, str]:
        """The filters that the caller uses."""
        return {**question, self.check.name: self.value}

    def sifted(self, certain: Counter[str], possible: Counter[str]) -> tuple[Counter[str], Counter[str], int]:
        """
        The items that must and may arrive with the filter, and the number that show that the service ignores it.

        Args:
            certain: The identities that must arrive without the filter.
            possible: The identities that may arrive without it.
        """
        return (
            Counter({identity: count for identity, count in certain.items() if identity in self.matching}),
            Counter({identity: count for identity, count in possible.items() if identity not in self.others}),
            sum(count for identity, count in certain.items() if identity in self.others),
        )


def _items(
    client: type[Client], fake: Fake, definition: StreamDefinition[Any, Any, Any], question: Mapping[str, str]
) -> list[Any]:
    """All items that a scripted fake ever lists; its service ends every walk."""
    told: Any = fake
    rows: list[Row] = [attrs.evolve(row, appears=None, vanishes=None) for row in told.rows]
    with connected(client, attrs.evolve(told, rows=tuple(rows)), concurrency=1) as opened:
        try:
            return opened.stream(definition.name, filters=question, until="2100-01-01").raw().to_list()
        except LogferryError:
            return []
