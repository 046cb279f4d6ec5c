"""Authorization, retries, deadlines: the layers around a flow, driven by hand."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from logferry._errors import ConnectionFailedError, DeadlineExceededError, LogferryError, RequestTimeoutError
from logferry._flow.auth import FixedHeaders, RenewedToken, Token
from logferry._flow.layers import authorized, bounded, layer, paced, resume, retried
from logferry._flow.steps import Acquire, Batch, Flow, Now, Receive, Sleep, Step, SubFlow, exchange
from logferry._http.in_flight import Ticket
from logferry._http.messages import Pairs, Request, Response, Send
from logferry._http.rate_limiter import RateLimiter
from logferry._http.retry import RetryPolicy
from logferry_clients.logto.api.audit_logs import list_audit_logs

SECOND = 1_000_000_000
LIST: Request[Any] = list_audit_logs.request(page=2)
TOKEN: Request[Any] = list_audit_logs.request(page=99)
"""Stands for a request for a token."""


def response(status: int, **headers: str) -> Response[Any]:
    """Return an answer to the request."""
    return Response(
        request=LIST,
        url="https://acme.logto.app/api/logs?page=2",
        status=status,
        headers=[(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        content=b"[]",
        received_unix_nano=0,
    )


def asking(times: int = 1) -> Flow:
    """A flow that sends this many requests, and returns each answer as a batch."""
    for _ in range(times):
        answer = yield from exchange(Send(LIST))
        yield Batch([answer.status], int, answer)


class Counting:
    """Provides another token whenever the last one was refused."""

    def __init__(self) -> None:
        self.refused: list[Pairs | None] = []
        self._number = 1

    def headers(self, refused: Pairs | None) -> SubFlow[Pairs]:
        """Return the headers."""
        self.refused.append(refused)
        self._number += refused is not None
        return (("Authorization", f"Bearer {self._number}"),)
        yield


class Play:
    """
    Performs the steps of a flow by a script.

    Args:
        outcomes: Answers and failures, in the order in which they are received.
        clock: Times to return, in seconds; the last one is repeated.
    """

    def __init__(self, *outcomes: Response[Any] | LogferryError, clock: tuple[float, ...] = (0,)) -> None:
        self._outcomes = list(outcomes)
        self._clock = list(clock)
        self.steps: list[Step] = []

    def of(self, kind: type[Any]) -> list[Any]:
        """Return the performed steps of a kind."""
        return [step for step in self.steps if isinstance(step, kind)]

    def until_batch(self, flow: Flow) -> Batch | None:
        """Perform steps until a batch, or until the flow ends."""
        answer: object = None
        while True:
            step = resume(flow, answer)
            if step is None or isinstance(step, Batch):
                return step
            self.steps.append(step)
            answer = self.perform(step)

    def perform(self, step: Step) -> object:
        """Perform one step."""
        match step:
            case Send():
                return Ticket(step)
            case Receive():
                return self._outcomes.pop(0)
            case Now():
                return round((self._clock.pop(0) if len(self._clock) > 1 else self._clock[0]) * SECOND)
            case Acquire(lock):
                return lock.acquire(blocking=False)
            case _:
                pass
        return None


def test_a_passive_layer_passes_everything_through() -> None:
    """Steps and answers pass in order through a layer that only observes, or does not even observe."""

    def passed(step: Step) -> SubFlow[object]:
        return (yield step)

    play = Play(response(200), response(500))
    flow = layer(layer(asking(2), {Receive: passed}), {})
    assert [batch.items for batch in (play.until_batch(flow), play.until_batch(flow)) if batch] == [[200], [500]]
    assert play.until_batch(flow) is None
    assert [type(step) for step in play.steps] == [Send, Receive] * 2
    assert [step.ticket.send if isinstance(step, Receive) else step for step in play.steps] == [Send(LIST)] * 4


def test_credentials_are_not_part_of_the_request() -> None:
    """A request has no credentials, and the repr of a step shows none."""
    play = Play(response(200))
    play.until_batch(authorized(asking(), Counting()))
    (sent,) = play.of(Send)
    assert sent.headers == (("Authorization", "Bearer 1"),)
    assert sent.request is LIST
    assert "Bearer" not in repr(play.steps)


def test_a_401_causes_one_renewal_and_one_replay() -> None:
    """The request is sent again with new headers, and its second answer counts."""
    authorizer, play = Counting(), Play(response(401), response(200))
    batch = play.until_batch(authorized(asking(), authorizer))
    assert batch is not None
    assert batch.items == [200]
    assert [sent.headers[0][1] for sent in play.of(Send)] == ["Bearer 1", "Bearer 2"]
    assert authorizer.refused == [None, (("Authorization", "Bearer 1"),)]


def test_a_second_401_is_the_answer() -> None:
    """After one replay the flow gets the second 401."""
    play = Play(response(401), response(401))
    batch = play.until_batch(authorized(asking(), Counting()))
    assert batch is not None
    assert batch.items == [401]
    assert len(play.of(Send)) == 2


def test_unchanged_headers_are_not_replayed() -> None:
    """Without other credentials, a 401 is final at once."""
    play = Play(response(401))
    batch = play.until_batch(authorized(asking(), FixedHeaders((("Authorization", "Bearer x"),))))
    assert batch is not None
    assert batch.items == [401]
    assert len(play.of(Send)) == 1


def test_a_failure_is_not_taken_for_a_refusal() -> None:
    """A transport failure reaches the flow without a token renewal."""
    authorizer, play = Counting(), Play(ConnectionFailedError("cut"))
    with pytest.raises(ConnectionFailedError):
        play.until_batch(authorized(asking(), authorizer))
    assert authorizer.refused == [None]


def retrying(flow: Flow, *, attempts: int = 4, on_retry: Callable[..., None] = lambda *_: None) -> Flow:
    """Return a flow whose answers are retried after the longest wait."""
    return retried(flow, RetryPolicy(attempts=attempts), chance=lambda: 1.0, on_retry=on_retry)


def pacing(flow: Flow, on_request: Callable[[Request[Any]], None] | None = None) -> Flow:
    """Return a flow whose requests do not wait."""
    return paced(flow, RateLimiter(), None, longest_retry_after=60, on_request=on_request)


def test_each_attempt_is_sent_again_and_reported() -> None:
    """A wait between attempts is reported beforehand, and the answer has the number of attempts."""
    told: list[tuple[int, float, Any]] = []
    failures: list[Response[Any] | LogferryError] = [
        response(503),
        ConnectionFailedError("cut"),
        response(429, retry_after="7"),
    ]
    play = Play(*failures, response(200))
    batch = play.until_batch(retrying(asking(), on_retry=lambda *event: told.append(event)))
    assert batch is not None
    assert (batch.items, batch.response.attempts) == ([200], 4)
    assert play.of(Sleep) == [Sleep(0.5), Sleep(1.0), Sleep(7.0)]
    assert told == [(1, 0.5, failures[0]), (2, 1.0, failures[1]), (3, 7.0, failures[2])]
    assert [type(step) for step in play.steps] == [Send, Receive] + [Sleep, Send, Receive] * 3


def test_the_flow_gets_the_last_outcome() -> None:
    """After the last attempt a failure is raised within the flow with the number of attempts."""
    play = Play(*[ConnectionFailedError("cut") for _ in range(3)])
    with pytest.raises(ConnectionFailedError) as caught:
        play.until_batch(retrying(asking(), attempts=3))
    assert caught.value.attempts == 3
    assert play.of(Sleep) == [Sleep(0.5), Sleep(1.0)]


def test_attempts_are_counted_per_answer() -> None:
    """Each answer has all its attempts, independent of earlier answers."""
    play = Play(response(500), response(500), response(200), response(500), response(500), response(200))
    flow = retrying(asking(2), attempts=3)
    batches = [play.until_batch(flow), play.until_batch(flow)]
    assert [batch.response.attempts for batch in batches if batch] == [3, 3]


def test_several_requests_may_be_in_flight() -> None:
    """A flow may send several requests before it receives; each is received and retried separately."""

    def two() -> Flow:
        first = yield Send(LIST)
        second = yield Send(TOKEN)
        later = yield Receive(second)
        sooner = yield Receive(first)
        yield Batch([later.status, sooner.status], int, later)

    play = Play(response(503), response(200), response(401), response(201))
    batch = play.until_batch(retrying(authorized(two(), Counting())))
    assert batch is not None
    assert batch.items == [200, 201]
    assert [sent.request for sent in play.of(Send)] == [LIST, TOKEN, TOKEN, LIST]


def test_a_token_request_passes_the_outer_layers() -> None:
    """A request of the authorization layer is retried like any other."""

    def obtain(time: int) -> SubFlow[Token]:
        answer = yield from exchange(Send(TOKEN))
        return Token((("Authorization", f"Bearer {answer.status}"),), time, 3600 * SECOND)

    play = Play(response(503), response(201), response(200))
    batch = play.until_batch(retrying(authorized(asking(), RenewedToken(obtain))))
    assert batch is not None
    assert batch.items == [200]
    assert [sent.request for sent in play.of(Send)] == [TOKEN, TOKEN, LIST]
    assert play.of(Send)[2].headers == (("Authorization", "Bearer 201"),)


def test_a_deadline_bounds_each_request() -> None:
    """Each request gets the remaining time, counted from the first step."""
    play = Play(response(200), clock=(100, 100, 104))
    play.until_batch(bounded(asking(), 10))
    assert [sent.timeout for sent in play.of(Send)] == [10]
    play = Play(response(200), response(200), clock=(100, 100, 103, 104, 105))
    flow = bounded(asking(2), 10)
    play.until_batch(flow)
    play.until_batch(flow)
    assert [sent.timeout for sent in play.of(Send)] == [10, 6]


@pytest.mark.parametrize("late", [110, 111, 1000])
def test_no_request_is_sent_after_the_deadline(late: float) -> None:
    """After the deadline, the flow gets a DeadlineExceededError instead of an answer."""
    play = Play(response(200), clock=(100, 100, 100, late))
    flow = bounded(asking(2), 10)
    assert play.until_batch(flow) is not None
    with pytest.raises(DeadlineExceededError, match="10 s"):
        play.until_batch(flow)
    assert len(play.of(Send)) == 1


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    """The error is raised at once, without the wait."""
    play = Play(response(503, retry_after="7"), clock=(0, 0, 4))
    with pytest.raises(DeadlineExceededError):
        play.until_batch(bounded(retrying(asking()), 10))
    assert play.of(Sleep) == []


def test_a_wait_before_the_deadline_is_kept() -> None:
    """A wait that ends before the deadline is performed."""
    play = Play(response(503, retry_after="7"), response(200), clock=(0, 0, 2, 9))
    assert play.until_batch(bounded(retrying(asking()), 10)) is not None
    assert play.of(Sleep) == [Sleep(7.0)]
    assert [sent.timeout for sent in play.of(Send)] == [10, 1]


def test_an_answer_is_delivered_after_the_deadline() -> None:
    """A late answer is delivered, and the next request is refused."""
    play = Play(response(200), clock=(0, 0, 50))
    flow = bounded(asking(2), 10)
    assert play.until_batch(flow) is not None
    with pytest.raises(DeadlineExceededError):
        play.until_batch(flow)


def test_a_request_cut_by_the_deadline_is_a_deadline_error() -> None:
    """If the deadline ended the last attempt, the error says so, since a longer timeout would not have helped."""
    play = Play(RequestTimeoutError("slow"), clock=(0, 0, 10))
    with pytest.raises(LogferryError) as caught:
        play.until_batch(bounded(retrying(asking(), attempts=1), 10))
    assert type(caught.value) is DeadlineExceededError


def test_a_deadline_error_has_the_number_of_attempts() -> None:
    """The error has the number of attempts before the deadline."""
    play = Play(response(503, retry_after="4"), response(503, retry_after="7"), clock=(0, 0, 0, 0, 5))
    with pytest.raises(DeadlineExceededError) as caught:
        play.until_batch(bounded(retrying(asking()), 10))
    assert caught.value.attempts == 2


def test_each_request_is_reported_before_it_is_sent() -> None:
    """An outer observer gets every request: for the token, the retry and the replay."""
    told: list[Request[Any]] = []
    play = Play(response(503), response(401), response(200))
    play.until_batch(pacing(retrying(authorized(asking(), Counting())), told.append))
    assert told == [LIST, LIST, LIST] == [sent.request for sent in play.of(Send)]


def _authorized(flow: Flow) -> Flow:
    return authorized(flow, Counting())


def _bounded(flow: Flow) -> Flow:
    return bounded(flow, 10)


def _all_layers(flow: Flow) -> Flow:
    return _bounded(pacing(retrying(_authorized(flow))))


@pytest.mark.parametrize("wrapped", [_authorized, retrying, pacing, _bounded, _all_layers])
def test_closing_the_outermost_layer_closes_the_flow(wrapped: Callable[[Flow], Flow]) -> None:
    """Closing the outermost layer closes the flow inside it at any step."""
    closed: list[bool] = []

    def guarded() -> Flow:
        try:
            yield from asking()
        finally:
            closed.append(True)

    play, flow = Play(response(200)), wrapped(guarded())
    assert play.until_batch(flow) is not None
    assert not closed
    flow.close()
    assert closed == [True]


@pytest.mark.parametrize("steps", range(1, 7))
def test_an_abandoned_token_request_leaves_no_lock(steps: int) -> None:
    """After a flow is closed at any step of its token request, the next flow gets its own token."""

    def obtain(time: int) -> SubFlow[Token]:
        yield from exchange(Send(TOKEN))
        return Token((("Authorization", "Bearer 1"),), time, 3600 * SECOND)

    authorizer = RenewedToken(obtain)
    dropped = _walked(retrying(authorized(asking(), authorizer)), steps)
    dropped.close()
    play = Play(response(200), response(200))
    batch = play.until_batch(authorized(asking(), authorizer))
    assert batch is not None
    assert batch.items == [200]


def _walked(flow: Flow, steps: int) -> Flow:
    """Return the flow after this many steps."""
    play = Play(response(200), response(200))
    step = resume(flow, None)
    for _ in range(steps - 1):
        assert step is not None
        step = resume(flow, play.perform(step))
    return flow


def test_a_closed_waiter_does_not_release_the_lock() -> None:
    """A flow that is closed while it waits does not release the lock of another flow."""
    authorizer = RenewedToken(lambda _time: _never())
    flow = authorized(asking(), authorizer)
    assert isinstance(resume(flow, None), Now)
    step = resume(flow, 0)
    assert isinstance(step, Acquire)
    assert step.lock.acquire(blocking=False)  # the lock of another flow
    flow.close()
    assert step.lock.locked()


def _never() -> Generator[Step, Any, Token]:
    yield Now()
    raise AssertionError
