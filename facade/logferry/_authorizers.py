"""How accounts authorize their requests: with headers that stay, or with a token that is renewed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from attrs import define, field, frozen

from logferry._steps import Acquire, Pairs, SubFlow, now
from logferry._times import SECOND

RENEW_EARLY: Final = 60 * SECOND
"""A token is renewed this long before it expires, in nanoseconds."""


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
        expires: Nanoseconds since the epoch, by the local clock.
    """

    headers: Pairs = field(repr=False)
    expires: int


@define
class RenewedToken:
    """
    A token that is fetched when it is first needed, once for all threads and tasks, and renewed before it expires.

    Attributes:
        obtain: A sub-flow that fetches a token; it is given the time in nanoseconds since the epoch.
    """

    obtain: Callable[[int], SubFlow[Token]] = field(repr=False)
    _token: Token | None = field(default=None, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def headers(self, refused: Pairs | None) -> SubFlow[Pairs]:
        """The headers with a good token: neither *refused* nor about to expire."""
        time = yield from now()
        token = self._good(time, refused)
        if token is None:
            yield Acquire(self._lock)
            try:
                time = yield from now()
                # Whoever held the lock before may have fetched one.
                token = self._good(time, refused)
                if token is None:
                    token = self._token = yield from self.obtain(time)
            finally:
                self._lock.release()
        return token.headers

    def _good(self, time: int, refused: Pairs | None) -> Token | None:
        token = self._token
        if token is None or token.headers == refused or time >= token.expires - RENEW_EARLY:
            return None
        return token
