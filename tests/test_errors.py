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
    """Return each error in the drawing of the module, with its parent."""
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


def test_the_drawing_shows_the_tree() -> None:
    """The drawing in the docstring of the module has every error under its base class."""
    bases = {kind.__name__: kind.__mro__[1].__name__ for kind in KINDS if kind is not LogferryError}
    assert drawn() == bases


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_public(kind: type[LogferryError]) -> None:
    """Every error is exported and has a docstring."""
    assert getattr(logferry, kind.__name__) is kind
    assert kind.__doc__


def test_errors_about_arguments_are_value_errors() -> None:
    """Only errors about the caller's arguments, raised before a request, are value errors."""
    values = {kind.__name__ for kind in KINDS if issubclass(kind, ValueError)}
    assert values == {"InvalidRequestError", "CheckpointError"}


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes(kind: type[LogferryError]) -> None:
    """Each error has the exit code of the command that the design gives it."""
    assert kind.exit_code == EXIT_CODES[kind.__name__]


def full(kind: type[LogferryError]) -> LogferryError:
    """Return an error with every attribute set."""
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
    """An error keeps all attributes in a pickle, so it survives process pools and task queues."""
    for error in (full(kind), kind("bare")):
        copy = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
        assert type(copy) is kind
        assert vars(copy) == vars(error)
        assert (str(copy), copy.args) == (str(error), error.args)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_one_line(kind: type[LogferryError]) -> None:
    """The line has what happened, where, and what to do."""
    assert str(full(kind)) == (
        "logto.audit_logs: 503 Service Unavailable: try later (account login, "
        "GET https://acme.logto.app/api/logs?page=2, request id abc, 4 attempts). Try again"
    )
    assert str(kind("bare")) == "bare"


def test_absent_facts_are_left_out() -> None:
    """An account named after its service, a single attempt and absent facts are left out."""
    error = LogferryError("failed").about(attempts=1)
    error.service = error.account = "logto"
    assert str(error) == "logto: failed"


def test_later_layers_add_facts() -> None:
    """A later layer adds its facts and erases none."""
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
def test_each_status_is_one_kind_of_error(client: Make, walk: Walk, status: int, kind: type[LogferryError]) -> None:
    """The error of a status has all facts about the request."""
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
def test_any_error_body_is_accepted(client: Make, walk: Walk, body: bytes) -> None:
    """A body that is no JSON object adds no text; the status decides the error."""
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
def test_the_text_of_a_service_stays_on_one_line(client: Make, walk: Walk, hostile: FakeResponse) -> None:
    """The text of a service is shown on one line, shortened, with control characters escaped."""
    with client(faults=failing(hostile, path="/api/logs")) as logto, pytest.raises(LogferryError) as caught:
        next(walk(logto.audit_logs()))
    shown = str(caught.value)
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown
    assert len(shown) < 1000
