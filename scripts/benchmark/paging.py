"""
Paging for the hand-written loops.

This module imports nothing of the project, so that a process that runs the hand-written loop stays small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Params = dict[str, Any]


class Plain(NamedTuple):
    """
    A question as plain data, sent to other processes as JSON.

    Attributes:
        stream: The stream's name.
        url: The service's address.
        path: The path of the records.
        params: The query of the first page.
        headers: Headers that authorize; empty where a token has to be fetched.
        basic: The credentials to fetch a token with.
        records: The number of records.
        name: The stream's name, and the property of its history.
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
    How to page through a stream.

    Attributes:
        items: Returns the records of a page's body.
        following: Returns the query of the next page, from the query, body and items of a page; ``None`` at the end.
        member: The member of the body that holds the records; empty if the body is the array.
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
