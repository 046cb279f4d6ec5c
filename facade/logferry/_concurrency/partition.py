"""A part of a window: its walk, how far that has come, and where a reading of many parts is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from attrs import define, field, frozen

from logferry._concurrency.division import Course, Extent, joined
from logferry._flow.layers import resume
from logferry._flow.steps import Batch, Flow, Key, Marks, Position, Receive, Step
from logferry._http.in_flight import Ticket
from logferry._http.messages import Send
from logferry._time.page_times import PageTimes
from logferry._time.window import Window

WalkWindow: TypeAlias = Callable[[Window, "Position | None"], Flow]
"""Starts a stream's walk at a place of a window."""


@frozen(kw_only=True)
class Place:
    """
    Where a reading is.

    Attributes:
        part: The window of the part being delivered.
        position: Where in it, as its walk says.
        extent: The earliest and the latest time met in it; ``None`` where there is none.
        left: What is left behind it, or ``None``.
        course: The stream's course; ``None`` as long as there is one part.
        met: The identities of what parts behind this one list again, though it has been delivered, with their times.
        total: How many items the service counts for the whole question, or ``None``.
    """

    part: Window
    position: Position | None = None
    extent: Extent | None = None
    left: Window | None = None
    course: Course | None = None
    met: Mapping[str, int | None] = field(factory=dict[str, "int | None"])
    total: int | None = None

    def to_json(self) -> Position:
        """The place as a JSON value."""
        return {
            "part": [self.part.since, self.part.until],
            "position": self.position,
            "extent": self.extent,
            "left": None if self.left is None else [self.left.since, self.left.until],
            "course": None if self.course is None else self.course.to_json(),
            "met": dict(self.met),
            "total": self.total,
        }

    @classmethod
    def from_json(cls, position: Position) -> Place:
        """The place that `to_json` gave."""
        extent, left, told = position["extent"], position["left"], position["course"]
        return cls(
            part=_window(position["part"]),
            position=position["position"],
            extent=None if extent is None else (int(extent[0]), int(extent[1])),
            left=None if left is None else _window(left),
            course=None if told is None else Course.from_json(told),
            met=dict(position["met"]),
            total=position["total"],
        )


def _window(values: Sequence[Any]) -> Window:
    since, until = values
    return Window(None if since is None else int(since), int(until))


@define(eq=False)
class Part:
    """
    A part of the window.

    A page that its walk has found rests here until it is taken; until then the walk goes on by one request at most.

    Attributes:
        window: What is delivered of it.
        origin: Where its walk begins.
        further: Where its walk goes on behind what it has found.
        extent: The earliest and the latest time of all that it has found.
        asked: The window that it is read in.
        flow: Its walk, once it has begun.
        wish: What the walk wants to ask next, and has not yet.
        ticket: The request whose answer it waits for.
        batch: What it has found and nobody has taken.
        marks: What the page of that says of itself.
        before: The extent without it.
        resting: Whether the walk has found a page and has not gone on.
        pages: How many pages it has found.
        items: How many items of its own.
        page: The times of the items on the latest page.
        ended: Whether its walk has ended.
        strays: How often in a row the answer to another question has come.
        silences: How often nothing of the part has come since the last item.
        ends: How often its walk has ended.
        alone: Whether it waits until it is its turn, since it has failed before.
        uncut: Whether it is read as it is, however long.
        measures: Whether it says how dense items are: it was begun at its beginning, and not cut since.
        taken: What has been delivered of it, page by page: what the page says, and the indexes.  ``None`` where that is
            more than is kept.
    """

    window: Window
    origin: Position | None = None
    further: Callable[[], Position | None] | None = None
    extent: Extent | None = None
    asked: Window | None = None
    flow: Flow | None = None
    wish: Send[Any] | None = None
    ticket: Ticket[Any] | None = None
    batch: Batch | None = None
    marks: Marks | None = None
    before: Extent | None = None
    resting: bool = False
    pages: int = 0
    items: int = 0
    page: PageTimes | None = None
    ended: bool = False
    strays: int = 0
    silences: int = 0
    ends: int = 0
    alone: bool = False
    uncut: bool = False
    measures: bool = True
    taken: list[tuple[Marks, Sequence[int]]] | None = field(factory=list[tuple[Marks, Sequence[int]]])

    @property
    def is_fresh(self) -> bool:
        """Whether its walk has not begun."""
        return self.flow is None and not self.ended

    @property
    def reached(self) -> Position | None:
        """Where its walk goes on behind what it has found."""
        return self.origin if self.further is None else self.further()

    def begin(self, walk: WalkWindow, asked: Window) -> None:
        """Let its walk begin behind what it has found, or anew."""
        if self.flow is not None:
            self.flow.close()
        self.asked, self.flow = asked, walk(asked, self.reached)
        self.wish = self.ticket = None
        self.resting = self.ended = False
        self.advance(None)

    def advance(self, answer: object) -> Batch | None:
        """
        Let its walk go on until it wants something, or has found a page.

        Raises:
            LogferryError: The walk has failed.
        """
        assert self.flow is not None  # noqa: S101  # it has begun
        self.resting = False
        step: Step | None = resume(self.flow, answer)
        match step:
            case Send():
                self.wish = step
            case Receive(ticket):
                self.ticket = ticket
            case Batch():
                return step
            case None:
                self.ended, self.flow = True, None
            case _:
                raise AssertionError(step)
        return None

    @property
    def times(self) -> list[int]:
        """Those of its own items on the latest page."""
        page = () if self.page is None else self.page.read()
        return [time for time in page if time is not None and self.window.has(time)]

    def find(self, batch: Batch, marks: Marks | None) -> None:
        """Keep what its walk has found until it is taken."""
        self.batch, self.marks, self.before = batch, marks, self.extent
        self.page = None if marks is None else marks.times
        span = None if self.page is None else self.page.span()
        count = 0 if self.page is None else len(self.page)
        if span is not None and not (self.window.has(span[0]) and self.window.has(span[1])):
            own = self.times
            span, count = joined(None, own), len(own)
        self.extent = joined(self.extent, span or ())
        self.pages += 1
        self.items += count
        if span is not None:
            self.silences = 0
        self.further, self.resting = partial(batch.position, len(batch.items)), True

    def take(self, kept: Sequence[int], *, most: int) -> None:
        """
        Give away what its walk has found.

        Args:
            kept: The indexes of the items that are delivered.
            most: Of so many pages it is kept what has been delivered.
        """
        if self.taken is not None and self.marks is not None and self.pages <= most:
            self.taken.append((self.marks, kept))
        else:
            self.taken = None
        self.batch = self.marks = None

    @property
    def is_known(self) -> bool:
        """Whether it is known what has been delivered of it."""
        return self.origin is None and self.taken is not None

    def taken_keys(self) -> list[Key]:
        """What tells the items that have been delivered of it from others."""
        found: list[Key] = []
        for marks, kept in self.taken or ():
            times = marks.times.read()
            found += [(times[index], marks.identity(index)) for index in kept]
        return found

    def wait(self) -> None:
        """Forget what was fetched, and wait for the turn to begin again."""
        self.drop()
        self.alone = True

    def drop(self) -> None:
        """Forget what was fetched."""
        if self.flow is not None:
            self.flow.close()
        self.flow = self.wish = self.ticket = self.batch = self.marks = self.extent = self.further = None
        self.resting = self.ended = False
        self.pages = self.items = 0

    def is_foreign(self, sent: PageTimes, margin: int) -> bool:
        """Whether a page has something that was not asked for."""
        assert self.asked is not None  # noqa: S101  # it has begun
        wider = Window(None if self.asked.since is None else self.asked.since - margin, self.asked.until + margin)
        return not wider.has_all(sent)

    def is_silent(self, sent: Sequence[int | None]) -> bool:
        """Whether a page has nothing of the part itself."""
        return not any(time is not None and self.window.has(time) for time in sent)
