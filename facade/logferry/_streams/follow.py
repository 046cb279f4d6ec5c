"""
Following a stream: it is polled again and again, and each item comes once.

Records come late and out of order.  So each poll reads again what may have changed since the last one began: the stream's
settling time before it, and all that comes after, dated in the future or not.  What was delivered of this overlap is known
by identity; where the service gives no ids, equal items are counted.  Items that change until they are final are delivered
when they are first seen, and once more when they are final and say something else than they did.

Where the stream says what came after a cursor (``Forward``), the first poll reads its window, the second one what came since the
settling time before, and each later one what came after the cursor: one request where nothing has.  A cursor that the service does
not know any more is dropped, so that the next poll is like the second one.

A follow is a flow like any other: its batches are polls, and its positions are those of checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from attrs import define, evolve, field, frozen

from logferry._errors import LogferryError, PagingError
from logferry._flow.layers import resume
from logferry._flow.steps import Batch, Flow, Position, Sleep, SubFlow, now
from logferry._http.messages import Response
from logferry._http.retry import clock_ahead_nano
from logferry._json import digest
from logferry._paging.forward import has_lost_cursor
from logferry._streams.definition import StreamDefinition
from logferry._streams.follow_position import Change, Key, Place, Watched, key
from logferry._streams.pace import Polling
from logferry._time.timestamps import SECOND
from logferry._time.window import Window

AHEAD: Final = 366 * 86_400 * SECOND
"""Records dated up to this far in the future are read too, in nanoseconds."""

_MOST: Final = 5000
"""New items that are sorted by time at once, at most; a poll that brings more is several batches."""

_MOST_KNOWN: Final = 20_000
"""Known items from which on a poll that has not ended forgets those that are older than the overlap of the next poll."""


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
        forward: Whether its walk is the one forward.
        settles: Whether everything is read that came since the settling time before the last such poll.
        ahead: How far our clock is ahead of the service's, in nanoseconds, by the dates of its responses.
        has_found: Whether it has brought an item.
        has_lost: Whether it has brought nothing since the service does not know the cursor any more.
    """

    walk: Callable[[Window, Position | None], Flow]
    definition: StreamDefinition[Any, Any, Any]
    window: Window
    edge: int
    place: Place
    reported: frozenset[str]
    issues: dict[str, None] = field(factory=dict[str, None])
    ahead: int = 0
    forward: bool = False
    settles: bool = True
    has_found: bool = False
    has_lost: bool = False
    _walked: Position | None = None
    _response: Response[Any] | None = None
    _new: list[_New] = field(factory=list["_New"])
    _keys: set[Key] = field(factory=set[Key])

    def run(self) -> SubFlow[None]:
        """Yield what is new in the order of time; an error is raised after what came before it."""
        self.issues.update(dict.fromkeys(self._outlived()))
        resumed, trouble = self._start is not None, (yield from self._read())
        if self.forward and resumed and trouble is not None and has_lost_cursor(trouble) and not self._new:
            self.issues["the service has forgotten the cursor: what came since is read by time"] = None
            self.place, self.has_lost = evolve(self.place, forward=None, begun=None), True
            return
        if resumed and isinstance(trouble, PagingError) and not self._new:
            # The place of the walk is lost, not that of the follow: what was delivered is known, or most of it.
            if not self.place.whole:
                self.issues["the service has lost the place: some records may come twice"] = None
            self.place = evolve(self.place, walk=None, forward=None)
            trouble = yield from self._read()
        if trouble is None or self._new:
            yield from self._deliver(has_ended=trouble is None)
        if trouble is not None:
            raise trouble

    @property
    def _start(self) -> Position | None:
        return self.place.forward if self.forward else self.place.walk

    def _read(self) -> SubFlow[LogferryError | None]:
        """Read to the end, or to an error."""
        begun = self.place.begun or 0
        flow = self.walk(Window(self.place.since, begun + AHEAD, looks_twice=False), self._start)
        self._walked, answer = self._start, None
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
        after = before.changed([one.change for one in new])
        after = evolve(after, forward=self._walked) if self.forward else evolve(after, walk=self._walked)
        if has_ended:
            after = after.end(settling, ahead=self.ahead) if self.settles else evolve(after, begun=None, since=0)
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
    """
    Starts the flow of a follow at a place.

    *walk* starts the stream's own flow, *forward* its flow from a cursor, if it has one; *pace* says how often it is polled.
    """

    walk: Callable[[int, Window, Position | None], Flow]
    definition: StreamDefinition[Any, Any, Any]
    forward: Callable[[int, Window, Position | None], Flow] | None = None
    pace: Polling = field(factory=Polling)

    def __call__(self, page_size: int, window: Window, position: Position | None) -> Flow:
        """
        Yield what is new, without an end: a batch for each poll, also for one that brings nothing.

        The beginning of *window* is where records begin.  Without one they begin where it ends, at the moment of the call: what
        was there before is not new, but what comes late is.
        """
        place = Place() if position is None else Place.from_json(position)
        quiet, reported, ahead, issues = 0, frozenset[str](), 0, tuple[str, ...]()
        while True:
            time = yield from now()
            place, doubts = place.not_after(time)
            if place.begun is None:
                place = self._begun(window, place, time)
            forward = None if place.read is None else self.forward
            poll = Poll(
                partial(forward or self.walk, page_size),
                self.definition,
                window,
                self._edge(window, place) if forward is None else place.since,
                place,
                reported,
                dict.fromkeys((*issues, *doubts)),
                ahead=ahead,
                forward=forward is not None,
                settles=forward is None or place.forward is None or self._catches_late,
            )
            yield from poll.run()
            place, reported, ahead, issues = poll.place, poll.reported, poll.ahead, ()
            if poll.has_lost:
                issues = tuple(poll.issues)
                continue
            reported = frozenset(poll.issues)
            quiet = 0 if poll.has_found else quiet + 1
            took = (yield from now()) - time
            yield Sleep(self.pace.pause(max(quiet - 1, 0), took))

    @property
    def _catches_late(self) -> bool:
        return self.definition.forward is not None and self.definition.forward.catches_late

    def _begun(self, window: Window, place: Place, time: int) -> Place:
        """The beginning of a poll at a time."""
        if not self._catches_late and time - (place.read or 0) >= self.definition.incremental.settling // 2:
            place = evolve(place, forward=None)
        # What comes after a cursor that misses no late item is new, whatever its time.
        is_late = self._catches_late and place.forward is not None
        return place.begin(time, 0 if is_late else self._edge(window, place))

    def _edge(self, window: Window, place: Place) -> int:
        """From when on what is not known is new."""
        settling = self.definition.incremental.settling
        if place.read is None:
            return window.until - settling if window.since is None else window.since
        # A beginning after what was read last is one by our clock, which is ahead of the service's.
        return max(min(window.since or 0, place.read), place.read - settling)
