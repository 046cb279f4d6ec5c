"""The identities of a service's items, and their comparison with those that arrive."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Self

import attrs
import orjson

from logferry._json import is_object
from logferry.testing._computed import Computed
from logferry.testing._http import Fake

__all__ = ["Comparison", "Differences", "Identities", "identity_of", "require_stream"]


def require_stream(stream: str, streams: Sequence[str]) -> None:
    """
    Raise for a stream that a fake does not serve.

    Raises:
        ValueError: It is not in `streams`.
    """
    if stream not in streams:
        raise ValueError(f"there is no stream {stream!r}; there are {', '.join(streams)}")


def identity_of(item: object, name: str | None) -> str:
    """
    Return the id of an item under `name`; without one, a digest that only equal items share.

    It is independent of the facade's `uid`, in code too, so that tests can compare the two.
    """
    identity = item.get(name) if name is not None and is_object(item) else None
    if isinstance(identity, str):
        return identity
    return hashlib.sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest()


@attrs.frozen(eq=False)
class Identities(Computed[str]):
    """
    The identities of items, computed on access.

    Attributes:
        items: The items, computed on access too.
        identity: Returns the identity of an item.
    """

    items: Sequence[Any]
    identity: Callable[[Any], str]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[str]:
        return map(self.identity, self.items)

    def at(self, index: int) -> str:
        """Return the identity at an index."""
        return self.identity(self.items[index])


@attrs.frozen(kw_only=True)
class Differences:
    """
    The differences between what arrived and the truth; empty, and so false, without any.

    Attributes:
        missing: Identities that did not arrive, with the number of missing items.
        doubled: Identities that arrived more often than the service has them, with the number of extra items.
        unexpected: Identities that arrived and that the service does not have, with their number.
    """

    missing: Mapping[str, int]
    doubled: Mapping[str, int]
    unexpected: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.missing or self.doubled or self.unexpected)


class Comparison:
    """
    Compares identities with the truth as they arrive, in any order.

    In or almost in the order of the truth, it needs constant memory: it keeps only identities out of order, until their
    counterparts arrive.

    Args:
        truths: The identities that must arrive, all together; see `Fake.truth`.

    Attributes:
        expected: Number of identities that must arrive.
        arrived: Number of identities that have arrived.
    """

    def __init__(self, *truths: Sequence[str]) -> None:
        self.expected: int = sum(map(len, truths))
        self.arrived: int = 0
        self._truths = truths
        self._rest = chain.from_iterable(truths)
        self._surplus = Counter[str]()

    @classmethod
    def of(cls, fake: Fake, stream: str) -> Self:
        """Compare with all items of a stream at the fake's epoch: the result of a pull of all its `questions`."""
        questions: list[dict[str, Any]] = [dict(question) for question in fake.questions(stream)]
        return cls(*(fake.truth(stream, **question) for question in questions))

    def __repr__(self) -> str:
        return f"<Comparison {self.arrived} of {self.expected}>"

    def add(self, identity: str) -> None:
        """Add identities that have arrived."""
        self.arrived += 1
        expected = next(self._rest, None)
        if identity != expected:
            self._count(identity, 1)
            if expected is not None:
                self._count(expected, -1)

    def differences(self) -> Differences:
        """Return what is missing, doubled and unexpected, after the last item has arrived."""
        for expected in self._rest:
            self._count(expected, -1)
        more = {identity: count for identity, count in self._surplus.items() if count > 0}
        # Only a second pass over the truth can distinguish these, so it runs only if there are differences.
        known = {one for one in chain.from_iterable(self._truths) if one in more} if more else set[str]()
        return Differences(
            missing={identity: -count for identity, count in self._surplus.items() if count < 0},
            doubled={identity: count for identity, count in more.items() if identity in known},
            unexpected={identity: count for identity, count in more.items() if identity not in known},
        )

    def _count(self, identity: str, change: int) -> None:
        self._surplus[identity] += change
        if not self._surplus[identity]:
            del self._surplus[identity]
