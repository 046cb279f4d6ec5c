"""One page of a stream, as the caller gets it."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from attrs import frozen

from logferry._errors import CheckpointError
from logferry._flow.steps import Batch
from logferry._http.retry import clock_ahead_nano
from logferry._streams.checkpoint import read_checkpoint
from logferry._streams.convert import Convert, converted
from logferry._streams.iteration import Iteration

T = TypeVar("T")


@frozen(kw_only=True, eq=False, repr=False)
class Page(Generic[T]):
    """
    One page of a stream.

    Attributes:
        items: In server order, within the window, each once.
        undecoded: Items, as received, that could not become an entry.
        checkpoint: Resumes after this page; JSON text.
        request_id: What the service calls the request, or ``None``.
        total: How many items the service counts for the query, or ``None`` where it does not say.
        issues: What may be missing, where the service makes it impossible to be sure.  `sync` does not call the window complete
            then.
        remarks: What is odd about the page otherwise; nothing is missing because of it.
        clock_ahead_nano: How far the local clock is ahead of the service's, in nanoseconds, as its ``Date`` header says; 0
            where it is not, or where the service does not say.
        tells_time: Whether the service says what time it is.
    """

    items: list[T]
    undecoded: list[Any]
    checkpoint: str
    request_id: str | None
    total: int | None
    issues: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    clock_ahead_nano: int = 0
    tells_time: bool = True

    def __repr__(self) -> str:
        facts = {f"{len(self.undecoded)} undecoded": self.undecoded, f"{len(self.issues)} issues": self.issues}
        counts = ", ".join([f"{len(self.items)} items", *(fact for fact, known in facts.items() if known)])
        try:
            checkpoint = read_checkpoint(self.checkpoint)
        except CheckpointError:  # made by hand
            return f"<Page {counts}>"
        return f"<Page {checkpoint.stream} {counts}, window {checkpoint.window}>"


def page_of(convert: Convert[T], iteration: Iteration[Any], batch: Batch) -> Page[T]:
    """Make a page of a batch, which is delivered by that."""
    undecoded: list[Any] = []
    return Page(
        items=converted(convert, undecoded, iteration, batch),
        undecoded=undecoded,
        checkpoint=iteration.checkpoint,
        request_id=batch.response.request_id,
        total=batch.total,
        issues=batch.issues,
        remarks=batch.remarks,
        clock_ahead_nano=clock_ahead_nano(batch.response),
        tells_time=batch.response.header("date") is not None,
    )
