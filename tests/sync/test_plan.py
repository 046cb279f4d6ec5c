"""How a sync plans its reading: all gaps, no complete stretch, oldest first, interrupted stretches separately."""

from __future__ import annotations

import itertools
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry._time.timestamps import SECOND
from logferry.stores import Coverage, State, Stretch
from logferry.sync._plan import Piece, plan

PROPERTY = settings(derandomize=True, max_examples=150)
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
HALF: Final = HOUR // 2
BEGIN: Final = 20_454 * DAY
"""2026-01-01."""

STEPS: Final = 240
"""The number of instants that the model stores, half an hour apart: five days."""


@st.composite
def coverages(draw: st.DrawFn) -> Coverage:
    """Return any coverage of a store, in half hours since the start."""
    coverage = Coverage()
    for number in range(draw(st.integers(0, 7))):
        since = draw(st.integers(0, STEPS - 1))
        until = since + draw(st.sampled_from([1, 2, 3, 5, 20, 60]))
        state: State = draw(
            st.sampled_from(["complete", "complete", "provisional", "partial", "gap", "lost", "expired"])
        )
        checkpoint = f"checkpoint {number}" if state == "partial" else None
        coverage = coverage.having(
            Stretch(since=at(since), until=at(min(until, STEPS)), state=state, checkpoint=checkpoint, begun=at(until))
        )
    return coverage


BOUNDS = st.tuples(st.integers(0, STEPS), st.integers(0, STEPS))
KEPT = st.none() | st.integers(0, STEPS)


def at(step: int) -> int:
    """Return an instant in nanoseconds since the epoch."""
    return BEGIN + step * HALF


def steps(pieces: list[tuple[int, int]]) -> list[int]:
    """Return the instants in pieces, repeated ones included."""
    return [step for begin, end in pieces for step in range((begin - BEGIN) // HALF, (end - BEGIN) // HALF)]


def fresh(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces that do not resume a checkpoint."""
    return [piece for piece in pieces if piece.checkpoint is None]


@PROPERTY
@given(coverages(), BOUNDS, st.booleans(), KEPT)
def test_every_gap_is_planned_once(
    coverage: Coverage, bounds: tuple[int, int], windowed: bool, kept: int | None
) -> None:
    """No instant of a gap is left out or in two pieces, and no piece is empty."""
    since, until = map(at, bounds)
    pieces = plan(coverage, since=since, until=until, windowed=windowed, kept_since=None if kept is None else at(kept))
    held = steps([(piece.since, piece.until) for piece in pieces])
    assert len(held) == len(set(held))
    assert {*steps(coverage.gaps(since, until))} <= {*held}
    assert all(piece.since < piece.until for piece in pieces)


@PROPERTY
@given(coverages(), BOUNDS)
def test_at_most_an_hour_of_complete_records_joins_two_gaps(coverage: Coverage, bounds: tuple[int, int]) -> None:
    """A request costs more than a few known records, so gaps up to an hour apart become one piece."""
    since, until = map(at, bounds)
    gaps = coverage.gaps(since, until)
    between = {
        step
        for (_, end), (begin, _) in itertools.pairwise(gaps)
        if begin - end < HOUR
        for step in steps([(end, begin)])
    }
    pieces = fresh(plan(coverage, since=since, until=until, windowed=True))
    assert {*steps([(piece.since, piece.until) for piece in pieces])} <= {*steps(gaps)} | between


@PROPERTY
@given(coverages(), BOUNDS, KEPT)
def test_windows_end_at_midnight(coverage: Coverage, bounds: tuple[int, int], kept: int | None) -> None:
    """Windows end at midnight UTC; a stretch beyond the retention is not cut, since it has no records."""
    kept_since = None if kept is None else at(kept)
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=True, kept_since=kept_since)
    for piece in fresh(pieces):
        if kept_since is None or piece.until > kept_since:
            assert piece.since // DAY == (piece.until - 1) // DAY


@PROPERTY
@given(coverages(), BOUNDS)
def test_a_walk_ends_only_at_an_interrupted_one(coverage: Coverage, bounds: tuple[int, int]) -> None:
    """Without a time filter, all that is missing between two interrupted walks is one walk."""
    since, until = map(at, bounds)
    pieces = fresh(plan(coverage, since=since, until=until, windowed=False))
    walls = [one.since for one in coverage.partial]
    for one, other in itertools.pairwise(pieces):
        assert any(one.until <= wall < other.since for wall in walls)


@PROPERTY
@given(coverages(), BOUNDS, st.booleans(), KEPT)
def test_an_interrupted_stretch_is_a_separate_piece(
    coverage: Coverage, bounds: tuple[int, int], windowed: bool, kept: int | None
) -> None:
    """It resumes its checkpoint with its original start, for any requested window, and no other piece overlaps it."""
    kept_since = None if kept is None else at(kept)
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=windowed, kept_since=kept_since)
    resumed = [(piece.since, piece.until, piece.checkpoint, piece.begun) for piece in pieces if piece.checkpoint]
    assert resumed == [(one.since, one.until, one.checkpoint, one.begun) for one in coverage.partial]


@PROPERTY
@given(coverages(), BOUNDS, st.booleans(), KEPT)
def test_the_oldest_is_read_first(
    coverage: Coverage, bounds: tuple[int, int], windowed: bool, kept: int | None
) -> None:
    """The records that the service removes next come first, and gaps come before new records."""
    kept_since = None if kept is None else at(kept)
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=windowed, kept_since=kept_since)
    assert pieces == sorted(pieces, key=lambda piece: piece.since)


@PROPERTY
@given(coverages(), BOUNDS, st.integers(0, STEPS))
def test_windows_do_not_cross_the_retention(coverage: Coverage, bounds: tuple[int, int], kept: int) -> None:
    """A window lies on one side of the retention limit, so an empty result has one meaning."""
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=True, kept_since=at(kept))
    for piece in fresh(pieces):
        assert piece.until <= at(kept) or piece.since >= at(kept)


def test_a_complete_store_needs_no_request() -> None:
    """A plan for a complete store is empty."""
    whole = Coverage().having(Stretch(since=BEGIN, until=at(STEPS), state="complete"))
    assert plan(whole, since=BEGIN, until=at(STEPS), windowed=True) == []


def test_each_day_is_a_window() -> None:
    """Windows are cut at midnight; the first and the last may be shorter than a day."""
    pieces = plan(Coverage(), since=BEGIN + HALF, until=BEGIN + 2 * DAY + HALF, windowed=True)
    edges = [BEGIN + HALF, BEGIN + DAY, BEGIN + 2 * DAY, BEGIN + 2 * DAY + HALF]
    assert [(piece.since, piece.until) for piece in pieces] == list(itertools.pairwise(edges))


@pytest.mark.parametrize("since", [0, BEGIN - 1000 * DAY])
def test_a_distant_start_has_few_windows(since: int) -> None:
    """A start at the epoch means that the first record is unknown, so centuries are not requested day by day."""
    pieces = plan(Coverage(), since=since, until=BEGIN, windowed=True)
    assert len(pieces) <= 402
    assert (pieces[0].since, pieces[-1].until) == (since, BEGIN)
