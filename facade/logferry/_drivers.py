"""The two drivers: they perform the steps of a flow, blocking the thread or only the task."""

from __future__ import annotations

from typing import Any, Protocol

from logferry._clock import Clock
from logferry._errors import LogferryError
from logferry._layers import resume
from logferry._steps import Acquire, Batch, Flow, Now, Receive, Reply, Send, Sleep, Step, Ticket

_LOCK_POLL_SECONDS = 0.01


class Wire(Protocol):
    """Sends requests, either way.  Only logferry's own errors come out."""

    def perform(self, send: Send[Any]) -> Reply[Any]:
        """Send, and wait for the answer, blocking the thread."""
        ...

    async def aperform(self, send: Send[Any]) -> Reply[Any]:
        """Send, and wait for the answer, blocking only the task."""
        ...


def _next_effect(flow: Flow, answer: object, clock: Clock) -> Step | None:
    """The next step that needs the world outside, or ``None`` once the flow has returned."""
    while True:
        match step := resume(flow, answer):
            case Send():
                answer = Ticket(step)
            case Now():
                answer = clock.now()
            case _:
                return step


def advance(flow: Flow, wire: Wire, clock: Clock) -> Batch | None:
    """Perform steps, blocking the thread, until the flow has a batch; ``None`` once it has ended."""
    answer: object = None
    while True:
        match step := _next_effect(flow, answer, clock):
            case Receive(ticket):
                try:
                    answer = wire.perform(ticket.send)
                except LogferryError as error:
                    answer = error
            case Sleep(seconds):
                clock.sleep(seconds)
                answer = None
            case Acquire(lock, timeout):
                answer = lock.acquire(timeout=timeout)
            case Batch() | None:
                return step
            case _:
                raise AssertionError(step)


async def aadvance(flow: Flow, wire: Wire, clock: Clock) -> Batch | None:
    """Perform steps, blocking only the task, until the flow has a batch; ``None`` once it has ended."""
    answer: object = None
    while True:
        match step := _next_effect(flow, answer, clock):
            case Receive(ticket):
                try:
                    answer = await wire.aperform(ticket.send)
                except LogferryError as error:
                    answer = error
            case Sleep(seconds):
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
