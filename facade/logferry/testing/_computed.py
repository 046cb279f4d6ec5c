"""Sequences whose items are computed on access, so that a million of them need no memory."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

__all__ = ["Computed"]

T_co = TypeVar("T_co", covariant=True)


class Computed(Sequence[T_co]):
    """A sequence that computes each item when it is read; a slice is a list."""

    __slots__ = ()

    @abstractmethod
    def at(self, index: int) -> T_co:
        """Return the item at an index, 0 or more and less than the length."""

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | list[T_co]:
        """Return the item, or the items, at `index`."""
        if isinstance(index, slice):
            return [self.at(place) for place in range(len(self))[index]]
        return self.at(range(len(self))[index])
