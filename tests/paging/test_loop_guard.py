"""No walk by cursors runs for ever: what is an error, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from logferry._errors import BadRequestError, PagingError
from logferry._paging.loop_guard import LONGEST_DROUGHT, STUCK, LoopGuard, Restarts, is_lost


def advanced(*pages: tuple[Any, int, int]) -> int:
    """After how many pages a walk ends in an error; each has a cursor of the next one, items, and new ones of them."""
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
        ([(str(number), 3, 0) for number in range(STUCK)], STUCK),  # nothing new again and again
        ([*((str(number), 3, 0) for number in range(STUCK - 1)), ("new", 3, 1), ("old", 3, 0)], 0),
        ([(str(number), 0, 0) for number in range(LONGEST_DROUGHT)], LONGEST_DROUGHT),
        ([*((str(number), 0, 0) for number in range(LONGEST_DROUGHT - 1)), ("new", 1, 1), ("empty", 0, 0)], 0),
    ],
)
def test_a_walk_that_leads_nowhere(pages: list[tuple[Any, int, int]], expected: int) -> None:
    """Cursors that repeat, pages without anything new, and empty ones in a row are an error."""
    assert advanced(*pages) == expected


def test_pages_that_repeat_are_known() -> None:
    """However long ago, in the same order; an empty one repeats nothing."""
    guard = LoopGuard()
    pages = [["a", "b"], ["b", "a"], ["ab"], [], [], ["a", "b"]]
    assert [guard.has_page(page) for page in pages] == [False, False, False, False, False, True]


@pytest.mark.parametrize(
    ("status", "lost"), [(400, True), (404, True), (410, True), (422, True), (401, False), (403, False), (None, False)]
)
def test_what_can_mean_that_a_cursor_is_lost(status: int | None, lost: bool) -> None:
    """Only what the service says of the request itself."""
    assert is_lost(BadRequestError("refused").about(status=status)) is lost


def test_a_walk_begins_again_three_times() -> None:
    """Once something new has come, it may begin again as often."""
    restarts, refused = Restarts(), BadRequestError("there is no such cursor").about(status=400)
    for _ in range(2):
        for _ in range(3):
            restarts.next(refused)
        restarts.got(0)
        with pytest.raises(PagingError) as caught:
            restarts.next(refused)
        assert caught.value.status == 400
        restarts.got(1)
