"""
Following a stream: it is polled again and again, and each item comes once.

Records come late and out of order.  So each poll reads again what may have changed since the last one began: the stream's
settling time before it, and all that comes after, dated in the future or not.  What was delivered of this overlap is known
by identity; where the service gives no ids, equal items are counted.  Items that change until they are final are delivered
when they are first seen, and once more when they are final and say something else than they did.

A follow is a flow like any other: its batches are polls, and its positions are those of checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from attrs import define, evolve, field, frozen

from logferry._config.arguments import LONGEST, SHORTEST
from logferry._errors import InvalidRequestError, LogferryError, PagingError
from logferry._flow.layers import resume
from logferry._flow.steps import Batch, Flow, Position, Sleep, SubFlow, now
from logferry._http.messages import Response
from logferry._http.retry import clock_ahead_nano
from logferry._json import digest
from logferry._streams.definition import StreamDefinition
from logferry._streams.follow_position import Change, Key, Place, Watched, key
from logferry._time.timestamps import SECOND
from logferry._time.window import Window

AHEAD: Final = 366 * 86_400 * SECOND
"""Records dated up to this far in the future are read too, in nanoseconds."""

_MOST: Final = 5000
"""New items that are sorted by time at once, at most; a poll that brings more is several batches."""

_MOST_KNOWN: Final = 20_000
"""Known items from which on a poll that has not ended forgets those that are older than the overlap of the next poll."""


@frozen(kw_only=True)
class Polling:
    """How often a stream is polled: seconds between two polls, doubled from *shortest* to *longest* while no items come."""

    shortest: float = SHORTEST
    longest: float = LONGEST

    def __attrs_post_init__(self) -> None:
        if not 0 < self.shortest <= self.longest < float("inf"):
            raise InvalidRequestError(
                f"a stream cannot be polled every {self.shortest!r} to {self.longest!r} seconds",
                hint="Both are more than 0, and the second is not less than the first",
            )

    def pause(self, quiet: int, took: int) -> float:
        """Seconds until the next poll after *quiet* ones without items; at least what the last one *took*, in nanoseconds."""
        backed_off = self.shortest * 2.0 ** min(quiet, 30)
        return min(max(backed_off, took / SECOND), self.longest)


@frozen
class _New:
    """An item to be delivered: its key, its time, its ordinal, and the change that its delivery makes."""

    item: Any
    key: Key
    time: int | None
    ordinal: int
    change: Change


@define
class Poll:
    """
    One poll of a stream, in the window of the call.

    Attributes:
        edge: The time from which on an unknown item is new.
        reported: Issues that the previous poll has reported; *issues* are those of this one.
        ahead: How far our clock is ahead of the service's, in nanoseconds, by the dates of its responses.
        has_found: Whether it has brought an item.
    """

    walk: Callable[[Window, Position | None], Flow]
    definition: StreamDefinition[Any, Any, Any]
    window: Window
    edge: int
    place: Place
    reported: frozenset[str]
    issues: dict[str, None] = field(factory=dict[str, None])
    ahead: int = 0
    has_found: bool = False
    _walked: Position | None = None
    _response: Response[Any] | None = None
    _new: list[_New] = field(factory=list["_New"])
    _keys: set[Key] = field(factory=set[Key])

    def run(self) -> SubFlow[None]:
        """Yield what is new in the order of time; an error is raised after what came before it."""
        self.issues.update(dict.fromkeys(self._outlived()))
        resumed, trouble = self.place.walk is not None, (yield from self._read())
        if resumed and isinstance(trouble, PagingError) and not self._new:
            # The place of the walk is lost, not that of the follow: what was delivered is known, or most of it.
            if not self.place.whole:
                self.issues["the service has lost the place: some records may come twice"] = None
            self.place = evolve(self.place, walk=None)
            trouble = yield from self._read()
        if trouble is None or self._new:
            yield from self._deliver(has_ended=trouble is None)
        if trouble is not None:
            raise trouble

    def _read(self) -> SubFlow[LogferryError | None]:
        """Read to the end, or to an error."""
        begun = self.place.begun or 0
        flow = self.walk(Window(self.place.since, begun + AHEAD, looks_twice=False), self.place.walk)
        self._walked, answer = self.place.walk, None
        try:
            while (step := resume(flow, answer)) is not None:
                answer = None
                if isinstance(step, Batch):
                    self._take(step)
                    if len(self._new) >= _MOST:
                        yield from self._deliver(has_ended=False)
                    continue
                try:
                    answer = yield step
                except LogferryError as error:
                    answer = error
        except LogferryError as error:
            return error
        finally:
            flow.close()
        return None

    def _take(self, batch: Batch) -> None:
        """Note what is new in a page."""
        definition = self.definition
        is_final, identify, place = definition.incremental.is_final, definition.normalizer.identity, self.place
        ordinals = batch.ordinals()
        for index, item in enumerate(batch.items):
            ordinal = ordinals.get(index, 0)
            value = item if definition.fits(item) else definition.repair(item).value
            this = key(identify(value)[1] or digest(item), ordinal)
            if this in self._keys:
                continue
            watched = place.watched.get(this)
            if watched is not None and is_final is not None and is_final(item, place.begun or 0):
                if digest(item) != watched.content:
                    self._add(_New(item, this, watched.time, ordinal, (this, None)))
                else:
                    place = place.changed([(this, None)])
            elif watched is None and this not in place.known:
                place = self._sift(item, value, this, ordinal, place)
        self.place = place
        self.issues.update(dict.fromkeys((*batch.issues, *batch.remarks)))
        self._walked, self._response = batch.position(len(batch.items)), batch.response
        self.ahead = clock_ahead_nano(batch.response)

    def _sift(self, item: Any, value: Any, this: Key, ordinal: int, place: Place) -> Place:
        """Note an item that is not known, unless it was there before the follow began, or is older than what can be new."""
        definition = self.definition
        time = definition.normalizer.time(value) or None
        if time is not None and time < self.edge:
            return place
        begun, is_final = place.begun or 0, definition.incremental.is_final
        change: Change = None
        if is_final is not None and not is_final(item, begun):
            change = (this, Watched(begun if time is None else time, digest(item)))
        if place.read is None and self.window.since is None and (time is None or time < self.window.until):
            place.known.add(this, time)
            return place.changed([change])
        self._add(_New(item, this, time, ordinal, change))
        return place

    def _add(self, new: _New) -> None:
        self._new.append(new)
        self._keys.add(new.key)

    def _deliver(self, *, has_ended: bool) -> SubFlow[None]:
        """Yield what has been noted, in the order of time; equal times in the order in which they came."""
        begun, settling = self.place.begun or 0, self.definition.incremental.settling
        new = self._new[::-1] if self.definition.order == "newest first" else self._new
        new = sorted(new, key=lambda one: begun if one.time is None else one.time)
        before, counts = self.place, [len(self.place.known)]
        for one in new:
            before.known.add(one.key, one.time)
            counts.append(len(before.known))
        after = evolve(before.changed([one.change for one in new]), walk=self._walked)
        if has_ended:
            after = after.end(settling, ahead=self.ahead)
        elif len(after.known) > _MOST_KNOWN:
            after = after.forget(begun - settling)

        def position(delivered: int) -> Position:
            if delivered == len(new):
                return after.to_json()
            known = before.known.first(counts[delivered])
            return evolve(before, known=known).changed([one.change for one in new[:delivered]]).to_json()

        self.place, self._new, self._keys = after, [], set()
        self.has_found = self.has_found or bool(new)
        if self._response is not None:
            issues = tuple(issue for issue in self.issues if issue not in self.reported)
            self.reported = self.reported.union(issues)
            ordinals = {index: one.ordinal for index, one in enumerate(new) if one.ordinal}
            yield Batch([one.item for one in new], position, self._response, issues=issues, ordinals=ordinals.copy)

    def _outlived(self) -> Iterator[str]:
        """What may be missing because nothing was read for longer than the service keeps records."""
        retention, read = self.definition.incremental.retention, self.place.read
        begun = (self.place.begun or 0) - self.ahead
        if retention is not None and read is not None and begun - read > retention:
            yield (
                f"nothing was read for {(begun - read) / SECOND / 3600:.0f} h, and the service keeps records for "
                f"{retention / SECOND / 3600:g} h: some may be missing"
            )


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
