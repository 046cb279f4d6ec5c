"""
The pace of an account: its requests wait here until the service takes them.

One bucket of tokens per account, shared by all streams, views, threads and tasks of its client.  It starts full, so a
short pull never waits.  A request takes a token, and the token is back when the rate's span has passed: so there are never
more requests in any such span than the rate allows, while buckets that fill up steadily allow up to twice as many.

What the service itself says counts as well: how many requests are left, and that there are to be none for a while.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Any, Final

from attrs import define, field, frozen

from logferry._forks import renew_in_children
from logferry._layers import layer
from logferry._limits import Allowance, allowance
from logferry._rate import Rate
from logferry._retry import retry_after
from logferry._steps import Flow, Peek, Receive, Reply, Send, Sleep, SubFlow, Ticket, now
from logferry._times import SECOND

_SHORTEST_WAIT: Final = 0.001
"""In seconds; clocks that tell the time and clocks that sleep differ by less."""

_TOO_MANY_REQUESTS: Final = 429


@define(eq=False)
class Pace:
    """
    When the requests of an account were sent, and what the service has said about further ones.

    Times are in nanoseconds since the epoch.  A child process that is forked goes on with a pace of its own from what is known.
    """

    _sent: deque[int] = field(factory=deque[int], init=False, repr=False)
    _kept: int = field(default=0, init=False)
    _count: int = field(default=0, init=False)
    _closed_until: int = field(default=0, init=False)
    _left: int = field(default=0, init=False)
    _left_until: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a child process."""
        self._lock = Lock()

    def take(self, time: int, rate: Rate | None) -> tuple[int, float]:
        """
        Take a token, if there is one.

        Args:
            time: The time now.
            rate: How many there are; ``None`` for no bound but the service's own words.

        Returns:
            The request's number, from 1, and 0.0; or 0, and in how many seconds to ask again.
        """
        with self._lock:
            time = self._going_on(time)
            free = max(self._closed_until, self._left_until if self._left <= 0 else 0)
            if rate is not None:
                self._kept = max(self._kept, rate.requests)
                if len(self._sent) >= rate.requests:
                    free = max(free, self._sent[-rate.requests] + round(rate.seconds * SECOND))
            if free > time:
                return 0, max((free - time) / SECOND, _SHORTEST_WAIT)
            self._sent.append(time)
            while len(self._sent) > self._kept:
                self._sent.popleft()
            self._left -= 1
            self._count += 1
            return self._count, 0.0

    def close_until(self, time: int) -> None:
        """No request before this time."""
        with self._lock:
            self._closed_until = max(self._closed_until, time)

    def allow(self, told: Allowance, *, until: int, number: int) -> None:
        """
        Note how many further requests the service allows.

        Args:
            told: What it says.
            until: When it counts anew.
            number: The number of the request whose answer says so; the answer may not count those after it.
        """
        with self._lock:
            self._left = told.remaining - (self._count - number)
            self._left_until = until

    def _going_on(self, time: int) -> int:
        """A time that is not before what was noted, unless the clock has been set back."""
        latest = self._sent[-1] if self._sent else time
        if latest <= time + SECOND:
            return max(latest, time)
        self._sent = deque(min(sent, time) for sent in self._sent)
        self._closed_until = self._left_until = 0
        return time


@frozen
class _Numbered:
    """A ticket, and the number of its request."""

    number: int
    ticket: Ticket[Any]


def paced(flow: Flow, pace: Pace, rate: Rate | None, *, longest_retry_after: float) -> Flow:
    """
    Every request waits until its account may make it; every answer is asked for what it says about further ones.

    Args:
        flow: What to run.
        pace: The account's.
        rate: How many requests it may make; ``None`` for no bound but what the service says.
        longest_retry_after: Up to how many seconds a ``Retry-After`` holds for the other requests too; whoever is told to
            wait longer fails, and so shall they.
    """
    longest_reset = longest_retry_after if rate is None else max(longest_retry_after, rate.seconds)

    def learn(reply: Reply[Any], number: int) -> None:
        wanted = retry_after(reply) if reply.status == _TOO_MANY_REQUESTS else None
        if wanted is not None and wanted <= longest_retry_after:
            pace.close_until(reply.received_unix_nano + round(wanted * SECOND))
        told = allowance(reply)
        if told is not None and told.seconds <= longest_reset:
            pace.allow(told, until=reply.received_unix_nano + round(told.seconds * SECOND), number=number)

    def send(step: Send[Any]) -> SubFlow[object]:
        number, wait = pace.take((yield from now()), rate)
        while not number:
            yield Sleep(wait)
            number, wait = pace.take((yield from now()), rate)
        ticket: Ticket[Any] = yield step
        return Ticket(ticket.send, _Numbered(number, ticket))

    def receive(step: Receive[Any]) -> SubFlow[object]:
        sent = _numbered(step.ticket)
        reply: Reply[Any] = yield Receive(sent.ticket)
        learn(reply, sent.number)
        return reply

    def peek(step: Peek[Any]) -> SubFlow[object]:
        return (yield Peek(_numbered(step.ticket).ticket))

    return layer(flow, {Send: send, Receive: receive, Peek: peek})


def _numbered(ticket: Ticket[Any]) -> _Numbered:
    assert isinstance(ticket.handle, _Numbered)  # noqa: S101  # tickets of paced requests are made above only
    return ticket.handle
