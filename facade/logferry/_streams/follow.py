"""
Following a stream: it is polled again and again, and each item comes once.

Records come late and out of order.  So each poll reads again what may have changed since the last one began: the stream's
settling time before it, and all that comes after, dated in the future or not.  What was delivered of this overlap is known
by identity; where the service gives no ids, equal items are counted.  Items that change until they are final are delivered
when they are first seen, and once more when they are final and say something else than they did.

A follow is a flow like any other: its batches are polls, and its positions are those of checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import evolve, field, frozen

from logferry._concurrency.reader import Reader
from logferry._flow.steps import Flow, Position, Sleep, now
from logferry._streams.definition import StreamDefinition
from logferry._streams.follow_position import Place
from logferry._streams.polling import Poll, Polling
from logferry._time.window import Window


@frozen(kw_only=True)
class Follow:
    """Starts the flow of a follow at a place: *walk* starts the stream's own flow, *pace* says how often it is polled."""

    walk: Callable[[int, Window, Position | None], Flow]
    definition: StreamDefinition[Any, Any, Any]
    pace: Polling = field(factory=Polling)

    def __call__(self, page_size: int, window: Window, position: Position | None) -> Flow:
        """
        Yield what is new, without an end: a batch for each poll, also for one that brings nothing.

        The beginning of *window* is where records begin.  Without one they begin where it ends, at the moment of the call: what
        was there before is not new, but what comes late is.
        """
        place = Place() if position is None else Place.from_json(position)
        quiet, reported, ahead = 0, frozenset[str](), 0
        while True:
            time = yield from now()
            place, issues = place.not_after(time)
            edge = self._edge(window, place)
            if place.begun is None:
                place = place.begin(time, edge)
            poll = Poll(
                partial(self.walk, page_size),
                self.definition,
                window,
                edge,
                place,
                reported,
                dict.fromkeys(issues),
                ahead=ahead,
            )
            yield from poll.run()
            place, reported, ahead = poll.place, frozenset(poll.issues), poll.ahead
            quiet = 0 if poll.has_found else quiet + 1
            took = (yield from now()) - (place.read or 0)
            yield Sleep(self.pace.pause(max(quiet - 1, 0), took))

    def _edge(self, window: Window, place: Place) -> int:
        """From when on what is not known is new."""
        settling = self.definition.incremental.settling
        if place.read is None:
            return window.until - settling if window.since is None else window.since
        # A beginning after what was read last is one by our clock, which is ahead of the service's.
        return max(min(window.since or 0, place.read), place.read - settling)


def followed(reader: Reader, definition: StreamDefinition[Any, Any, Any], pace: Polling) -> Reader:
    """A reader that follows the stream that *reader* reads."""
    return evolve(reader, walk=Follow(walk=reader.walk, definition=definition, pace=pace), resolution=None)
