"""A partition of a window, and the state of its walk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from attrs import define

from logferry._flow.layers import resume
from logferry._flow.steps import Batch, Flow, Position, Receive, Step
from logferry._http.in_flight import Ticket
from logferry._http.messages import Send
from logferry._json import digest
from logferry._time.page_times import PageTimes
from logferry._time.window import Window

WalkWindow: TypeAlias = Callable[[Window, "Position | None"], Flow]
"""Starts a stream's walk at a position of a window."""


@define(eq=False)
class Partition:
    """
    A partition of a window, and its walk.

    A page that the walk has found is kept until it is delivered; until then the walk sends at most one request.

    Attributes:
        window: The window that it delivers; ``asked`` is the one that its walk requests.
        further: Returns the position behind the items that the walk has found.
        span: The earliest and the latest time that it has found.
        wish: The request that the walk wants to send.
        is_ahead: Whether its latest request was sent before its turn.
        batch: The page that waits to be delivered.
        rests: Whether the walk has found a page and has not been resumed.
        waits: Whether it sends nothing more before its turn: its request has failed, or an empty page is to be confirmed.
    """

    window: Window
    further: Callable[[], Position | None] | None = None
    span: tuple[int, int] | None = None
    asked: Window | None = None
    flow: Flow | None = None
    wish: Send[Any] | None = None
    ticket: Ticket[Any] | None = None
    is_ahead: bool = False
    batch: Batch | None = None
    rests: bool = False
    ended: bool = False
    waits: bool = False

    @property
    def found(self) -> int:
        """How many of its items wait to be delivered."""
        return 0 if self.batch is None else len(self.batch.items)

    def begin(self, walk: WalkWindow, asked: Window) -> None:
        """Start its walk in a window, or resume it in another one behind the items found."""
        self.drop()
        self.asked = asked
        self.flow = walk(asked, None if self.further is None else self.further())

    def advance(self, answer: object) -> Batch | None:
        """Resume its walk until it wants to send a request, or has found a page; raises the walk's errors."""
        assert self.flow is not None  # noqa: S101  # it has begun
        self.rests = False
        step: Step | None = resume(self.flow, answer)
        match step:
            case Send():
                self.wish = step
            case Receive(ticket):
                self.ticket = ticket
            case Batch():
                self.batch, self.rests = step, True
                self.further = partial(step.position, len(step.items))
                seen = None if step.sent is None else step.sent.span()
                known = [span for span in (self.span, seen) if span is not None]
                self.span = (min(first for first, _ in known), max(last for _, last in known)) if known else None
                return step
            case None:
                self.ended, self.flow = True, None
            case _:
                raise AssertionError(step)
        return None

    def drop(self) -> None:
        """End its walk; a page that it has found is kept."""
        if self.flow is not None:
            self.flow.close()
        self.flow = self.wish = self.ticket = None
        self.rests = False


def without_known(batch: Batch, times: PageTimes, known: Sequence[str]) -> tuple[Batch, Sequence[tuple[int, str]]]:
    """
    Leave out items without a readable time that another partition has delivered.

    *known* are the digests of such items.  Returns as well which of those left have no readable time, with their digests.
    """
    digests = {index: digest(batch.items[index]) for index, time in enumerate(times) if time is None}
    kept = [index for index in range(len(batch.items)) if digests.get(index) not in known]
    timeless = [(order, digests[index]) for order, index in enumerate(kept) if index in digests]
    return (batch if len(kept) == len(batch.items) else batch.narrowed(kept)), timeless
