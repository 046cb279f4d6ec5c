"""
The request for a page of audit logs, and the page of its response.

The walk does not use the ``Link`` header: its URLs lack ``/api``.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import field, frozen

from logferry.extend import (
    MILLISECOND,
    Evidence,
    Key,
    PageTimes,
    Response,
    SubFlow,
    decoded,
    fetch,
    filter_field,
    is_array,
    keys_of,
    shown_at,
    wrong_shape,
)
from logferry.services.logto._account import api_refusal
from logferry.services.logto._records import NORMALIZER
from logferry_clients.logto.api.audit_logs import list_audit_logs
from logferry_clients.logto.models.audit_log import AuditLogKey

_ID: Final[AuditLogKey] = "id"


@frozen(kw_only=True)
class AuditLogFilters:
    """Filters of the audit logs: exact matches, case-sensitive, combined by AND."""

    # Each compares with this field itself, so it never matches a log without it (measured, and in the server's source).
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
class Page:
    """
    One page as the server sent it.

    Attributes:
        bounds: The time bounds of the request, in nanoseconds since the epoch.
        row: The row of its first item, counted from 0.
        size: The page size of the request.
        total: The server's count of rows, or ``None`` if it stopped counting or counts fewer than were received.
    """

    response: Response[Any]
    items: list[Any] = field(repr=False)
    times: PageTimes = field(repr=False)
    keys: list[Key] = field(repr=False)
    bounds: tuple[int | None, int]
    row: int
    size: int
    total: int | None

    @property
    def is_last(self) -> bool:
        """Whether no rows follow it; an empty page before the end is not the last."""
        return not self.keys if self.total is None else self.row + len(self.keys) >= self.total

    @property
    def has_repeats(self) -> bool:
        """Whether it has a log more than once."""
        return len({identity for _, identity in self.keys}) < len(self.keys)

    @property
    def evidence(self) -> Evidence:
        """How many items it should have."""
        return Evidence(items=len(self.keys), size=self.size, goes_on=not self.is_last, met=self.row, total=self.total)


def ask(
    filters: AuditLogFilters, bounds: tuple[int | None, int], number: int, size: int, *, is_capped: bool
) -> SubFlow[Page]:
    """
    Request a page by its number, counted from 0.

    The bounds are nanoseconds since the epoch, whole milliseconds.  If *is_capped*, the server may stop counting at
    10,000 logs.
    """
    begin, end = bounds
    response = yield from fetch(
        list_audit_logs.request,
        user_id=filters.user_id,
        application_id=filters.application_id,
        log_key=filters.log_key,
        start_time=None if begin is None else begin // MILLISECOND,
        end_time=end // MILLISECOND,
        enable_cap=True if is_capped else None,
        page=number + 1,
        page_size=size,
    )
    items = decoded(response, api_refusal)
    if not is_array(items):
        raise wrong_shape(response, "an array of audit logs")
    times, row, total = NORMALIZER.times(items), number * size, _total(response)
    if items and total is not None and total < row + len(items):
        total = None  # a count below the number of received logs must not end the walk
    keys = list(zip(times.read(), keys_of(items, _ID), strict=True))
    return Page(response, items, times, keys, bounds, row, size, total)


def _total(response: Response[Any]) -> int | None:
    """The count of matching logs, or ``None`` if the server stopped counting (beyond 10,000, since 1.40)."""
    text = response.header("total-number") or ""
    if response.header("total-number-is-capped") == "true" or not (text.isascii() and text.isdigit()):
        return None
    return int(text)
