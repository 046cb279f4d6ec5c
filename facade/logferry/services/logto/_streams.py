"""
The stream of Logto's audit logs.

The service pages by number, newest first, without a tie-break, so pages shift while logs arrive or go (measured on
1.36.0 and 1.42.0).  Hence the next page is asked for by time: the logs up to that of the oldest one met, which so comes
again, with all that share its time; a trail delivers each log once.  Nothing that arrives or goes can shift that.

Servers before 1.40 ignore bounds of time silently, which shows when newer logs come than were asked for.  There, rows
are counted: the trail takes care of those that arrive; where the total says that some have gone, the walk steps back;
where equal times stand on both sides of a border between pages, one more page shows the border whole.

The window is pinned, and filtered here as well.  The ``Link`` header is not used: its addresses lack ``/api``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve, frozen

from logferry._answers import decoded, wrong_shape
from logferry._definition import StreamDefinition, filter_field
from logferry._errors import PagingError
from logferry._identity import digest
from logferry._json import is_array, is_object
from logferry._steps import Batch, Flow, Position, Reply, SubFlow, fetch
from logferry._times import FIRST, LAST, MILLISECOND, rfc3339
from logferry._trail import Key
from logferry._window import Window
from logferry.services.logto._account import REQUEST_ID_HEADER, api_refusal
from logferry.services.logto._place import LARGEST_PAGE, Place
from logferry.services.logto._records import NORMALIZER, milliseconds_to_nano
from logferry_clients.logto.api.audit_logs import list_audit_logs
from logferry_clients.logto.models.audit_log import AuditLog, AuditLogJson, fits_audit_log, repair_audit_log

_STUCK: Final = 3
"""So many pages in a row with nothing new mean that the server does not turn pages."""

_AGAIN: Final = 2
"""So often a page is asked for again that can be an old answer, before it is believed."""


@frozen(kw_only=True)
class AuditLogFilters:
    """Filters of the audit logs: exact matches, case-sensitive, combined by AND."""

    user_id: str | None = filter_field("userId", "only logs of this user; many kinds of log name none")
    application_id: str | None = filter_field("applicationId", "only logs of this application")
    log_key: str | None = filter_field("logKey", "only logs of this event, such as Interaction.SignIn.Submit")


@frozen
class _Answer:
    """
    One page as the server sent it.

    Attributes:
        reply: The answer.
        items: Its items.
        keys: Their keys.
        row: The row of its first item.
        asked: How many were asked for.
        total: How many rows there are, or ``None`` where the server stopped counting.
    """

    reply: Reply[Any]
    items: list[Any]
    keys: list[Key]
    row: int
    asked: int
    total: int | None


@frozen
class _Turn:
    """
    What a page adds to a walk.

    Attributes:
        place: Where the walk was.
        following: Where it is once the page has been delivered, but for the trail.
        fresh: The keys of the page's items that are within the window and have not been delivered.
    """

    place: Place
    following: Place
    fresh: list[Key]

    def after(self) -> Place:
        """Where the walk is once the page has been delivered."""
        return evolve(self.following, trail=self.place.trail.after(self.fresh))

    def position(self, delivered: int) -> Position:
        """Where to resume once the first *delivered* fresh items have been: at the same page, until it is delivered."""
        if delivered == len(self.fresh):
            return self.after().to_json()
        return self.place.within(self.fresh[:delivered]).to_json()


def walk(filters: AuditLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's audit logs, newest first."""
    place = Place() if position is None else Place.from_json(position)
    idle, previous = 0, list[Key]()
    while not place.ended:
        place, answer = yield from _next_page(filters, window, place, page_size)
        doubts: tuple[str, ...] = ()
        if place.counting:
            bridge, doubts = _bridge(place, answer)
            if bridge is not None:
                border = yield from _border(filters, window, place, *bridge)
                met = max(place.met, border.row + len(border.keys))
                turn, batch = _turned(place, border, window, evolve(place, met=met))
                if turn.fresh:
                    yield batch
                place = turn.after()
        following = place
        fresh = place.trail.fresh(answer.keys, window)
        if answer.keys:
            stays = bool(fresh) and answer.asked < LARGEST_PAGE
            following = place.following(answer.keys, first=answer.row, total=answer.total, stays=stays)
            if not place.counting and following.row and following.edge is not None and answer.asked == LARGEST_PAGE:
                doubts = (_doubt(f"{following.row} logs or more", following.edge),)
        if _is_last(answer) or place.trail.is_past(answer.keys, window):
            following = evolve(following, ended=True)
        turn, batch = _turned(place, answer, window, following)
        batch = evolve(batch, issues=doubts) if doubts else batch
        keys, size = answer.keys, answer.asked
        del answer  # so that there are never two pages in memory
        yield batch
        del batch
        idle, previous = (0 if keys != previous and _has_advanced(turn, keys, size) else idle + 1), keys
        if idle == _STUCK and not following.ended:
            raise PagingError(
                f"the server sends nothing new any more (last asked: page {place.row // size + 1})",
                hint="Go on from the checkpoint, with a larger page_size if logs arrive faster than pages",
            )
        place = turn.after()


def _next_page(
    filters: AuditLogFilters, window: Window, place: Place, page_size: int
) -> SubFlow[tuple[Place, _Answer]]:
    """The page where the walk is, and where that turns out to be."""
    asked_again = 0
    while True:
        size, bound = place.size(page_size), place.bound(window.until)
        answer = yield from _ask(filters, window, bound, place.row // size, size)
        corrected = place.corrected(answer.keys, answer.total, bound=bound)
        ignored = corrected is not None and corrected.counting and not place.counting
        doubted = ignored or place.doubts(answer.keys, first=answer.row, total=answer.total)
        if doubted and asked_again < _AGAIN:
            asked_again += 1
        elif corrected is not None:
            place, asked_again = corrected, 0
        else:
            return place, answer


def _has_advanced(turn: _Turn, keys: Sequence[Key], size: int) -> bool:
    """Whether a page has brought the walk nearer to its end."""
    place, following = turn.place, turn.following
    if place.counting:
        moved = following.row > place.row + size
        return moved or bool(turn.fresh) or any(not place.trail.knows(key) for key in keys)
    return bool(turn.fresh) or (following.edge, following.row) != (place.edge, place.row)


def _is_last(answer: _Answer) -> bool:
    """Whether there are no rows behind a page; one that is empty although there are more is not the last."""
    if answer.total is None:
        return not answer.keys
    return answer.row + len(answer.keys) >= answer.total


def _ask(filters: AuditLogFilters, window: Window, bound: int, page: int, page_size: int) -> SubFlow[_Answer]:
    """Ask for a page, counted from 0, of the logs up to a bound."""
    reply = yield from fetch(
        list_audit_logs.request,
        user_id=filters.user_id,
        application_id=filters.application_id,
        log_key=filters.log_key,
        start_time=None if window.since is None else max(0, window.since // MILLISECOND - 1),
        end_time=bound // MILLISECOND,
        enable_cap=True,
        page=page + 1,
        page_size=page_size,
    )
    items = _array(reply)
    return _Answer(reply, items, _keys(items), page * page_size, page_size, _total(reply))


def _turned(place: Place, answer: _Answer, window: Window, following: Place) -> tuple[_Turn, Batch]:
    """What a page adds to the walk, and its batch for the caller."""
    keys = answer.keys
    indexes = place.trail.fresh(keys, window)
    whole = len(indexes) == len(keys)
    turn = _Turn(place, following, keys if whole else [keys[index] for index in indexes])
    items = answer.items if whole else [answer.items[index] for index in indexes]
    return turn, Batch(items, turn.position, answer.reply, following.total)


def _border(filters: AuditLogFilters, window: Window, place: Place, page: int, page_size: int) -> SubFlow[_Answer]:
    """A page that shows a border between two pages whole; one that does not can be an old answer, and is asked for again."""
    ties = {identity for identity, time in place.trail.recent.items() if time == place.trail.mark}
    answer = yield from _ask(filters, window, place.bound(window.until), page, page_size)
    for _ in range(_AGAIN):
        if ties <= {identity for _, identity in answer.keys}:
            break
        answer = yield from _ask(filters, window, place.bound(window.until), page, page_size)
    return answer


def _bridge(place: Place, answer: _Answer) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
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
    sizes = range(last - first, LARGEST_PAGE + 1)
    page = next(((first // size, size) for size in sizes if first // size * size + size >= last), None)
    return page, () if page is not None else (_doubt(f"{behind + ahead} logs or more", mark),)


def _doubt(how_many: str, time: int) -> str:
    return f"createdAt: {how_many} at {rfc3339(time)}, too many for one page; some may be missing"


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
        moments = [item["createdAt"] for item in items]
        identities = [item["id"] for item in items]
        if "" not in identities and {*map(type, moments)} == {int} and {*map(type, identities)} == {str}:
            times = [moment * MILLISECOND for moment in moments]
            if FIRST <= min(times) <= max(times) < LAST:
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
        "each log once, by id, also while new ones arrive and old ones go; more than a page of one millisecond are reported "
        "as an issue"
    ),
    filters=AuditLogFilters,
    page_size=LARGEST_PAGE,
    largest_page_size=LARGEST_PAGE,
    walk=walk,
    fits=fits_audit_log,
    repair=repair_audit_log,
    entry=AuditLog.from_dict,
    normalizer=NORMALIZER,
)
