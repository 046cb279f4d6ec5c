"""Histories that are told row by row: which rows there are, from when on, and until when a service lists them."""

import random
from collections.abc import Iterable, Sequence

import attrs

__all__ = ["Row", "Script", "as_rows", "random_rows"]

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_OUT_OF_ORDER = 2 * _SECOND
"""Rows that are not late arrive up to so much after their time, so that neighbours change places."""


@attrs.frozen(kw_only=True)
class Row:
    """
    One row of a history. Rows arrive in the order of `appears`; those of one moment in the order in which they are told.

    Attributes:
        time: What its timestamp says, in nanoseconds since 1970-01-01 UTC; a fake cuts it to what its service writes.
        appears: From when on the service lists it, by the fake's clock; `None` for always. Much later than `time` makes
            a late row, earlier than `time` one that is dated in the future.
        vanishes: From when on the service does not list it any more; `None` for never.
        content: What it says. Where a service gives no ids, two rows of equal time and equal content are equal lines;
            where it gives some, each row has one of its own. It also decides what can be filtered by.
    """

    time: int
    appears: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    vanishes: int | None = None
    content: int = attrs.field(default=0, validator=attrs.validators.ge(0))

    def is_visible(self, now: int) -> bool:
        """Whether the service lists it at `now`."""
        return (self.appears is None or self.appears <= now) and (self.vanishes is None or now < self.vanishes)


def as_rows(rows: Iterable[Row] | None) -> tuple[Row, ...] | None:
    """Convert what a fake takes as its rows."""
    return None if rows is None else tuple(rows)


class Script:
    """
    Rows in the order in which a service lists them. A row is known by its place in what was told, from 0.

    Args:
        rows: What was told.
        resolution: What times are cut to whole multiples of, in nanoseconds.
        by_time: Whether the service sorts by time, equal times in the order of arrival; else by arrival alone.
        stored: What the times that it sorts by are cut to, where that is finer than what it shows.
    """

    def __init__(
        self, rows: Sequence[Row], *, resolution: int, by_time: bool = False, stored: int | None = None
    ) -> None:
        self.rows = rows
        self._times = [row.time // resolution * resolution for row in rows]
        self._order = sorted(range(len(rows)), key=self._arrival)
        if by_time:
            self._order.sort(key=lambda place: rows[place].time // (stored or resolution))
        self._ranks = {place: rank for rank, place in enumerate(self._order)}

    def time(self, place: int) -> int:
        """Return what a row's timestamp says, in nanoseconds since 1970-01-01 UTC."""
        return self._times[place]

    def arrived(self, place: int) -> int:
        """Return when a row came; one that was always there came at its time."""
        appears = self.rows[place].appears
        return self._times[place] if appears is None else appears

    def rank(self, place: int) -> int:
        """Return how many rows, of all that there ever are, are listed before this one, oldest first."""
        return self._ranks[place]

    def visible(self, now: int, since: int | None = None, until: int | None = None) -> list[int]:
        """Return the places of the rows listed at `now` whose timestamps are in ``[since, until)``, oldest first."""
        rows, times = self.rows, self._times
        return [
            place
            for place in self._order
            if rows[place].is_visible(now)
            and (since is None or times[place] >= since)
            and (until is None or times[place] < until)
        ]

    def _arrival(self, place: int) -> tuple[bool, int]:
        appears = self.rows[place].appears
        return appears is not None, appears or 0


def random_rows(
    seed: int,
    count: int,
    since: int,
    until: int,
    *,
    resolution: int = 1_000_000,
    tie: int = 50,
    late: float = 0.1,
    lateness: float = 600.0,
    vanishing: float = 0.05,
    future: float = 0.02,
) -> tuple[Row, ...]:
    """
    Make a hostile history: what users of log services were hurt by, all of it at once; equal input, equal rows.

    Times are spread over the window in bursts with gaps between them, and rows arrive up to 2 seconds after their time,
    so that neighbours come out of order. There are ties, equal lines, and rows of exactly `since` and `until` and right
    before them; late rows, rows that vanish, and rows dated up to a month behind `until`.

    Args:
        seed: Decides everything.
        count: How many rows.
        since: Start of the window, in nanoseconds since 1970-01-01 UTC, at least a day after the epoch.
        until: End of the window, at least two seconds later.
        resolution: What times are whole multiples of, in nanoseconds: take the service's.
        tie: How many rows the largest group of equal times has at most; more than a page holds makes it span several.
        late: Share of the rows that come up to `lateness` after their time.
        lateness: In seconds.
        vanishing: Share of the rows that are gone again some time within the window's length after they came.
        future: Share of the rows that are dated behind `until` although they come within the window.
    """
    chance = random.Random(f"rows {seed}")  # noqa: S311 - test data has to be the same on every run
    edges = [since, since, since - resolution, until, until, until - resolution]
    times: list[int] = []
    bursts = [chance.randrange(since, until) for _ in range(max(1, count // 40))]
    while len(times) < count:
        if edges and chance.random() < max(0.1, 1.5 * len(edges) / count):
            times.append(edges.pop())
            continue
        time = min(max(since, round(chance.gauss(chance.choice(bursts), 3 * _SECOND))), until - 1)
        times += [time] * min(chance.choice((1, 1, 1, 1, 2, 3, chance.randint(1, tie))), count - len(times))
    rows: list[Row] = []
    for moment in times:
        time = moment // resolution * resolution
        appears = time + chance.randrange(_OUT_OF_ORDER)
        if chance.random() < late:
            appears = time + round(chance.random() * lateness * _SECOND)
        if chance.random() < future:
            time += (until - time) // _DAY * _DAY + chance.randint(1, 30) * _DAY
        vanishes = appears + chance.randrange(1, until - since) if chance.random() < vanishing else None
        # Few contents, so that some rows of one moment are equal lines.
        rows.append(Row(time=time, appears=appears, vanishes=vanishes, content=chance.randrange(12)))
    return tuple(sorted(rows, key=lambda row: row.appears or 0))
