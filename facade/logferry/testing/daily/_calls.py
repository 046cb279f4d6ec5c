"""The log of the REST API of the fake Daily: requests and webhooks."""

from collections.abc import Callable
from typing import Any

import orjson

from logferry.testing.daily._history import IdMap, iso_text
from logferry.testing.daily._query import RowFilters

__all__ = ["Calls"]

_TOKEN = "made-up-meeting-token"  # noqa: S105  # made up
_CALLS: tuple[dict[str, Any], ...] = (
    {"source": "api", "method": "GET", "url": "/v1/rooms", "status": 200, "request": None, "response": '{"data":[]}'},
    {
        "source": "api",
        "method": "POST",
        "url": "/v1/meeting-tokens",
        "status": 200,
        "request": '{"properties":{"room_name":"hello"}}',
        "response": orjson.dumps({"token": _TOKEN}).decode(),
    },
    {
        "source": "webhook",
        "method": "POST",
        "url": f"https://hooks.example/daily?token={_TOKEN}",
        "status": 500,
        "request": '{"type":"meeting.ended"}',
        "response": "made-up: not JSON",
    },
    {
        "source": "api",
        "method": "POST",
        "url": "/v1/rooms",
        "status": 400,
        "request": "{",
        "response": '{"error":"invalid-request-error","info":"made-up: name is taken"}',
    },
    # Older descriptions have the status as a text.
    {"source": "api", "method": "GET", "url": f"/v1/meeting-tokens/{_TOKEN}", "status": "200", "request": None},
)


class Calls:
    """
    The contents of the log of the REST API and of webhooks.

    Args:
        seed: Decides ids.
    """

    def __init__(self, *, seed: int) -> None:
        self._ids = IdMap(str(seed))

    def matching(self, filters: RowFilters) -> Callable[[int], bool]:
        """Return a predicate on contents for the given filters; without a source, it is ``api``."""
        wanted: dict[str, str | None] = {"source": filters.get("source") or "api", "url": filters.get("url")}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        return lambda content: all(_CALLS[content % len(_CALLS)].get(name) == value for name, value in wanted.items())

    def item(self, number: int, content: int, time: int) -> dict[str, Any]:
        """Return a log with the id of a number, a content, and a time in nanoseconds since 1970-01-01 UTC."""
        return {
            "id": self._ids.identity(number),
            "userId": "bbbbbbbb-0000-0000-0000-000000000001",
            "domainId": "cccccccc-0000-0000-0000-000000000001",
            "ip": "203.0.113.10",
            "createdAt": iso_text(time, 3),
            **_CALLS[content % len(_CALLS)],
        }

    def number(self, identity: str) -> int | None:
        """Return the number of the log with this id, or `None` if it is not an id."""
        return self._ids.number(identity)
