"""Scripted histories: rows, each with the times from and until which a service lists it."""

import random
from collections.abc import Iterable, Sequence

import attrs

__all__ = ["Row", "Script", "as_rows", "random_rows"]

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_OUT_OF_ORDER = 2 * _SECOND
"""Rows that are not late arrive at most this long after their time, so that neighbours change order."""


@attrs.frozen(kw_only=True)
class Row:
    """
    One row of a history. Rows arrive in the order of `appears`; rows of one moment in their order in the script.

    Attributes:
        time: Its timestamp, in nanoseconds since 1970-01-01 UTC; a fake truncates it to its service's resolution.
        appears: The fake's time from which the service lists it; `None` for always. Much later than `time` makes a late
            row, earlier than `time` a row dated in the future.
        vanishes: The time from which the service no longer lists it; `None` for never.
        content: Decides its fields, and so the filters that match it.  Two rows of equal time and equal content are
            equal if the service has no ids; otherwise each row has its own id.
    """

    time: int
    appears: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    vanishes: int | None = None
    content: int = attrs.field(default=0, validator=attrs.validators.ge(0))

    def is_visible(self, now: int) -> bool:
        """Whether the service lists it at `now`."""
        return (self.appears is None or self.appears <= now) and (self.vanishes is None or now < self.vanishes)


def as_rows(rows: Iterable[Row] | None) -> tuple[Row, ...] | None:
    """Convert the rows that a fake accepts."""
    return None if rows is None else tuple(rows)


class Script:
    """
    Rows in the order in which a service lists them. The index of a row in the script, from 0, identifies it.

    Args:
        rows: The rows.
        resolution: Times are truncated to multiples of this, in nanoseconds.
        by_time: Whether the service sorts by time, equal times in the order of arrival; else by arrival alone.
        stored: The resolution of the times that it sorts by, if that is finer than `resolution`.
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
        """Return the timestamp of a row, in nanoseconds since 1970-01-01 UTC."""
        return self._times[place]

    def arrived(self, place: int) -> int:
        """Return when a row arrived; a row that was always listed arrived at its time."""
        appears = self.rows[place].appears
        return self._times[place] if appears is None else appears

    def rank(self, place: int) -> int:
        """Return the number of all rows, listed or not, that come before this one, oldest first."""
        return self._ranks[place]

    def visible(self, now: int, since: int | None = None, until: int | None = None) -> list[int]:
        """Return the indices of the rows listed at `now` whose timestamps are in ``[since, until)``, oldest first."""
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
    Make a hostile history that combines the problems of users of log services; equal input, equal rows.

    Times are spread over the window in bursts with gaps between them, and rows arrive up to 2 seconds after their time,
    so that neighbours come out of order. There are ties, equal lines, and rows of exactly `since` and `until` and right
    before them; late rows, rows that vanish, and rows dated up to a month after `until`.

    Args:
        seed: Decides everything.
        count: Number of rows.
        since: Start of the window, in nanoseconds since 1970-01-01 UTC, at least a day after the epoch.
        until: End of the window, at least two seconds later.
        resolution: Times are multiples of this, in nanoseconds: use the service's resolution.
        tie: Maximum number of rows of one time; more than a page holds makes the group span several pages.
        late: Share of the rows that arrive up to `lateness` after their time.
        lateness: In seconds.
        vanishing: Share of the rows that vanish within the window's length after they arrived.
        future: Share of the rows that are dated after `until` although they arrive within the window.
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
        # Few contents, so that some rows of one moment are equal.
        rows.append(Row(time=time, appears=appears, vanishes=vanishes, content=chance.randrange(12)))
    return tuple(sorted(rows, key=lambda row: row.appears or 0))
