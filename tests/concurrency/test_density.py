"""Where the density of the items on a page cuts a window: tables of cases."""

from __future__ import annotations

from typing import Final

import pytest

from logferry._concurrency.density import Density, Direction, StreamOrder, direction_of
from logferry._paging.delivered import PLAUSIBLE
from logferry._time.page_times import known_times
from logferry._time.window import Window

NEWEST, OLDEST = Direction(newest_first=True), Direction(newest_first=False)
BASE: Final = PLAUSIBLE + 10**15


def dense(direction: Direction, interval: float, deviation: float = 0.0, resolution: int = 1) -> Density:
    """Return a density with these values."""
    return Density(direction=direction, resolution=resolution, interval=interval, deviation=deviation)


@pytest.mark.parametrize(
    ("times", "interval"),
    [
        ([], None),
        ([5], None),
        ([5, 5, 5], None),
        ([0, 10], 10),
        ([0, 10, 20, 30], 10),
        ([30, 20, 10, 0], 10),
        ([0, 10, 20, 30, 1030, 1040], 10),  # a pause in the second half
        ([0, 1000, 1010, 1020, 1030], 10),  # a pause in the first half
        ([None, 10, 20], None),
        ([0, None, 20], None),
    ],
)
def test_the_interval_of_a_page(times: list[int | None], interval: float | None) -> None:
    """The interval is the mean time between items, pauses excluded; a page of one or of unknown times has none."""
    found = Density.of(known_times(times), 1, OLDEST)
    assert (None if found is None else found.interval) == interval


@pytest.mark.parametrize(
    ("interval", "expected", "deviates"),
    [(100.0, 100.0, 0.0), (108.0, 101.0, 1.0), (92.0, 99.0, 1.0), (201.0, 201.0, 20.1), (49.0, 49.0, 4.9)],
)
def test_the_estimate_adapts_to_each_page(interval: float, expected: float, deviates: float) -> None:
    """A small deviation moves the estimate slowly; a different density replaces it at once."""
    after = dense(OLDEST, 100.0).after(known_times([0, round(interval)]))
    assert after.interval == pytest.approx(expected)
    assert after.deviation == pytest.approx(deviates)


@pytest.mark.parametrize(
    ("density", "page", "length"),
    [
        (dense(OLDEST, 1000.0), 100, 97_000),  # an even stream nearly fills its pages
        (dense(OLDEST, 1000.0, 100.0), 100, 85_000),
        (dense(OLDEST, 1000.0, 900.0), 100, 50_000),  # at least half of a page
        (dense(OLDEST, 1000.0), 2, 16_000),  # several small pages
        (dense(OLDEST, 0.5, resolution=10), 100, 100),  # at least ten times the resolution
    ],
)
def test_a_partition_has_the_length_of_a_page(density: Density, page: int, length: int) -> None:
    """A partition is as long as one page holds, less a margin for deviations."""
    assert density.length(page) == length


EVEN: Final = 97_000
"""The length of a partition of 100 items at intervals of 1,000."""


@pytest.mark.parametrize(
    ("direction", "window", "begin", "cut"),
    [
        (OLDEST, Window(BASE, BASE + 10**6), None, BASE + EVEN),
        (OLDEST, Window(BASE, BASE + 10**6), BASE + 500, BASE + EVEN + 500),
        (OLDEST, Window(None, BASE), BASE - 10**6, BASE - 10**6 + EVEN),
        (OLDEST, Window(None, BASE), None, None),  # the beginning of the window is unknown
        (OLDEST, Window(BASE, BASE + EVEN + EVEN // 2), None, BASE + EVEN),
        (OLDEST, Window(BASE, BASE + EVEN + EVEN // 2 - 1), None, None),  # the rest would be too short
        (OLDEST, Window(BASE, BASE + 10**6), BASE + 2 * 10**6, None),  # an item came from beyond the end
        (NEWEST, Window(BASE - 10**6, BASE), None, BASE - EVEN),
        (NEWEST, Window(BASE - 10**6, BASE), BASE - 500, BASE - EVEN - 500),
        (NEWEST, Window(None, BASE), None, BASE - EVEN),
        (NEWEST, Window(None, PLAUSIBLE + EVEN - 1), None, None),  # no item is that old
        (NEWEST, Window(BASE - EVEN - EVEN // 2 + 1, BASE), None, None),
    ],
)
def test_where_a_window_is_cut(direction: Direction, window: Window, begin: int | None, cut: int | None) -> None:
    """The cut lies one partition after the start of the next page, and both pieces together are the window."""
    pieces = dense(direction, 1000.0).cut(window, begin, 100)
    if cut is None:
        assert pieces is None
    elif direction.newest_first:
        assert pieces == (Window(cut, window.until), Window(window.since, cut))
    else:
        assert pieces == (Window(window.since, cut), Window(cut, window.until))


@pytest.mark.parametrize("direction", [OLDEST, NEWEST])
def test_cuts_are_multiples_of_the_resolution(direction: Direction) -> None:
    """A partition begins only where the filter of the service can begin."""
    pieces = dense(direction, 1000.0, resolution=1_000).cut(Window(BASE + 7, BASE + 10**6 + 7), None, 100)
    assert pieces is not None
    assert {piece.since if direction is OLDEST else piece.until for piece in pieces[1:]} <= set(
        range(BASE, BASE + 10**6 + 1000, 1_000)
    )


@pytest.mark.parametrize(
    ("order", "times", "direction"),
    [
        ("newest first", [], NEWEST),
        ("oldest first", [3, 2], OLDEST),
        ("as sent", [1, 5, 3], OLDEST),
        ("as sent", [3, 5, 1], NEWEST),
        ("as sent", [3, 5, 3], None),
        ("as sent", [], None),
        ("as sent", [None, 3], None),
    ],
)
def test_the_direction_of_a_stream(order: StreamOrder, times: list[int | None], direction: Direction | None) -> None:
    """The direction is that of the stream's order; a stream without an order takes that of a page."""
    assert direction_of(order, known_times(times)) == direction


@pytest.mark.parametrize(
    ("direction", "times", "sorts"),
    [
        (OLDEST, [1, 1, 2], True),
        (OLDEST, [1, 3, 2], False),
        (NEWEST, [2, 1, 1], True),
        (NEWEST, [2, 3, 1], False),
        (NEWEST, [2, None, 1], False),
        (OLDEST, [None], False),
        (OLDEST, [], True),
    ],
)
def test_the_order_of_a_page(direction: Direction, times: list[int | None], sorts: bool) -> None:
    """A page is in order only if all its times are known and sorted."""
    assert direction.sorts(known_times(times)) is sorts
