"""How accounts authorize their requests: with headers that stay, or with a token that is renewed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final, Protocol

from attrs import define, field, frozen

from logferry._flow.steps import Acquire, SubFlow, now
from logferry._forks import renew_in_children
from logferry._http.messages import Pairs
from logferry._time.timestamps import SECOND

RENEW_EARLY: Final = 60 * SECOND
"""A token is renewed this long before it expires, in nanoseconds, or after half its life where that is later."""

_LONGEST_WAIT: Final = 60.0
"""Seconds that a flow waits for another one that fetches the token."""


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


@frozen
class FixedHeaders:
    """Credentials that stay the same: an API key, Basic authentication, a ready token."""

    _headers: Pairs = field(repr=False)

    def headers(self, refused: Pairs | None) -> SubFlow[Pairs]:  # noqa: ARG002  # there are no others
        """The headers."""
        return self._headers
        yield  # the protocol wants a generator


@frozen
class Token:
    """
    A token and until when it is good.

    Attributes:
        headers: The headers that carry it.
        fetched: When it was asked for, in nanoseconds since the epoch, by the local clock.
        lifetime: For how long it is good, in nanoseconds.
    """

    headers: Pairs = field(repr=False)
    fetched: int
    lifetime: int

    def is_stale(self, time: int) -> bool:
        """Whether it is time to renew it."""
        return time >= self.fetched + max(self.lifetime - RENEW_EARLY, self.lifetime // 2)


@define(eq=False)
class RenewedToken:
    """
    A token that is fetched when it is first needed, once for all threads and tasks, and renewed before it expires.

    A child process that is forked goes on with the token that there is, and renews its own.

    Attributes:
        obtain: A sub-flow that fetches a token; it is given the time in nanoseconds since the epoch.
    """

    obtain: Callable[[int], SubFlow[Token]] = field(repr=False)
    _token: Token | None = field(default=None, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a child process."""
        self._lock = Lock()

    def headers(self, refused: Pairs | None) -> SubFlow[Pairs]:
        """The headers with a good token: neither *refused* nor about to expire."""
        time = yield from now()
        token = self._good(time, refused)
        if token is None:
            # Without the lock the flow goes on after that time: it may block the event loop's thread that the holder waits for.
            lock = self._lock
            held: bool = yield Acquire(lock, _LONGEST_WAIT)
            try:
                time = yield from now()
                # The flow that held the lock before may have fetched one.
                token = self._good(time, refused)
                if token is None:
                    token = self._token = yield from self.obtain(time)
            finally:
                if held:
                    lock.release()
        return token.headers

    def _good(self, time: int, refused: Pairs | None) -> Token | None:
        token = self._token
        if token is None or token.headers == refused or token.is_stale(time):
            return None
        return token
