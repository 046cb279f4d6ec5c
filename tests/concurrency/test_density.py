"""Where a window is cut, by how dense the items of a page lie: tables of cases."""

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
    """A density of these values."""
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
        ([0, 1000, 1010, 1020, 1030], 10),  # and in the first
        ([None, 10, 20], None),
        ([0, None, 20], None),
    ],
)
def test_the_interval_of_a_page(times: list[int | None], interval: float | None) -> None:
    """It is the mean time between two items, but for a pause; a page of one time, or of unknown ones, shows none."""
    found = Density.of(known_times(times), 1, OLDEST)
    assert (None if found is None else found.interval) == interval


@pytest.mark.parametrize(
    ("interval", "expected", "deviates"),
    [(100.0, 100.0, 0.0), (108.0, 101.0, 1.0), (92.0, 99.0, 1.0), (201.0, 201.0, 20.1), (49.0, 49.0, 4.9)],
)
def test_the_estimate_follows_pages(interval: float, expected: float, deviates: float) -> None:
    """Slowly where they deviate, at once where the density is another."""
    after = dense(OLDEST, 100.0).after(known_times([0, round(interval)]))
    assert after.interval == pytest.approx(expected)
    assert after.deviation == pytest.approx(deviates)


@pytest.mark.parametrize(
    ("density", "page", "length"),
    [
        (dense(OLDEST, 1000.0), 100, 97_000),  # an even stream fills pages nearly
        (dense(OLDEST, 1000.0, 100.0), 100, 85_000),
        (dense(OLDEST, 1000.0, 900.0), 100, 50_000),  # half of a page at least
        (dense(OLDEST, 1000.0), 2, 16_000),  # several small pages
        (dense(OLDEST, 0.5, resolution=10), 100, 100),  # ten times the resolution at least
    ],
)
def test_how_long_a_partition_is(density: Density, page: int, length: int) -> None:
    """As long as a page holds, in spite of deviations."""
    assert density.length(page) == length


EVEN: Final = 97_000
"""How long a partition of 100 items at intervals of 1,000 is."""


@pytest.mark.parametrize(
    ("direction", "window", "begin", "cut"),
    [
        (OLDEST, Window(BASE, BASE + 10**6), None, BASE + EVEN),
        (OLDEST, Window(BASE, BASE + 10**6), BASE + 500, BASE + EVEN + 500),
        (OLDEST, Window(None, BASE), BASE - 10**6, BASE - 10**6 + EVEN),
        (OLDEST, Window(None, BASE), None, None),  # its beginning is unknown
        (OLDEST, Window(BASE, BASE + EVEN + EVEN // 2), None, BASE + EVEN),
        (OLDEST, Window(BASE, BASE + EVEN + EVEN // 2 - 1), None, None),  # too little would be left
        (OLDEST, Window(BASE, BASE + 10**6), BASE + 2 * 10**6, None),  # something came from behind the end
        (NEWEST, Window(BASE - 10**6, BASE), None, BASE - EVEN),
        (NEWEST, Window(BASE - 10**6, BASE), BASE - 500, BASE - EVEN - 500),
        (NEWEST, Window(None, BASE), None, BASE - EVEN),
        (NEWEST, Window(None, PLAUSIBLE + EVEN - 1), None, None),  # nothing is so old
        (NEWEST, Window(BASE - EVEN - EVEN // 2 + 1, BASE), None, None),
    ],
)
def test_where_it_is_cut(direction: Direction, window: Window, begin: int | None, cut: int | None) -> None:
    """A partition behind where the next page begins; both halves together are the window."""
    pieces = dense(direction, 1000.0).cut(window, begin, 100)
    if cut is None:
        assert pieces is None
    elif direction.newest_first:
        assert pieces == (Window(cut, window.until), Window(window.since, cut))
    else:
        assert pieces == (Window(window.since, cut), Window(cut, window.until))


@pytest.mark.parametrize("direction", [OLDEST, NEWEST])
def test_cuts_are_multiples_of_the_resolution(direction: Direction) -> None:
    """So no partition begins where the service's filter cannot."""
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
def test_the_direction(order: StreamOrder, times: list[int | None], direction: Direction | None) -> None:
    """That of the stream's order, or else that of a page."""
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
    """Only a page whose times are all known can be in order."""
    assert direction.sorts(known_times(times)) is sorts
