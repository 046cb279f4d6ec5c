"""What a service has, said as identities, and the comparison of what arrives with it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Self, overload

import attrs
import orjson

from logferry._json import is_object
from logferry.testing._http import Fake

__all__ = ["Comparison", "Differences", "Identities", "identity_of", "require_stream"]


def require_stream(stream: str, streams: Sequence[str]) -> None:
    """
    Refuse a stream that a fake does not serve.

    Raises:
        ValueError: It is none of `streams`.
    """
    if stream not in streams:
        raise ValueError(f"there is no stream {stream!r}; there are {', '.join(streams)}")


def identity_of(item: object, name: str | None) -> str:
    """
    Return the id that an item has under `name`; where it has none, a digest that only equal items share.

    It is not the facade's `uid`, and not made by its code, so that one can tell whether the other is right.
    """
    identity = item.get(name) if name is not None and is_object(item) else None
    if isinstance(identity, str):
        return identity
    return hashlib.sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest()


@attrs.frozen(eq=False)
class Identities(Sequence[str]):
    """
    The identities of items, computed when they are looked at.

    Attributes:
        items: What they are of, computed when looked at as well.
        identity: From an item to its identity.
    """

    items: Sequence[Any]
    identity: Callable[[Any], str]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[str]:
        return map(self.identity, self.items)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Return the identity, or the identities, at `index`."""
        found = self.items[index]
        return [self.identity(item) for item in found] if isinstance(index, slice) else self.identity(found)


@attrs.frozen(kw_only=True)
class Differences:
    """
    What is wrong with what arrived; empty, and so false, where nothing is.

    Attributes:
        missing: Identities that the service has and that did not arrive, with how often they are missing.
        doubled: Identities that arrived more often than the service has them, with how much more often.
        unexpected: Identities that arrived and that the service does not have, with how often.
    """

    missing: Mapping[str, int]
    doubled: Mapping[str, int]
    unexpected: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.missing or self.doubled or self.unexpected)


class Comparison:
    """
    Compares identities with the truth as they arrive, in any order.

    As long as they come in the order of the truth, give or take a few, it needs no memory, however many there are: only
    what is out of place is kept, until its counterpart has come.

    Args:
        truths: What has to arrive, all of them together; see `Fake.truth`.

    Attributes:
        expected: How many have to arrive.
        arrived: How many have.
    """

    def __init__(self, *truths: Sequence[str]) -> None:
        self.expected: int = sum(map(len, truths))
        self.arrived: int = 0
        self._truths = truths
        self._rest = chain.from_iterable(truths)
        self._surplus = Counter[str]()

    @classmethod
    def of(cls, fake: Fake, stream: str) -> Self:
        """Compare with all that `fake` has of a stream at its epoch: what a pull of all its `questions` has to give."""
        questions: list[dict[str, Any]] = [dict(question) for question in fake.questions(stream)]
        return cls(*(fake.truth(stream, **question) for question in questions))

    def __repr__(self) -> str:
        return f"<Comparison {self.arrived} of {self.expected}>"

    def add(self, identity: str) -> None:
        """Take what has arrived."""
        self.arrived += 1
        expected = next(self._rest, None)
        if identity != expected:
            self._count(identity, 1)
            if expected is not None:
                self._count(expected, -1)

    def differences(self) -> Differences:
        """Say what is missing, doubled and unexpected, now that nothing more will arrive."""
        for expected in self._rest:
            self._count(expected, -1)
        more = {identity: count for identity, count in self._surplus.items() if count > 0}
        # Only a truth that is gone through once more can tell, which nobody needs to do while all is well.
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
