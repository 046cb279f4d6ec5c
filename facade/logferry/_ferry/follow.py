"""Following all accounts at once: what is new, in the order of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define

from logferry._config.hooks import FailureEvent
from logferry._ferry.delivery import Deliverable, Delivery
from logferry._ferry.merge import Arrival, Confluence, Lane
from logferry._streams.iterators import Batches
from logferry._time.clock import Clock

REORDERING: Final = 5.0
"""Seconds for which a record waits for older ones of other streams."""


@define(eq=False, repr=False)
class FerryFollow(Deliverable[Confluence]):
    """
    What is new in several accounts, in the order of time, without an end.

    Iterate with ``for`` in a ``with`` block, with ``async for`` in ``async with``.  When no stream is left that can be
    followed, the failures are raised as one ``ExceptionGroup``.  After a cancellation or Ctrl-C the same iterator goes on
    where it was.

    Attributes:
        skipped: Streams that are not followed, and why.
        unopened: The errors of accounts that could not be opened.
    """

    _where = "ferry.follow()"
    _clock: Clock
    _reordering: float
    _on_failure: Callable[[FailureEvent], None] | None

    def arrivals(self) -> Batches[list[Arrival]]:
        """
        Iterate over lists of records that are due, for programs that decide when a record counts as delivered.

        Deliver all arrivals of a list before the next list is requested; the others come again.
        """
        return Batches(Delivery(self._tasks, self._begin, Confluence.due, self._where))

    def _begin(self) -> Confluence:
        return Confluence(
            lanes=[Lane(view.begin()) for view in self._views.values()],
            clock=self._clock,
            reordering=self._reordering,
            on_failure=self._on_failure,
            failures=[*self.unopened],
        )
