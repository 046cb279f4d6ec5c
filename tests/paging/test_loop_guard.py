"""No walk by cursors runs for ever: which sequences of pages are an error, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from logferry._errors import BadRequestError, PagingError
from logferry._paging.loop_guard import LONGEST_DROUGHT, STUCK, LoopGuard, is_lost


def advanced(*pages: tuple[Any, int, int]) -> int:
    """Return after how many pages a walk fails; each page has its next cursor, its items and its new items."""
    guard = LoopGuard()
    for number, (cursor, items, new) in enumerate(pages):
        try:
            guard.advance(cursor, items=items, new=new)
        except PagingError:
            return number + 1
    return 0


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([("a", 3, 3), ("b", 3, 3), ("c", 3, 3)], 0),
        ([("a", 3, 3), ("b", 3, 3), ("a", 3, 3)], 3),  # a cursor comes twice, though with new items
        ([({"number": 1}, 3, 3), ({"number": 2}, 3, 3), ({"number": 1}, 3, 3)], 3),
        ([(str(number), 3, 0) for number in range(STUCK)], STUCK),  # pages without a new item again and again
        ([*((str(number), 3, 0) for number in range(STUCK - 1)), ("new", 3, 1), ("old", 3, 0)], 0),
        ([(str(number), 0, 0) for number in range(LONGEST_DROUGHT)], LONGEST_DROUGHT),
        ([*((str(number), 0, 0) for number in range(LONGEST_DROUGHT - 1)), ("new", 1, 1), ("empty", 0, 0)], 0),
    ],
)
def test_a_walk_without_progress_is_an_error(pages: list[tuple[Any, int, int]], expected: int) -> None:
    """Repeated cursors, pages without new items and a long run of empty pages are errors."""
    assert advanced(*pages) == expected


def test_repeated_pages_are_recognised() -> None:
    """A page with the same items in the same order is recognised at any distance; an empty page is no repetition."""
    guard = LoopGuard()
    pages = [["a", "b"], ["b", "a"], ["ab"], [], [], ["a", "b"]]
    assert [guard.has_page(page) for page in pages] == [False, False, False, False, False, True]


@pytest.mark.parametrize(
    ("status", "lost"), [(400, True), (404, True), (410, True), (422, True), (401, False), (403, False), (None, False)]
)
def test_which_errors_can_mean_a_lost_cursor(status: int | None, lost: bool) -> None:
    """Only errors about the request itself can mean that the service no longer knows a cursor."""
    assert is_lost(BadRequestError("refused").about(status=status)) is lost


def test_a_walk_restarts_at_most_three_times() -> None:
    """A new item resets the number of restarts."""
    guard, refused = LoopGuard(), BadRequestError("there is no such cursor").about(status=400)
    for _ in range(2):
        for _ in range(3):
            guard.restart(refused)
        guard.deliver(0)
        with pytest.raises(PagingError) as caught:
            guard.restart(refused)
        assert caught.value.status == 400
        guard.deliver(1)
