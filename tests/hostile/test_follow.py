"""
Following every stream while rows arrive late, out of order, with equal times or future dates, disappear or change.

Time is virtual.  A follow must yield every row that the fake lists from some moment on and that is dated no further
back than the settling time of the stream; it may also yield rows that are listed only for a while.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.hostile.conftest import EPOCH, SECOND, SUBJECTS, Subject, Walk

import logferry
from logferry._time.timestamps import unix_nano
from logferry.hooks import RequestEvent
from logferry.testing import PASSING, Faults, Kind, Row, Schedule, VirtualClock

HISTORY: Final = 700
"""The seconds in which events occur."""

END: Final = EPOCH + 900 * SECOND
EMPTY: Final = Counter[str]()
EVERY: Final = pytest.mark.parametrize("subject", SUBJECTS.values(), ids=list(SUBJECTS))
KINDS: Final[frozenset[Kind]] = PASSING | frozenset[Kind](("429 hour", "html", "empty body"))
"""The possible failures, without answers to earlier requests, which cannot be distinguished from correct ones."""


class _OverError(Exception):
    """The history is over."""


def followed(
    subject: Subject,
    walk: Walk,
    fake: Any,
    *,
    faults: Faults | None = None,
    stops: Sequence[int] = (),
    lapse: float = 0.0,
    **asked: Any,
) -> list[Any]:
    """
    Follow a stream until its history is over.

    Args:
        subject: The stream.
        walk: How it is iterated.
        fake: The service with the history.
        faults: Failures; after an error the same iterator and a new one from its checkpoint continue in turn.
        stops: Numbers of items after which another process continues from the checkpoint.
        lapse: Seconds that a request takes.
        asked: Arguments of the stream.
    """
    clock, came, left, errors = VirtualClock(EPOCH), list[Any](), list(stops), 0

    def pass_time(_event: RequestEvent) -> None:
        clock.advance(lapse)
        if clock.now() > END:
            raise _OverError

    def begin(**asked: Any) -> tuple[Any, Any]:
        options = {"on_request": pass_time}
        view = subject.open(fake, clock=clock, faults=faults, options=options, **asked).stream.raw().follow(shortest=4)
        return view, walk(view)

    view, iterator = begin(**asked)
    while True:
        try:
            came.append(next(iterator))
        except logferry.LogferryError as error:
            errors += 1
            if errors % 2:
                view, iterator = begin(resume=error.checkpoint)
        except _OverError:
            return came
        else:
            if left and len(came) >= left[0]:
                left.pop(0)
                view, iterator = begin(resume=view.checkpoint)


def once(subject: Subject, fake: Any, items: Sequence[Any]) -> Counter[str]:
    """Count the items, each changed one once: an item changes at most once, to a final version with new content."""
    is_final = subject.definition.incremental.is_final
    if is_final is None:
        return subject.came(fake, items)
    first: dict[str, Any] = {}
    for item in items:
        (identity,) = subject.came(fake, [item])
        if identity in first:
            assert not is_final(first[identity], END)
            assert is_final(item, END)
            assert item != first[identity]
        first[identity] = item
    return Counter(first.keys())


def settling(subject: Subject) -> int:
    """Return how late rows may come, in seconds."""
    seconds: int = subject.definition.incremental.settling // SECOND
    return seconds


Told = tuple[int, int, int, int | None]
"""When a row appears, how much earlier it is dated, its content, and how long it exists; in seconds."""


def as_row(subject: Subject, told: Told) -> Row:
    """Return a row of a history."""
    appears, late, content, lasts = told
    contents = subject.spread(4)
    late = min(late, settling(subject))
    return Row(
        time=EPOCH + (appears - late) * SECOND,
        appears=EPOCH + appears * SECOND,
        vanishes=None if lasts is None else EPOCH + (appears + lasts) * SECOND,
        content=contents[content].content,
    )


LATENESS: Final = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 1800), st.just(1800), st.integers(-9000, 0))
HISTORIES: Final = st.lists(
    st.tuples(st.integers(1, HISTORY), LATENESS, st.integers(0, 3), st.none() | st.integers(0, 300)),
    min_size=1,
    max_size=30,
)


@EVERY
@settings(derandomize=True, max_examples=5)  # for each of the streams, sync and async
@given(
    told=HISTORIES,
    page_size=st.sampled_from([1, 2, 3, 50]),
    lapse=st.sampled_from([0.0, 0.3, 7.0]),
    rate=st.sampled_from([0.0, 0.0, 0.2]),
    seed=st.integers(0, 999),
    stops=st.lists(st.integers(1, 30), max_size=4).map(sorted),
    since=st.booleans(),
)
@example(
    told=[(100, 0, 0, None), (100, 0, 0, None), (130, 30, 0, None), (400, 300, 0, None), (700, 600, 0, None)],
    page_size=2,
    lapse=0.3,
    rate=0.0,
    seed=0,
    stops=[1, 2, 3, 4],
    since=True,
)
def test_each_row_within_the_settling_time_comes_once(
    subject: Subject,
    walk: Walk,
    *,
    told: list[Told],
    page_size: int,
    lapse: float,
    rate: float,
    seed: int,
    stops: list[int],
    since: bool,
) -> None:
    """With any polls, faults and restarts, each row within the settling time comes exactly once."""
    if subject.name.startswith("daily.session_") and (lapse or rate):
        # A row that arrives before others while these are read can make the walk itself take it for an equal one.
        told = [(appears, 0, content, lasts) for appears, _, content, lasts in told]
    fake = subject.fake([as_row(subject, one) for one in told])
    faults = Schedule(seed, rate, KINDS) if rate else None
    asked: dict[str, Any] = {"since": "0s"} if since else {}
    items = followed(subject, walk, fake, faults=faults, stops=stops, lapse=lapse, page_size=page_size, **asked)
    came, first = once(subject, fake, items), EPOCH if since else None
    possible = subject.has(fake, since=first)
    # A row dated before the start that appears during the first poll looks like one that existed before.
    baseline = EPOCH if since else EPOCH + HISTORY // 2 * SECOND
    lasting = subject.has(
        fake,
        lambda row: row.vanishes is None and (row.time >= EPOCH or (row.appears or 0) > baseline),
        since=first,
    )
    assert came - possible == EMPTY
    assert lasting - came == EMPTY


@pytest.mark.parametrize("since", [True, False])
def test_existing_rows_are_not_new(subject: Subject, walk: Walk, since: bool) -> None:
    """Without `since` all rows after the start come, with any date; with it, all rows dated since then."""
    old = subject.spread(5, step=60 * SECOND)
    late = evolve(old[0], time=EPOCH - 30 * SECOND, appears=EPOCH + 200 * SECOND)
    new = [evolve(row, time=row.time + 400 * SECOND, appears=row.time + 401 * SECOND) for row in old]
    fake = subject.fake([*old, late, *new])
    asked: dict[str, Any] = {"since": "150s"} if since else {}
    items = followed(subject, walk, fake, **asked)
    came = once(subject, fake, items)
    if since:
        assert came == subject.has(fake, since=EPOCH - 150 * SECOND)
        return
    new_ones = subject.has(fake, lambda row: (row.appears or 0) > EPOCH)
    assert sum(new_ones.values()) == 6
    assert new_ones - came == EMPTY
    # The end of a session in progress at the start is new, too.
    ended = [item for item in items if subject.came(fake, [item]) - new_ones]
    is_final = subject.definition.incremental.is_final
    assert not ended or (is_final is not None and all(is_final(item, END) for item in ended))


def test_equal_lines_are_two_records(walk: Walk) -> None:
    """Without ids, a line equal to a delivered one is another record, also when it comes late, and uids count on."""
    for name in ("daily.session_logs", "daily.session_metrics"):
        subject = SUBJECTS[name]
        content = subject.spread(1)[0].content
        time = EPOCH + 10 * SECOND
        moments = (20, 20, 25, 100, 400)
        fake = subject.fake([Row(time=time, appears=EPOCH + one * SECOND, content=content) for one in moments])
        items = followed(subject, walk, fake, stops=[1, 3])
        assert len(items) == len(moments)
        assert once(subject, fake, items) == subject.has(fake)


def test_a_session_that_ends_comes_again(walk: Walk) -> None:
    """A row in progress comes when it first appears, and once more when its session ends, however late."""
    subject = SUBJECTS["signalwire.video_logs"]
    every = [Row(time=EPOCH + number * SECOND, content=number) for number in range(1, 200)]
    brief = [item for item in fake_items(subject, subject.fake(every)) if 60 < seconds_of(item) < 850]
    rows = [evolve(every[second_of(item) - 1], appears=every[second_of(item) - 1].time) for item in brief]
    fake = subject.fake([*rows, *(evolve(row, appears=row.time) for row in every[:20] if row not in rows)])
    for stops in ([], [3, 20, 50]):
        items = followed(subject, walk, fake, stops=stops, page_size=50)
        twice = [name for name, count in subject.came(fake, items).items() if count == 2]
        assert once(subject, fake, items) == subject.has(fake)
        assert len(twice) >= len(brief) > 5
        assert len(items) < 2 * len(fake.rows)


def fake_items(subject: Subject, fake: Any) -> list[Any]:
    """Return all items in their final version."""
    clock = VirtualClock(END + 86_400 * SECOND)
    return subject.open(fake, clock=clock).stream.raw().to_list()


def seconds_of(item: Any) -> int:
    """Return how long after the start of the history a session ended; 0 for a deleted one."""
    ended = item.get("ended_at")
    return (unix_nano(ended) - EPOCH) // SECOND if ended else 0


def second_of(item: Any) -> int:
    """Return the second of the history in which an item was created."""
    return (unix_nano(item["created_at"]) - EPOCH) // SECOND
