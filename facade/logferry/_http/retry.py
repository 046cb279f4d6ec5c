"""Which outcome of an attempt is worth another one, and after how long; ``retried`` in ``_flow/layers`` waits and sends again."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from attrs import field, frozen, validators

from logferry._errors import ConnectionFailedError, LogferryError
from logferry._http.messages import Response
from logferry._time.timestamps import SECOND

_INEXACT: Final = 2 * SECOND
"""Dates have whole seconds, and a response takes a moment: a smaller difference says nothing about a clock."""

_A_MOMENT: Final = 1_000_000_000
"""From this number on, a number is not a span but a moment, in seconds since the epoch."""

_IN_MILLISECONDS: Final = 1_000_000_000_000
"""From this number on, a moment is in milliseconds."""

_LONGEST_PATIENCE: Final = 5.0
"""Seconds; a service that has restarted is not kept waiting longer."""

_SHORTEST_PATIENCE: Final = 0.1
"""Seconds; a refusal comes at once, so without a wait there would be thousands of requests."""


@frozen(kw_only=True)
class RetryPolicy:
    """
    When a failed request is sent again.

    All requests of logferry read, so each may be repeated safely.  Retried are connection errors, timeouts, cut bodies,
    the statuses 408, 429 and 5xx, and successes that are empty or a web page.  The wait before attempt ``n + 1`` is drawn evenly from zero to
    ``min(longest_delay, first_delay * 2 ** (n - 1))``, unless the service says how long in ``Retry-After``.

    A connection that is refused costs nothing to try again, and a service that restarts refuses for some seconds.  So it is
    no attempt that counts until ``refused_for`` has passed; the waits between grow up to 5 s.

    Attributes:
        attempts: How often a request is sent at most, the first time included.
        first_delay: Longest wait before the second attempt, in seconds.
        longest_delay: Longest wait of all, in seconds.
        longest_retry_after: Up to how many seconds a ``Retry-After`` is honoured; beyond it the error is raised at once.
        refused_for: How many seconds at least a connection that is refused is tried again; not at all where ``attempts`` is 1.
    """

    attempts: int = field(default=4, validator=validators.ge(1))
    first_delay: float = field(default=0.5, validator=validators.ge(0))
    longest_delay: float = field(default=30.0, validator=validators.ge(0))
    longest_retry_after: float = field(default=60.0, validator=validators.ge(0))
    refused_for: float = field(default=30.0, validator=validators.ge(0))

    def delay(self, outcome: Response[Any] | LogferryError, *, attempt: int, chance: float) -> float | None:
        """
        Seconds to wait before the next attempt, or ``None`` to take the outcome as it is.

        *attempt* counts from 1; *chance* is a random number, 0 <= chance < 1.
        """
        if attempt >= self.attempts or not _passing(outcome):
            return None
        wanted = retry_after(outcome) if isinstance(outcome, Response) else None
        if wanted:
            return wanted if wanted <= self.longest_retry_after else None
        return chance * min(self.longest_delay, self.first_delay * 2.0 ** (attempt - 1))

    def patience(self, times: int, *, waited: float, chance: float) -> float | None:
        """
        Seconds to wait before a refused connection is tried again at no cost, or ``None`` where the attempt counts.

        The connection was refused *times* times, from 1, first *waited* seconds ago.
        """
        if self.attempts == 1 or waited >= self.refused_for:
            return None
        longest = min(_LONGEST_PATIENCE, self.longest_delay, self.first_delay * 2.0 ** (times - 1))
        return max(_SHORTEST_PATIENCE, longest * (1 + chance) / 2)


def is_refused(outcome: Response[Any] | LogferryError) -> bool:
    """Whether nothing listens at the address of the request."""
    return isinstance(outcome, ConnectionFailedError) and outcome.refused


def _passing(outcome: Response[Any] | LogferryError) -> bool:
    if isinstance(outcome, Response):
        passing = outcome.status in (408, 429) or outcome.status >= 500  # noqa: PLR2004  # the HTTP classes by number
        return passing or lacks_json(outcome)
    return isinstance(outcome, ConnectionFailedError)


def retry_after(response: Response[Any]) -> float | None:
    """
    Seconds to wait by the response's ``Retry-After``; ``None`` where it has none that can be read.

    The header holds seconds, a moment in seconds or milliseconds since the epoch, or a date.  A moment or date counts
    from the response's own ``Date``, so that a wrong local clock does not matter; one in the past is 0.
    """
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return seconds_until(float(text), response)
    until = _http_date(text)
    if until is None:
        return None
    return max(0.0, until - answered_at(response))


def seconds_until(number: float, response: Response[Any]) -> float:
    """Seconds to wait by a number in a header: itself, or until the moment that it names, since the epoch; at least 0."""
    if number < _A_MOMENT:
        return number
    moment = number / 1000 if number >= _IN_MILLISECONDS else number
    return max(0.0, moment - answered_at(response))


def lacks_json(response: Response[Any]) -> bool:
    """Whether a success is empty, or a web page: a proxy has responded, or something broke."""
    return response.status == HTTPStatus.NO_CONTENT or (
        response.status == HTTPStatus.OK and (not response.content or is_web_page(response))
    )


def is_web_page(response: Response[Any]) -> bool:
    """Whether a response is HTML."""
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    start = response.content[:200].lstrip().lower()
    return kind == "text/html" or start.startswith((b"<!doctype", b"<html"))


def answered_at(response: Response[Any]) -> float:
    """When the response was made, in seconds since the epoch: by the service's clock where the response has its time."""
    since = _http_date(response.header("date") or "")
    return response.received_unix_nano / 1e9 if since is None else since


def clock_ahead_nano(response: Response[Any]) -> int:
    """How far the local clock is ahead of the service's, in nanoseconds; 0 where it is not, or where that is unknown."""
    ahead = response.received_unix_nano - round(answered_at(response) * 1e9)
    return ahead if ahead > _INEXACT else 0


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
