"""How many requests the budget allows in flight: a table of cases."""

from __future__ import annotations

import pytest

from logferry._concurrency.budget import Budget

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("pages", "sent", "in_flight", "expected"),
    [
        (4, 5, 1, 0),  # the first pages are read one by one
        (5, 6, 1, 2),  # then two more are allowed
        (9, 10, 1, 5),
        (12, 13, 1, 7),  # up to the configured concurrency
        (12, 20, 8, 7),  # a request in flight is not wasted yet
        (12, 18, 1, 0),  # an empty page is wasted
        (60, 61, 1, 7),
        (60, 80, 1, 1),
        (60, 90, 1, 0),
    ],
)
def test_the_budget_bounds_wasted_requests(pages: int, sent: int, in_flight: int, expected: int) -> None:
    """The wasted requests, half of those in flight included, stay within a third of the pages delivered."""
    budget = Budget(
        concurrency=8, page_size=10, max_items=None, sent=sent, pages=pages, items=10 * pages, waited=SECOND
    )
    assert budget.ahead(in_flight, 0) == expected


@pytest.mark.parametrize(
    ("max_items", "total", "found", "expected"),
    [
        (None, None, 0, 7),
        (300, None, 0, 7),
        (230, None, 0, 2),  # three more pages; one of them is the page of the walk itself
        (230, None, 30, 0),  # these pages have arrived
        (None, 215, 0, 1),
        (300, 215, 0, 1),
        (None, 100, 0, 0),  # the service's count is below what has already arrived
    ],
)
def test_the_budget_stops_at_what_the_caller_wants(
    max_items: int | None, total: int | None, found: int, expected: int
) -> None:
    """The budget requests neither more than the caller wants nor more than the service counts."""
    budget = Budget(
        concurrency=8, page_size=10, max_items=max_items, total=total, sent=20, pages=20, items=200, waited=SECOND
    )
    assert budget.ahead(0, found) == expected


def test_only_slow_pages_are_requested_ahead() -> None:
    """A page must take at least ten milliseconds, until concurrent requests shorten the time per page."""
    budget = Budget(concurrency=8, page_size=10, max_items=None, sent=9, pages=8, items=80, waited=79 * SECOND // 1000)
    assert budget.ahead(1, 0) == 0
    budget.waited = 80 * SECOND // 1000
    assert budget.ahead(1, 0) > 0
    budget.pages, budget.sent, budget.items = 80, 81, 800
    assert budget.ahead(1, 0) > 0
