"""When a failed request is sent again, and after how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeAlias

import httpx
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import logferry
from logferry._errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    LogferryError,
    PagingError,
    RequestTimeoutError,
    ResponseShapeError,
)
from logferry._http.messages import Response
from logferry._http.retry import RetryPolicy, retry_after
from logferry.hooks import RetryEvent
from logferry.testing import FakeResponse, LogtoFake, VirtualClock, failing
from logferry_clients.logto.api.audit_logs import list_audit_logs

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

NOW = datetime(2026, 11, 20, 8, 47, 6, tzinfo=UTC)


def response(status: int, *, received: datetime = NOW, **headers: str) -> Response[Any]:
    """Return an answer; header names have underscores."""
    return Response(
        request=list_audit_logs.request(),
        url="https://acme.logto.app/api/logs",
        status=status,
        headers=[(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
        content=b"",
        received_unix_nano=round(received.timestamp()) * 1_000_000_000,
    )


def date(seconds: float) -> str:
    """Return an HTTP date this many seconds from now."""
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504, 520, 529, 599])
def test_transient_statuses_are_retried(status: int) -> None:
    """408, 429 and every 5xx, named or not, are retried."""
    assert RetryPolicy().delay(response(status), attempt=1, chance=1.0) == 0.5


@pytest.mark.parametrize("status", [200, 301, 304, 400, 401, 403, 404, 405, 409, 413, 422, 425, 451])
def test_other_statuses_are_final(status: int) -> None:
    """Any other status is the answer, with any Retry-After."""
    answer = evolve(response(status, retry_after="1"), content=b"[]")
    assert RetryPolicy().delay(answer, attempt=1, chance=1.0) is None


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectionFailedError("x"), True),
        (RequestTimeoutError("x"), True),
        (DeadlineExceededError("x"), False),
        (ResponseShapeError("x"), False),
        (InvalidRequestError("x"), False),
        (ConfigurationError("x"), False),
        (AuthenticationError("x"), False),
        (PagingError("x"), False),
    ],
)
def test_transport_failures_are_retried(error: LogferryError, again: bool) -> None:
    """A missing answer is retried; an invalid call, a deadline and an invalid answer are not."""
    assert (RetryPolicy().delay(error, attempt=1, chance=0.5) is not None) is again


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, None), (5, None)])
def test_the_default_is_four_attempts_with_growing_waits(attempt: int, longest: float | None) -> None:
    """The bound of the wait doubles from half a second, and the fourth outcome is final."""
    assert RetryPolicy().delay(response(500), attempt=attempt, chance=1.0) == longest


@given(
    st.integers(1, 200),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 100),
    st.floats(0, 100),
    st.sampled_from([408, 429, 500, 503]),
)
def test_jitter_is_full(attempt: int, chance: float, first: float, longest: float, status: int) -> None:
    """Each wait is drawn between zero and the doubling bound, and never exceeds the maximum."""
    policy = RetryPolicy(attempts=201, first_delay=first, longest_delay=longest)
    delay = policy.delay(response(status), attempt=attempt, chance=chance)
    bound = policy.delay(response(status), attempt=attempt, chance=1.0)
    assert delay is not None
    assert bound is not None
    assert 0 <= delay <= bound <= longest
    assert delay == pytest.approx(chance * bound)
    assert bound == min(longest, first * 2.0 ** (attempt - 1))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("3600", 3600.0),
        (str(round(NOW.timestamp()) + 7), 7.0),
        (str(round(NOW.timestamp()) - 7), 0.0),
        (str((round(NOW.timestamp()) + 7) * 1000), 7.0),
        (date(7), 7.0),
        (date(-60), 0.0),
        ("Fri, 20 Nov 2026 08:47:13 -0000", 7.0),
        ("Fri, 20 Nov 2026 09:47:13 +0100", 7.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("7 seconds", None),
        (".", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("\xb2", None),
        ("Fri, 99 Nov 2026 08:47:13 GMT", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(header: str, seconds: float | None) -> None:
    """Seconds, epoch times and dates of any zone are read; a past time is zero; other values are ignored."""
    assert retry_after(response(429, retry_after=header)) == seconds


def test_an_answer_without_retry_after_sets_no_wait() -> None:
    """An answer without the header sets no wait."""
    assert retry_after(response(429)) is None


@pytest.mark.parametrize("skew", [-86_400, -300, 0, 300, 86_400])
def test_a_date_counts_from_the_servers_own_clock(skew: int) -> None:
    """However wrong the local clock is, the wait has the length that the service meant."""
    answer = response(503, received=NOW + timedelta(seconds=skew), retry_after=date(7), date=date(0))
    assert retry_after(answer) == 7.0
    assert RetryPolicy().delay(answer, attempt=1, chance=0.0) == 7.0


def test_a_date_counts_from_the_local_clock_without_a_date_header() -> None:
    """Without a readable Date header, the time of arrival is the reference."""
    assert retry_after(response(503, retry_after=date(7), date="noon")) == 7.0


@given(st.text(st.characters(max_codepoint=255)))
def test_any_retry_after_gives_a_bounded_wait(header: str) -> None:
    """Any content of the header gives a decision, and no wait beyond the honoured maximum."""
    seconds = retry_after(response(429, retry_after=header))
    assert seconds is None or seconds >= 0
    delay = RetryPolicy().delay(response(429, retry_after=header), attempt=1, chance=0.5)
    assert delay is None or 0 <= delay <= 60


@pytest.mark.parametrize(
    ("header", "delay"),
    [
        ("7", 7.0),
        ("60", 60.0),
        ("60.5", None),
        ("3600", None),
        ("9" * 400, None),
        ("0", 0.5),
        (date(-60), 0.5),
        ("x", 0.5),
    ],
)
def test_retry_after_replaces_the_backoff(header: str, delay: float | None) -> None:
    """A Retry-After up to a minute is honoured, a longer one raises; zero and invalid values keep the backoff."""
    assert RetryPolicy().delay(response(429, retry_after=header), attempt=1, chance=1.0) == delay


def test_an_invalid_policy_is_refused() -> None:
    """A policy without an attempt or with a negative wait is refused."""
    cases: list[dict[str, Any]] = [
        {"attempts": 0},
        {"first_delay": -1.0},
        {"longest_delay": -1.0},
        {"longest_retry_after": -1.0},
    ]
    for wrong in cases:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            RetryPolicy(**wrong)


@pytest.mark.parametrize(
    ("failure", "kind", "waits", "bounds"),
    [
        (FakeResponse(429, (("Retry-After", "7"),)), logferry.RateLimitError, (7, 7, 7), None),
        (FakeResponse(429, (("Retry-After", "3600"),)), logferry.RateLimitError, (), None),
        (FakeResponse(500), logferry.ServiceError, None, (0.5, 1, 2)),
        (FakeResponse(503, (("Retry-After", "7"),)), logferry.ServiceError, (7, 7, 7), None),
        (httpx.ReadTimeout("slow"), logferry.RequestTimeoutError, None, (0.5, 1, 2)),
        (httpx.ConnectTimeout("slow"), logferry.RequestTimeoutError, None, (0.5, 1, 2)),
        (httpx.ConnectError("refused"), logferry.ConnectionFailedError, None, (0.5, 1, 2)),
        (httpx.ReadError("reset"), logferry.ConnectionFailedError, None, (0.5, 1, 2)),
        (httpx.RemoteProtocolError("cut"), logferry.ConnectionFailedError, None, (0.5, 1, 2)),
        (FakeResponse(400), logferry.BadRequestError, (), None),
        (FakeResponse(403), logferry.PermissionDeniedError, (), None),
        (FakeResponse(404), logferry.BadRequestError, (), None),
    ],
    ids=str,
)
def test_each_failure_is_retried_and_becomes_one_error(  # noqa: PLR0917
    client: Make,
    walk: Walk,
    failure: FakeResponse | Exception,
    kind: type[LogferryError],
    waits: tuple[float, ...] | None,
    bounds: tuple[float, ...] | None,
) -> None:
    """Each failure has its documented number of attempts and waits, and finally raises one error of logferry."""
    clock = VirtualClock(LogtoFake().epoch)
    with (
        client(faults=failing(failure, path="/api/logs"), clock=clock) as logto,
        pytest.raises(LogferryError) as caught,
    ):
        next(walk(logto.audit_logs()))
    assert type(caught.value) is kind
    if waits is not None:
        assert clock.naps == waits
    for nap, bound in zip(clock.naps, bounds or clock.naps, strict=True):
        assert 0 <= nap <= bound
    assert caught.value.attempts == len(clock.naps) + 1


@pytest.mark.parametrize(
    ("times", "chance", "delay"), [(1, 0.0, 0.25), (1, 1.0, 0.5), (3, 1.0, 2.0), (5, 1.0, 5.0), (60, 0.0, 2.5)]
)
def test_refused_connections_are_retried_with_waits_of_up_to_five_seconds(
    times: int, chance: float, delay: float
) -> None:
    """The waits grow and are at least half of the maximum, so a restart takes few attempts."""
    assert RetryPolicy().patience(times, waited=29.9, chance=chance) == delay


def test_refused_connections_count_as_attempts_without_patience() -> None:
    """After the patience ends, or without retries, refusals are attempts; no wait is so short that it loads a core."""
    assert RetryPolicy().patience(1, waited=30, chance=0.5) is None
    assert RetryPolicy(refused_for=0).patience(1, waited=0, chance=0.5) is None
    assert RetryPolicy(attempts=1).patience(1, waited=0, chance=0.5) is None
    assert RetryPolicy(first_delay=0).patience(1, waited=0, chance=0.5) == 0.1


def test_the_error_names_a_wait_that_is_too_long(client: Make, walk: Walk) -> None:
    """The error about a Retry-After beyond the maximum says how long the service asks to wait."""
    failure = FakeResponse(429, (("Retry-After", "3600"),))
    with client(faults=failing(failure, path="/api/logs")) as logto, pytest.raises(logferry.RateLimitError) as caught:
        next(walk(logto.audit_logs()))
    assert caught.value.retry_after == 3600
    assert "3600" in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("3600", "wait 3600 s"),
        ("86400.5", "wait 86400.5 s"),
        ("1000000", "wait 1000000 s"),
        (str(round(NOW.timestamp()) + 7200), "wait 7200 s"),
        (date(7200), "wait 7200 s"),
        ("9" * 400, "wait more than a year"),
    ],
)
def test_the_error_gives_a_long_wait_in_seconds(client: Make, walk: Walk, status: int, header: str, words: str) -> None:
    """With any status and form, the error is raised at once."""
    failure = FakeResponse(status, (("Retry-After", header), ("Date", date(0))))
    clock = VirtualClock(LogtoFake().epoch)
    with (
        client(faults=failing(failure, path="/api/logs"), clock=clock) as logto,
        pytest.raises((logferry.RateLimitError, logferry.ServiceError), match=words) as caught,
    ):
        next(walk(logto.audit_logs()))
    assert caught.value.attempts == 1
    assert getattr(caught.value, "retry_after", None) is not None


WITHOUT_JSON = (
    FakeResponse(200, (("Content-Type", "application/json"),)),
    FakeResponse(204),
    FakeResponse(200, (("Content-Type", "text/html"),), b"<html>Please wait</html>"),
    FakeResponse(200, (("Content-Type", "application/json"),), b"  <!DOCTYPE html>"),
)


@pytest.mark.parametrize("answer", WITHOUT_JSON, ids=["empty", "204", "html", "html as json"])
@pytest.mark.parametrize("path", ["/api/logs", "/oidc/token"])
def test_a_success_without_json_is_retried(client: Make, walk: Walk, answer: FakeResponse, path: str) -> None:
    """An empty body or a web page from an intermediary is retried, and is an error if it persists."""
    reasons: list[str] = []

    def note(event: RetryEvent) -> None:
        reasons.append(event.reason)

    options: dict[str, Any] = {"clock": VirtualClock(LogtoFake().epoch), "on_retry": note}
    with client(faults=failing(answer, path=path, times=2), **options) as logto:
        assert next(walk(logto.audit_logs()))
    assert reasons == [f"HTTP {answer.status} without JSON"] * 2
    with (
        client(faults=failing(answer, path=path), **options) as logto,
        pytest.raises(logferry.ResponseShapeError) as caught,
    ):
        next(walk(logto.audit_logs()))
    assert caught.value.attempts == 4


def test_retries_can_be_disabled(client: Make, walk: Walk) -> None:
    """With no retries a failed request is sent once."""
    clock = VirtualClock(LogtoFake().epoch)
    with (
        client(faults=failing(FakeResponse(500), path="/api/logs"), clock=clock, retries=0) as logto,
        pytest.raises(logferry.ServiceError) as caught,
    ):
        next(walk(logto.audit_logs()))
    assert (caught.value.attempts, clock.naps) == (1, ())
