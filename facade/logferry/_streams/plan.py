"""What a caller asks of a stream, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import field, frozen

from logferry._concurrency.reader import Reader
from logferry._errors import CheckpointError
from logferry._redaction import short
from logferry._streams.checkpoint import Checkpoint, is_follow
from logferry._streams.definition import StreamDefinition
from logferry._streams.runtime import Runtime
from logferry._time.timestamps import Time
from logferry._time.window import window


@frozen(kw_only=True, repr=False)
class Plan:
    """
    What a caller asked of a stream.

    Attributes:
        reader: Reads the stream's window, filters and page size included.
        filters: The filters that were given, by their Python names.
        since: See ``Time``; ``None`` for all that the service still has.
        until: See ``Time``; ``None`` for the moment at which an iteration begins.
        following: Whether the flow is that of a follow, which has no end.
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
    following: bool = False

    def __str__(self) -> str:
        given = {**self.filters, "since": self.since, "until": self.until}
        shown = [self.stream, *(f"{name}={short(value)}" for name, value in given.items() if value is not None)]
        return " ".join(shown)

    def __repr__(self) -> str:
        return f"<Plan {self}>"

    def require_kind(self) -> None:
        """Raise CheckpointError where the checkpoint is of the other kind: of a follow, or of a walk that ends."""
        position = None if self.resume is None else self.resume.position
        if position is not None and is_follow(position) != self.following:
            raise CheckpointError(
                f"the checkpoint belongs to {self.stream} {'without ' if self.following else 'with '}follow()",
                hint=f"Resume it {'without' if self.following else 'with'} follow(), or start again without it",
            )

    def beginning(self) -> Checkpoint:
        """Where an iteration that begins now begins."""
        if self.resume is not None:
            return self.resume
        return Checkpoint(
            stream=self.stream,
            filters=self.filters,
            asked=(asked(self.since), asked(self.until)),
            window=window(self.since, self.until, now=self.runtime.clock.now()),
            position=None,
        )


def asked(time: Time | None) -> str | None:
    """What a caller gave as a time, as text."""
    if isinstance(time, timedelta):
        return f"{time.total_seconds()!r} seconds"
    return time if time is None or isinstance(time, str) else time.isoformat()
