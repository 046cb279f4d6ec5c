"""How many items of a window are wanted, as far as that is known, and how many have come."""

from __future__ import annotations

from attrs import define


@define(kw_only=True)
class Demand:
    """
    What is wanted, and what has come.

    Attributes:
        max_items: How many items the caller wants, or ``None`` for all.
        expected: How many the service counts, or ``None`` where it does not say.
        items: How many have been delivered.
        pages: On how many pages.
        sent: How many requests have been sent for them.
    """

    max_items: int | None
    expected: int | None = None
    items: int = 0
    pages: int = 0
    sent: int = 0

    def took(self, items: int) -> None:
        """Note a page that has been delivered."""
        self.pages += 1
        self.items += items

    @property
    def is_met(self) -> bool:
        """Whether as many items have been delivered as the service counts."""
        return self.expected is not None and self.items >= self.expected

    @property
    def listed(self) -> int | None:
        """How many items the service has yet, or ``None`` where it does not say."""
        return None if self.expected is None else self.expected - self.items

    @property
    def wanted(self) -> int | None:
        """How many items more are wanted at most, or ``None`` where nobody knows."""
        known = [count - self.items for count in (self.max_items, self.expected) if count is not None]
        return min(known, default=None)

    def requests(self, most: int, page_size: int) -> int:
        """
        How many requests may be under way.

        Args:
            most: How many at most.
            page_size: How many items a page has.
        """
        # More and more of them: who takes a few items only shall not cause many requests.
        allowed = min(most, 1 + 2 * self.pages)
        return allowed if self.wanted is None else min(allowed, -(-self.wanted // page_size))
