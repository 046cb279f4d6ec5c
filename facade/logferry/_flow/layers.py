"""
What every stream needs, as layers around a flow: authorizing, retrying, a deadline.

A layer answers some kinds of steps of the flow inside it with steps of its own and passes the others on.  Layers do no I/O, so
each is written once, and tested without a network.  From the inside out: located, authorized, retried, observed, paced
(see ``_pace``), bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from attrs import evolve

from logferry._errors import DeadlineExceededError, LogferryError, PagingError, RequestTimeoutError
from logferry._flow.steps import (
    Acquire,
    Batch,
    Flow,
    Pairs,
    Receive,
    Reply,
    Request,
    Send,
    Sleep,
    Step,
    SubFlow,
    Ticket,
    now,
)
from logferry._http.responses import about_answer
from logferry._http.retry import RetryPolicy, is_refused
from logferry._time.timestamps import SECOND


class Authorizer(Protocol):
    """Knows the headers that authorize an account's requests."""

    def headers(self, refused: Pairs | None) -> SubFlow[Pairs]:
        """
        The headers for the next request; may itself send requests.

        Args:
            refused: Headers that the service has just answered with 401, or ``None``.  Where there are no better ones,
                the same come back.
        """
        ...


def resume(flow: Flow, answer: object) -> Step | None:
    """The flow's next step, or ``None`` once it has returned; a failure as the answer surfaces inside the flow."""
    try:
        return flow.throw(answer) if isinstance(answer, LogferryError) else flow.send(answer)
    except StopIteration:
        return None


Answers: TypeAlias = Mapping[type[Any], Callable[[Any], SubFlow[object]]]
"""By the kind of a step, what answers it."""


def layer(flow: Flow, answers: Answers) -> Flow:
    """
    Run *flow*, some kinds of its steps answered by *answers*; a failure to answer surfaces inside the flow.

    Steps of other kinds are passed on by the layer itself: most are, and a generator for each would cost more than all that
    the layers do.
    """
    try:
        step = resume(flow, None)
        while step is not None:
            answer = answers.get(type(step))
            try:
                outcome = (yield step) if answer is None else (yield from answer(step))
            except LogferryError as error:
                outcome = error
            step = resume(flow, outcome)
    finally:
        flow.close()


def _outcome(ticket: Ticket[Any]) -> SubFlow[Reply[Any] | LogferryError]:
    try:
        reply: Reply[Any] = yield Receive(ticket)
    except LogferryError as error:
        return error
    return reply


def authorized(flow: Flow, authorizer: Authorizer) -> Flow:
    """Every request gets the account's credentials; a 401 causes one renewal and one replay."""

    def send(step: Send[Any]) -> SubFlow[object]:
        headers = yield from authorizer.headers(None)
        return (yield Send(step.request, headers, step.timeout))

    def receive(step: Receive[Any]) -> SubFlow[object]:
        outcome = yield from _outcome(step.ticket)
        if not isinstance(outcome, Reply) or outcome.status != 401:  # noqa: PLR2004  # Unauthorized
            return outcome
        sent = step.ticket.send
        headers = yield from authorizer.headers(sent.headers)
        if headers == sent.headers:
            return outcome
        return (yield from _replayed(Send(sent.request, headers, sent.timeout)))

    return layer(flow, {Send: send, Receive: receive})


def located(flow: Flow, *, request_id_header: str) -> Flow:
    """A PagingError that the flow raises of itself is about the latest answer, so it gets to know which that is."""
    latest: Reply[Any] | None = None

    def receive(step: Receive[Any]) -> SubFlow[object]:
        nonlocal latest
        outcome = yield from _outcome(step.ticket)
        if isinstance(outcome, Reply):
            latest = outcome
        return outcome

    try:
        yield from layer(flow, {Receive: receive})
    except PagingError as error:
        if error.url is None and latest is not None:
            about_answer(error, latest, request_id_header)
        raise


def _replayed(send: Send[Any]) -> SubFlow[Reply[Any] | LogferryError]:
    ticket: Ticket[Any] = yield send
    return (yield from _outcome(ticket))


def retried(
    flow: Flow,
    policy: RetryPolicy,
    *,
    chance: Callable[[], float],
    told: Callable[[int, float, Reply[Any] | LogferryError], None],
) -> Flow:
    """
    Every answer is waited for as often as *policy* says.

    Args:
        flow: What to run.
        policy: Decides after each attempt.
        chance: Gives random numbers, 0 <= chance < 1.
        told: Is told of each retry: attempt, delay in seconds, outcome.
    """

    def receive(step: Receive[Any]) -> SubFlow[object]:
        ticket, attempt = step.ticket, 1
        free, first_refused = 0, 0
        while True:
            outcome = yield from _outcome(ticket)
            delay: float | None = None
            if is_refused(outcome):
                time = yield from now()
                first_refused = first_refused or time
                delay = policy.patience(free + 1, waited=(time - first_refused) / SECOND, chance=chance())
            if delay is None:
                delay = policy.delay(outcome, attempt=attempt - free, chance=chance())
            else:
                free += 1
            if delay is None:
                return _attempted(outcome, attempt)
            told(attempt, delay, outcome)
            try:
                yield Sleep(delay)
                ticket = yield ticket.send
            except DeadlineExceededError as error:
                error.about(attempts=attempt)
                raise
            attempt += 1

    return layer(flow, {Receive: receive})


def _attempted(outcome: Reply[Any] | LogferryError, attempts: int) -> Reply[Any] | LogferryError:
    if isinstance(outcome, LogferryError):
        return outcome.about(attempts=attempts)
    return outcome if attempts == 1 else evolve(outcome, attempts=attempts)


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
        outcome = yield from _outcome(step.ticket)
        # It was the deadline that cut the request short, so a longer timeout would not have helped.
        late = isinstance(outcome, RequestTimeoutError) and (yield from left()) <= 0
        return _exceeded(seconds) if late else outcome

    def passed(step: Batch) -> SubFlow[object]:
        yield from left()
        return (yield step)

    return layer(flow, {Send: send, Sleep: sleep, Acquire: acquire, Receive: receive, Batch: passed})


def _exceeded(seconds: float) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"the deadline of {seconds:g} s has passed", hint="Go on from the checkpoint, or set a longer deadline"
    )


def observed(flow: Flow, told: Callable[[Request[Any]], None]) -> Flow:
    """Tell of each request before it is sent."""

    def send(step: Send[Any]) -> SubFlow[object]:
        told(step.request)
        return (yield step)

    return layer(flow, {Send: send})
