"""The trail: a newest-first walk delivers each item once while pages shift, with little memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry._flow.steps import Key
from logferry._paging.delivered import PLAUSIBLE, TOLERANCE, Trail
from logferry._time.timestamps import SECOND
from logferry._time.window import Window

PROPERTY = settings(max_examples=150)
UNTIL = PLAUSIBLE + 1000 * SECOND
STEPS = st.sampled_from([0, 0, 0, 1, 1_000_000, SECOND, 4 * SECOND, 6 * SECOND, 30 * SECOND])
"""How far neighbours are apart: often not at all."""


class World(NamedTuple):
    """A history, newest first, that all lies before the end of the window, and what happens while it is read."""

    history: list[Key]
    page_size: int
    arrivals: list[int]
    cuts: list[int | None]


@st.composite
def worlds(draw: st.DrawFn, *, jitter: bool = False, unreadable: bool = False) -> World:
    """Random histories with ties; sometimes slightly out of order, sometimes with times that cannot be read."""
    time, history = UNTIL - 1, list[Key]()
    for number, step in enumerate(draw(st.lists(STEPS, max_size=60))):
        time -= step
        shown: int | None = time + (draw(st.integers(0, TOLERANCE)) if jitter else 0)
        if unreadable and draw(st.integers(0, 5)) == 0:
            shown = None
        history.append((None if shown is None else min(shown, UNTIL - 1), f"old {number}"))
    return World(
        history,
        draw(st.integers(1, 12)),
        draw(st.lists(st.integers(0, 15), max_size=10)),
        draw(st.lists(st.none() | st.integers(0, 12), max_size=10)),
    )


def walked(world: World, window: Window) -> list[str]:
    """What a walk delivers that asks page after page, while new items arrive and it is resumed in the middle of pages."""
    rows, arrivals, cuts = list(world.history), list(world.arrivals), list(world.cuts)
    trail, delivered, page, arrived = Trail(), list[str](), 0, 0
    while True:
        keys = rows[page * world.page_size : (page + 1) * world.page_size]
        if not keys:
            return delivered
        fresh = [keys[index] for index in trail.fresh(keys, window)]
        cut = cuts.pop() if cuts else None
        taken = fresh if cut is None else fresh[:cut]
        delivered += [identity for _, identity in taken]
        trail = through_json(trail.after(taken))
        page += len(taken) == len(fresh)
        for _ in range(arrivals.pop() if arrivals else 0):
            arrived += 1
            rows.insert(0, (UNTIL + arrived // 3, f"new {arrived}"))


def through_json(trail: Trail) -> Trail:
    """The trail as a checkpoint gives it back."""
    return Trail(**orjson.loads(orjson.dumps(trail.to_json())))


@given(worlds())
@PROPERTY
def test_each_item_is_delivered_once_and_in_order(world: World) -> None:
    """Whatever ties, page sizes, arrivals and interruptions there are."""
    assert walked(world, Window(None, UNTIL)) == [identity for _, identity in world.history]


@given(worlds(jitter=True))
@PROPERTY
def test_slight_disorder_costs_nothing(world: World) -> None:
    """Neighbours may be out of order by the tolerance."""
    assert walked(world, Window(None, UNTIL)) == [identity for _, identity in world.history]


@given(worlds(unreadable=True))
@PROPERTY
def test_items_of_unknown_time_are_delivered(world: World) -> None:
    """They pass every window and move no mark, so that nothing behind them is lost."""
    assert sorted(walked(world, Window(None, UNTIL))) == sorted(identity for _, identity in world.history)


@given(worlds(), st.integers(PLAUSIBLE, UNTIL - 1), st.integers(1, 1000 * SECOND))
@PROPERTY
def test_a_window_has_its_items_only(world: World, since: int, length: int) -> None:
    """Its first nanosecond is within, its last bound is not."""
    window = Window(since, min(since + length, UNTIL))
    expected = [identity for time, identity in world.history if time is not None and window.has(time)]
    assert walked(world, window) == expected


def test_times_before_1970_are_within_an_open_window() -> None:
    """Without since the window is all that there is."""
    keys: list[Key] = [(5, "a"), (-5, "b")]
    assert Window(None, UNTIL).has(-5)
    assert Trail().fresh(keys, Window(None, UNTIL)) == [0, 1]


@given(worlds(jitter=True))
@PROPERTY
def test_what_was_delivered_is_known(world: World) -> None:
    """After each page, its items are known, and none of them is fresh again."""
    trail = Trail()
    for start in range(0, len(world.history), world.page_size):
        keys = world.history[start : start + world.page_size]
        trail = trail.after(keys)
        assert all(map(trail.knows, keys))
        assert trail.fresh(keys, Window(None, UNTIL)) == []


@given(worlds(jitter=True))
@PROPERTY
def test_the_memory_is_what_lies_around_the_mark(world: World) -> None:
    """Only items no later than the mark plus the tolerance are remembered, however many were delivered."""
    trail = Trail()
    for start in range(0, len(world.history), world.page_size):
        trail = trail.after(world.history[start : start + world.page_size])
        assert trail.mark is not None
        assert max(time for time in trail.recent.values() if time is not None) <= trail.mark + TOLERANCE
        assert trail.mark == min(time for time, _ in world.history[: start + world.page_size] if time is not None)


def test_a_long_walk_needs_no_more_memory_than_a_short_one() -> None:
    """One item a second: a handful of them, after ten thousand."""
    trail = Trail()
    for number in range(10_000):
        trail = trail.after([(UNTIL + (10_000 - number) * SECOND, str(number))])
        assert len(trail.recent) <= TOLERANCE // SECOND + 1


def test_an_item_twice_on_a_page_is_fresh_once() -> None:
    """The server may repeat itself."""
    keys: list[Key] = [(5, "a"), (5, "a"), (4, "b"), (5, "a")]
    assert Trail().fresh(keys, Window(None, UNTIL)) == [0, 2]


@given(worlds(jitter=True), st.integers(PLAUSIBLE, UNTIL))
@PROPERTY
def test_the_end_is_seen_only_where_nothing_can_follow(world: World, since: int) -> None:
    """Once a page is past the window, no later item is in it."""
    window = Window(since, UNTIL)
    for end in range(1, len(world.history) + 1):
        if Trail().is_past(world.history[:end], window):
            assert not any(time is not None and window.has(time) for time, _ in world.history[end:])


def test_a_walk_without_since_has_no_end_of_its_own() -> None:
    """Nor has one whose times cannot be read."""
    long_ago: list[Any] = [(0, "a")]
    assert not Trail().is_past(long_ago, Window(None, UNTIL))
    assert not Trail().is_past([(None, "a")], Window(5, UNTIL))
    assert not Trail().is_past([], Window(5, UNTIL))
    assert Trail().is_past([(PLAUSIBLE, "a"), (None, "b")], Window(PLAUSIBLE + TOLERANCE + 1, UNTIL))


def test_a_time_that_cannot_be_moves_nothing() -> None:
    """One log of 1970 among those of today says nothing about where the walk is."""
    keys: list[Key] = [(UNTIL - 5, "a"), (0, "b"), (UNTIL - 6, "c")]
    assert Trail().after(keys).mark == UNTIL - 6
    assert Trail().after(keys[1:2]).mark is None
    assert not Trail().is_past(keys[:2], Window(UNTIL - 100, UNTIL))
