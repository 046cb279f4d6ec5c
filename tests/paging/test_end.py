"""Whether something else agrees with a page: the rule, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from logferry._flow.steps import Now, SubFlow
from logferry._paging.end import Doubts, Evidence, agrees, believed, disagreement, shortage


def page(items: int, size: int = 100, **known: Any) -> Evidence:
    """What is known of a page; the walk ends with it unless it is said to go on."""
    return Evidence(items=items, size=size, **({"goes_on": False} | known))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # The walk goes on: a full page, or all that the service counts.
        (page(100, goes_on=True), True),
        (page(99, goes_on=True), False),
        (page(0, goes_on=True), False),
        (page(50, goes_on=True, met=300, total=350), True),
        (page(49, goes_on=True, met=300, total=350), False),
        # The walk ends where the service counts.
        (page(0, total=0), True),
        (page(0, total=350), False),
        (page(50, met=300, total=350), True),
        (page(49, met=300, total=350), False),
        (page(100, met=0, total=350), False),
        # The walk ends where nothing counts: only a page that is short by its own rule.
        (page(1), True),
        (page(99), True),
        (page(100), False),
        (page(0), False),
    ],
    ids=str,
)
def test_what_agrees_with_a_page(given: Evidence, expected: bool) -> None:
    """The count of the service, a full page where the walk goes on, a short one where it ends."""
    assert agrees(given) is expected


def test_a_limit_of_the_service_is_a_full_page() -> None:
    """Where pages never have more, a page of as many is not short."""
    assert agrees(page(20, goes_on=True), full=20)
    assert not agrees(page(19, goes_on=True), full=20)


def test_a_page_as_large_as_asked_shows_no_limit() -> None:
    """Where sizes differ, a page that is smaller than asked is short, though an earlier one had no more."""
    doubts = Doubts()
    doubts.passed(page(3, 3, goes_on=True))
    assert doubts.are_raised_by(page(3, 4, goes_on=True))
    doubts.passed(page(3, 4, goes_on=True))
    assert not doubts.are_raised_by(page(3, 4, goes_on=True))
    doubts.passed(page(5, 5, goes_on=True))
    assert doubts.are_raised_by(page(3, 4, goes_on=True))


def test_an_empty_page_behind_a_short_one_is_the_end_where_no_page_is_named() -> None:
    """Where the service does not say whether there is a next page, the two agree with each other."""
    doubts = Doubts()
    doubts.passed(page(100, goes_on=True, names_next=False))
    assert doubts.are_raised_by(page(0))
    doubts.passed(page(40, goes_on=True, names_next=False))
    assert not doubts.are_raised_by(page(0))
    doubts.passed(page(40, goes_on=True))
    assert doubts.are_raised_by(page(0))


def test_a_service_that_sends_short_pages_is_believed_in_the_end() -> None:
    """After three in a row that came again as they were; one that did not begins the count anew."""
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


def test_a_poll_asks_once_unless_the_count_disagrees() -> None:
    """The next poll reads the same again."""
    doubts = Doubts(looks_twice=False)
    assert not doubts.are_raised_by(page(0))
    assert doubts.are_raised_by(page(0, total=3))


@pytest.mark.parametrize(
    ("came", "total", "missing"), [(349, 350, True), (350, 350, False), (9, None, False), (5, 4, False)]
)
def test_what_disagrees_with_the_count_is_an_issue(came: int, total: int | None, missing: bool) -> None:
    """It says how many came, and how many there are."""
    assert disagreement(came, total) == (
        (f"the service counts {total} items and has sent {came}; some may be missing",) if missing else ()
    )


def test_a_page_that_stays_short_says_how_many_it_should_have() -> None:
    """As many as were asked for, or as are left."""
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
        ([page(0), page(7)], page(7), 2),  # the second one has more
        ([page(7, 10, goes_on=True), page(5, 10, goes_on=True)], page(7, 10, goes_on=True), 2),  # the first one has
        ([page(0), page(0, goes_on=True)], page(0, goes_on=True), 2),  # the second one goes on
        ([page(0, fails=True), page(7)], page(0, fails=True), 1),  # an error is no end
    ],
    ids=str,
)
def test_the_better_of_two_pages_is_believed(answers: list[Evidence], expected: Evidence, requests: int) -> None:
    """A page that is in doubt is asked for once more, others are not."""
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
