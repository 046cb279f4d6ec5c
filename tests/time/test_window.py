"""The window: half-open, fixed at the first request, validated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry._errors import InvalidRequestError
from logferry._time.timestamps import LAST, unix_nano
from logferry._time.window import Window, window

NOW = unix_nano("2026-11-20T08:00:00Z")
TIMES = st.integers(0, LAST - 1)


@given(TIMES, TIMES, TIMES)
def test_a_window_is_half_open(one: int, other: int, time: int) -> None:
    """The start is within, the end is not, so adjacent windows have each moment once."""
    since, until = sorted((one, other))
    assert Window(since, until).has(time) == (since <= time < until)
    assert Window(None, until).has(time) == (time < until)
    assert Window(None, since).has(time) + Window(since, until).has(time) == Window(None, until).has(time)


def test_the_default_end_is_now() -> None:
    """A window without bounds covers everything up to now."""
    assert window(None, None, now=NOW) == Window(None, NOW)
    assert window("24h", None, now=NOW) == Window(unix_nano("2026-11-19T08:00:00Z"), NOW)


def test_bounds_can_be_texts_ages_and_datetimes() -> None:
    """The forms can be combined, and the end may be in the future."""
    found = window(datetime(2026, 11, 1, tzinfo=UTC), "2027-01-01", now=NOW)
    assert found == Window(unix_nano("2026-11-01"), unix_nano("2027-01-01"))
    assert window("2h", "1h", now=NOW).until == NOW - 3600 * 10**9


@pytest.mark.parametrize(
    ("since", "until"),
    [("1h", "2h"), ("2026-11-21", None), ("2026-11-20", "2026-11-19")],
)
def test_a_window_that_ends_before_it_begins_is_refused(since: str, until: str | None) -> None:
    """The error shows both bounds as parsed."""
    with pytest.raises(InvalidRequestError, match=r"since \(2026-.*\) lies after until \(2026-.*\)"):
        window(since, until, now=NOW)


def test_a_window_may_be_empty() -> None:
    """A scheduler whose last run was just now gets an empty result."""
    assert window("2026-11-20", "2026-11-20", now=NOW).since == window("2026-11-20", "2026-11-20", now=NOW).until
    assert window("0s", None, now=NOW) == Window(NOW, NOW)


@pytest.mark.parametrize(("since", "until", "name"), [("x", None, "since"), (None, "x", "until")])
def test_an_invalid_bound_is_named(since: str | None, until: str | None, name: str) -> None:
    """The error names the invalid bound."""
    with pytest.raises(InvalidRequestError, match=f"^{name} is no time"):
        window(since, until, now=NOW)


def test_the_text_is_an_interval() -> None:
    """The notation is mathematical, in UTC."""
    assert str(Window(None, NOW)) == "[..., 2026-11-20T08:00:00.000000000Z)"
    assert str(Window(NOW - 1, NOW)) == "[2026-11-20T07:59:59.999999999Z, 2026-11-20T08:00:00.000000000Z)"
