"""The two drivers: they perform the steps of a flow, blocking the thread or only the task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from logferry._flow.layers import resume
from logferry._flow.steps import Acquire, Batch, Flow, Now, Peek, Receive, Sleep, Step
from logferry._http.in_flight import InFlight, Ticket
from logferry._http.messages import Send
from logferry._time.clock import Clock

if TYPE_CHECKING:
    from logferry._http.sender import Sender

_LOCK_POLL_SECONDS = 0.01

_IN_THREAD: Callable[[Ticket[Any], Sender], None] = Ticket[Any].begin
_IN_TASK: Callable[[Ticket[Any], Sender], None] = Ticket[Any].abegin


def _next_effect(
    flow: Flow, answer: object, clock: Clock, in_flight: InFlight, begin: Callable[[Ticket[Any], Sender], None]
) -> Step | None:
    """The next step that needs the world outside, or ``None`` once the flow has returned."""
    while True:
        match step := resume(flow, answer):
            case Send():
                answer = in_flight.add(step, begin)
            case Peek(ticket):
                answer = ticket.response_so_far
            case Now():
                answer = clock.now()
            case _:
                in_flight.go_on(begin, but=step.ticket if isinstance(step, Receive) else None)
                return step


def advance(flow: Flow, in_flight: InFlight, clock: Clock) -> Batch | None:
    """Perform steps, blocking the thread, until the flow has a batch; ``None`` once it has ended."""
    answer: object = None
    while True:
        match step := _next_effect(flow, answer, clock, in_flight, _IN_THREAD):
            case Receive(ticket):
                answer = ticket.outcome(in_flight.sender)
            case Sleep(seconds):
                clock.sleep(seconds)
                answer = None
            case Acquire(lock, timeout):
                answer = lock.acquire(timeout=timeout)
            case Batch() | None:
                return step
            case _:
                raise AssertionError(step)


async def aadvance(flow: Flow, in_flight: InFlight, clock: Clock) -> Batch | None:
    """Perform steps, blocking only the task, until the flow has a batch; ``None`` once it has ended."""
    answer: object = None
    while True:
        match step := _next_effect(flow, answer, clock, in_flight, _IN_TASK):
            case Receive(ticket):
                answer = await ticket.aoutcome(in_flight.sender)
            case Sleep(seconds):
                # The flow may wait for the turn of a request that no task has begun.
                await in_flight.perform_rest()
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
