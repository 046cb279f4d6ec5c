"""
The stream of Logto's audit logs.

The service pages by number, newest first, without a tie-break, so pages shift while logs arrive (measured on 1.36.0
and 1.42.0).  Hence: the window is pinned, sent where the server honours it (1.40 and later; older ones ignore it
silently) and filtered here as well; a trail delivers each log once; the next page comes from its number, never from
the ``Link`` header, whose addresses lack ``/api``.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import field, frozen

from logferry._answers import decoded, wrong_shape
from logferry._definition import StreamDefinition, filter_field
from logferry._errors import PagingError
from logferry._identity import digest
from logferry._json import is_array, is_object
from logferry._steps import Batch, Flow, Position, Reply, fetch
from logferry._times import FIRST, LAST, MILLISECOND
from logferry._trail import Key, Trail
from logferry._window import Window
from logferry.services.logto._account import REQUEST_ID_HEADER, api_refusal
from logferry.services.logto._records import NORMALIZER, milliseconds_to_nano
from logferry_clients.logto.api.audit_logs import list_audit_logs
from logferry_clients.logto.models.audit_log import AuditLog, AuditLogJson, fits_audit_log, repair_audit_log

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
class _Turn:
    """
    One page of a walk.

    Attributes:
        place: Where the walk was.
        fresh: The keys of its items that are within the window and have not been delivered.
        next_row: The row to go on with.
        total: How many rows there are now.
        ended: Whether nothing follows.
    """

    place: _Place
    fresh: list[Key]
    next_row: int
    total: int | None
    ended: bool

    def following(self) -> _Place:
        """Where the walk is once the page has been delivered."""
        return _Place(self.next_row, self.total, self.place.trail.after(self.fresh), self.ended)

    def position(self, delivered: int) -> Position:
        """Where to resume once the first *delivered* fresh items have been: within this page, or after it."""
        if delivered == len(self.fresh):
            return self.following().to_json()
        return _Place(self.place.row, self.total, self.place.trail.after(self.fresh[:delivered])).to_json()


def walk(filters: AuditLogFilters, page_size: int, window: Window, position: Position | None) -> Flow:
    """Yield the window's audit logs, newest first."""
    place = _Place() if position is None else _Place.from_json(position)
    # Bounds are inclusive since 1.42 and exclusive before, so one more millisecond is asked for; the trail filters.
    start = None if window.since is None else max(0, window.since // MILLISECOND - 1)
    end = -(-window.until // MILLISECOND)
    stuck, previous = 0, list[Key]()
    while not place.ended:
        page = place.row // page_size + 1
        reply = yield from fetch(
            list_audit_logs.request,
            user_id=filters.user_id,
            application_id=filters.application_id,
            log_key=filters.log_key,
            start_time=start,
            end_time=end,
            enable_cap=True,
            page=page,
            page_size=page_size,
        )
        items = _array(reply)
        keys = _keys(items)
        fresh = place.trail.fresh(keys, window)
        total, next_row = _total(reply), page * page_size
        # Rows that have arrived since the last page have moved what was delivered further down.
        arrived = 0 if total is None or place.total is None else max(0, total - place.total)
        turn = _Turn(
            place=place,
            fresh=keys if len(fresh) == len(keys) else [keys[index] for index in fresh],
            next_row=max(next_row, place.row + arrived),
            total=total,
            ended=not keys or place.trail.is_past(keys, window) or (total is not None and next_row >= total),
        )
        yield Batch(
            items if len(fresh) == len(items) else [items[index] for index in fresh], turn.position, reply, total
        )
        del items, reply  # so that there are never two pages in memory
        again = keys == previous or (not fresh and not arrived and all(map(place.trail.knows, keys)))
        stuck, previous = stuck + 1 if again else 0, keys
        if stuck == _STUCK and not turn.ended:
            raise PagingError(
                f"the server sends the same page again and again (last asked: page {page})",
                hint="Go on from the checkpoint later; the server may not turn pages",
            )
        place = turn.following()


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
            {*map(type, times)} == {int}
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
    return milliseconds_to_nano(fields.get("createdAt")), identity if isinstance(identity, str) else digest(item)


AUDIT_LOGS: Final[StreamDefinition[AuditLog, AuditLogJson, AuditLogFilters]] = StreamDefinition(
    name="logto.audit_logs",
    summary="what users and applications did to sign in and to get tokens",
    paging="page number",
    order="newest first",
    time_filter="server since 1.40, else client",
    promise=(
        "each log once, by id, also while new ones arrive; logs that the service removes between two pages can hide others"
    ),
    filters=AuditLogFilters,
    page_size=100,
    largest_page_size=100,
    walk=walk,
    fits=fits_audit_log,
    repair=repair_audit_log,
    entry=AuditLog.from_dict,
    normalizer=NORMALIZER,
)
