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
    """An answer; header names are written with underscores."""
    return Response(
        request=list_audit_logs.request(),
        url="https://acme.logto.app/api/logs",
        status=status,
        headers=[(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
        content=b"",
        received_unix_nano=round(received.timestamp()) * 1_000_000_000,
    )


def date(seconds: float) -> str:
    """An HTTP date so many seconds from now."""
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504, 520, 529, 599])
def test_passing_statuses_are_retried(status: int) -> None:
    """408, 429 and every 5xx, also those without a name, are worth another attempt."""
    assert RetryPolicy().delay(response(status), attempt=1, chance=1.0) == 0.5


@pytest.mark.parametrize("status", [200, 301, 304, 400, 401, 403, 404, 405, 409, 413, 422, 425, 451])
def test_other_statuses_are_final(status: int) -> None:
    """Everything else is an answer, whatever Retry-After it carries."""
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
def test_failures_to_get_an_answer_are_retried(error: LogferryError, again: bool) -> None:
    """No answer is worth another attempt; a call that cannot be right, a deadline and a bad answer are not."""
    assert (RetryPolicy().delay(error, attempt=1, chance=0.5) is not None) is again


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, None), (5, None)])
def test_the_default_is_four_attempts_that_wait_longer_each_time(attempt: int, longest: float | None) -> None:
    """The bound doubles from half a second; the fourth outcome is taken as it is."""
    assert RetryPolicy().delay(response(500), attempt=attempt, chance=1.0) == longest


@given(
    st.integers(1, 200),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 100),
    st.floats(0, 100),
    st.sampled_from([408, 429, 500, 503]),
)
def test_jitter_is_full(attempt: int, chance: float, first: float, longest: float, status: int) -> None:
    """A wait is drawn from zero up to the doubling bound, never beyond the longest, at any attempt."""
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
    """Whole and broken seconds, moments since the epoch and dates of any zone count; what is past is zero, all else nothing."""
    assert retry_after(response(429, retry_after=header)) == seconds


def test_no_retry_after_is_nothing() -> None:
    """An answer without the header says nothing."""
    assert retry_after(response(429)) is None


@pytest.mark.parametrize("skew", [-86_400, -300, 0, 300, 86_400])
def test_a_date_counts_from_the_servers_own_clock(skew: int) -> None:
    """However wrong the local clock is, the wait is the one that the service meant."""
    answer = response(503, received=NOW + timedelta(seconds=skew), retry_after=date(7), date=date(0))
    assert retry_after(answer) == 7.0
    assert RetryPolicy().delay(answer, attempt=1, chance=0.0) == 7.0


def test_a_date_counts_from_the_local_clock_where_the_server_tells_no_time() -> None:
    """Without a readable Date the moment of arrival stands for it."""
    assert retry_after(response(503, retry_after=date(7), date="noon")) == 7.0


@given(st.text(st.characters(max_codepoint=255)))
def test_no_retry_after_breaks_the_decision(header: str) -> None:
    """Whatever stands in the header, there is a decision, and no wait beyond what is honoured."""
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
    """It is honoured up to a minute, beyond that the error comes at once; zero and garbage leave the backoff as it is."""
    assert RetryPolicy().delay(response(429, retry_after=header), attempt=1, chance=1.0) == delay


def test_a_policy_says_what_it_cannot_be() -> None:
    """No attempt at all and negative waits are refused."""
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
def test_what_a_failure_costs(  # noqa: PLR0917
    client: Make,
    walk: Walk,
    failure: FakeResponse | Exception,
    kind: type[LogferryError],
    waits: tuple[float, ...] | None,
    bounds: tuple[float, ...] | None,
) -> None:
    """Each failure is retried as often and after as long as promised, and is one error of ours in the end."""
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
def test_refusals_are_waited_out_up_to_five_seconds_each(times: int, chance: float, delay: float) -> None:
    """Longer from one to the next, and never less than half of the longest, so that a restart takes few of them."""
    assert RetryPolicy().patience(times, waited=29.9, chance=chance) == delay


def test_refusals_count_where_there_is_no_patience() -> None:
    """After the time for it, and where nothing is to be retried at all; no wait is so short that it costs a core."""
    assert RetryPolicy().patience(1, waited=30, chance=0.5) is None
    assert RetryPolicy(refused_for=0).patience(1, waited=0, chance=0.5) is None
    assert RetryPolicy(attempts=1).patience(1, waited=0, chance=0.5) is None
    assert RetryPolicy(first_delay=0).patience(1, waited=0, chance=0.5) == 0.1


def test_a_wait_that_is_too_long_is_told(client: Make, walk: Walk) -> None:
    """The error of a Retry-After beyond what is honoured says how long the service asks to wait."""
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
def test_a_long_wait_is_told_in_seconds(client: Make, walk: Walk, status: int, header: str, words: str) -> None:
    """Whatever the status and the form, and the error comes at once."""
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
def test_a_success_without_json_is_asked_for_again(client: Make, walk: Walk, answer: FakeResponse, path: str) -> None:
    """Nothing, or a web page, comes of something in between that passes; where it stays, it is an error."""
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


def test_retries_can_be_switched_off(client: Make, walk: Walk) -> None:
    """With no retries a failed request is sent once."""
    clock = VirtualClock(LogtoFake().epoch)
    with (
        client(faults=failing(FakeResponse(500), path="/api/logs"), clock=clock, retries=0) as logto,
        pytest.raises(logferry.ServiceError) as caught,
    ):
        next(walk(logto.audit_logs()))
    assert (caught.value.attempts, clock.naps) == (1, ())
