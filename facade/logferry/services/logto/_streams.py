"""
The stream of Logto's audit logs.

The service pages by number, newest first, without a tie-break, so pages shift while logs arrive or go (measured on
1.36.0 and 1.42.0).  Hence the next page is asked for by time: the logs up to that of the oldest one met, which so comes
again, with all that share its time; a trail delivers each log once.  Nothing that arrives or goes can shift that.  A
moment with more logs than a page holds is read in a window of its own, see ``_crowd``.

Servers before 1.40 ignore bounds of time silently, which shows when newer logs come than were asked for.  There, rows
are counted, and pages overlap: the trail takes care of those that arrive; where a page does not begin with what was met,
some have gone, and the walk steps back until it does.

The window is pinned, and filtered here as well.  The ``Link`` header is not used: its addresses lack ``/api``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve, frozen

from logferry.extend import (
    MILLISECOND,
    STUCK,
    Batch,
    Evidence,
    Flow,
    Incremental,
    Key,
    PageTimes,
    PagingError,
    Position,
    Response,
    StreamDefinition,
    SubFlow,
    Window,
    about_response,
    agrees,
    decoded,
    disagreement,
    fetch,
    filter_field,
    is_array,
    keys_of,
    known_times,
    rfc3339,
    shortage,
    shown_at,
    wrong_shape,
)
from logferry.services.logto._account import api_refusal
from logferry.services.logto._place import LARGEST_PAGE, Place
from logferry.services.logto._records import NORMALIZER
from logferry_clients.logto.api.audit_logs import list_audit_logs
from logferry_clients.logto.models.audit_log import (
    AuditLog,
    AuditLogJson,
    AuditLogKey,
    fits_audit_log,
    repair_audit_log,
)

_ID: Final[AuditLogKey] = "id"
_AGAIN: Final = 2
"""So often a page is asked for again that can be an old answer, before it is believed."""


@frozen(kw_only=True)
class AuditLogFilters:
    """Filters of the audit logs: exact matches, case-sensitive, combined by AND."""

    # Each compares with this very field, so that a log without it is never found (measured, and in the server's source).
    user_id: str | None = filter_field(
        "userId", "only logs of this user; many kinds of log name none", shown=shown_at("payload", "userId", absent="")
    )
    application_id: str | None = filter_field(
        "applicationId", "only logs of this application", shown=shown_at("payload", "applicationId", absent="")
    )
    log_key: str | None = filter_field(
        "logKey", "only logs of this event, such as Interaction.SignIn.Submit", shown=shown_at("key")
    )


@frozen
class _Answer:
    """
    One page as the server sent it.

    Attributes:
        response: The answer.
        items: Its items.
        times: Their times.
        keys: Their keys.
        row: The row of its first item.
        asked: How many were asked for.
        total: How many rows there are, or ``None`` where the server stopped counting, or counts fewer than have come.
    """

    response: Response[Any]
    items: list[Any]
    times: PageTimes
    keys: list[Key]
    row: int
    asked: int
    total: int | None

    @property
    def evidence(self) -> Evidence:
        """What tells how many items it should have."""
        goes_on = self.total is None or self.row + len(self.keys) < self.total
        return Evidence(items=len(self.keys), size=self.asked, goes_on=goes_on, met=self.row, total=self.total)


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
    furthest, setbacks = place.row, 0
    while not place.ended:
        row = place.row
        place, answer = yield from _next_page(filters, window, place, page_size)
        setbacks += place.row < row
        doubts: tuple[str, ...] = ()
        following = place
        if answer.keys or place.crowd is not None:
            following = place.following(
                answer.keys, first=answer.row, asked=answer.asked, total=answer.total, since=window.since
            )
            doubts = _doubts(place, following, answer)
        trouble: PagingError | None = None
        if _is_in_crowd(place, following, answer):
            following = evolve(following, ended=_is_past_crowd(following, window))
        elif place.trail.is_past(answer.keys, window) or (_is_last(answer) and following.past):
            following = evolve(following, ended=True)
        elif _is_last(answer):
            missing = disagreement(following.met, following.least)
            if missing and answer.keys == previous:
                trouble, following = _unturned(answer, missing), place
            else:
                doubts, following = (*doubts, *missing), evolve(following, ended=True)
        turn, batch = _turned(place, answer, window, following)
        batch = evolve(batch, issues=doubts) if doubts else batch
        keys = answer.keys
        if turn.fresh or following.row > furthest:
            furthest, setbacks = max(furthest, following.row), 0
        idle, previous = (0 if keys != previous and _has_advanced(turn, keys) else idle + 1), keys
        if trouble is None and STUCK in {idle, setbacks} and not following.ended:
            trouble = _stuck(answer)
        del answer  # so that there are never two pages in memory
        yield batch
        del batch
        if trouble is not None:
            raise trouble
        place = turn.after()


def _next_page(
    filters: AuditLogFilters, window: Window, place: Place, page_size: int
) -> SubFlow[tuple[Place, _Answer]]:
    """The page where the walk is, and where that turns out to be."""
    asked_again, looked_twice = 0, False
    while True:
        page, size = place.pages(page_size)
        bounds = place.bounds(window)
        answer = yield from _ask(filters, bounds, page, size, is_capped=place.crowd is None)
        corrected = place.corrected(answer.keys, first=answer.row, asked=bounds, until=window.until)
        # A crowd is counted, so that it shows at its end whether an old answer has come.
        nothing_new = place.crowd is None and bool(answer.keys) and all(map(place.knows, answer.keys))
        # What was met last has to come again, unless it has gone: else the answer can be that to a question about other times.
        elsewhere = page == 0 and place.joins_by_time and not any(map(place.knows, answer.keys))
        if (nothing_new or elsewhere or corrected is not None) and asked_again < _AGAIN:
            asked_again += 1  # it can be an old answer
        elif not (looked_twice or agrees(answer.evidence)):
            looked_twice = True
        elif corrected is not None:
            place, asked_again, looked_twice = corrected, 0, False
        else:
            return place, answer


def _unturned(answer: _Answer, missing: tuple[str, ...]) -> PagingError:
    error = PagingError(
        f"the server sends the same logs whatever page is asked for: {missing[0]}",
        hint="Check what answers in the server's place; go on from the checkpoint later",
    )
    return about_response(error, answer.response)


def _stuck(answer: _Answer) -> PagingError:
    error = PagingError(
        "the server sends nothing new any more",
        hint="Go on from the checkpoint, with a larger page_size if logs arrive faster than pages",
    )
    return about_response(error, answer.response)


def _doubts(place: Place, following: Place, answer: _Answer) -> tuple[str, ...]:
    """
    What may be missing, where a page is short, or more logs have one time than a page can show.

    Where those are read in a window of their own, the server's count tells.  Where rows are counted, each row that a page goes on by has to be a log that was not met before: else the server has
    turned round the order of logs of one time, or some have come or gone.
    """
    if place.crowd is not None:
        crowd = place.crowd.after(answer.keys)
        return () if following.crowd is not None or crowd.has_all(answer.total) else (crowd.doubt(answer.total),)
    short = shortage(answer.evidence)
    mark = place.trail.mark
    steady = following.total == place.total and following.row - place.row == following.met - place.met
    crowded = place.counting and not steady and place.is_crowded and any(time == mark for time, _ in answer.keys)
    if mark is None or not crowded:
        return short
    return (*short, f"createdAt: more logs at {rfc3339(mark)} than a page holds; some may be missing")


def _has_advanced(turn: _Turn, keys: Sequence[Key]) -> bool:
    """Whether a page has brought the walk nearer to its end, or so many logs have arrived that it could not."""
    place, following = turn.place, turn.following
    if not place.counting:
        return bool(turn.fresh) or (following.edge, following.row, following.wide, following.crowd) != (
            place.edge,
            place.row,
            place.wide,
            place.crowd,
        )
    if any(not place.knows(key) for key in keys) or (following.total or 0) > (place.total or 0):
        return True
    return following.total is not None and following.row > place.row


def _is_in_crowd(place: Place, following: Place, answer: _Answer) -> bool:
    """Whether a page is one of a crowd, or leads to one."""
    return place.crowd is not None or (following.crowd is not None and not _is_last(answer))


def _is_past_crowd(following: Place, window: Window) -> bool:
    """Whether nothing of the window is left: behind a crowd, and in front of one, all that is left is older."""
    left = following.edge if following.crowd is None else following.crowd.time
    return window.since is not None and left is not None and left < window.since


def _is_last(answer: _Answer) -> bool:
    """Whether there are no rows behind a page; one that is empty although there are more is not the last."""
    return not answer.keys if answer.total is None else answer.row + len(answer.keys) >= answer.total


def _ask(
    filters: AuditLogFilters, bounds: tuple[int | None, int], page: int, page_size: int, *, is_capped: bool
) -> SubFlow[_Answer]:
    """Ask for a page, counted from 0, of the logs within bounds; counting them may stop at a cap."""
    begin, end = bounds
    response = yield from fetch(
        list_audit_logs.request,
        user_id=filters.user_id,
        application_id=filters.application_id,
        log_key=filters.log_key,
        start_time=None if begin is None else begin // MILLISECOND,
        end_time=end // MILLISECOND,
        enable_cap=True if is_capped else None,
        page=page + 1,
        page_size=page_size,
    )
    items = _array(response)
    times = NORMALIZER.times(items).read()
    keys = list(zip(times, keys_of(items, _ID), strict=True))
    row = page * page_size
    total = _total(response)
    if keys and total is not None and total < row + len(keys):
        total = None  # a count of fewer logs than have come ends no walk
    return _Answer(response, items, known_times(times), keys, row, page_size, total)


def _turned(place: Place, answer: _Answer, window: Window, following: Place) -> tuple[_Turn, Batch]:
    """What a page adds to the walk, and its batch for the caller."""
    keys = answer.keys
    indexes = place.trail.fresh(keys, window)
    whole = len(indexes) == len(keys)
    turn = _Turn(place, following, keys if whole else [keys[index] for index in indexes])
    items = answer.items if whole else [answer.items[index] for index in indexes]
    times = answer.times if whole else known_times([time for time, _ in turn.fresh])
    # A server that ignores bounds of time cannot be asked for a part of the window.
    sent = None if following.counting else answer.times
    return turn, Batch(items, turn.position, answer.response, following.total, times=times, sent=sent)


def _array(response: Response[Any]) -> list[Any]:
    body = decoded(response, api_refusal)
    if not is_array(body):
        raise wrong_shape(response, "an array of audit logs")
    return body


def _total(response: Response[Any]) -> int | None:
    """How many logs match, or ``None`` where the server stopped counting (beyond 10,000, since 1.40)."""
    text = response.header("total-number") or ""
    if response.header("total-number-is-capped") == "true" or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


AUDIT_LOGS: Final[StreamDefinition[AuditLog, AuditLogJson, AuditLogFilters]] = StreamDefinition(
    name="logto.audit_logs",
    summary="what users and applications did to sign in and to get tokens",
    paging="page number",
    order="newest first",
    time_filter="server since 1.40, else client",
    resolution=MILLISECOND,
    promise=(
        "each log once, by id, also while others come and go, however many have one time; where a server before 1.40 has "
        "more of one time than a page holds (100), an issue says that some may be missing"
    ),
    filters=AuditLogFilters,
    page_size=LARGEST_PAGE,
    largest_page_size=LARGEST_PAGE,
    walk=walk,
    fits=fits_audit_log,
    repair=repair_audit_log,
    entry=AuditLog.from_dict,
    normalizer=NORMALIZER,
    attributes_home="logferry.services.logto._attributes:ATTRIBUTES",
    incremental=Incremental(
        ignores_bounds=lambda position: position is not None and Place.from_json(position).counting
    ),
)
