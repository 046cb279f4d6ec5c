"""
The rate limiter of an account: when its next request may be sent.

One bucket of tokens per account, shared by all streams, views, threads and tasks of its client.  It starts full, so a
short pull never waits.  A request takes a token, and the token is back when the rate's span has passed since the head of the
response came, or the request failed.  A thread that is late, a connection that must be made first and the network can all
delay a request after it has taken its token; but the service has it before it responds.  So the service never gets more
requests in any such span than the rate allows, while buckets that fill up steadily allow up to twice as many.

What the service itself says counts as well: how many requests are left, and that there are to be none for a while.
"""

from __future__ import annotations

from collections import deque
from http import HTTPStatus
from threading import Lock
from typing import Any, Final
from weakref import WeakSet

from attrs import define, field

from logferry._forks import renew_in_children
from logferry._http.messages import Response, Turn
from logferry._http.rate import Rate
from logferry._http.rate_headers import Allowance, allowance
from logferry._http.retry import retry_after
from logferry._time.timestamps import SECOND

_SHORTEST_WAIT: Final = 0.001
"""In seconds; clocks that tell the time and clocks that sleep differ by less."""


@define(eq=False)
class RateLimiter:
    """
    When the service received the requests of an account, and what it has said about further ones.

    Times are in nanoseconds since the epoch.  A forked child process continues with its own rate limiter in the same state.
    """

    _out: WeakSet[Turn] = field(factory=WeakSet[Turn], init=False, repr=False)
    _got: deque[int] = field(factory=deque[int], init=False, repr=False)
    _kept: int = field(default=0, init=False)
    _count: int = field(default=0, init=False)
    _closed_until: int = field(default=0, init=False)
    _latest: int = field(default=0, init=False)
    _left: int = field(default=0, init=False)
    _left_until: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a child process."""
        self._lock = Lock()
        # Their responses come to the parent.
        self._out = WeakSet()

    def take(self, time: int, rate: Rate | None) -> Turn | float:
        """
        Take a token at a time; if there is none, return in how many seconds to try again.

        *rate* is ``None`` for no bound but the service's own.  A token whose request will never be sent is back once nothing refers
        to it.
        """
        with self._lock:
            time = self._going_on(time)
            free = max(self._closed_until, self._left_until if self._left <= 0 else 0)
            if rate is not None:
                self._kept = max(self._kept, rate.requests)
                free = max(free, self._free(time, rate))
            if free > time:
                return max((free - time) / SECOND, _SHORTEST_WAIT)
            self._left -= 1
            self._count += 1
            turn = Turn(self._count, len(self._out), self.count)
            self._out.add(turn)
            return turn

    def learn(self, response: Response[Any], turn: Turn, *, rate: Rate | None, longest_retry_after: float) -> None:
        """
        Note what a response says about further requests; *turn* is the token of its request.

        A ``Retry-After`` of more than *longest_retry_after* seconds does not hold for other requests: one that has to wait longer
        fails, and so do the others.
        """
        wanted = retry_after(response) if response.status == HTTPStatus.TOO_MANY_REQUESTS else None
        if wanted is not None and wanted <= longest_retry_after:
            self.close_until(response.received_unix_nano + round(wanted * SECOND))
        allowed = allowance(response)
        longest_reset = longest_retry_after if rate is None else max(longest_retry_after, rate.seconds)
        if allowed is not None and allowed.seconds <= longest_reset:
            self.allow(allowed, turn, until=response.received_unix_nano + round(allowed.seconds * SECOND))

    def _free(self, time: int, rate: Rate) -> int:
        """When a token is free at the earliest."""
        span = round(rate.seconds * SECOND)
        tokens = rate.requests - len(self._out)
        if tokens <= 0:  # even if a response comes now
            return time + span
        return self._got[-tokens] + span if len(self._got) >= tokens else 0

    def count(self, turn: Turn, time: int) -> None:
        """Note when the service had a request; the first note holds."""
        with self._lock:
            if turn in self._out:
                self._out.remove(turn)
                self._got.append(self._going_on(time))
                while len(self._got) > self._kept:
                    self._got.popleft()

    def close_until(self, time: int) -> None:
        """No request before this time."""
        with self._lock:
            self._closed_until = max(self._closed_until, time)

    def allow(self, allowed: Allowance, turn: Turn, *, until: int) -> None:
        """
        Note how many further requests the service allows until it counts anew.

        Responses come in any order; the one to the latest request counts.  It may miss the requests after it, and those that were
        in flight when this one was to be sent, even if they are over by now.
        """
        with self._lock:
            if turn.number > self._latest:
                self._latest = turn.number
                self._left = allowed.remaining - (self._count - turn.number) - turn.in_flight
                self._left_until = until

    def _going_on(self, time: int) -> int:
        """A time that is not before what was noted, unless the clock has been set back."""
        latest = self._got[-1] if self._got else time
        if latest <= time + SECOND:
            return max(latest, time)
        self._got = deque(min(got, time) for got in self._got)
        self._closed_until = self._left_until = 0
        return time
