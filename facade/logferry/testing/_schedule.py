"""Reproducible random faults, drawn from a seed and the request's number."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Collection
from email.utils import formatdate
from typing import Final, Literal, TypeAlias, get_args

import httpx

from logferry.testing._faults import cut, emptied, html_page, late, reset, shortened
from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._recorder import Movable, Outcome

__all__ = ["ALL", "FATAL", "PASSING", "QUIET", "Kind", "Schedule"]

PassingKind: TypeAlias = Literal[
    "429", "429 seconds", "429 date", "429 zero", "429 garbage",
    "408", "500", "502", "503", "504",
    "connect error", "connect timeout", "read error", "disconnected", "read timeout", "slow",
    "cut body", "reset body", "html", "empty body",
]  # fmt: skip
FatalKind: TypeAlias = Literal["429 hour", "401"]
QuietKind: TypeAlias = Literal["empty page", "short page"]
Kind: TypeAlias = PassingKind | FatalKind | QuietKind
"""
The kinds of faults.

``429`` has no ``Retry-After``; the others have one of 1 to 5 seconds, as a number or a date, of ``0``, of an hour, or
an invalid one.  ``disconnected``: the server closes without a response.  ``slow``: 1 to 40 seconds late.  ``401``
affects only requests with a bearer token, never the same one twice in a row: the token expired.  ``empty page`` and
``short page`` are a success without its items, or without one of them, with an unchanged count and cursor; never two of
these in a row for the same request.
"""

PASSING: Final[frozenset[Kind]] = frozenset(get_args(PassingKind))
"""Faults that a client survives by sending the request again."""

FATAL: Final[frozenset[Kind]] = frozenset(get_args(FatalKind))
"""
Faults that surface as an error, so that the caller must resume from the checkpoint.

A client that renews its tokens survives ``401`` too: ``{*PASSING, "401"}``.
"""

QUIET: Final[frozenset[Kind]] = frozenset(get_args(QuietKind))
"""Faults that look like a success: only a repeated request or the service's count reveals them."""

ALL: Final[frozenset[Kind]] = PASSING | FATAL | QUIET
"""All faults."""

NETWORK: Final[frozenset[Kind]] = frozenset(
    {"connect error", "connect timeout", "read error", "disconnected", "read timeout", "slow", "cut body", "reset body"}
)
"""Faults of the connection, not of the service: on loopback, a `relay` causes them."""

_ERRORS: Final[dict[str, Callable[[], Exception]]] = {
    "connect error": lambda: httpx.ConnectError("[Errno 111] Connection refused"),
    "connect timeout": lambda: httpx.ConnectTimeout("timed out"),
    "read error": lambda: httpx.ReadError("[Errno 104] Connection reset by peer"),
    "read timeout": lambda: httpx.ReadTimeout("The read operation timed out"),
    "disconnected": lambda: httpx.RemoteProtocolError("Server disconnected without sending a response."),
}
_CHANGES: Final = {
    "cut body": cut,
    "reset body": reset,
    "html": html_page,
    "empty page": emptied,
    "short page": shortened,
}
_SOME_DAY: Final = 1_767_225_600
_NANOSECONDS: Final = 1_000_000_000


class Schedule:
    """
    A fault schedule for a `Recorder` or an `InProcessTransport`; make a new one for each.

    The same requests in the same order meet the same faults. `str` shows how to make it again.

    Args:
        seed: Decides everything.
        rate: Share of the requests that fail, 0 to 1.
        kinds: The kinds of faults.
        clock: Returns the time for dates in responses: a function, in nanoseconds since 1970-01-01 UTC, or a
            `VirtualClock`. Default: a fixed day; a response's ``Retry-After`` always fits its ``Date``.
        longest_run: Maximum number of failures in a row for one path and query; keep it below a client's attempts.

    Attributes:
        counts: Number of faults of each kind so far.

    Raises:
        ValueError: The rate is not a share, or a kind is unknown.
    """

    def __init__(
        self,
        seed: int,
        rate: float = 0.2,
        kinds: Collection[Kind] = ALL,
        clock: Callable[[], int] | Movable | None = None,
        *,
        longest_run: int = 2,
    ) -> None:
        unknown = sorted(set(kinds) - ALL)
        if unknown:
            raise ValueError(f"there is no kind {unknown[0]!r}; there are {', '.join(sorted(ALL))}")
        if not 0 <= rate <= 1:
            raise ValueError(f"rate is a share from 0 to 1, not {rate}")
        self.counts: Counter[Kind] = Counter()
        self._seed, self._rate, self._longest_run = seed, rate, longest_run
        self._kinds = sorted(set(kinds))
        self._clock = clock if clock is None or callable(clock) else clock.now
        self._runs: dict[str, list[Kind]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        kinds = "" if len(self._kinds) == len(ALL) else f", kinds={self._kinds}"
        return f"Schedule({self._seed}, {self._rate}{kinds}, longest_run={self._longest_run})"

    def __call__(self, request: FakeRequest, number: int) -> Outcome | None:
        """Return the outcome of a request, or `None` for the fake's response."""
        chance = random.Random(f"{self._seed} {number}")  # noqa: S311 - faults have to be the same on every run
        happens = chance.random() < self._rate and bool(self._kinds)
        kind = chance.choice(self._kinds) if happens else None
        target = f"{request.method} {request.target}"
        with self._lock:
            run = self._runs.setdefault(target, [])
            if kind is None or len(run) >= self._longest_run or not _suits(kind, request, run):
                del self._runs[target]
                return None
            run.append(kind)
            self.counts[kind] += 1
        return self._outcome(kind, chance)

    def _outcome(self, kind: Kind, chance: random.Random) -> Outcome:
        if kind in _ERRORS:
            return _ERRORS[kind]()
        if kind in _CHANGES:
            return _CHANGES[kind]
        if kind == "slow":
            return late(chance.choice((1.0, 5.0, 29.0, 40.0)))
        if kind == "empty body":
            return self._answer(200, ())
        seconds = chance.randint(1, 5)
        waits = {
            "429 seconds": str(seconds),
            "429 date": formatdate(self._now() + seconds, usegmt=True),
            "429 zero": "0",
            "429 hour": "3600",
            "429 garbage": chance.choice(("soon", "-1", "", "1e400", "Wed, 99 Foo 2026 00:00:00 GMT")),
        }
        return self._answer(int(kind[:3]), (("Retry-After", waits[kind]),) if kind in waits else ())

    def _answer(self, status: int, headers: tuple[tuple[str, str], ...]) -> FakeResponse:
        body = b"" if status == 200 else b'{"message":"made-up fault"}'  # noqa: PLR2004 - the status as it is known
        date = formatdate(self._now(), usegmt=True)
        common = (("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Date", date))
        return FakeResponse(status, (*common, *headers), body)

    def _now(self) -> int:
        """Seconds since 1970-01-01 UTC, whole as in an HTTP date."""
        return _SOME_DAY if self._clock is None else self._clock() // _NANOSECONDS


def _suits(kind: Kind, request: FakeRequest, run: list[Kind]) -> bool:
    """
    Whether a fault can happen to a request.

    A token expires only if there is one, and a new one not at once; a repeated request does not get a wrong page again.
    """
    if kind in QUIET:
        return request.method == "GET" and not {*run} & QUIET
    if kind != "401":
        return True
    return kind not in run and (request.header("Authorization") or "").startswith("Bearer ")
