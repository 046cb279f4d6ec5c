"""The errors: one tree, plain data, one line."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

import logferry
from logferry import _errors
from logferry._errors import LogferryError
from logferry.testing import FakeResponse, failing

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

KINDS = [kind for _, kind in inspect.getmembers(_errors, inspect.isclass) if issubclass(kind, LogferryError)]
EXIT_CODES = {
    "LogferryError": 1,
    "ConfigurationError": 2,
    "MissingPackageError": 2,
    "InvalidRequestError": 2,
    "CheckpointError": 2,
    "BadRequestError": 2,
    "AuthenticationError": 3,
    "PermissionDeniedError": 3,
    "RateLimitError": 4,
    "ServiceError": 4,
    "ConnectionFailedError": 4,
    "RequestTimeoutError": 4,
    "DeadlineExceededError": 4,
    "ResponseShapeError": 5,
    "PagingError": 5,
    "StoreError": 4,
    "ExportError": 4,
}


def drawn() -> dict[str, str]:
    """Each error in the module's drawing, and the one that it hangs from."""
    found: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in (_errors.__doc__ or "").splitlines():
        match = re.match(r"    ([ │├└─]*)(\w+Error)\b", line)
        if match:
            depth = len(match[1])
            above[depth] = match[2]
            if depth:
                found[match[2]] = above[depth - 4]
    return found


def test_the_tree_is_as_drawn() -> None:
    """The drawing in the module's docstring has every error, under the class that it inherits from."""
    bases = {kind.__name__: kind.__mro__[1].__name__ for kind in KINDS if kind is not LogferryError}
    assert drawn() == bases


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_public(kind: type[LogferryError]) -> None:
    """And says what it means."""
    assert getattr(logferry, kind.__name__) is kind
    assert kind.__doc__


def test_calls_that_cannot_be_right_are_value_errors() -> None:
    """Those that were not sent for what the caller gave; no others."""
    values = {kind.__name__ for kind in KINDS if issubclass(kind, ValueError)}
    assert values == {"InvalidRequestError", "CheckpointError"}


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes(kind: type[LogferryError]) -> None:
    """What the shell exits with, as the design says."""
    assert kind.exit_code == EXIT_CODES[kind.__name__]


def full(kind: type[LogferryError]) -> LogferryError:
    """An error with everything set."""
    error = kind("503 Service Unavailable: try later", hint="Try again").about(
        method="GET",
        url="https://acme.logto.app/api/logs?page=2",
        status=503,
        code="some.code",
        request_id="abc",
        attempts=4,
    )
    error.service, error.account, error.stream, error.checkpoint = "logto", "login", "logto.audit_logs", '{"x":1}'
    if isinstance(error, logferry.RateLimitError):
        error.retry_after = 3600.0
    return error


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_pickles(kind: type[LogferryError], protocol: int) -> None:
    """With all its attributes, so that it survives process pools and task queues."""
    for error in (full(kind), kind("bare")):
        copy = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
        assert type(copy) is kind
        assert vars(copy) == vars(error)
        assert (str(copy), copy.args) == (str(error), error.args)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_reads_as_one_line(kind: type[LogferryError]) -> None:
    """What happened, where, and what to do."""
    assert str(full(kind)) == (
        "logto.audit_logs: 503 Service Unavailable: try later (account login, "
        "GET https://acme.logto.app/api/logs?page=2, request id abc, 4 attempts). Try again"
    )
    assert str(kind("bare")) == "bare"


def test_what_is_not_known_is_not_told() -> None:
    """An account named after its service, a single attempt and absent facts are left out."""
    error = LogferryError("failed").about(attempts=1)
    error.service = error.account = "logto"
    assert str(error) == "logto: failed"


def test_what_is_told_later_adds_to_what_is_known() -> None:
    """A later layer knows more, and erases nothing."""
    error = LogferryError("failed").about(method="GET", url="https://x.example", attempts=1).about(attempts=3)
    assert (error.method, error.url, error.attempts) == ("GET", "https://x.example", 3)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, logferry.AuthenticationError),
        (403, logferry.PermissionDeniedError),
        (429, logferry.RateLimitError),
        (400, logferry.BadRequestError),
        (404, logferry.BadRequestError),
        (408, logferry.BadRequestError),
        (418, logferry.BadRequestError),
        (422, logferry.BadRequestError),
        (499, logferry.BadRequestError),
        (500, logferry.ServiceError),
        (503, logferry.ServiceError),
        (520, logferry.ServiceError),
        (599, logferry.ServiceError),
        (201, logferry.ResponseShapeError),
        (204, logferry.ResponseShapeError),
        (206, logferry.ResponseShapeError),
        (301, logferry.ResponseShapeError),
        (304, logferry.ResponseShapeError),
        (307, logferry.ResponseShapeError),
    ],
)
def test_statuses(client: Make, walk: Walk, status: int, kind: type[LogferryError]) -> None:
    """Each status is one kind of error, that knows all about the request."""
    headers = (("Content-Type", "application/json"), ("logto-core-request-id", "abc-123"))
    answer = FakeResponse(status, headers, b'{"code":"some.code","message":"Said the server.","details":null}')
    with (
        client(faults=failing(answer, path="/api/logs"), retries=0, account="login") as logto,
        pytest.raises(kind) as caught,
    ):
        next(walk(logto.audit_logs(user_id="alice")))
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.method, error.request_id, error.attempts) == (status, "GET", "abc-123", 1)
    assert (error.service, error.account, error.stream) == ("logto", "login", "logto.audit_logs")
    assert (error.url or "").startswith("https://default.logto.app/api/logs?userId=alice")
    assert error.checkpoint
    if status >= 400:
        assert error.code == "some.code"
        assert "Said the server [some.code]" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Bad Gateway",
        b"<html><body>nginx</body></html>",
        b"[1,2]",
        b"null",
        b'{"code":5,"message":{}}',
        b"\xff\xfe",
    ],
)
def test_error_bodies_of_any_kind(client: Make, walk: Walk, body: bytes) -> None:
    """A body that is no JSON object says nothing, and hides nothing: the status decides."""
    with (
        client(faults=failing(FakeResponse(502, (), body), path="/api/logs"), retries=0) as logto,
        pytest.raises(logferry.ServiceError, match="502 Bad Gateway") as caught,
    ):
        next(walk(logto.audit_logs()))
    assert (caught.value.status, caught.value.code) == (502, None)


@pytest.mark.parametrize(
    "hostile",
    [
        FakeResponse(400, (), b'{"code":"a\\nb","message":"c\\r\\nd \\u001b[31m \\u2028 \\u202e"}'),
        FakeResponse(400, (), b'{"message":"' + b"x" * 100_000 + b'"}'),
        FakeResponse(200, (("Content-Type", "text/\x1b[31m"),), b"?"),
    ],
)
def test_a_service_cannot_break_the_line(client: Make, walk: Walk, hostile: FakeResponse) -> None:
    """Its words are shown in one line, shortened, with control characters as escapes."""
    with client(faults=failing(hostile, path="/api/logs")) as logto, pytest.raises(LogferryError) as caught:
        next(walk(logto.audit_logs()))
    shown = str(caught.value)
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown
    assert len(shown) < 1000
