"""What a caller asks of a stream, what the streams of a client share, and what an iteration counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from attrs import define, field, frozen

from logferry._concurrency.reader import Reader
from logferry._config.arguments import CallOptions
from logferry._errors import CheckpointError
from logferry._flow.auth import Authorizer
from logferry._http.rate_limiter import RateLimiter
from logferry._http.sender import Sender
from logferry._redaction import short
from logferry._streams.checkpoint import Checkpoint, Kind, kind_of
from logferry._streams.definition import StreamDefinition
from logferry._time.clock import Clock
from logferry._time.timestamps import Time
from logferry._time.window import window


@define
class Stats:
    """
    What an iteration has done so far.

    Attributes:
        pages: Pages received.
        items: Items delivered.
        retries: Requests sent again.
        issues: Items in which something did not decode.
        doubts: Issues that are about no item: of items that may be missing, or of a service that ignores a part of a request.
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

    *tenant* owns the logs where the items do not say; *chance* gives random numbers from 0 to below 1, for the jitter of
    retries; *worded* rewrites a hint that names settings to the names that the caller used.
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


@frozen(kw_only=True, repr=False)
class Plan:
    """
    What a caller wants of a stream: *filters* are by their Python names, *kind* says how it is read.

    Without *since* it is all that the service still has; without *until*, up to the moment at which an iteration begins.
    """

    stream: str
    definition: StreamDefinition[Any, Any, Any] = field(repr=False)
    reader: Reader
    filters: Mapping[str, Any]
    since: Time | None
    until: Time | None
    max_items: int | None
    resume: Checkpoint | None
    strict: bool
    runtime: Runtime
    kind: Kind = "pull"

    def __str__(self) -> str:
        given = {**self.filters, "since": self.since, "until": self.until}
        shown = [self.stream, *(f"{name}={short(value)}" for name, value in given.items() if value is not None)]
        return " ".join(shown)

    def __repr__(self) -> str:
        return f"<Plan {self}>"

    def require_kind(self) -> None:
        """Raise CheckpointError where the checkpoint is of another kind, such as that of a follow for a pull."""
        position = None if self.resume is None else self.resume.position
        if position is None or (kind := kind_of(position)) == self.kind:
            return
        method = "onward()" if "onward" in {kind, self.kind} else "follow()"
        own = "without" if kind == "pull" else "with"
        raise CheckpointError(
            f"the checkpoint belongs to {self.stream} {own} {method}",
            hint=f"Resume it {own} {method}, or start again without it",
        )

    def beginning(self) -> Checkpoint:
        """Where an iteration that begins now begins."""
        if self.resume is not None:
            return self.resume
        return Checkpoint(
            stream=self.stream,
            filters=self.filters,
            asked=as_given(self.since, self.until),
            window=window(self.since, self.until, now=self.runtime.clock.now()),
            position=None,
        )


def as_given(since: Time | None, until: Time | None) -> tuple[str | None, str | None]:
    """The times as a caller gave them, as text."""

    def text(time: Time | None) -> str | None:
        if isinstance(time, timedelta):
            return f"{time.total_seconds()!r} seconds"
        return time if time is None or isinstance(time, str) else time.isoformat()

    return text(since), text(until)
