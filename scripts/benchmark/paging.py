"""
How the pages of a stream are turned by hand.

Nothing of the project is imported here, so that a process that runs the hand-written loop is as small as it can be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Params = dict[str, Any]


class Plain(NamedTuple):
    """
    A question as plain data, which goes to other processes as JSON.

    Attributes:
        stream: The stream's name.
        url: The service's address.
        path: Where the records are.
        params: The query of the first page.
        headers: What authorizes; empty where a token has to be fetched.
        basic: The credentials that a token is fetched with.
        records: How many records there are.
        name: The stream's name, and what is special about its history.
    """

    stream: str
    url: str
    path: str
    params: Params
    headers: dict[str, str]
    basic: str
    records: int
    name: str


class Paging(NamedTuple):
    """
    The pages of a stream.

    Attributes:
        items: The records of a page's body.
        following: The query of the next page, from that of this one, its body and its items; ``None`` at the end.
        member: Where in a body the records are; empty for the body itself.
    """

    items: Callable[[Any], list[Any]]
    following: Callable[[Params, Any, list[Any]], Params | None]
    member: str = ""


def _itself(body: Any) -> list[Any]:
    items: list[Any] = body
    return items


def _logs(body: Any) -> list[Any]:
    items: list[Any] = body["logs"]
    return items


def _data(body: Any) -> list[Any]:
    items: list[Any] = body["data"]
    return items


def _items(body: Any) -> list[Any]:
    items: list[Any] = body["items"]
    return items


def _by_number(params: Params, _body: Any, items: list[Any]) -> Params | None:
    return {**params, "page": params["page"] + 1} if len(items) == params["page_size"] else None


def _by_offset(params: Params, _body: Any, items: list[Any]) -> Params | None:
    return {**params, "offset": params["offset"] + len(items)} if len(items) == params["limit"] else None


def _by_last_id(params: Params, _body: Any, items: list[Any]) -> Params | None:
    return {**params, "starting_after": items[-1]["id"]} if items else None


def _by_link(params: Params, body: Any, _items: list[Any]) -> Params | None:
    link: str | None = body["links"].get("next")
    if not link:
        return None
    pairs = (pair.partition("=") for pair in link.partition("?")[2].split("&"))
    return {**params, **{name: value for name, _, value in pairs}}


def _by_cursor(params: Params, body: Any, _items: list[Any]) -> Params | None:
    return {**params, "next": body["nextCursor"]} if body["nextCursor"] else None


PAGING = {
    "daily.session_logs": Paging(_logs, _by_offset, "logs"),
    "daily.api_logs": Paging(_itself, _by_last_id),
    "signalwire.video_logs": Paging(_data, _by_link, "data"),
    "logto.audit_logs": Paging(_itself, _by_number),
    "cognigy.project_logs": Paging(_items, _by_cursor, "items"),
}
