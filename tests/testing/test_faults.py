"""Faults said in a line."""

from __future__ import annotations

from logferry.testing import FakeRequest, FakeResponse, Faults, failing, first_of

BUSY, SLOW = FakeResponse(503), FakeResponse(429, (("Retry-After", "1"),))


def outcomes(faults: Faults, *targets: str) -> list[int]:
    """The status of each request's fault, 0 for none."""
    found = [faults(FakeRequest("GET", target), number) for number, target in enumerate(targets, 1)]
    return [one.status if isinstance(one, FakeResponse) else 0 for one in found]


def test_all_requests_or_some_by_number() -> None:
    """Without a condition all fail; else those with the numbers, each so-manieth, or the first few."""
    assert outcomes(failing(BUSY), *"/" * 3) == [503, 503, 503]
    assert outcomes(failing(BUSY, at=[2, 4]), *"/" * 5) == [0, 503, 0, 503, 0]
    assert outcomes(failing(BUSY, every=2), *"/" * 5) == [0, 503, 0, 503, 0]
    assert outcomes(failing(BUSY, times=2), *"/" * 4) == [503, 503, 0, 0]
    assert outcomes(failing(BUSY, every=2, times=1), *"/" * 5) == [0, 503, 0, 0, 0]


def test_requests_by_path_and_query() -> None:
    """Only requests that meet both count, whatever else they ask for."""
    targets = ("/logs?page=2", "/token", "/logs?size=5&page=2", "/logs?page=3", "/logs?page=%32")
    assert outcomes(failing(BUSY, path="/token"), *targets) == [0, 503, 0, 0, 0]
    assert outcomes(failing(BUSY, path="/logs", query={"page": "2"}, at=[2, 3]), *targets) == [0, 0, 503, 0, 503]


def test_the_first_outcome_decides() -> None:
    """Joined faults see every request, and the first one that has something to say is heard."""
    assert outcomes(first_of(failing(BUSY, at=[2]), failing(SLOW, at=[2, 3])), *"/" * 4) == [0, 503, 429, 0]


def test_an_error_is_an_outcome() -> None:
    """What cannot be answered is an exception, which the adapters raise."""
    error = TimeoutError("slow")
    assert failing(error)(FakeRequest("GET", "/"), 1) is error
