"""
What every stream needs, as layers around a flow: credentials, retries, the account's rate, a deadline.

A layer answers some kinds of steps of the flow inside it with steps of its own and passes the others on.  Layers do no I/O, so
each is written once, and tested without a network.  From the inside out: authorized, retried, paced, bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from attrs import evolve

from logferry._errors import DeadlineExceededError, LogferryError, RequestTimeoutError
from logferry._flow.auth import Authorizer
from logferry._flow.steps import Acquire, Batch, Flow, Receive, Sleep, Step, SubFlow, now
from logferry._http.in_flight import Ticket
from logferry._http.messages import Request, Response, Send
from logferry._http.rate import Rate
from logferry._http.rate_limiter import RateLimiter
from logferry._http.retry import RetryPolicy, is_refused
from logferry._time.timestamps import SECOND

Outcome: TypeAlias = Response[Any] | LogferryError
"""A response, whatever its status, or why there is none."""


def resume(flow: Flow, answer: object) -> Step | None:
    """The flow's next step, or ``None`` once it has returned; a failure as the answer surfaces inside the flow."""
    try:
        return flow.throw(answer) if isinstance(answer, LogferryError) else flow.send(answer)
    except StopIteration:
        return None


def layer(flow: Flow, handlers: Mapping[type[Any], Callable[[Any], SubFlow[object]]]) -> Flow:
    """
    Run *flow*, with *handlers* for some kinds of its steps; an error of a handler surfaces inside the flow.

    Steps of other kinds are passed on by the layer itself: most are, and a generator for each would cost more than all that
    the layers do.
    """
    try:
        step = resume(flow, None)
        while step is not None:
            handler = handlers.get(type(step))
            try:
                outcome = (yield step) if handler is None else (yield from handler(step))
            except LogferryError as error:
                outcome = error
            step = resume(flow, outcome)
    finally:
        flow.close()


def _outcome(step: Receive[Any]) -> SubFlow[Outcome]:
    try:
        response: Response[Any] = yield step
    except LogferryError as error:
        return error
    return response


def authorized(flow: Flow, authorizer: Authorizer) -> Flow:
    """Every request gets the account's credentials; a 401 causes one renewal and one replay."""

    def send(step: Send[Any]) -> SubFlow[object]:
        headers = yield from authorizer.headers(None)
        return (yield evolve(step, headers=headers))

    def receive(step: Receive[Any]) -> SubFlow[object]:
        outcome = yield from _outcome(step)
        if not isinstance(outcome, Response) or outcome.status != HTTPStatus.UNAUTHORIZED:
            return outcome
        sent = step.ticket.send
        headers = yield from authorizer.headers(sent.headers)
        if headers == sent.headers:
            return outcome
        replay: Ticket[Any] = yield evolve(sent, headers=headers)
        return (yield from _outcome(Receive(replay)))

    return layer(flow, {Send: send, Receive: receive})


def retried(
    flow: Flow,
    policy: RetryPolicy,
    *,
    chance: Callable[[], float],
    on_retry: Callable[[int, float, Outcome], None],
) -> Flow:
    """
    Every request is sent as often as *policy* says.

    *chance* gives random numbers, 0 <= chance < 1; *on_retry* is called before each retry: attempt, delay in seconds, outcome.
    """

    def receive(step: Receive[Any]) -> SubFlow[object]:
        attempt, free = 1, 0
        first_refused: int | None = None
        while True:
            outcome = yield from _outcome(step)
            delay: float | None = None
            if is_refused(outcome):
                time = yield from now()
                first_refused = time if first_refused is None else first_refused
                delay = policy.patience(free + 1, waited=(time - first_refused) / SECOND, chance=chance())
            if delay is None:
                delay = policy.delay(outcome, attempt=attempt - free, chance=chance())
            else:
                free += 1
            if delay is None:
                return _attempted(outcome, attempt)
            on_retry(attempt, delay, outcome)
            try:
                yield Sleep(delay)
                step = Receive((yield step.ticket.send))
            except DeadlineExceededError as error:
                error.about(attempts=attempt)
                raise
            attempt += 1

    return layer(flow, {Receive: receive})


def _attempted(outcome: Outcome, attempts: int) -> Outcome:
    if isinstance(outcome, LogferryError):
        return outcome.about(attempts=attempts)
    return outcome if attempts == 1 else evolve(outcome, attempts=attempts)


def paced(
    flow: Flow,
    limiter: RateLimiter,
    rate: Rate | None,
    *,
    longest_retry_after: float,
    on_request: Callable[[Request[Any]], None] | None = None,
) -> Flow:
    """
    Every request waits until its account may make it; the limiter learns from every response.

    For *rate* and *longest_retry_after*, see ``RateLimiter``.  *on_request* is called with each request before it waits: a slow
    callback then delays no request that has its turn.
    """

    def send(step: Send[Any]) -> SubFlow[object]:
        if on_request is not None:
            on_request(step.request)
        turn = limiter.take((yield from now()), rate)
        while isinstance(turn, float):
            yield Sleep(turn)
            turn = limiter.take((yield from now()), rate)
        return (yield evolve(step, turn=turn))

    def receive(step: Receive[Any]) -> SubFlow[object]:
        response: Response[Any] = yield step
        turn = step.ticket.send.turn
        assert turn is not None  # noqa: S101  # send has set it
        limiter.learn(response, turn, rate=rate, longest_retry_after=longest_retry_after)
        return response

    return layer(flow, {Send: send, Receive: receive})


def bounded(flow: Flow, seconds: float) -> Flow:
    """The flow ends within *seconds* of its first step, waits and retries included, or with a DeadlineExceededError."""
    end: int | None = None

    def left() -> SubFlow[float]:
        nonlocal end
        time = yield from now()
        if end is None:
            end = time + round(seconds * 1e9)
        return (end - time) / 1e9

    def send(step: Send[Any]) -> SubFlow[object]:
        remaining = yield from left()
        return (yield evolve(step, timeout=remaining)) if remaining > 0 else _exceeded(seconds)

    def sleep(step: Sleep) -> SubFlow[object]:
        remaining = yield from left()
        return _exceeded(seconds) if step.seconds >= remaining else (yield step)

    def acquire(step: Acquire) -> SubFlow[object]:
        remaining = yield from left()
        return (yield Acquire(step.lock, min(step.timeout, max(0.0, remaining))))

    def receive(step: Receive[Any]) -> SubFlow[object]:
        yield from left()
        outcome = yield from _outcome(step)
        # It was the deadline that cut the request short, so a longer timeout would not have helped.
        late = isinstance(outcome, RequestTimeoutError) and (yield from left()) <= 0
        return _exceeded(seconds) if late else outcome

    def passed(step: Batch) -> SubFlow[object]:
        yield from left()
        return (yield step)

    return layer(flow, {Send: send, Sleep: sleep, Acquire: acquire, Receive: receive, Batch: passed})


def _exceeded(seconds: float) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"the deadline of {seconds:g} s has passed", hint="Resume from the checkpoint, or set a longer deadline"
    )
