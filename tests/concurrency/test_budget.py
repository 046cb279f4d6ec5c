"""How many requests may be in flight: a table of cases."""

from __future__ import annotations

import pytest

from logferry._concurrency.budget import Budget

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("pages", "sent", "in_flight", "expected"),
    [
        (4, 5, 1, 0),  # a few pages are read alone
        (5, 6, 1, 2),  # then two more
        (9, 10, 1, 5),
        (12, 13, 1, 7),  # until as many are in flight as may be
        (12, 20, 8, 7),  # what is in flight is no waste yet
        (12, 18, 1, 0),  # but what came and had nothing is
        (60, 61, 1, 7),
        (60, 80, 1, 1),
        (60, 90, 1, 0),
    ],
)
def test_what_may_be_asked_for_ahead(pages: int, sent: int, in_flight: int, expected: int) -> None:
    """At most a third more requests than pages are wasted, half of those in flight counted as if they were."""
    budget = Budget(
        concurrency=8, page_size=10, max_items=None, sent=sent, pages=pages, items=10 * pages, waited=SECOND
    )
    assert budget.ahead(in_flight, 0) == expected


@pytest.mark.parametrize(
    ("max_items", "total", "found", "expected"),
    [
        (None, None, 0, 7),
        (300, None, 0, 7),
        (230, None, 0, 2),  # three pages more, one of them that of the walk itself
        (230, None, 30, 0),  # which are there
        (None, 215, 0, 1),
        (300, 215, 0, 1),
        (None, 100, 0, 0),  # the service counts fewer than have come
    ],
)
def test_no_more_than_is_wanted(max_items: int | None, total: int | None, found: int, expected: int) -> None:
    """Neither more than the caller wants, nor more than the service counts."""
    budget = Budget(
        concurrency=8, page_size=10, max_items=max_items, total=total, sent=20, pages=20, items=200, waited=SECOND
    )
    assert budget.ahead(0, found) == expected


def test_only_what_takes_time_is_asked_for_ahead() -> None:
    """Ten milliseconds a page, until several at once shorten it."""
    budget = Budget(concurrency=8, page_size=10, max_items=None, sent=9, pages=8, items=80, waited=79 * SECOND // 1000)
    assert budget.ahead(1, 0) == 0
    budget.waited = 80 * SECOND // 1000
    assert budget.ahead(1, 0) > 0
    budget.pages, budget.sent, budget.items = 80, 81, 800
    assert budget.ahead(1, 0) > 0
