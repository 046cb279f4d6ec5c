"""Times in and out: which are accepted, which are refused, and that no precision is lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logferry._errors import InvalidRequestError
from logferry._time.timestamps import (
    LAST,
    MILLISECOND,
    SECOND,
    Time,
    duration_of,
    moment,
    rfc3339,
    text_to_nano,
    unix_nano,
    utc_datetime,
)

NOW = unix_nano("2026-11-20T08:47:06.123456789Z")
EIGHT = 1_795_161_600 * SECOND
"""2026-11-20T08:00:00Z"""
FIRST = -62_135_596_800 * SECOND
"""The start of the year 1."""


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2026-11-20T08:00:00Z", EIGHT),
        ("2026-11-20t08:00:00z", EIGHT),
        ("2026-11-20 08:00:00Z", EIGHT),
        ("2026-11-20T08:00:00", EIGHT),
        ("2026-11-20T08:00", EIGHT),
        ("2026-11-20T08", EIGHT),
        ("2026-11-20", EIGHT - 8 * 3600 * SECOND),
        ("20261120T080000Z", EIGHT),
        ("2026-W47-5T08:00:00Z", EIGHT),
        ("2026-11-20T09:00:00+01:00", EIGHT),
        ("2026-11-20T09:00:00+0100", EIGHT),
        ("2026-11-20T09:00:00+01", EIGHT),
        ("2026-11-20T02:30:00-05:30", EIGHT),
        ("2026-11-20T08:00:00-00:00", EIGHT),
        ("2026-11-20T08:00:00.5Z", EIGHT + 500_000_000),
        ("2026-11-20T08:00:00,5Z", EIGHT + 500_000_000),
        ("2026-11-20T08:00:00.496Z", EIGHT + 496_000_000),
        ("2026-11-20T08:00:00.123456789Z", EIGHT + 123_456_789),
        ("2026-11-20T08:00:00.123456789", EIGHT + 123_456_789),
        ("2026-11-20T13:30:00.123456789+05:30", EIGHT + 123_456_789),
        ("2026-11-20T08:00:00.1234567899Z", EIGHT + 123_456_789),
        ("2026-11-20T08:00:00.000000001Z", EIGHT + 1),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("0001-01-01T00:00:00Z", FIRST),
        ("9999-12-31T23:59:59.999999999Z", LAST - 1),
        ("2024-02-29T00:00:00Z", 1_709_164_800 * SECOND),
    ],
)
def test_iso_texts_are_parsed(text: str, nanoseconds: int) -> None:
    """The usual forms of ISO 8601 are accepted; UTC is the default, and a bare date is its midnight."""
    assert unix_nano(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    ["2026-11-20T13:00:00.123456789+05", "2026-11-20T08:00:00.123456789+00", "20261120T080000.123456789Z"],
)
def test_nine_digits_are_kept_in_every_form(text: str) -> None:
    """Offsets of hours only, as PostgreSQL writes them, and the basic format keep nine digits too."""
    assert unix_nano(text) == EIGHT + 123_456_789


@given(st.integers(FIRST, LAST - 1))
@example(FIRST)
@example(LAST - 1)
@example(-1)
@example(0)
def test_times_round_trip_as_text(nanoseconds: int) -> None:
    """Text with nine digits and Z restores every nanosecond of the years 1 to 9999."""
    text = rfc3339(nanoseconds)
    assert unix_nano(text) == nanoseconds
    assert len(text) == len("2026-11-20T08:47:06.496000000Z")
    assert text.endswith("Z")
    assert rfc3339(unix_nano(text)) == text


@given(st.integers(FIRST, LAST - 1), st.integers(FIRST, LAST - 1))
def test_texts_sort_as_times(one: int, other: int) -> None:
    """The order of the texts is the order of the times."""
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@given(st.integers(FIRST, LAST - 1))
def test_a_datetime_is_truncated_to_microseconds(nanoseconds: int) -> None:
    """The datetime is aware, in UTC, and never later than the time itself."""
    cut = utc_datetime(nanoseconds)
    assert cut.tzinfo is UTC
    assert moment_of(cut) == nanoseconds // 1000 * 1000


def moment_of(time: datetime) -> int:
    """Return nanoseconds by integer arithmetic."""
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001  # the zone is drawn separately
    st.integers(-1439, 1439),
)
def test_an_aware_datetime_means_its_own_moment(naive: datetime, minutes: int) -> None:
    """Any offset gives the same time, as a datetime and as its ISO text."""
    time = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(time, now=NOW, name="since") == moment_of(time) == unix_nano(time.isoformat())


@pytest.mark.parametrize(
    ("age", "text"),
    [
        ("30s", "2026-11-20T08:46:36.123456789Z"),
        ("15m", "2026-11-20T08:32:06.123456789Z"),
        ("24h", "2026-11-19T08:47:06.123456789Z"),
        ("24 h", "2026-11-19T08:47:06.123456789Z"),
        (" 24h ", "2026-11-19T08:47:06.123456789Z"),
        ("7d", "2026-11-13T08:47:06.123456789Z"),
        ("7 days", "2026-11-13T08:47:06.123456789Z"),
        ("90 minutes", "2026-11-20T07:17:06.123456789Z"),
        ("1h30m", "2026-11-20T07:17:06.123456789Z"),
        ("1 hour 30 minutes", "2026-11-20T07:17:06.123456789Z"),
        ("1hr 30mins", "2026-11-20T07:17:06.123456789Z"),
        ("5min", "2026-11-20T08:42:06.123456789Z"),
        ("30sec", "2026-11-20T08:46:36.123456789Z"),
        ("1d12h", "2026-11-18T20:47:06.123456789Z"),
        ("1 month 1d", "2026-10-19T08:47:06.123456789Z"),
        ("1 year 2 months", "2025-09-20T08:47:06.123456789Z"),
        ("now", "2026-11-20T08:47:06.123456789Z"),
        ("1795164426", "2026-11-20T08:47:06.000000000Z"),
        ("1795164426.123456789", "2026-11-20T08:47:06.123456789Z"),
        ("1795164426123", "2026-11-20T08:47:06.123000000Z"),
        ("1795164426123.5", "2026-11-20T08:47:06.123500000Z"),
        ("100000000", "1973-03-03T09:46:40.000000000Z"),
        ("20261120", "2026-11-20T00:00:00.000000000Z"),
        (timedelta(minutes=90, microseconds=1), "2026-11-20T07:17:06.123455789Z"),
        (date(2026, 11, 13), "2026-11-13T00:00:00.000000000Z"),
        ("2w", "2026-11-06T08:47:06.123456789Z"),
        ("1 month", "2026-10-20T08:47:06.123456789Z"),
        ("1month", "2026-10-20T08:47:06.123456789Z"),
        ("9 months", "2026-02-20T08:47:06.123456789Z"),
        ("1 year", "2025-11-20T08:47:06.123456789Z"),
        ("2 years", "2024-11-20T08:47:06.123456789Z"),
        ("0s", "2026-11-20T08:47:06.123456789Z"),
    ],
)
def test_ages_count_back_from_now(age: Time, text: str) -> None:
    """Ages are exact to the nanosecond, with months and years by the calendar."""
    assert rfc3339(moment(age, now=NOW, name="since")) == text


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("weeks", "days", "hours", "minutes", "seconds"), st.integers(0, 999_999))
    ).filter(bool),
    st.booleans(),
)
def test_durations_are_the_sum_of_their_units(counts: dict[str, int], short: bool) -> None:
    """Any units, short or long, are added, also in ages."""
    ordered = [name for name in ("weeks", "days", "hours", "minutes", "seconds") if name in counts]
    text = "".join(f"{counts[name]}{name[0]}" if short else f"{counts[name]} {name} " for name in ordered)
    length = timedelta(**counts)
    assert duration_of(text) == length
    if length < timedelta(days=50 * 365):
        assert moment(text, now=NOW, name="since") == moment(length, now=NOW, name="since")


@given(st.integers(10**8 * SECOND, 10**10 * SECOND - 1))
def test_unix_times_are_exact(nanoseconds: int) -> None:
    """Seconds and milliseconds are read to the last decimal."""
    seconds = f"{nanoseconds // SECOND}.{nanoseconds % SECOND:09}"
    milliseconds = f"{nanoseconds // MILLISECOND}.{nanoseconds % MILLISECOND:06}"
    for text in (seconds, milliseconds, rfc3339(nanoseconds)):
        assert moment(text, now=NOW, name="until") == nanoseconds
    assert moment(str(nanoseconds // SECOND), now=NOW, name="until") == nanoseconds // SECOND * SECOND


@pytest.mark.parametrize("text", ["", "now", "1 month", "1h 1 year", "1795164426", "1h-30m"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    """Moments and calendar units have no fixed length."""
    with pytest.raises(ValueError, match="no duration"):
        duration_of(text)


@pytest.mark.parametrize(
    ("now", "age", "day"),
    [
        ("2026-03-31", "1 month", "2026-02-28"),
        ("2024-03-31", "1 month", "2024-02-29"),
        ("2024-02-29", "1 year", "2023-02-28"),
        ("2026-12-31", "6 months", "2026-06-30"),
    ],
)
def test_calendar_ages_end_on_days_that_exist(now: str, age: str, day: str) -> None:
    """If a month has no such day, its last day is used."""
    assert moment(age, now=unix_nano(now), name="since") == unix_nano(day)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "now-1h",
        "30m1h",
        "1h1h",
        "1h30",
        "1h 30",
        "1hm",
        "1 ms",
        "1min30",
        "5mon",
        "12345678901",
        "1795164426123456",
        "1795164426.",
        ".5",
        "\N{ARABIC-INDIC DIGIT FIVE}m",
        "yesterday",
        "24",
        "h",
        "-24h",
        "1.5h",
        "24 hours ago",
        "1M",
        "5 q",
        "1234567s",
        "2026",
        "2026-13-01",
        "2026-02-30",
        "2026-11-20T25:00:00Z",
        "2026-11-20T08:00:60Z",
        "2026-11-20T08:00:00+25:00",
        "2026-11-20T08:00:00Z junk",
        "2026-11-20T08:00:00ZZ",
        "999999 years",
        "\ud800",
        "1e10",
    ],
)
def test_an_invalid_time_is_refused(text: str) -> None:
    """The error is one line with the parameter and examples."""
    with pytest.raises(InvalidRequestError) as caught:
        moment(text, now=NOW, name="until")
    assert caught.value.message.startswith("until")
    assert "24h" in (caught.value.hint or "")
    assert len(str(caught.value).splitlines()) == 1


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Any text either becomes a time or raises an InvalidRequestError."""
    with suppress(InvalidRequestError):
        assert 0 <= moment(text, now=NOW, name="since") < LAST


def test_a_naive_datetime_is_refused() -> None:
    """Its zone is unknown; the hint says how to set it."""
    with pytest.raises(InvalidRequestError, match="time zone") as caught:
        moment(datetime(2026, 11, 20), now=NOW, name="since")  # noqa: DTZ001  # a naive datetime is the subject
    assert "UTC" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "time",
    [
        "1969-12-31T23:59:59.999999999Z",
        "0001-01-01",
        "999999w",
        "57 years",
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
    ],
)
def test_times_out_of_bounds_are_refused(time: Any) -> None:
    """Times outside the years 1970 to 9999 are refused, since services do not accept them."""
    with pytest.raises(InvalidRequestError, match=r"since.*1970"):
        moment(time, now=NOW, name="since")


@pytest.mark.parametrize("time", ["1970-01-01", "9999-12-31T23:59:59.999999999Z", datetime(1970, 1, 1, tzinfo=UTC)])
def test_the_bounds_are_inclusive(time: Any) -> None:
    """The first and the last nanosecond are valid."""
    assert 0 <= moment(time, now=NOW, name="since") < LAST


@pytest.mark.parametrize(
    "time",
    [
        "",
        "soon",
        "2022-13-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        None,
        7,
        [],
        "\ud800",
    ],
)
def test_an_unreadable_time_of_a_service_is_unknown(time: object) -> None:
    """A value that is no text or no time of the years 1 to 9999 is unknown, never an error."""
    assert text_to_nano(time) is None


def test_a_time_of_a_service_is_exact() -> None:
    """A time of a service is read to the nanosecond."""
    assert text_to_nano("2026-11-20T08:00:00.000000001Z") == EIGHT + 1
