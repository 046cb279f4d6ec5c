"""
What every stream needs, as layers around a flow: authorizing, retrying, a deadline.

A layer answers some steps of the flow inside it with steps of its own and passes the others on.  Layers do no I/O, so
each is written once, and tested without a network.  From the inside out: located, authorized, retried, observed, paced
(see ``_pace``), bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attrs import evolve

from logferry._answers import about_answer
from logferry._errors import DeadlineExceededError, LogferryError, PagingError, RequestTimeoutError
from logferry._retry import RetryPolicy
from logferry._steps import Acquire, Flow, Pairs, Receive, Reply, Request, Send, Sleep, Step, SubFlow, Ticket, now


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


def layer(flow: Flow, answer: Callable[[Step], SubFlow[object]]) -> Flow:
    """Run *flow*, each of its steps answered by *answer*; a failure to answer surfaces inside the flow."""
    try:
        step = resume(flow, None)
        while step is not None:
            try:
                outcome = yield from answer(step)
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

    def answer(step: Step) -> SubFlow[object]:
        match step:
            case Send():
                headers = yield from authorizer.headers(None)
                return (yield Send(step.request, headers, step.timeout))
            case Receive(ticket):
                outcome = yield from _outcome(ticket)
                if not isinstance(outcome, Reply) or outcome.status != 401:  # noqa: PLR2004  # Unauthorized
                    return outcome
                headers = yield from authorizer.headers(ticket.send.headers)
                if headers == ticket.send.headers:
                    return outcome
                return (yield from _replayed(Send(ticket.send.request, headers, ticket.send.timeout)))
            case _:
                return (yield step)

    return layer(flow, answer)


def located(flow: Flow, *, request_id_header: str) -> Flow:
    """A PagingError that the flow raises of itself is about the latest answer, so it gets to know which that is."""
    latest: Reply[Any] | None = None

    def answer(step: Step) -> SubFlow[object]:
        nonlocal latest
        if not isinstance(step, Receive):
            return (yield step)
        outcome = yield from _outcome(step.ticket)
        if isinstance(outcome, Reply):
            latest = outcome
        return outcome

    try:
        yield from layer(flow, answer)
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

    def answer(step: Step) -> SubFlow[object]:
        if not isinstance(step, Receive):
            return (yield step)
        ticket, attempt = step.ticket, 1
        while True:
            outcome = yield from _outcome(ticket)
            delay = policy.delay(outcome, attempt=attempt, chance=chance())
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

    return layer(flow, answer)


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

    def answer(step: Step) -> SubFlow[object]:
        remaining = yield from left()
        match step:
            case Send() if remaining > 0:
                return (yield Send(step.request, step.headers, remaining))
            case Send():
                return _exceeded(seconds)
            case Sleep(pause) if pause >= remaining:
                return _exceeded(seconds)
            case Acquire(lock, timeout):
                return (yield Acquire(lock, min(timeout, max(0.0, remaining))))
            case Receive(ticket):
                outcome = yield from _outcome(ticket)
                # It was the deadline that cut the request short, so a longer timeout would not have helped.
                late = isinstance(outcome, RequestTimeoutError) and (yield from left()) <= 0
                return _exceeded(seconds) if late else outcome
            case _:
                return (yield step)

    return layer(flow, answer)


def _exceeded(seconds: float) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"the deadline of {seconds:g} s has passed", hint="Go on from the checkpoint, or set a longer deadline"
    )


def observed(flow: Flow, told: Callable[[Request[Any]], None]) -> Flow:
    """Tell of each request before it is sent."""

    def answer(step: Step) -> SubFlow[object]:
        if isinstance(step, Send):
            told(step.request)
        return (yield step)

    return layer(flow, answer)
