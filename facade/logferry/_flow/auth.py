"""
How accounts authorize their requests: with a header that stays, or with a token that is renewed.

``bearer``, ``api_key``, ``basic`` and ``client_credentials`` make what most services want.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, Final, Protocol
from urllib.parse import quote

from attrs import define, field, frozen

from logferry._flow.steps import Acquire, SubFlow, exchange, now
from logferry._forks import renew_in_children
from logferry._http.messages import Pairs, Request, Send
from logferry._http.responses import ReadRefusal, decoded, wrong_shape
from logferry._json import is_object
from logferry._redaction import Secret, basic_authorization
from logferry._time.timestamps import SECOND

RENEW_EARLY: Final = 60 * SECOND
"""A token is renewed this long before it expires, in nanoseconds, or after half its life where that is later."""

_LONGEST_WAIT: Final = 60.0
"""Seconds that a flow waits for another one that fetches the token."""

_TOKEN_FIELDS: Final = {"access_token": str, "expires_in": int | float, "token_type": str}


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
    """A token: the headers that carry it, when it was requested by the local clock, and its lifetime, in nanoseconds."""

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

    ``obtain`` fetches one at a time in nanoseconds since the epoch.  A forked child process continues with the current token,
    and renews its own.
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


def bearer(token: str) -> Authorizer:
    """Authorize with a token that stays, as ``Authorization: Bearer <token>`` (RFC 6750)."""
    return FixedHeaders(_bearer(token))


def api_key(key: str, *, header: str) -> Authorizer:
    """Authorize with a key as the value of a header; in the query it would be in every URL."""
    return FixedHeaders(((header, Secret(key)),))


def basic(user: str, password: str) -> Authorizer:
    """
    Authorize by HTTP Basic (RFC 7617).

    Raises:
        ValueError: *user* has a colon, which separates it from the password.
    """
    if ":" in user:
        raise ValueError("a user of HTTP Basic cannot have a colon")
    return FixedHeaders((("Authorization", basic_authorization(user, password)),))


def client_credentials(
    request: Request[Any],
    *,
    client_id: str,
    client_secret: str,
    read_refusal: ReadRefusal,
) -> Authorizer:
    """
    Authorize with tokens of the OAuth 2 grant ``client_credentials`` (RFC 6749, section 4.4).

    A token is fetched when it is first needed, once for all threads and tasks, and again 60 s before it expires, or at half
    its life where that is later.  A token that the service refuses with 401 is renewed once.

    Args:
        request: Asks the token endpoint; id and secret are sent by HTTP Basic.
        client_id: The client's id.
        client_secret: The client's secret.
        read_refusal: What the token endpoint's error bodies say.
    """
    # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    credentials = basic_authorization(quote(client_id, safe=""), quote(client_secret, safe=""))
    headers: Pairs = (("Authorization", credentials),)
    return RenewedToken(partial(_obtain, Send(request, headers=headers), read_refusal))


def _obtain(send: Send[Any], read_refusal: ReadRefusal, time: int) -> SubFlow[Token]:
    response = yield from exchange(send)
    body = decoded(response, read_refusal)
    if not is_object(body):
        raise wrong_shape(response, "an access token")
    for name, kind in _TOKEN_FIELDS.items():
        if not isinstance(body.get(name), kind):
            raise wrong_shape(response, f"an access token ({name} is missing, or of another kind)")
    if not body["access_token"].strip():
        raise wrong_shape(response, "an access token (access_token is empty)")
    return Token(_bearer(body["access_token"]), fetched=time, lifetime=int(body["expires_in"] * SECOND))


def _bearer(token: str) -> Pairs:
    # Servers refuse the scheme in lower case, and more than one space (measured on Logto 1.42.0).
    return (("Authorization", Secret(f"Bearer {token}")),)
