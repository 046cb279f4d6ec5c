"""What the streams of a client share, and what an iteration counts."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, frozen

from logferry._config.arguments import CallOptions
from logferry._flow.auth import Authorizer
from logferry._http.rate_limiter import RateLimiter
from logferry._http.sender import Sender
from logferry._time.clock import Clock


@define
class Stats:
    """
    What an iteration has done so far.

    Attributes:
        pages: Pages received.
        items: Items delivered.
        retries: Requests sent again.
        issues: Items in which something did not decode.
        doubts: Issues that are about no item: of items that may be missing, or of a service that does not do as it is asked.
    """

    pages: int = 0
    items: int = 0
    retries: int = 0
    issues: int = 0
    doubts: int = 0


@frozen(kw_only=True, repr=False)
class Runtime:
    """
    What the streams of a client share.

    Attributes:
        tenant: Whose logs they are, where the items do not say; ``None`` where that is unknown.
        server_address: Host name of the service.
        chance: Gives random numbers, 0 <= chance < 1, for the jitter of retries.
        worded: Rewrites a hint that names settings to the names that the caller used.
    """

    service: str
    account: str
    tenant: str | None
    server_address: str
    sender: Sender
    clock: Clock
    authorizer: Authorizer
    rate_limiter: RateLimiter
    options: CallOptions
    chance: Callable[[], float]
    worded: Callable[[str], str]

    def __repr__(self) -> str:
        return f"<Runtime {self.service} account={self.account!r}>"
