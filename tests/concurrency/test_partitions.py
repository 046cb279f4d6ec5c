"""Which partitions a page makes superfluous, and when the rest is read one page after another; no walk, no request."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve

from logferry._concurrency.density import Density, Direction, StreamOrder
from logferry._concurrency.partition import Partition
from logferry._concurrency.partitions import Partitions
from logferry._concurrency.position import PartitionPosition
from logferry._flow.steps import Batch
from logferry._http.messages import Response
from logferry._time.page_times import known_times
from logferry._time.window import Window

MAKE_RESPONSE: Any = Response
RESPONSE: Response[Any] = MAKE_RESPONSE(None, "", 200, (), b"", 0)
"""Nothing here looks at its request."""
WHOLE = Window(0, 1000)


def left(*borders: int, order: StreamOrder = "oldest first") -> Partitions:
    """Return partitions of a window from 0 to 1,000 with these borders; newest first, they start at 1,000."""
    found = Partitions.of(PartitionPosition(window=WHOLE), order=order, resolution=1, divides=True)
    found.direction = Direction(newest_first=order == "newest first")
    found.density = Density(direction=found.direction, resolution=1, interval=1.0, deviation=0.0)
    edges = (0, *borders, 1000)
    windows = [Window(begin, end) for begin, end in pairwise(edges)]
    found.parts = [Partition(window) for window in (windows[::-1] if found.direction.newest_first else windows)]
    return found


def page(*times: int | None) -> Batch:
    """Return a page of items with these times; each item is the text of its time."""
    known = known_times([*times])
    return Batch([str(time) for time in times], lambda delivered: delivered, RESPONSE, times=known, sent=known)


def comes(partitions: Partitions, index: int, *times: int | None) -> Partition:
    """Give a partition a page, as its walk does."""
    part, batch = partitions.parts[index], page(*times)
    part.batch = batch
    known = [time for time in times if time is not None]
    part.span = (min(known), max(known)) if known else None
    if batch.sent is not None:
        partitions.learn(part, batch.sent)
    return part


def windows(partitions: Partitions) -> list[tuple[int | None, int]]:
    """Return the windows of the remaining partitions."""
    return [(part.window.since, part.window.until) for part in partitions.parts]


@pytest.mark.parametrize(
    ("order", "asked"),
    [
        ("oldest first", [(0, 1000), (300, 1000), (600, 1000)]),
        ("newest first", [(0, 1000), (0, 600), (0, 300)]),
        ("as sent", [(0, 300), (300, 600), (600, 1000)]),
    ],
)
def test_requests_have_open_ends_where_the_service_sorts(order: StreamOrder, asked: list[tuple[int, int]]) -> None:
    """A sorting service is asked from the start of a partition to the end of the window; others get both bounds."""
    found = left(300, 600, order=order)
    assert [(one.since, one.until) for one in map(found.asked, found.parts)] == asked


@pytest.mark.parametrize(
    ("times", "over", "own"),
    [
        ((10, 200), False, ("10", "200")),
        ((10, 299), False, ("10", "299")),
        ((10, 300), True, ("10",)),
        ((10, 250, 310, 320), True, ("10", "250")),
        ((400, 410), True, ()),  # a pause
    ],
)
def test_a_partition_is_over_once_its_page_reaches_the_next(times: tuple[int], over: bool, own: Sequence[str]) -> None:
    """Items beyond the start of the next partition belong to that partition."""
    found = left(300, 600)
    part = comes(found, 0, *times)
    assert found.is_over(part) is over
    assert part.batch is not None
    batch = found.own(part, part.batch)
    assert batch.items == [*own]
    assert batch.position(len(own)) == len(own)


def test_the_last_partition_goes_on_to_the_end() -> None:
    """The last partition has no successor, so no page ends it early."""
    found = left(300, 600)
    assert not found.is_over(comes(found, 2, 600, 2000))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((10, 310), [(0, 300), (300, 500), (500, 700), (700, 1000)]),
        ((10, 499), [(0, 300), (300, 500), (500, 700), (700, 1000)]),
        ((10, 500), [(0, 500), (500, 700), (700, 1000)]),
        ((10, 720), [(0, 700), (700, 1000)]),
        ((10, 2000), [(0, 700), (700, 1000)]),
    ],
)
def test_partitions_that_a_page_covers_are_dropped(times: tuple[int], expected: list[tuple[int, int]]) -> None:
    """A page that spans a pause replaces the partitions it covers, but not the last one, whose end it cannot show."""
    found = left(300, 500, 700)
    comes(found, 0, *times)
    assert windows(found) == expected


def test_a_partition_with_a_page_is_not_dropped() -> None:
    """A partition that already has a page is kept, so it is not requested again."""
    found = left(300, 500, 700)
    comes(found, 1, 300, 510)
    comes(found, 0, 10, 720)
    assert windows(found) == [(0, 300), (300, 500), (500, 700), (700, 1000)]


def test_partitions_after_the_end_are_dropped() -> None:
    """Once a walk reaches the end of the window, later partitions without a page are dropped."""
    found = left(300, 500)
    found.parts[0].ended = True
    found.end(found.parts[0])
    assert windows(found) == [(0, 300)]
    found = left(300, 500)
    comes(found, 2, 510)
    found.parts[0].ended = True
    found.end(found.parts[0])
    assert len(found.parts) == 3


def test_an_empty_partition_with_both_ends_is_a_pause() -> None:
    """An empty page between two bounds shows a pause whose length is unknown until another page has items."""
    found = left(300, 500, order="as sent")
    found.parts[0].ended = True
    found.end(found.parts[0])
    assert found.pauses
    assert len(found.parts) == 3
    comes(found, 1, 310)
    assert not found.pauses


@pytest.mark.parametrize(
    ("order", "times", "fits"),
    [
        ("oldest first", (300, 310, 310), True),
        ("oldest first", (300, 320, 310), False),
        ("oldest first", (300, None, 310), False),
        ("newest first", (520, 510), True),
        ("newest first", (510, 520), False),
        ("as sent", (320, 310), True),
        ("as sent", (298, 501), True),  # the request covers this much more than the window of the partition
        ("as sent", (297, 310), False),
        ("as sent", (None, 310), True),
    ],
)
def test_which_pages_allow_concurrent_reads(order: StreamOrder, times: tuple[int | None, ...], fits: bool) -> None:
    """A sorting service must send pages in order; others must send pages within their own window."""
    found = left(300, 500, order=order)
    part = found.parts[1]
    part.asked = part.window
    assert found.fits(part, page(*times)) is fits
    assert not found.fits(part, evolve(page(*times), sent=None))
    assert left(order=order).fits(left(order=order).parts[0], page(*times))


@pytest.mark.parametrize(
    ("order", "again", "expected"),
    [
        ("oldest first", False, [(0, 300), (300, 1000)]),
        ("newest first", False, [(700, 1000), (0, 700)]),
        ("as sent", True, [(0, 300), (300, 1000)]),
        ("as sent", False, [(0, 300), (300, 700), (700, 1000)]),
    ],
)
def test_the_rest_is_read_one_page_at_a_time(order: StreamOrder, again: bool, expected: list[tuple[int, int]]) -> None:
    """With an open end the current partition takes over the rest; with both bounds the rest becomes one partition."""
    found = left(300, 700, order=order)
    found.read_alone(found.parts[1], again=again)
    assert windows(found) == expected
    assert not found.divides


def test_a_cut_keeps_received_items_in_their_partition() -> None:
    """The cut leaves room for one page after the received items, and the next partition follows without a gap."""
    found = left()
    part = comes(found, 0, *range(0, 100, 1))
    assert found.cut(part, 100)
    assert windows(found) == [(0, 196), (196, 1000)]
    assert not found.is_over(part)
