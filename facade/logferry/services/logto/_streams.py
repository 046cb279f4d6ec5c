"""
The stream of Logto's audit logs.

The service pages by number, newest first, without a tie-break, so pages shift while logs arrive (measured on 1.36.0
and 1.42.0).  Hence: the window is pinned, sent where the server honours it (1.40 and later; older ones ignore it
silently) and filtered here as well; a trail delivers each log once; where equal times stand on both sides of a border
between pages, one more page shows the border whole; the next page comes from its number, never from the ``Link``
header, whose addresses lack ``/api``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from logferry._answers import decoded, wrong_shape
from logferry._definition import StreamDefinition, filter_field
from logferry._errors import PagingError
from logferry._identity import digest
from logferry._json import is_array, is_object
from logferry._steps import Batch, Flow, Position, Reply, SubFlow, fetch
from logferry._times import FIRST, LAST, MILLISECOND, rfc3339
from logferry._trail import Key, Trail
from logferry._window import Window
from logferry.services.logto._account import REQUEST_ID_HEADER, api_refusal
from logferry.services.logto._records import NORMALIZER, milliseconds_to_nano
from logferry_clients.logto.api.audit_logs import list_audit_logs
from logferry_clients.logto.models.audit_log import AuditLog, AuditLogJson, fits_audit_log, repair_audit_log

_LARGEST_PAGE: Final = 100
"""The server's limit (measured on 1.36.0 and 1.42.0)."""

_STUCK: Final = 3
"""So many pages in a row with nothing new mean that the server does not turn pages."""


@frozen(kw_only=True)
class AuditLogFilters:
    """Filters of the audit logs: exact matches, case-sensitive, combined by AND."""

    user_id: str | None = filter_field("userId", "only logs of this user; many kinds of log name none")
    application_id: str | None = filter_field("applicationId", "only logs of this application")
    log_key: str | None = filter_field("logKey", "only logs of this event, such as Interaction.SignIn.Submit")


@frozen
class _Place:
    """Where a walk is: the next row to ask for, how many rows there were, what has been delivered."""

    row: int = 0
    total: int | None = None
    trail: Trail = field(factory=Trail)
    ended: bool = False

    def to_json(self) -> Position:
        return {"row": self.row, "total": self.total, "trail": self.trail.to_json(), "ended": self.ended}

    @classmethod
    def from_json(cls, position: Position) -> _Place:
        return cls(position["row"], position["total"], Trail(**position["trail"]), position["ended"])


@frozen
class _Answer:
    """
    One page as the server sent it.

    Attributes:
        reply: The answer.
        items: Its items.
        keys: Their keys.
        row: The row of its first item.
        total: How many rows there are, or ``None`` where the server stopped counting.
    """

    reply: Reply[Any]
    items: list[Any]
    keys: list[Key]
    row: int
    total: int | None


@frozen
class _Turn:
    """
    What a page adds to a walk.

    Attributes:
        place: Where the walk was.
        following: Where it is once the page has been delivered, but for the trail.
        fresh: The keys of the page's items that are within the window and have not been delivered.
        rows: Where to resume before each of them.
    """

    place: _Place
    following: _Place
    fresh: list[Key]
    rows: Sequence[int]

    def after(self) -> _Place:
        """Where the walk is once the page has been delivered."""
        return evolve(self.following, trail=self.place.trail.after(self.fresh))

    def position(self, delivered: int) -> Position:
        """Where to resume once the first *delivered* fresh items have been."""
        if delivered == len(self.fresh):
            return self.after().to_json()
        trail = self.place.trail.after(self.fresh[:delivered])
        return _Place(self.rows[delivered], self.following.total, trail).to_json()


def walk(filters: AuditLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's audit logs, newest first."""
    place = _Place() if position is None else _Place.from_json(position)
    idle, previous = 0, list[Key]()
    while not place.ended:
        answer = yield from _ask(filters, window, place.row // page_size, page_size)
        bridge, doubts = _bridge(place, answer)
        if bridge is not None:
            border = yield from _ask(filters, window, *bridge)
            turn, batch = _turned(place, border, window, next_row=place.row, ended=False)
            if turn.fresh:
                yield batch
            place = turn.after()
        next_row = answer.row + page_size
        # A page that is empty although there are more rows is no end.
        ended = not answer.keys if answer.total is None else next_row >= answer.total
        ended = ended or place.trail.is_past(answer.keys, window)
        turn, batch = _turned(place, answer, window, next_row=next_row, ended=ended)
        batch = evolve(batch, issues=doubts) if doubts else batch
        keys = answer.keys
        del answer  # so that there are never two pages in memory
        yield batch
        del batch
        moved = turn.following.row > place.row + page_size
        again = keys == previous or not (turn.fresh or moved or any(not place.trail.knows(key) for key in keys))
        idle, previous = idle + 1 if again else 0, keys
        if idle == _STUCK and not turn.following.ended:
            raise PagingError(
                f"the server sends nothing new any more (last asked: page {place.row // page_size + 1})",
                hint="Go on from the checkpoint, with a larger page_size if logs arrive faster than pages",
            )
        place = turn.after()


def _ask(filters: AuditLogFilters, window: Window, page: int, page_size: int) -> SubFlow[_Answer]:
    """Ask for a page, counted from 0."""
    reply = yield from fetch(
        list_audit_logs.request,
        user_id=filters.user_id,
        application_id=filters.application_id,
        log_key=filters.log_key,
        # Bounds are inclusive since 1.42 and exclusive before, so one more millisecond is asked for; the trail filters.
        start_time=None if window.since is None else max(0, window.since // MILLISECOND - 1),
        end_time=-(-window.until // MILLISECOND),
        enable_cap=True,
        page=page + 1,
        page_size=page_size,
    )
    items = _array(reply)
    return _Answer(reply, items, _keys(items), page * page_size, _total(reply))


def _turned(place: _Place, answer: _Answer, window: Window, *, next_row: int, ended: bool) -> tuple[_Turn, Batch]:
    """What a page adds to the walk, and its batch for the caller."""
    keys, total = answer.keys, answer.total
    indexes = place.trail.fresh(keys, window)
    whole = len(indexes) == len(keys)
    # Rows that have arrived since the last page have moved what was delivered further down.
    arrived = 0 if total is None or place.total is None else max(0, total - place.total)
    row = max(next_row, place.row + arrived) if keys else place.row
    turn = _Turn(
        place=place,
        following=_Place(row, total, ended=ended),
        fresh=keys if whole else [keys[index] for index in indexes],
        rows=[min(answer.row + index, next_row) for index in indexes],
    )
    items = answer.items if whole else [answer.items[index] for index in indexes]
    return turn, Batch(items, turn.position, answer.reply, total)


def _bridge(place: _Place, answer: _Answer) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    """
    The page, counted from 0, and the page size that show the border between two pages whole; or why there is none.

    The server leaves the order of equal times open.  Where they stand on both sides of a border, the second page can
    repeat one and hide another; a page that covers all of them cannot.
    """
    mark = place.trail.mark
    behind = sum(time == mark for time in place.trail.recent.values())
    ahead = next((index for index, (time, _) in enumerate(answer.keys) if time != mark), len(answer.keys))
    if mark is None or not ahead or not behind or answer.row <= place.row - behind:
        return None, ()
    first, last = max(0, answer.row - behind), answer.row + ahead
    sizes = range(last - first, _LARGEST_PAGE + 1)
    page = next(((first // size, size) for size in sizes if first // size * size + size >= last), None)
    doubt = f"createdAt: {behind + ahead} logs or more at {rfc3339(mark)}, too many for one page; some may be missing"
    return page, () if page is not None else (doubt,)


def _array(reply: Reply[Any]) -> list[Any]:
    body = decoded(reply, api_refusal, request_id_header=REQUEST_ID_HEADER)
    if not is_array(body):
        raise wrong_shape(reply, "an array of audit logs", request_id_header=REQUEST_ID_HEADER)
    return body


def _total(reply: Reply[Any]) -> int | None:
    """How many logs match, or ``None`` where the server stopped counting (beyond 10,000, since 1.40)."""
    text = reply.header("total-number") or ""
    if reply.header("total-number-is-capped") == "true" or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


def _keys(items: list[Any]) -> list[Key]:
    try:
        # All logs of real servers go this way: an integer time, and an id that is a text (measured on 1.36.0, 1.42.0).
        times = [item["createdAt"] * MILLISECOND for item in items]
        identities = [item["id"] for item in items]
        if (
            "" not in identities
            and {*map(type, times)} == {int}
            and {*map(type, identities)} == {str}
            and FIRST <= min(times) <= max(times) < LAST
        ):
            return list(zip(times, identities, strict=True))
    except (TypeError, KeyError):
        pass
    return [_key(item) for item in items]


def _key(item: Any) -> Key:
    fields = item if is_object(item) else {}
    identity = fields.get("id")
    time = milliseconds_to_nano(fields.get("createdAt"))
    return time, identity if isinstance(identity, str) and identity else digest(item)


AUDIT_LOGS: Final[StreamDefinition[AuditLog, AuditLogJson, AuditLogFilters]] = StreamDefinition(
    name="logto.audit_logs",
    summary="what users and applications did to sign in and to get tokens",
    paging="page number",
    order="newest first",
    time_filter="server since 1.40, else client",
    promise=(
        "each log once, by id, also while new ones arrive; logs that the service removes between two pages can hide others; "
        "more than 100 of one millisecond are reported as an issue"
    ),
    filters=AuditLogFilters,
    page_size=_LARGEST_PAGE,
    largest_page_size=_LARGEST_PAGE,
    walk=walk,
    fits=fits_audit_log,
    repair=repair_audit_log,
    entry=AuditLog.from_dict,
    normalizer=NORMALIZER,
)
