"""The coverage of a store agrees with a model that stores every instant separately."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.stores import Coverage, State, Stretch

PROPERTY = settings(derandomize=True, max_examples=150)
END: Final = 30
STATES: tuple[State, ...] = ("complete", "provisional", "partial", "gap", "lost", "expired")

Model: TypeAlias = dict[int, Stretch]
"""The latest stretch that covers each instant."""

Change: TypeAlias = tuple[bool, Stretch]
"""Whether a stretch is added or removed, and the stretch."""


@st.composite
def stretches(draw: st.DrawFn) -> Stretch:
    """Return any stretch, also empty and reversed ones."""
    since, state = draw(st.integers(0, END - 1)), draw(st.sampled_from(STATES))
    until = min(END, since + draw(st.integers(-1, 12)))
    checkpoint = f"checkpoint {draw(st.integers(0, 99))}" if state == "partial" else None
    return Stretch(since=since, until=until, state=state, checkpoint=checkpoint)


CHANGES = st.lists(st.tuples(st.sampled_from([True, True, True, False]), stretches()), max_size=12)


def changed(model: Model, had: bool, stretch: Stretch) -> Model:
    """Return the model after a change; a cut partial stretch becomes a gap, as its checkpoint no longer applies."""
    hit = range(stretch.since, stretch.until)
    broken = {id(model[at]) for at in hit if at in model and model[at].state == "partial"}
    gap = Stretch(since=0, until=END, state="gap")
    left = {at: gap if id(one) in broken else one for at, one in model.items() if at not in hit}
    return {**left, **{at: stretch if had else gap for at in hit if had or at in model}}


def told(changes: list[Change]) -> tuple[Coverage, Model]:
    """Apply the same changes to the coverage and to the model."""
    coverage, model = Coverage(), Model()
    for had, stretch in changes:
        coverage = coverage.having(stretch) if had else coverage.without(stretch.since, stretch.until)
        model = changed(model, had, stretch)
    return coverage, model


def known(coverage: Coverage) -> dict[int, tuple[State, str | None]]:
    """Return state and checkpoint of each instant in the coverage."""
    return {at: (one.state, one.checkpoint) for one in coverage.stretches for at in range(one.since, one.until)}


@PROPERTY
@given(CHANGES)
def test_each_instant_has_the_state_of_its_latest_change(changes: list[Change]) -> None:
    """Any order of additions and removals gives the state of the model."""
    coverage, model = told(changes)
    assert {at: (one.state, one.checkpoint) for at, one in model.items()} == known(coverage)


@PROPERTY
@given(CHANGES)
def test_stretches_are_disjoint_sorted_and_merged(changes: list[Change]) -> None:
    """No stretch is empty, and neighbours of one state are merged unless each has a checkpoint."""
    coverage, _ = told(changes)
    assert all(one.since < one.until for one in coverage.stretches)
    for one, other in pairwise(coverage.stretches):
        assert one.until <= other.since
        assert one.until < other.since or one.state != other.state or one.state == "partial"


@PROPERTY
@given(CHANGES, st.integers(0, END), st.integers(0, END))
def test_gaps_are_the_stretches_to_read(changes: list[Change], since: int, until: int) -> None:
    """Unknown, gap and provisional stretches have to be read; they are sorted and do not touch each other."""
    coverage, model = told(changes)
    gaps = coverage.gaps(since, until)
    wanted = {at for at in range(since, until) if at not in model or model[at].state in ("provisional", "gap")}
    assert {at for begin, end in gaps for at in range(begin, end)} == wanted
    assert all(begin < end for begin, end in gaps)
    assert all(one[1] < other[0] for one, other in pairwise(gaps))


@PROPERTY
@given(CHANGES, st.integers(0, END), st.integers(0, END))
def test_missing_stretches_were_never_read_to_their_end(changes: list[Change], since: int, until: int) -> None:
    """Unknown, gap and interrupted stretches are missing."""
    coverage, model = told(changes)
    wanted = {at for at in range(since, until) if at not in model or model[at].state in ("partial", "gap")}
    assert {at for begin, end in coverage.missing(since, until) for at in range(begin, end)} == wanted


@PROPERTY
@given(CHANGES, st.integers(0, END), st.integers(0, END))
def test_only_unrequested_stretches_are_unknown(changes: list[Change], since: int, until: int) -> None:
    """A removed stretch is a gap, so it is read again; only a stretch that was never requested is unknown."""
    coverage, _ = told(changes)
    spoken = {at for had, one in changes if had for at in range(one.since, one.until)}
    wanted = {*range(since, until)} - spoken
    assert {at for begin, end in coverage.unknown(since, until) for at in range(begin, end)} == wanted


@PROPERTY
@given(CHANGES)
def test_begin_and_end_agree_with_the_model(changes: list[Change]) -> None:
    """The begin, the end of the completely read part and the interrupted stretches agree with the model."""
    coverage, model = told(changes)
    assert coverage.begin == min(model, default=None)
    read = [at + 1 for at, one in model.items() if one.state in ("complete", "provisional")]
    assert coverage.complete_until == max(read, default=None)
    assert {one.checkpoint for one in coverage.partial} == {
        one.checkpoint for one in model.values() if one.state == "partial"
    }


@pytest.mark.parametrize("state", STATES)
def test_a_cut_interrupted_stretch_becomes_a_gap(state: State) -> None:
    """The checkpoint applies to the whole stretch, so the rest of a cut one is read from its start."""
    before = Coverage().having(Stretch(since=0, until=10, state="partial", checkpoint="..."))
    after = before.having(Stretch(since=9, until=12, state=state, checkpoint="other"))
    told = [(0, 12, "gap")] if state == "gap" else [(0, 9, "gap"), (9, 12, state)]
    assert [(one.since, one.until, one.state) for one in after.stretches] == told
