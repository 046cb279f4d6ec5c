"""The most common complaints of users about the best generated SDKs, and what logferry does instead."""

from __future__ import annotations

import asyncio
import inspect
import logging
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice
from typing import Any, Final

import httpx
import orjson
import pytest
from tests.conftest import PATIENCE
from tests.hostile.conftest import EPOCH, SECOND, SUBJECTS, Subject, Walk, lapse

import logferry
from logferry._config.arguments import CallChanges
from logferry.hooks import RequestEvent, RetryEvent
from logferry.testing import FakeResponse, LogtoFake, VirtualClock, connected, emptied, failing, html_page, stale

ERRORS: Final = {
    302: logferry.ResponseShapeError,
    400: logferry.BadRequestError,
    401: logferry.AuthenticationError,
    403: logferry.PermissionDeniedError,
    404: logferry.BadRequestError,
    408: logferry.LogferryError,
    418: logferry.BadRequestError,
    422: logferry.BadRequestError,
    429: logferry.RateLimitError,
    500: logferry.ServiceError,
    504: logferry.ServiceError,
}
LOGTO: Final = SUBJECTS["logto.audit_logs"]
NO_RETRIES: Final = {"retries": 0}


@pytest.mark.parametrize("status", ERRORS)
def test_1_an_error_status_comes_back_as_none(subject: Subject, walk: Walk, status: int) -> None:
    """Every error status raises an error of its kind that carries the status; no call returns ``None``."""
    faults = failing(FakeResponse(status))
    iterator = walk(subject.open(subject.fake(subject.spread(3)), faults=faults, options=NO_RETRIES).stream)
    with pytest.raises(ERRORS[status]) as caught:
        next(iterator)
    assert caught.value.status == status
    assert caught.value.checkpoint is not None


@pytest.mark.parametrize("body", [b"", b"null", b"{", b'"text"', b"{}", b"<html>"])
def test_1_a_success_that_cannot_be_decoded_comes_back_as_none(subject: Subject, walk: Walk, body: bytes) -> None:
    """A 200 with an unexpected body is an error too, not an empty result."""
    faults = failing(FakeResponse(200, (("Content-Type", "application/json"),), body))
    with pytest.raises(logferry.ResponseShapeError):
        list(walk(subject.open(subject.fake(subject.spread(3)), faults=faults, options=NO_RETRIES).stream))


@pytest.mark.parametrize(
    "outcome",
    [
        FakeResponse(408), FakeResponse(429), FakeResponse(502), FakeResponse(503), httpx.ConnectTimeout("t"),
        httpx.ReadError("reset"), httpx.RemoteProtocolError("disconnected"),
    ],
    ids=str,
)  # fmt: skip
def test_2_no_retries(subject: Subject, walk: Walk, outcome: FakeResponse | Exception) -> None:
    """Transient failures are retried, four attempts in all by default, and the hook gets each retry before its wait."""
    fake, told = subject.fake(subject.spread(7)), list[RetryEvent]()
    pull = subject.open(fake, faults=failing(outcome, times=3), options={"on_retry": told.append})
    assert subject.came(fake, walk(pull.stream.raw())) == subject.has(fake)
    assert [event.attempt for event in told] == [1, 2, 3]
    assert tuple(event.delay for event in told) == pull.clock.naps


def test_2_no_retry_policy(subject: Subject) -> None:
    """A retry object sets the number and the waits; a plain number sets only the number."""
    policy = logferry.RetryPolicy(attempts=6, first_delay=0, longest_delay=0)
    for retries, attempts in ((policy, 6), (1, 2), (0, 1)):
        pull = subject.open(subject.fake([]), faults=failing(FakeResponse(503)), options={"retries": retries})
        with pytest.raises(logferry.ServiceError) as caught:
            pull.stream.to_list()
        assert caught.value.attempts == attempts == len(pull.asked)


@pytest.mark.parametrize("retry_after", ["2", "2.5", "date", "0", "soon", "-5", "61", "86400"])
def test_3_retry_after_is_mishandled(subject: Subject, walk: Walk, retry_after: str) -> None:
    """Seconds and dates are honoured up to a minute; a longer wait raises at once; an invalid value causes no wait."""
    value = retry_after
    if retry_after == "date":
        value = format_datetime(datetime.fromtimestamp(EPOCH // SECOND, UTC) + timedelta(seconds=9), usegmt=True)
    answer = FakeResponse(429, (("Retry-After", value), ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")))
    fake = subject.fake(subject.spread(3))
    pull = subject.open(fake, faults=failing(answer, times=1))
    if retry_after in {"61", "86400"}:
        with pytest.raises(logferry.RateLimitError) as caught:
            next(walk(pull.stream))
        assert caught.value.retry_after == float(retry_after)
        assert pull.clock.naps == ()
        return
    assert subject.came(fake, walk(pull.stream.raw())) == subject.has(fake)
    (nap,) = pull.clock.naps
    assert {"2": nap == 2, "2.5": nap == 2.5, "date": nap == 9}.get(retry_after, 0 <= nap <= 0.5)


def test_3_timeouts_multiply(subject: Subject, walk: Walk) -> None:
    """A deadline bounds the whole iteration, waits and retries included."""
    faults = failing(FakeResponse(429, (("Retry-After", "7"),)))
    pull = subject.open(subject.fake(subject.spread(3)), faults=faults, options={"deadline": 10.0})
    began = pull.clock.now()
    with pytest.raises(logferry.DeadlineExceededError):
        next(walk(pull.stream))
    assert pull.clock.now() - began <= 10 * SECOND


@pytest.mark.parametrize(
    ("options", "connect", "read"),
    [
        ({}, 5.0, 30.0),
        ({"timeout": 2.5}, 2.5, 2.5),
        ({"timeout": 90}, 5.0, 90),
        ({"timeout": logferry.Timeouts(connect=1.0, read=2.0)}, 1.0, 2.0),
    ],
)
def test_4_timeout_defaults_are_wrong(options: dict[str, Any], connect: float, read: float) -> None:
    """Timeouts are finite, 5 seconds to connect and 30 to read, and the values of the caller are used."""
    seen: list[dict[str, float]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json=[], headers={"Total-Number": "0"})

    transport = httpx.MockTransport(answer)
    with logferry.Logto(endpoint="https://a.example", access_token="t", transport=transport, **options) as logto:
        assert logto.audit_logs().to_list() == []
    assert [(one["connect"], one["read"]) for one in seen] == [(connect, read)]


@pytest.mark.parametrize("timeout", [None, 0, -1, float("inf"), float("nan")])
def test_4_no_timeout_hangs(timeout: Any) -> None:
    """A client without a finite timeout is refused when it is created."""
    with pytest.raises(logferry.ConfigurationError, match="timeout"):
        logferry.Daily(api_key="k", timeout=timeout)


@pytest.mark.parametrize("page_size", [1, 4, 50])
def test_5_limit_is_ambiguous(subject: Subject, walk: Walk, page_size: int) -> None:
    """``page_size`` sets the items of a request, ``max_items`` those of an iteration; neither is called limit."""
    fake = subject.fake(subject.spread(20))
    whole = subject.open(fake).stream.raw().to_list()
    for wanted in (0, 1, 4, 5, 100):
        stream = subject.open(fake, page_size=page_size, max_items=wanted).stream.raw()
        assert list(walk(stream)) == whole[:wanted]
    assert not {"limit", "count", "size"} & set(inspect.signature(subject.service.client.stream).parameters)
    with pytest.raises((TypeError, logferry.InvalidRequestError)):
        subject.open(fake, limit=5)


def test_5_parameters_are_lost_on_page_2() -> None:
    """All pages are requested with the filters of the first page."""
    fake = LogtoFake(records=60)
    asked: list[RequestEvent] = []
    with connected(logferry.Logto, fake, on_request=asked.append) as logto:
        logs = logto.audit_logs(log_key="ExchangeTokenBy.ClientCredentials", page_size=2).to_list()
    assert {log.key for log in logs} == {"ExchangeTokenBy.ClientCredentials"}
    pages = [dict(event.params) for event in asked if "page_size" in dict(event.params)]
    assert len(pages) > 2
    assert {page.get("logKey") for page in pages} == {"ExchangeTokenBy.ClientCredentials"}


def test_6_paging_is_endless(subject: Subject, walk: Walk) -> None:
    """A service that does not advance causes an error with a checkpoint after a bounded number of requests."""
    pull = subject.open(subject.fake(subject.spread(30)), faults=failing(stale, at=range(3, 9999)))
    with pytest.raises(logferry.PagingError) as caught:
        list(walk(pull.stream))
    assert len(pull.asked) < 60
    assert orjson.loads(caught.value.checkpoint or "")


@pytest.mark.parametrize("name", ["cognigy.project_logs", "signalwire.video_logs", "logto.audit_logs"])
def test_6_an_empty_page_ends_paging(name: str, walk: Walk) -> None:
    """An empty page that names a next page does not end the walk."""
    subject = SUBJECTS[name]
    fake = subject.fake(subject.spread(12))
    items = list(walk(subject.open(fake, faults=failing(emptied, at={2, 3})).stream.raw()))
    whole = subject.open(fake).stream.raw().to_list()
    assert items[-3:] == whole[-3:]
    assert items[:3] == whole[:3]


def test_6_no_resume_after_a_rate_limit(subject: Subject, walk: Walk) -> None:
    """The error of a rate limit has a checkpoint with which another process resumes, sync or async."""
    fake = subject.fake(subject.spread(9))
    faults = failing(FakeResponse(429, (("Retry-After", "3600"),)), at={3})
    iterator, items = walk(subject.open(fake, faults=faults).stream.raw()), list[Any]()
    with pytest.raises(logferry.RateLimitError) as caught:
        items.extend(iterator)
    error: logferry.RateLimitError = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # our own data
    rest = subject.open(fake, resume=error.checkpoint).stream.raw().to_list()
    assert subject.came(fake, [*items, *rest]) == subject.has(fake)


@pytest.mark.anyio
async def test_7_async_paging_returns_a_coroutine(subject: Subject) -> None:
    """One object supports ``for`` and ``async for`` in every view, without an extra ``await``."""
    stream = subject.open(subject.fake(subject.spread(7))).stream
    for view in (stream, stream.records(), stream.raw(), stream.pages()):
        assert not inspect.iscoroutine(view)
        assert len([one async for one in view]) == len(list(view)) > 2
    assert await stream.raw().ato_list(4) == stream.raw().to_list(4)


@pytest.mark.parametrize("value", [None, "a-word-of-tomorrow", 7, [], {"new": True}], ids=str)
def test_8_one_unknown_value_breaks_the_whole_response(subject: Subject, walk: Walk, value: Any) -> None:
    """With any value in a field, also null and unknown words, all items come and each item is as it was sent."""
    settings = {"compression": False} if subject.service.name == "logto" else {}
    fake = subject.fake(subject.spread(5), **settings)
    victim = subject.open(fake).stream.raw().to_list()[1]
    # Another id, session or kind of log would make it another item, or one that was not requested.
    spared = {"id", "_id", "mtgSessionId", "userSessionId", "source"}

    def broken(answer: FakeResponse) -> FakeResponse:
        worse = {name: member if name in spared else value for name, member in victim.items()}
        body = answer.body.replace(orjson.dumps(victim), orjson.dumps(worse))
        headers = tuple(pair for pair in answer.headers if pair[0].lower() != "content-length")
        return FakeResponse(answer.status, headers, body)

    stream = subject.open(fake, faults=failing(broken)).stream
    records = list(walk(stream.records()))
    assert len(records) == 5
    (changed,) = [
        record for record in records if all(record.raw.get(name, ...) == value for name in victim.keys() - spared)
    ]
    assert changed.issues or subject.name == "daily.session_metrics"
    assert len(list(walk(stream.raw()))) == 5
    delivered = list(walk(stream.pages()))
    assert sum(len(page.items) + len(page.undecoded) for page in delivered) == 5


def test_9_no_oauth_no_refresh() -> None:
    """A token is fetched once, shared by all views, and renewed once if it is refused; the request is then repeated."""
    fake, clock = LOGTO.fake(LOGTO.spread(9)), VirtualClock(EPOCH + SECOND)
    hooks = lapse(clock, 1)  # a token differs from one of another second
    pull = LOGTO.open(fake, faults=failing(FakeResponse(401), at={3}), clock=clock, options=hooks)
    assert LOGTO.came(fake, pull.stream.raw()) == LOGTO.has(fake)
    pull.client.with_options(timeout=3).stream(LOGTO.name).to_list(1)
    tokens = [request for request in pull.transport.requests if request.method == "POST"]
    assert len(tokens) == 2


def test_10_secrets_in_logs_and_reprs(subject: Subject, walk: Walk, caplog: pytest.LogCaptureFixture) -> None:
    """No log message of any level, error, repr or checkpoint contains a credential."""
    caplog.set_level(logging.DEBUG)
    fake = subject.fake(subject.spread(5))
    pull = subject.open(fake, faults=failing(FakeResponse(403), at={2}))
    with pytest.raises(logferry.PermissionDeniedError) as caught:
        list(walk(pull.stream))
    secrets = [getattr(fake, name) for name in ("api_key", "api_token", "app_secret") if hasattr(fake, name)]
    sent = [request.header(name) or "" for request in pull.asked for name in ("Authorization", "X-API-Key")]
    secrets += [value.rpartition(" ")[2] for value in sent if value]
    error = caught.value
    told = [caplog.text, str(error), repr(error), repr(vars(error)), repr(pull.client), repr(pull.stream)]
    told += [pull.stream.checkpoint, pickle.dumps(error).decode("latin-1")]
    assert len(secrets) > 1
    assert not [text for text in told if any(secret in text for secret in secrets)]


def test_11_options_of_one_request_change_the_parent(subject: Subject) -> None:
    """``with_options`` returns a view on the same connections; the client itself does not change."""
    fake = subject.fake(subject.spread(3))
    pull = subject.open(fake, faults=failing(FakeResponse(503)))
    view = pull.client.with_options(retries=0, timeout=1.0)
    for client, attempts in ((view, 1), (pull.client, 4), (view.with_options(retries=1), 2), (view, 1)):
        with pytest.raises(logferry.ServiceError) as caught:
            client.stream(subject.name, filters=subject.question(fake)).to_list()
        assert caught.value.attempts == attempts


def test_12_no_hooks(subject: Subject, walk: Walk) -> None:
    """Hooks get requests, retries and pages with all that a trace needs and no secrets; pages name their request."""
    told: dict[str, list[Any]] = {name: [] for name in CallChanges.__annotations__ if name.startswith("on_")}
    hooks: dict[str, Any] = {name: events.append for name, events in told.items()}
    pull = subject.open(subject.fake(subject.spread(7)), faults=failing(FakeResponse(503), at={2}), options=hooks)
    pages = list(walk(pull.stream.pages()))
    assert len(told["on_page"]) == len(pages)
    assert [event.items for event in told["on_page"]] == [len(page.items) for page in pages]
    assert [event.request_id for event in told["on_page"]] == [page.request_id for page in pages]
    assert max(event.attempts for event in told["on_page"]) == 2
    assert [event.reason for event in told["on_retry"]] == ["HTTP 503"]
    assert len(told["on_request"]) == len(pull.transport.requests)
    assert {event.stream for events in told.values() for event in events} == {subject.name}


def test_13_import_time_and_memory() -> None:
    """Importing logferry loads no HTTP library and few modules; others are loaded on first use."""
    code = (
        "import sys; before = set(sys.modules); import logferry; new = set(sys.modules) - before;"
        "print(len(new), 'httpx' in new, 'orjson' in new, 'rich' in new); logferry.Logto; print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    first, _ = done.stdout.splitlines()
    count, *heavy = first.split()
    assert int(count) <= 40
    assert heavy == ["False"] * 3


def test_14_the_event_loop_is_closed(subject: Subject) -> None:
    """One client serves several event loops in turn, with blocking calls between them; it may be closed twice."""
    fake = subject.fake(subject.spread(7))
    pull = subject.open(fake)

    async def collect() -> list[Any]:
        return [item async for item in pull.stream.raw()]

    for items in (asyncio.run(collect()), pull.stream.raw().to_list(), asyncio.run(collect())):
        assert subject.came(fake, items) == subject.has(fake)
    pull.client.close()
    pull.client.close()
    asyncio.run(pull.client.aclose())


def kinds(kind: type[logferry.LogferryError]) -> list[type[logferry.LogferryError]]:
    """Return an error class and all its subclasses."""
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in kinds(one))]


@pytest.mark.parametrize("kind", kinds(logferry.LogferryError))
def test_15_exceptions_do_not_survive_another_process(kind: type[logferry.LogferryError]) -> None:
    """Every error survives pickling with all its fields."""
    error = kind("it went wrong", hint="Try again").about(method="GET", url="https://a.example", status=500, attempts=2)
    error.checkpoint, error.stream = "{}", "a.logs"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own data
    assert type(again) is kind
    assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize(
    "outcome", [FakeResponse(500), html_page, httpx.ReadTimeout("late")], ids=["500", "html", "late"]
)
def test_15_exceptions_of_a_pull_do_not_survive_another_process(subject: Subject, walk: Walk, outcome: Any) -> None:
    """An error raised during a pull survives pickling too, and its checkpoint yields the remaining items."""
    fake = subject.fake(subject.spread(7))
    iterator = walk(subject.open(fake, faults=failing(outcome, at={2}), options=NO_RETRIES).stream.raw())
    items = list(islice(iterator, 3))
    with pytest.raises(logferry.LogferryError) as caught:
        next(iterator)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # our own data
    assert vars(again) == vars(caught.value)
    rest = subject.open(fake, resume=again.checkpoint).stream.raw().to_list()
    assert subject.came(fake, [*items, *rest]) == subject.has(fake)
