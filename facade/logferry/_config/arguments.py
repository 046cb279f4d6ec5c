"""What callers give: the options of clients and streams, spelled out once for type checkers, and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypedDict

from attrs import evolve, field, frozen

from logferry._config.hooks import IssueEvent, PageEvent, RequestEvent, RetryEvent
from logferry._errors import ConfigurationError, LogferryError, suggestion
from logferry._http.options import Authorities, Timeouts
from logferry._http.rate import Rate, read_rate
from logferry._http.retry import RetryPolicy
from logferry._time.clock import Clock
from logferry._time.timestamps import Time

SHORTEST: Final = 2.0
"""Seconds between two polls of a follow while something comes."""

LONGEST: Final = 30.0
"""Seconds between two polls of a follow while nothing comes."""


@frozen(kw_only=True)
class CallOptions:
    """How requests are made, as ``CallChanges`` describes it; a view of a client may have its own."""

    timeouts: Timeouts = field(factory=Timeouts)
    retries: RetryPolicy = field(factory=RetryPolicy)
    deadline: float | None = None
    rate: Rate | None = None
    concurrency: int = 4
    on_request: Callable[[RequestEvent], None] | None = None
    on_retry: Callable[[RetryEvent], None] | None = None
    on_page: Callable[[PageEvent], None] | None = None
    on_issue: Callable[[IssueEvent], None] | None = None


class CallChanges(TypedDict, total=False):
    """How requests are made.  What is left out stays as it is."""

    timeout: float | Timeouts
    """
    Seconds until the next bytes of a response arrive, or the bounds of a request one by one.

    Default: connect 5, read 30, and 300 for the whole exchange, which a longer ``timeout`` extends.
    """
    retries: int | RetryPolicy
    """
    How often a failed request is sent again, or a whole policy; default: 3, with backoff from 0.5 s up to 30 s.

    Unless it is 0, a connection that is refused is tried again for 30 s before that counts.
    """
    deadline: float | None
    """Seconds that one iteration may take in all, waits and retries included; default: no bound."""
    rate: Rate | str | None
    """
    How many requests the account makes in how much time, retries included, such as ``"20/s"`` or ``"100/5s"``.

    ``None`` is no bound; what the service's responses say about further requests holds all the same.  Default: the limit
    that the service documents; none on this machine.
    """
    concurrency: int
    """
    How many requests of one iteration may be in flight, where the next is known without the last response; default: 4.

    Order and guarantees stay.  At least 1; with 1 they are sent one after the other, and blocking iterations start no
    threads.  The first five pages of an iteration are read one after the other, and so are further ones while responses take
    less than 10 ms on average.
    """
    on_request: Callable[[RequestEvent], None] | None
    """Called with each request before it is sent, and before it waits for its turn."""
    on_retry: Callable[[RetryEvent], None] | None
    """Called with each retry before the wait."""
    on_page: Callable[[PageEvent], None] | None
    """Called with each page before it is delivered."""
    on_issue: Callable[[IssueEvent], None] | None
    """Called for each item in which something did not decode, and for each page that leaves the result in doubt."""


class ClientOptions(CallChanges, total=False):
    """What every service's client takes beside its own settings."""

    account: str
    """The account's name, in records and errors; default: the service's name."""
    proxy: str | None
    """URL of a proxy; default: what the environment says."""
    verify: Authorities | None
    """A file of CA certificates in PEM format, or an ``ssl.SSLContext``; default: the usual authorities."""
    transport: Any
    """``"fast"`` with the extra ``logferry[fast]``, or any httpx transport; default: the usual one."""
    allow_insecure: bool
    """Accept plain ``http`` to other machines than this one; default: only to loopback."""
    clock: Clock
    """Tells the time and sleeps; default: the machine's."""


class WindowOptions(TypedDict, total=False):
    """What a caller gives a stream that begins anew, beside its own filters."""

    since: Time | None
    """Beginning of the window, itself within; default: all that the service still has."""
    until: Time | None
    """End of the window, itself outside; default: the moment at which an iteration begins."""
    page_size: int | None
    """How many items to request at once; default and limit are the stream's."""
    max_items: int | None
    """How many items in all; default: all."""
    strict: bool
    """
    Raise ResponseShapeError for an item that does not decode; default: keep it, and list what did not.

    The item stays the next one, so that nothing is lost: go on from the error's checkpoint without ``strict``.
    What may be missing from a result is no item's shape, and raises nothing.
    """


class StreamOptions(WindowOptions, total=False):
    """What every stream takes beside its own filters."""

    resume: str | None
    """A checkpoint to go on from; default: from the start."""


def require_count(name: str, number: object, kind: type[LogferryError]) -> None:
    """Refuse what is no whole number from 0 on, by an error of this kind."""
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise kind(f"{name} is {number!r}, it must be a whole number that is not negative")


def _require_positive(name: str, seconds: object) -> None:
    if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise ConfigurationError(f"{name} is {seconds!r}, it must be a positive number of seconds")


def refuse_unknown(given: Mapping[str, Any], own: Iterable[str], options: type[Any]) -> None:
    """Raise TypeError for arguments that are neither among *own* names nor keys of *options*, a ``TypedDict``."""
    known = [*own, *sorted(options.__optional_keys__)]
    for name in given:
        if name not in known:
            raise TypeError(f"unexpected keyword argument {name!r}. {suggestion(name, known)}")


def changed_options(options: CallOptions, changes: CallChanges) -> CallOptions:
    """The options with these changes; one that cannot be is a ConfigurationError."""
    changed: dict[str, Any] = {name: hook for name, hook in changes.items() if name.startswith("on_")}
    if "timeout" in changes:
        timeout = changes["timeout"]
        if not isinstance(timeout, Timeouts):
            _require_positive("timeout", timeout)
            usual = Timeouts()
            timeout = Timeouts(connect=min(timeout, usual.connect), read=timeout, whole=max(timeout, usual.whole))
        changed["timeouts"] = timeout
    if "retries" in changes:
        retries = changes["retries"]
        if not isinstance(retries, RetryPolicy):
            require_count("retries", retries, ConfigurationError)
            retries = RetryPolicy(attempts=retries + 1)
        changed["retries"] = retries
    if "deadline" in changes:
        if changes["deadline"] is not None:
            _require_positive("deadline", changes["deadline"])
        changed["deadline"] = changes["deadline"]
    if "rate" in changes:
        rate = changes["rate"]
        changed["rate"] = rate if isinstance(rate, Rate | None) else read_rate(rate, setting="rate")
    if "concurrency" in changes:
        require_count("concurrency", changes["concurrency"], ConfigurationError)
        if not changes["concurrency"]:
            raise ConfigurationError("concurrency is 0, it must be at least 1")
        changed["concurrency"] = changes["concurrency"]
    return evolve(options, **changed)
