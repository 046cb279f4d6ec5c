"""Whether other evidence confirms that a page is complete: the rule, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from logferry._flow.steps import Now, SubFlow
from logferry._paging.end import Doubts, Evidence, agrees, believed, disagreement, shortage


def page(items: int, size: int = 100, **known: Any) -> Evidence:
    """Return the evidence about a page; by default the walk ends with it."""
    return Evidence(items=items, size=size, **({"goes_on": False} | known))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # The walk continues: the page is full, or has all items that the service counts.
        (page(100, goes_on=True), True),
        (page(99, goes_on=True), False),
        (page(0, goes_on=True), False),
        (page(50, goes_on=True, met=300, total=350), True),
        (page(49, goes_on=True, met=300, total=350), False),
        # The walk ends, and the service counts items.
        (page(0, total=0), True),
        (page(0, total=350), False),
        (page(50, met=300, total=350), True),
        (page(49, met=300, total=350), False),
        (page(100, met=0, total=350), False),
        # The walk ends and nothing is counted: only a page that its own rule calls short agrees.
        (page(1), True),
        (page(99), True),
        (page(100), False),
        (page(0), False),
    ],
    ids=str,
)
def test_which_evidence_confirms_a_page(given: Evidence, expected: bool) -> None:
    """The count of the service, a full page before more pages and a short page at the end confirm a page."""
    assert agrees(given) is expected


def test_a_limit_of_the_service_is_a_full_page() -> None:
    """A page with as many items as the service ever sends is full, not short."""
    assert agrees(page(20, goes_on=True), full=20)
    assert not agrees(page(19, goes_on=True), full=20)


def test_a_page_of_the_requested_size_shows_no_limit() -> None:
    """Where page sizes differ, a page below the requested size is short, even if an earlier page had no more items."""
    doubts = Doubts()
    doubts.passed(page(3, 3, goes_on=True))
    assert doubts.are_raised_by(page(3, 4, goes_on=True))
    doubts.passed(page(3, 4, goes_on=True))
    assert not doubts.are_raised_by(page(3, 4, goes_on=True))
    doubts.passed(page(5, 5, goes_on=True))
    assert doubts.are_raised_by(page(3, 4, goes_on=True))


def test_an_empty_page_behind_a_short_one_is_the_end_where_no_page_is_named() -> None:
    """Where the service does not name a next page, an empty page confirms the short page before it."""
    doubts = Doubts()
    doubts.passed(page(100, goes_on=True, names_next=False))
    assert doubts.are_raised_by(page(0))
    doubts.passed(page(40, goes_on=True, names_next=False))
    assert not doubts.are_raised_by(page(0))
    doubts.passed(page(40, goes_on=True))
    assert doubts.are_raised_by(page(0))


def test_repeated_short_pages_are_accepted() -> None:
    """After three short pages that a second request confirms, short is normal; a mismatch restarts the count."""
    doubts, short = Doubts(), page(40, goes_on=True)
    for _ in range(2):
        assert doubts.are_raised_by(short)
        assert not doubts.settle(short, short)
    assert doubts.settle(short, page(100, goes_on=True))
    for _ in range(3):
        assert doubts.are_raised_by(short)
        doubts.settle(short, short)
    assert not doubts.are_raised_by(short)
    assert doubts.are_raised_by(page(0))


def test_a_poll_does_not_confirm_unless_the_count_disagrees() -> None:
    """A poll does not repeat a request, since the next poll reads the same items again."""
    doubts = Doubts(looks_twice=False)
    assert not doubts.are_raised_by(page(0))
    assert doubts.are_raised_by(page(0, total=3))


@pytest.mark.parametrize(
    ("came", "total", "missing"), [(349, 350, True), (350, 350, False), (9, None, False), (5, 4, False)]
)
def test_a_mismatch_with_the_count_is_an_issue(came: int, total: int | None, missing: bool) -> None:
    """The issue names how many items came and how many the service counts."""
    assert disagreement(came, total) == (
        (f"the service counts {total} items and has sent {came}; some may be missing",) if missing else ()
    )


def test_a_page_that_stays_short_names_the_expected_items() -> None:
    """The issue expects the requested page size, or the number of remaining items."""
    assert shortage(page(99, goes_on=True)) == (
        "a page has 99 items where the service counts 100; some may be missing",
    )
    assert shortage(page(9, met=340, total=350)) == (
        "a page has 9 items where the service counts 10; some may be missing",
    )
    assert shortage(page(10, met=340, total=350)) == ()


@pytest.mark.parametrize(
    ("answers", "expected", "requests"),
    [
        ([page(5), page(7)], page(5), 1),  # short by its own rule
        ([page(0), page(7)], page(7), 2),  # the second page has more items
        (
            [page(7, 10, goes_on=True), page(5, 10, goes_on=True)],
            page(7, 10, goes_on=True),
            2,
        ),  # the first page has more items
        ([page(0), page(0, goes_on=True)], page(0, goes_on=True), 2),  # the second names a next page
        ([page(0, fails=True), page(7)], page(0, fails=True), 1),  # an error does not mean the end
    ],
    ids=str,
)
def test_the_better_of_two_pages_is_used(answers: list[Evidence], expected: Evidence, requests: int) -> None:
    """Only a page in doubt is requested once more, and the more complete answer is used."""
    left = list(answers)

    def ask() -> SubFlow[Evidence]:
        yield Now()
        return left.pop(0)

    flow = believed(ask, lambda found: found, Doubts())
    for _ in range(requests):
        flow.send(None)
    with pytest.raises(StopIteration) as ended:
        flow.send(None)
    assert ended.value.value == expected
    assert len(answers) - len(left) == requests
