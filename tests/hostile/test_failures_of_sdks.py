"""
Failures on which the best known SDKs differ: what logferry does, for every stream, sync and async.

One test for each failure that was measured: how often a request is sent, how long the waits are, which error is raised,
and that no item is lost.
"""

from __future__ import annotations

import httpx
import pytest
from tests.hostile.conftest import Subject, Walk

import logferry
from logferry.testing import FakeResponse, Outcome, failing


def refusal(status: int, retry_after: str | None = None) -> FakeResponse:
    """Return an answer with or without a Retry-After."""
    return FakeResponse(status, () if retry_after is None else (("Retry-After", retry_after),))


def failed(
    subject: Subject, walk: Walk, outcome: Outcome, *, attempts: int
) -> tuple[logferry.LogferryError, tuple[float, ...]]:
    """
    Let this many requests fail from the first one on, and check that every item still comes, sync and async.

    Returns:
        The error that was raised, and the waits before it.
    """
    fake = subject.fake(subject.spread(7))
    pull = subject.open(fake, faults=failing(outcome, times=attempts))
    view = pull.stream.raw()
    iterator = walk(view)
    with pytest.raises(logferry.LogferryError) as caught:
        next(iterator)
    error, naps = caught.value, pull.clock.naps
    assert len(pull.asked) == error.attempts == attempts
    assert view.stats.retries == attempts - 1
    assert (error.service, error.stream) == (subject.service.name, subject.name)
    assert error.checkpoint == view.checkpoint
    resumed = subject.open(fake, resume=error.checkpoint).stream.raw()
    assert subject.came(fake, walk(resumed)) == subject.has(fake)
    assert subject.came(fake, iterator) == subject.has(fake)
    return error, naps


def assert_backoff(naps: tuple[float, ...]) -> None:
    """Assert waits of up to 0.5, 1 and 2 seconds, drawn at random."""
    assert len(naps) == 3
    assert all(0 <= nap <= longest for nap, longest in zip(naps, (0.5, 1, 2), strict=True))


def test_429_with_retry_after_7(subject: Subject, walk: Walk) -> None:
    """Four attempts, each further one after the 7 seconds of Retry-After; then a RateLimitError."""
    error, naps = failed(subject, walk, refusal(429, "7"), attempts=4)
    assert naps == (7, 7, 7)
    assert type(error) is logferry.RateLimitError
    assert (error.status, error.retry_after) == (429, 7)


def test_429_with_retry_after_3600(subject: Subject, walk: Walk) -> None:
    """An hour is left to the caller: one attempt, no wait, and a RateLimitError that names the wait."""
    error, naps = failed(subject, walk, refusal(429, "3600"), attempts=1)
    assert naps == ()
    assert type(error) is logferry.RateLimitError
    assert (error.status, error.retry_after) == (429, 3600)


def test_500(subject: Subject, walk: Walk) -> None:
    """Four attempts with growing random waits; then a ServiceError."""
    error, naps = failed(subject, walk, refusal(500), attempts=4)
    assert_backoff(naps)
    assert type(error) is logferry.ServiceError
    assert error.status == 500


def test_503_with_retry_after_7(subject: Subject, walk: Walk) -> None:
    """Retry-After counts for every status: four attempts, 7 seconds apart; then a ServiceError."""
    error, naps = failed(subject, walk, refusal(503, "7"), attempts=4)
    assert naps == (7, 7, 7)
    assert type(error) is logferry.ServiceError
    assert error.status == 503


def test_read_timeout(subject: Subject, walk: Walk) -> None:
    """Four attempts; then an error of logferry, not of the HTTP library."""
    error, naps = failed(subject, walk, httpx.ReadTimeout("The read operation timed out"), attempts=4)
    assert_backoff(naps)
    assert type(error) is logferry.RequestTimeoutError
    assert error.status is None


def test_connect_error(subject: Subject, walk: Walk) -> None:
    """Four attempts; then an error of logferry that is no timeout."""
    error, naps = failed(subject, walk, httpx.ConnectError("[Errno 111] Connection refused"), attempts=4)
    assert_backoff(naps)
    assert type(error) is logferry.ConnectionFailedError
    assert error.status is None


@pytest.mark.parametrize(
    "outcome", [refusal(500), refusal(429, "3600"), httpx.ReadTimeout("late")], ids=["500", "429", "timeout"]
)
def test_an_error_on_page_2_and_next_again(subject: Subject, walk: Walk, outcome: Outcome) -> None:
    """The first page was delivered, and the same iterator continues with the second: no item is lost or repeated."""
    fake = subject.fake(subject.spread(7))
    pull = subject.open(fake, faults=failing(outcome, at={2}), options={"retries": 0})
    iterator = walk(pull.stream.raw())
    items = [next(iterator) for _ in range(3)]
    with pytest.raises(logferry.LogferryError) as caught:
        next(iterator)
    assert caught.value.attempts == 1
    rest = list(iterator)
    assert len(rest) == 4
    assert subject.came(fake, [*items, *rest]) == subject.has(fake)
    resumed = list(walk(subject.open(fake, resume=caught.value.checkpoint).stream.raw()))
    assert subject.came(fake, [*items, *resumed]) == subject.has(fake)
