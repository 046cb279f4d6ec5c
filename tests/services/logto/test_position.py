"""Positions of a walk through Logto's logs: which page has a row, and positions of earlier releases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

import logferry
from logferry.services.logto._position import WalkPosition
from logferry.services.logto._rows import LARGEST_PAGE, is_crowded, page_from
from logferry.testing import LogtoFake, Row, connected

Walk: TypeAlias = Callable[[Any], Iterator[Any]]

SECOND: Final = 1_000_000_000
BEGIN: Final = LogtoFake().epoch
EARLIER: Final = sorted((Path(__file__).parent / "earlier").glob("*.json"))
"""Checkpoints of the previous release, with the ids of the logs delivered before each."""


@pytest.mark.parametrize(
    ("first", "wanted", "row", "page"),
    [
        (0, 10, 0, (0, 10)),  # the start
        (9, 10, 10, (0, 20)),  # page 1 of 9 rows would end with 17
        (8, 1, 10, (2, 4)),  # 8 to 11
        (99, 100, 100, (1, 99)),  # one row fewer than requested: no page has 99 to 199
        (0, 100, 99, (0, 100)),
        (0, 100, 100, (0, 100)),  # no page has one row more
    ],
)
def test_the_smallest_page_with_a_row_is_requested(first: int, wanted: int, row: int, page: tuple[int, int]) -> None:
    """The page begins at or before the first row to repeat, and is the smallest that has all requested rows."""
    assert page_from(first, wanted, row) == page
    number, size = page
    assert number * size <= first
    assert size <= LARGEST_PAGE


@pytest.mark.parametrize(
    ("first", "row", "crowded"), [(0, 0, False), (0, 99, False), (0, 100, True), (1, 100, True), (150, 199, False)]
)
def test_a_page_has_at_most_a_hundred_rows(first: int, row: int, crowded: bool) -> None:
    """A request beyond a hundred rows gets a page of a hundred."""
    assert is_crowded(first, row) is crowded


def rows(*others: int) -> list[Row]:
    """Return logs of these times, and one every half second."""
    times = (*others, *(BEGIN - number * SECOND // 2 - 7 for number in range(60)))
    return [Row(time=time, content=number) for number, time in enumerate(times)]


FAKES: Final = {
    "by_time": LogtoFake(rows=rows(), release="1.42.0", stable_ties=False, compression=False),
    "by_row": LogtoFake(rows=rows(), release="1.36.0", stable_ties=False, compression=False),
    "crowd": LogtoFake(rows=rows(*[BEGIN - 5 * SECOND] * 130), release="1.42.0", stable_ties=False, compression=False),
}


@pytest.mark.parametrize("earlier", EARLIER, ids=lambda path: path.stem)
def test_checkpoints_of_the_previous_release_resume(earlier: Path, walk: Walk) -> None:
    """Checkpoints by time, by row and within a crowd resume with all undelivered logs, each once."""
    told = json.loads(earlier.read_text(encoding="utf-8"))
    fake = FAKES[earlier.stem]
    with connected(logferry.Logto, fake, rate=None) as logto:
        stream = logto.audit_logs(resume=json.dumps(told["checkpoint"])).raw()
        got = [item["id"] for item in walk(stream)]
    assert sorted([*told["delivered"], *got]) == sorted(fake.truth())
    assert stream.stats.doubts == 0


@pytest.mark.parametrize("earlier", EARLIER, ids=lambda path: path.stem)
def test_a_position_is_json(earlier: Path) -> None:
    """A position survives a round trip through JSON."""
    position = WalkPosition.from_json(json.loads(earlier.read_text(encoding="utf-8"))["checkpoint"]["position"])
    assert WalkPosition.from_json(json.loads(json.dumps(position.to_json()))) == position


def test_a_position_does_not_grow_with_the_density(walk: Walk) -> None:
    """The position is as small for a log every millisecond as for one every second."""
    sizes: list[int] = []
    for spacing in (0.001, 1.0):
        fake = LogtoFake(records=1000, growing=False, spacing=spacing)
        with connected(logferry.Logto, fake, rate=None, concurrency=1) as logto:
            sizes.append(max(len(page.checkpoint) for page in walk(logto.audit_logs(until="2027-01-01").raw().pages())))
    assert sizes[0] < sizes[1] + 300
