"""Rates: how they are written, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

import logferry
from logferry._http.rate import read_rate


@pytest.mark.parametrize(
    ("text", "requests", "seconds"),
    [
        ("20/s", 20, 1),
        ("100/5s", 100, 5),
        ("1000/5m", 1000, 300),
        ("1000 / 5 m", 1000, 300),
        ("13800/10S", 13_800, 10),
        ("2/0.5s", 2, 0.5),
        (" 5000/h ", 5000, 3600),
    ],
)
def test_valid_rates_are_parsed(text: str, requests: int, seconds: float) -> None:
    """A rate is a number of requests, a slash, and a span in seconds, minutes or hours; the default number is one."""
    rate = read_rate(text, setting="rate")
    assert rate == logferry.Rate(requests=requests, seconds=seconds)
    assert read_rate(str(rate), setting="rate") == rate


def test_no_rate_can_be_written() -> None:
    """A configuration file has no null, so a word stands for no rate."""
    assert read_rate("none", setting="rate") is None


@pytest.mark.parametrize(
    "text",
    ["", "20", "/s", "0/s", "20/0s", "-1/s", "20/d", "20 per second", "1.5/s", "20/s/s", 20, True, {"a": 1}, "1/.s"],
)
def test_an_invalid_rate_text_is_refused(text: Any) -> None:
    """The error names the setting and shows an example."""
    with pytest.raises(logferry.ConfigurationError, match=r"^rate of login is no rate") as caught:
        read_rate(text, setting="rate of login")
    assert '"100/5s"' in (caught.value.hint or "")


@pytest.mark.parametrize(
    "values",
    [{"requests": 0}, {"requests": 1.5}, {"requests": 1, "seconds": 0}, {"requests": 1, "seconds": float("inf")}],
)
def test_an_invalid_rate_is_refused(values: dict[str, Any]) -> None:
    """The error is raised when the rate is created."""
    with pytest.raises((TypeError, ValueError)):
        logferry.Rate(**values)
