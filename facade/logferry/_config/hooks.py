"""Hooks: callables that receive what happens, on the thread or task where it happens."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from logferry._redaction import short


@frozen(kw_only=True)
class RequestEvent:
    """
    A request is about to be sent.

    Attributes:
        stream: The stream it is for, such as ``"logto.audit_logs"``.
        account: The account's name.
        method: The HTTP method.
        path: The path below the service's base URL.
        params: The query parameters, in order.
    """

    stream: str
    account: str
    method: str
    path: str
    params: tuple[tuple[str, str], ...] = field(repr=short)


@frozen(kw_only=True)
class RetryEvent:
    """
    A request has failed and will be sent again.

    Attributes:
        stream: The stream it is for.
        account: The account's name.
        attempt: How often it has been sent, from 1.
        delay: Seconds until it is sent again.
        reason: What went wrong, such as ``"HTTP 503"``.
    """

    stream: str
    account: str
    attempt: int
    delay: float
    reason: str = field(repr=short)


@frozen(kw_only=True)
class PageEvent:
    """
    A page has arrived and is about to be delivered.

    Attributes:
        stream: The stream it belongs to.
        account: The account's name.
        items: How many items of it will be delivered: within the window, new, and not beyond ``max_items``.
        total: How many the service counts for the query, or ``None``.
        request_id: What the service calls the request, or ``None``.
        attempts: How often the page was requested.
    """

    stream: str
    account: str
    items: int
    total: int | None
    request_id: str | None
    attempts: int


@frozen(kw_only=True)
class IssueEvent:
    """
    Something in an item did not decode, or the result as a whole is in doubt.

    Attributes:
        stream: The stream it belongs to.
        account: The account's name.
        issues: What did not decode, each with the path to the value, never the value itself; or what is in doubt.
        item: The item as received; ``None`` where the issues are about no item.
        delivered: Whether it was delivered all the same; ``False`` for an item that cannot become an entry.
        is_doubt: Whether the issues are about no item: items may be missing, or the service ignores a part of the request.
    """

    stream: str
    account: str
    issues: tuple[str, ...] = field(repr=short)
    item: Any = field(repr=False)
    delivered: bool
    is_doubt: bool = False


@frozen(kw_only=True)
class FailureEvent:
    """
    A stream that is followed among others has failed.

    Attributes:
        stream: The stream's name.
        account: The account's name.
        error: What went wrong, mostly a ``LogferryError``.
        delay: Seconds until it is tried again; ``None`` where it is not, as the next time would be no better.
    """

    stream: str
    account: str
    error: Exception = field(repr=short)
    delay: float | None
