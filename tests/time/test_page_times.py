"""The times of a page: reading them together gives the same values as reading each text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry._time.page_times import known_times, page_times
from logferry._time.timestamps import rfc3339, text_to_nano

NANOSECONDS = st.integers(0, 4_000_000_000 * 10**9)
DIGITS = st.sampled_from([0, 3, 6, 9])


def written(nanoseconds: int, digits: int) -> str:
    """Return a time as text, truncated to this many digits of a second."""
    whole, _, fraction = rfc3339(nanoseconds)[:-1].partition(".")
    return f"{whole}.{fraction[:digits]}Z" if digits else f"{whole}Z"


def items_of(*texts: Any) -> list[Any]:
    """Return items with these times."""
    return [{"time": text} for text in texts]


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=31),
    st.sampled_from([
        "2026-02-30T00:00:00.000000000Z",
        "2026-11-20T24:00:00.000000000Z",
        "2026-11-20T08:60:00.000000000Z",
        "2026-11-20 08:47:06.496000000Z",
        "2026-11-20T08:47:06.496000000+01:00",
        "2026-11-20",
        {"second": 1},
        ["2026-11-20T08:47:06.496000000Z"],
    ]),
)  # fmt: skip


@given(times=st.lists(NANOSECONDS, min_size=1), digits=DIGITS)
def test_uniform_texts_are_read_as_single_ones(times: list[int], digits: int) -> None:
    """Every property of a page of uniform texts equals that of its single texts."""
    texts = [written(time, digits) for time in times]
    expected = [text_to_nano(text) or 0 for text in texts]
    found = page_times(items_of(*texts), "time")
    assert found.read() == expected == list(found)
    assert found[1:].read() == expected[1:]
    assert found.span() == (min(expected), max(expected))
    assert found.in_order() == (expected == sorted(expected))
    ordered = page_times(items_of(*sorted(texts)), "time")
    assert ordered.in_order()
    assert ordered.earlier(expected[0]) == sum(time < expected[0] for time in expected)


@given(
    texts=st.lists(st.one_of(ODD, st.builds(written, NANOSECONDS, DIGITS))),
    others=st.lists(st.sampled_from([None, 1, "time", [], {}, {"other": 1}]), max_size=1),
)
def test_mixed_values_are_read_as_single_ones(texts: list[Any], others: list[Any]) -> None:
    """A text that is no time, a value that is no text and an item that is no object do not affect others."""
    expected = [*map(text_to_nano, texts), *(None for _ in others)]
    found = page_times([*items_of(*texts), *others], "time")
    known = [time for time in expected if time is not None]
    assert found.read() == expected == list(found)
    assert found.span() == ((min(known), max(known)) if known else None)
    assert found.in_order() == (known == expected and known == sorted(known))
    chosen = range(0, len(expected), 2)
    assert found.at(chosen).read() == expected[::2]
    assert found.at(chosen).whole == (None not in expected[::2])


@pytest.mark.parametrize("cut", range(1, 30))
def test_texts_that_are_valid_only_together_are_invalid(cut: int) -> None:
    """Two texts that each lack a part of the other are two invalid times."""
    both = "2026-11-20T08:47:06.496000000Z" * 2
    texts = [both[:cut], both[cut:]]
    assert page_times(items_of(*texts), "time").read() == [*map(text_to_nano, texts)]


def test_numeric_times_have_order_and_span() -> None:
    """Times that a service sends as numbers give the order and the span too."""
    assert known_times([1, 2, 2]).in_order()
    assert not known_times([1, None, 2]).in_order()
    assert known_times([3, None, 1]).span() == (1, 3)
    assert known_times([]).span() is None
