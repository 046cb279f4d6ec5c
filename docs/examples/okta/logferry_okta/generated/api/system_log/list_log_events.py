from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import errors
from ...models.error_body import ErrorBody
from ...models.list_log_events_sort_order import ListLogEventsSortOrder
from ...models.log_event import LogEvent
from ...types import UNSET, Request, Response, Unset, wire_pairs

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client


def _parse_success(data: Any) -> list[LogEvent]:
    return [LogEvent.from_dict(item) for item in data]


def request(
    *,
    since: str | None = None,
    until: str | None = None,
    after: str | None = None,
    filter_: str | None = None,
    q: str | None = None,
    limit: int | None = None,
    sort_order: ListLogEventsSortOrder | None = None,
) -> Request[list[LogEvent]]:
    """List the events of the System Log.

    A request without `until` in ascending order is a polling request: it filters by the time at which
    an event was stored, misses none, and always names a next page, also behind an empty one.  A request
    with `since` and `until` is a bounded one: it filters and sorts by the time of an event, and its
    last page names no next one.

    Args:
        since:
        until:
        after:
        filter_:
        q:
        limit:
        sort_order:
    """

    return Request(
        method="GET",
        path="/api/v1/logs",
        params=wire_pairs(
            ("since", since),
            ("until", until),
            ("after", after),
            ("filter", filter_),
            ("q", q),
            ("limit", limit),
            ("sortOrder", sort_order),
        ),
        headers=(),
        form=None,
        parse=_parse_success,
    )


def _get_kwargs(
    *,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
    after: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    sort_order: ListLogEventsSortOrder | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["since"] = since

    params["until"] = until

    params["after"] = after

    params["filter"] = filter_

    params["q"] = q

    params["limit"] = limit

    json_sort_order: str | Unset = UNSET
    if not isinstance(sort_order, Unset):
        json_sort_order = sort_order

    params["sortOrder"] = json_sort_order

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/logs",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | list[LogEvent] | None:
    if response.status_code == 200:
        return _parse_success(response.json())

    if response.status_code == 400:
        return ErrorBody.from_dict(response.json())

    if response.status_code == 401:
        return ErrorBody.from_dict(response.json())

    if response.status_code == 403:
        return ErrorBody.from_dict(response.json())

    if response.status_code == 429:
        return ErrorBody.from_dict(response.json())

    if response.status_code == 500:
        return ErrorBody.from_dict(response.json())

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | list[LogEvent]]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
    after: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    sort_order: ListLogEventsSortOrder | Unset = UNSET,
) -> Response[ErrorBody | list[LogEvent]]:
    """List the events of the System Log.

     A request without `until` in ascending order is a polling request: it filters by the time at which
    an event was stored, misses none, and always names a next page, also behind an empty one.  A request
    with `since` and `until` is a bounded one: it filters and sorts by the time of an event, and its
    last page names no next one.

    Args:
        since (str | Unset):
        until (str | Unset):
        after (str | Unset):
        filter_ (str | Unset):
        q (str | Unset):
        limit (int | Unset):
        sort_order (ListLogEventsSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | list[LogEvent]]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        after=after,
        filter_=filter_,
        q=q,
        limit=limit,
        sort_order=sort_order,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
    after: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    sort_order: ListLogEventsSortOrder | Unset = UNSET,
) -> ErrorBody | list[LogEvent] | None:
    """List the events of the System Log.

     A request without `until` in ascending order is a polling request: it filters by the time at which
    an event was stored, misses none, and always names a next page, also behind an empty one.  A request
    with `since` and `until` is a bounded one: it filters and sorts by the time of an event, and its
    last page names no next one.

    Args:
        since (str | Unset):
        until (str | Unset):
        after (str | Unset):
        filter_ (str | Unset):
        q (str | Unset):
        limit (int | Unset):
        sort_order (ListLogEventsSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | list[LogEvent]
    """

    return sync_detailed(
        client=client,
        since=since,
        until=until,
        after=after,
        filter_=filter_,
        q=q,
        limit=limit,
        sort_order=sort_order,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
    after: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    sort_order: ListLogEventsSortOrder | Unset = UNSET,
) -> Response[ErrorBody | list[LogEvent]]:
    """List the events of the System Log.

     A request without `until` in ascending order is a polling request: it filters by the time at which
    an event was stored, misses none, and always names a next page, also behind an empty one.  A request
    with `since` and `until` is a bounded one: it filters and sorts by the time of an event, and its
    last page names no next one.

    Args:
        since (str | Unset):
        until (str | Unset):
        after (str | Unset):
        filter_ (str | Unset):
        q (str | Unset):
        limit (int | Unset):
        sort_order (ListLogEventsSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | list[LogEvent]]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        after=after,
        filter_=filter_,
        q=q,
        limit=limit,
        sort_order=sort_order,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
    after: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    sort_order: ListLogEventsSortOrder | Unset = UNSET,
) -> ErrorBody | list[LogEvent] | None:
    """List the events of the System Log.

     A request without `until` in ascending order is a polling request: it filters by the time at which
    an event was stored, misses none, and always names a next page, also behind an empty one.  A request
    with `since` and `until` is a bounded one: it filters and sorts by the time of an event, and its
    last page names no next one.

    Args:
        since (str | Unset):
        until (str | Unset):
        after (str | Unset):
        filter_ (str | Unset):
        q (str | Unset):
        limit (int | Unset):
        sort_order (ListLogEventsSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | list[LogEvent]
    """

    return (
        await asyncio_detailed(
            client=client,
            since=since,
            until=until,
            after=after,
            filter_=filter_,
            q=q,
            limit=limit,
            sort_order=sort_order,
        )
    ).parsed
