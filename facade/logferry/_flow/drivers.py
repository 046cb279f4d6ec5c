"""The two drivers: they perform the steps of a flow, blocking the thread or only the task."""

from __future__ import annotations

from collections.abc import Callable

from logferry._flow.layers import resume
from logferry._flow.steps import Acquire, Batch, Flow, Now, Peek, Receive, Send, Sleep, Step, Ticket
from logferry._http.in_flight import Exchange, UnderWay
from logferry._time.clock import Clock

_LOCK_POLL_SECONDS = 0.01


def _next_effect(
    flow: Flow, answer: object, clock: Clock, under_way: UnderWay, begin: Callable[[Exchange], None]
) -> Step | None:
    """The next step that needs the world outside, or ``None`` once the flow has returned."""
    while True:
        match step := resume(flow, answer):
            case Send():
                answer = Ticket(step, under_way.add(step, begin))
            case Peek(Ticket(handle=Exchange() as exchange)):
                answer = exchange.reply_so_far
            case Now():
                answer = clock.now()
            case _:
                under_way.go_on(begin, but=_awaited(step))
                return step


def _awaited(step: Step | None) -> Exchange | None:
    """The request whose answer a step waits for."""
    return step.ticket.handle if isinstance(step, Receive) and isinstance(step.ticket.handle, Exchange) else None


def _exchange(step: Receive[object]) -> Exchange:
    exchange = _awaited(step)
    assert exchange is not None  # noqa: S101  # tickets are made here only
    return exchange


def advance(flow: Flow, under_way: UnderWay, clock: Clock) -> Batch | None:
    """Perform steps, blocking the thread, until the flow has a batch; ``None`` once it has ended."""
    answer: object = None
    wire = under_way.wire

    def begin(exchange: Exchange) -> None:
        exchange.begin(wire)

    while True:
        match step := _next_effect(flow, answer, clock, under_way, begin):
            case Receive():
                answer = _exchange(step).outcome(wire)
            case Sleep(seconds):
                clock.sleep(seconds)
                answer = None
            case Acquire(lock, timeout):
                answer = lock.acquire(timeout=timeout)
            case Batch() | None:
                return step
            case _:
                raise AssertionError(step)


async def aadvance(flow: Flow, under_way: UnderWay, clock: Clock) -> Batch | None:
    """Perform steps, blocking only the task, until the flow has a batch; ``None`` once it has ended."""
    answer: object = None
    wire = under_way.wire

    def begin(exchange: Exchange) -> None:
        exchange.abegin(wire)

    while True:
        match step := _next_effect(flow, answer, clock, under_way, begin):
            case Receive():
                answer = await _exchange(step).aoutcome(wire)
            case Sleep(seconds):
                # It can wait for the turn that a request has which no task has begun.
                await under_way.perform_rest()
                await clock.asleep(seconds)
                answer = None
            case Acquire(lock, timeout):
                # Polled, because threads and tasks of any event loop share one lock, and none may block a loop.
                polls = round(timeout / _LOCK_POLL_SECONDS)
                while not (answer := lock.acquire(blocking=False)) and polls > 0:
                    polls -= 1
                    await clock.asleep(_LOCK_POLL_SECONDS)
            case Batch() | None:
                return step
            case _:
                raise AssertionError(step)
