"""What a store has: intervals say of every instant what a model says that keeps each instant by itself."""

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
"""Of each instant, the stretch that was last said to hold it."""

Change: TypeAlias = tuple[bool, Stretch]
"""Whether a stretch is had, or forgotten, and which."""


@st.composite
def stretches(draw: st.DrawFn) -> Stretch:
    """Any stretch; some are empty, or end before they begin."""
    since, state = draw(st.integers(0, END - 1)), draw(st.sampled_from(STATES))
    until = min(END, since + draw(st.integers(-1, 12)))
    checkpoint = f"checkpoint {draw(st.integers(0, 99))}" if state == "partial" else None
    return Stretch(since=since, until=until, state=state, checkpoint=checkpoint)


CHANGES = st.lists(st.tuples(st.sampled_from([True, True, True, False]), stretches()), max_size=12)


def changed(model: Model, had: bool, stretch: Stretch) -> Model:
    """What the model says after a change; of a partial stretch that is broken, nothing is left to go on from."""
    hit = range(stretch.since, stretch.until)
    broken = {id(model[at]) for at in hit if at in model and model[at].state == "partial"}
    gap = Stretch(since=0, until=END, state="gap")
    left = {at: gap if id(one) in broken else one for at, one in model.items() if at not in hit}
    return {**left, **{at: stretch if had else gap for at in hit if had or at in model}}


def told(changes: list[Change]) -> tuple[Coverage, Model]:
    """The same changes, told to intervals and to the model."""
    coverage, model = Coverage(), Model()
    for had, stretch in changes:
        coverage = coverage.having(stretch) if had else coverage.without(stretch.since, stretch.until)
        model = changed(model, had, stretch)
    return coverage, model


def known(coverage: Coverage) -> dict[int, tuple[State, str | None]]:
    """State and checkpoint of each instant of which the intervals say anything."""
    return {at: (one.state, one.checkpoint) for one in coverage.stretches for at in range(one.since, one.until)}


@PROPERTY
@given(CHANGES)
def test_each_instant_is_what_it_was_last_said_to_be(changes: list[Change]) -> None:
    """Whatever is had or forgotten, in whatever order."""
    coverage, model = told(changes)
    assert {at: (one.state, one.checkpoint) for at, one in model.items()} == known(coverage)


@PROPERTY
@given(CHANGES)
def test_stretches_are_disjoint_in_order_and_as_few_as_can_be(changes: list[Change]) -> None:
    """None is empty, and neighbours of one state are one, unless each has a checkpoint of its own."""
    coverage, _ = told(changes)
    assert all(one.since < one.until for one in coverage.stretches)
    for one, other in pairwise(coverage.stretches):
        assert one.until <= other.since
        assert one.until < other.since or one.state != other.state or one.state == "partial"


@PROPERTY
@given(CHANGES, st.integers(0, END), st.integers(0, END))
def test_gaps_are_what_has_to_be_read(changes: list[Change], since: int, until: int) -> None:
    """That is what is unknown, what is a gap, and what is provisional; in order, not touching each other."""
    coverage, model = told(changes)
    gaps = coverage.gaps(since, until)
    wanted = {at for at in range(since, until) if at not in model or model[at].state in ("provisional", "gap")}
    assert {at for begin, end in gaps for at in range(begin, end)} == wanted
    assert all(begin < end for begin, end in gaps)
    assert all(one[1] < other[0] for one, other in pairwise(gaps))


@PROPERTY
@given(CHANGES, st.integers(0, END), st.integers(0, END))
def test_missing_is_what_was_never_read_to_its_end(changes: list[Change], since: int, until: int) -> None:
    """That is what is unknown, what is a gap, and what was interrupted."""
    coverage, model = told(changes)
    wanted = {at for at in range(since, until) if at not in model or model[at].state in ("partial", "gap")}
    assert {at for begin, end in coverage.missing(since, until) for at in range(begin, end)} == wanted


@PROPERTY
@given(CHANGES, st.integers(0, END), st.integers(0, END))
def test_what_was_never_spoken_of_is_unknown(changes: list[Change], since: int, until: int) -> None:
    """What is forgotten is a gap, so that it is read again; only what nobody ever asked for is unknown."""
    coverage, _ = told(changes)
    spoken = {at for had, one in changes if had for at in range(one.since, one.until)}
    wanted = {*range(since, until)} - spoken
    assert {at for begin, end in coverage.unknown(since, until) for at in range(begin, end)} == wanted


@PROPERTY
@given(CHANGES)
def test_ends_are_those_of_the_model(changes: list[Change]) -> None:
    """Where it begins; where what was read to its end ends; what was interrupted."""
    coverage, model = told(changes)
    assert coverage.begin == min(model, default=None)
    read = [at + 1 for at, one in model.items() if one.state in ("complete", "provisional")]
    assert coverage.complete_until == max(read, default=None)
    assert {one.checkpoint for one in coverage.partial} == {
        one.checkpoint for one in model.values() if one.state == "partial"
    }


@pytest.mark.parametrize("state", STATES)
def test_part_of_an_interrupted_stretch_is_a_gap(state: State) -> None:
    """Its checkpoint is about the whole: what is left of it has to be read from its start, and the store knows that."""
    before = Coverage().having(Stretch(since=0, until=10, state="partial", checkpoint="..."))
    after = before.having(Stretch(since=9, until=12, state=state, checkpoint="other"))
    told = [(0, 12, "gap")] if state == "gap" else [(0, 9, "gap"), (9, 12, state)]
    assert [(one.since, one.until, one.state) for one in after.stretches] == told
