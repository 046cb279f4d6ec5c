"""What is to be read, as pieces: all of it, nothing of what is there, oldest first, what was interrupted by itself."""

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
"""Instants, half an hour apart, of which the model keeps each by itself: five days."""


@st.composite
def coverages(draw: st.DrawFn) -> Coverage:
    """What a store can have, in half hours since the beginning."""
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
    """An instant, in nanoseconds since the epoch."""
    return BEGIN + step * HALF


def steps(pieces: list[tuple[int, int]]) -> list[int]:
    """The instants that pieces hold, each as often as they do."""
    return [step for begin, end in pieces for step in range((begin - BEGIN) // HALF, (end - BEGIN) // HALF)]


def fresh(pieces: list[Piece]) -> list[Piece]:
    """Those that do not go on from a checkpoint."""
    return [piece for piece in pieces if piece.checkpoint is None]


@PROPERTY
@given(coverages(), BOUNDS, st.booleans(), KEPT)
def test_every_gap_is_read_once(coverage: Coverage, bounds: tuple[int, int], windowed: bool, kept: int | None) -> None:
    """No instant of a gap is left out, none is in two pieces, and no piece is empty."""
    since, until = map(at, bounds)
    pieces = plan(coverage, since=since, until=until, windowed=windowed, kept_since=None if kept is None else at(kept))
    held = steps([(piece.since, piece.until) for piece in pieces])
    assert len(held) == len(set(held))
    assert {*steps(coverage.gaps(since, until))} <= {*held}
    assert all(piece.since < piece.until for piece in pieces)


@PROPERTY
@given(coverages(), BOUNDS)
def test_what_is_complete_is_not_read_again_beyond_an_hour_between_two_gaps(
    coverage: Coverage, bounds: tuple[int, int]
) -> None:
    """A request costs more than a few records that are known; more than that is not asked for again."""
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
    """Of UTC; what the service does not keep any more is not cut, as nothing is there."""
    kept_since = None if kept is None else at(kept)
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=True, kept_since=kept_since)
    for piece in fresh(pieces):
        if kept_since is None or piece.until > kept_since:
            assert piece.since // DAY == (piece.until - 1) // DAY


@PROPERTY
@given(coverages(), BOUNDS)
def test_a_walk_ends_only_where_one_was_interrupted(coverage: Coverage, bounds: tuple[int, int]) -> None:
    """Where no window can be asked for, all that is missing between two interrupted walks is one walk."""
    since, until = map(at, bounds)
    pieces = fresh(plan(coverage, since=since, until=until, windowed=False))
    walls = [one.since for one in coverage.partial]
    for one, other in itertools.pairwise(pieces):
        assert any(one.until <= wall < other.since for wall in walls)


@PROPERTY
@given(coverages(), BOUNDS, st.booleans(), KEPT)
def test_an_interrupted_stretch_goes_on_by_itself(
    coverage: Coverage, bounds: tuple[int, int], windowed: bool, kept: int | None
) -> None:
    """From its checkpoint, whatever is asked for now, with when it began; no other piece reaches into it."""
    kept_since = None if kept is None else at(kept)
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=windowed, kept_since=kept_since)
    resumed = [(piece.since, piece.until, piece.checkpoint, piece.begun) for piece in pieces if piece.checkpoint]
    assert resumed == [(one.since, one.until, one.checkpoint, one.begun) for one in coverage.partial]


@PROPERTY
@given(coverages(), BOUNDS, st.booleans(), KEPT)
def test_the_oldest_is_read_first(
    coverage: Coverage, bounds: tuple[int, int], windowed: bool, kept: int | None
) -> None:
    """So what the service will remove next is read next, and gaps come before what is new."""
    kept_since = None if kept is None else at(kept)
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=windowed, kept_since=kept_since)
    assert pieces == sorted(pieces, key=lambda piece: piece.since)


@PROPERTY
@given(coverages(), BOUNDS, st.integers(0, STEPS))
def test_what_the_service_keeps_is_apart_from_what_it_does_not(
    coverage: Coverage, bounds: tuple[int, int], kept: int
) -> None:
    """A window is on one side, so that nothing coming of it means one thing."""
    pieces = plan(coverage, since=at(bounds[0]), until=at(bounds[1]), windowed=True, kept_since=at(kept))
    for piece in fresh(pieces):
        assert piece.until <= at(kept) or piece.since >= at(kept)


def test_nothing_is_planned_where_nothing_is_missing() -> None:
    """A store that has everything costs no request."""
    whole = Coverage().having(Stretch(since=BEGIN, until=at(STEPS), state="complete"))
    assert plan(whole, since=BEGIN, until=at(STEPS), windowed=True) == []


def test_a_day_is_a_window() -> None:
    """Cut at midnight, the first and the last as short as they are."""
    pieces = plan(Coverage(), since=BEGIN + HALF, until=BEGIN + 2 * DAY + HALF, windowed=True)
    edges = [BEGIN + HALF, BEGIN + DAY, BEGIN + 2 * DAY, BEGIN + 2 * DAY + HALF]
    assert [(piece.since, piece.until) for piece in pieces] == list(itertools.pairwise(edges))


@pytest.mark.parametrize("since", [0, BEGIN - 1000 * DAY])
def test_a_far_beginning_costs_few_windows(since: int) -> None:
    """From the epoch on means that nobody knows where the first record is, and centuries are not asked day by day."""
    pieces = plan(Coverage(), since=since, until=BEGIN, windowed=True)
    assert len(pieces) <= 402
    assert (pieces[0].since, pieces[-1].until) == (since, BEGIN)
