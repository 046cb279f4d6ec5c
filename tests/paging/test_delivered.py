"""A newest-first walk delivers each item once while pages shift, and remembers only the items at its border."""

from __future__ import annotations

from typing import NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry._flow.steps import Key
from logferry._paging.delivered import PLAUSIBLE, Delivered
from logferry._time.timestamps import MILLISECOND, SECOND
from logferry._time.window import Window

PROPERTY = settings(max_examples=150)
UNTIL = PLAUSIBLE + 1000 * SECOND
START = Delivered(MILLISECOND)
STEPS = st.sampled_from([0, 0, 0, 1, 1_000_000, SECOND, 4 * SECOND, 6 * SECOND, 30 * SECOND])
"""The distances between neighbours, often zero."""


class World(NamedTuple):
    """A history, newest first and wholly before the end of the window, and the changes while it is read."""

    history: list[Key]
    page_size: int
    arrivals: list[int]
    cuts: list[int | None]


@st.composite
def worlds(draw: st.DrawFn, *, unreadable: bool = False) -> World:
    """Return random histories with ties, sometimes with unreadable times."""
    time, history = UNTIL - 1, list[Key]()
    for number, step in enumerate(draw(st.lists(STEPS, max_size=60))):
        time -= step
        is_unreadable = unreadable and draw(st.integers(0, 5)) == 0
        history.append((None if is_unreadable else time, f"old {number}"))
    return World(
        history,
        draw(st.integers(1, 12)),
        draw(st.lists(st.integers(0, 15), max_size=10)),
        draw(st.lists(st.none() | st.integers(0, 12), max_size=10)),
    )


def walked(world: World, window: Window) -> list[str]:
    """Return what a page-by-page walk delivers while new items arrive and it is resumed in the middle of pages."""
    rows, arrivals, cuts = list(world.history), list(world.arrivals), list(world.cuts)
    met, delivered, page, arrived = START, list[str](), 0, 0
    while True:
        keys = rows[page * world.page_size : (page + 1) * world.page_size]
        if not keys:
            return delivered
        new = [keys[index] for index in met.new(keys)]
        fresh = [key for key in new if key[0] is None or window.has(key[0])]
        cut = cuts.pop() if cuts else None
        taken = fresh if cut is None else fresh[:cut]
        delivered += [identity for _, identity in taken]
        met = through_json(met.after(keys if cut is None else taken))
        page += len(taken) == len(fresh)
        for _ in range(arrivals.pop() if arrivals else 0):
            arrived += 1
            rows.insert(0, (UNTIL + arrived // 3, f"new {arrived}"))


def through_json(met: Delivered) -> Delivered:
    """Return the same state, restored from a checkpoint."""
    return Delivered(met.reach, **orjson.loads(orjson.dumps(met.to_json())))


@given(worlds())
@PROPERTY
def test_each_item_is_delivered_once_and_in_order(world: World) -> None:
    """Any ties, page sizes, arrivals and interruptions leave each item delivered once and in order."""
    assert walked(world, Window(None, UNTIL)) == [identity for _, identity in world.history]


@given(worlds(unreadable=True))
@PROPERTY
def test_items_of_unknown_time_are_delivered(world: World) -> None:
    """Items of unknown time pass every window and do not move the mark, so the items behind them are not lost."""
    assert sorted(walked(world, Window(None, UNTIL))) == sorted(identity for _, identity in world.history)


@given(worlds(), st.integers(PLAUSIBLE, UNTIL - 1), st.integers(1, 1000 * SECOND))
@PROPERTY
def test_a_window_is_half_open(world: World, since: int, length: int) -> None:
    """The first nanosecond of a window is within it; its end is not."""
    window = Window(since, min(since + length, UNTIL))
    expected = [identity for time, identity in world.history if time is not None and window.has(time)]
    assert walked(world, window) == expected


def test_times_before_1970_are_within_an_open_window() -> None:
    """Without `since`, the window has no lower bound."""
    keys: list[Key] = [(5, "a"), (-5, "b")]
    assert Window(None, UNTIL).has(-5)
    assert START.new(keys) == [0, 1]


@given(worlds())
@PROPERTY
def test_delivered_items_are_not_new_again(world: World) -> None:
    """After each page its items are recorded as delivered, so none of them is new again."""
    met = START
    for start in range(0, len(world.history), world.page_size):
        keys = world.history[start : start + world.page_size]
        met = met.after(keys)
        assert all(map(met.knows, keys))
        assert met.new(keys) == []


@given(worlds())
@PROPERTY
def test_only_items_at_the_border_are_remembered(world: World) -> None:
    """The walk remembers only items up to the mark and the reach, however many it has delivered."""
    met = START
    for start in range(0, len(world.history), world.page_size):
        met = met.after(world.history[start : start + world.page_size])
        assert met.mark == min(time for time, _ in world.history[: start + world.page_size] if time is not None)
        assert max(time for time in met.border.values() if time is not None) <= met.edge
        assert met.mark is not None
        assert met.edge == met.mark + met.reach


def test_a_long_walk_needs_no_more_memory_than_a_short_one() -> None:
    """With four items per millisecond, a walk of ten thousand items remembers those of two milliseconds."""
    met = START
    for number in range(10_000):
        met = met.after([(UNTIL + (10_000 - number) * MILLISECOND // 4, str(number))])
        assert len(met.border) <= 5


MARK = PLAUSIBLE + 1000 * MILLISECOND
"""The state of the walk in the table: it has delivered two items at that time, and one a millisecond later."""


@pytest.mark.parametrize(
    ("key", "is_new"),
    [
        ((MARK, "at the mark"), False),
        ((MARK, "another"), True),
        ((MARK + MILLISECOND, "above it"), False),
        ((MARK + MILLISECOND, "another"), True),
        ((MARK + MILLISECOND + 1, "another"), False),  # above the border: already delivered
        ((MARK + SECOND, "of before"), False),
        ((MARK - 1, "another"), True),
        ((None, "timeless"), False),
        ((None, "another"), True),
        ((0, "of 1970"), True),
    ],
)
def test_only_items_at_the_border_are_compared_by_key(key: Key, is_new: bool) -> None:
    """Keys decide at the border; items above it are delivered already, and items below it are new."""
    before: list[Key] = [(MARK + SECOND, "of before"), (MARK + MILLISECOND, "above it")]
    met = START.after(before).after([(MARK, "at the mark"), (None, "timeless"), (MARK, "a tie of it")])
    assert met.new([key]) == ([0] if is_new else [])
    assert met.knows(key) is not is_new


def test_an_item_twice_on_a_page_is_new_once() -> None:
    """An item that the server repeats on one page is new only once."""
    keys: list[Key] = [(5, "a"), (5, "a"), (4, "b"), (5, "a")]
    assert START.new(keys) == [0, 2]


def test_everything_down_to_a_time_can_be_marked_as_delivered() -> None:
    """The border then lies at that time, whichever item came last."""
    met = START.after([(MARK, "a"), (MARK - MILLISECOND, "b")], down_to=MARK - 2 * MILLISECOND)
    assert met.mark == MARK - 2 * MILLISECOND
    assert dict(met.border) == {"b": MARK - MILLISECOND}


@pytest.mark.parametrize(
    ("keys", "since", "is_past"),
    [
        ([(MARK, "a")], MARK, False),
        ([(MARK, "a")], MARK + 1, True),
        ([(MARK, "a")], None, False),
        ([], MARK, False),
        ([(None, "a")], MARK, False),
        ([(0, "a")], MARK, False),  # an item of 1970 is a mistake
        ([(MARK, "a"), (None, "b"), (0, "c")], MARK + 1, True),
    ],
)
def test_the_end_is_reached_only_before_the_window(keys: list[Key], since: int | None, is_past: bool) -> None:
    """An item before the window ends the walk; a walk without `since` does not end by time."""
    assert START.after(keys).is_past(since) is is_past


def test_an_implausible_time_does_not_move_the_border() -> None:
    """A log of 1970 among current ones does not change where the walk is."""
    keys: list[Key] = [(UNTIL - 5, "a"), (0, "b"), (UNTIL - 6, "c")]
    assert START.after(keys).mark == UNTIL - 6
    assert START.after(keys[1:2]).mark is None
