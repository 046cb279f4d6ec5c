"""The responses of the fake of Logto, path by path."""

import re
from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Protocol, TypedDict, Unpack
from urllib.parse import unquote_to_bytes

import attrs
import orjson

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing.logto._history import Selection
from logferry.testing.logto._query import (
    ListQuery,
    Refusal,
    internal_error,
    link_lines,
    read_list_query,
    read_query,
)
from logferry.testing.logto._replies import HTML, JSON, TEXT, entity_tag, localized, preflight, reply
from logferry.testing.logto._scripted import ScriptedSelection
from logferry.testing.logto._tokens import TokenIssuer, oauth_error

__all__ = ["Filters", "Routes"]

_NO_STORE = ("Cache-Control", "no-store")
_CAP = 10_000
_NARROW = 1000  # milliseconds
_ALLOW = ("Allow", "HEAD, GET")
_LIST = re.compile(r"/logs/?\Z", re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_ONE = re.compile(r"/logs/([^/]+)/?\Z", re.IGNORECASE)


class Filters(TypedDict, total=False):
    """The filters of logs."""

    user_id: str | None
    application_id: str | None
    log_key: str | None


class Select(Protocol):
    """Selects the logs that exist at `now`; bounds in milliseconds, the second exclusive."""

    def __call__(
        self, since: int | None, until: int | None, now: int, **filters: Unpack[Filters]
    ) -> Selection | ScriptedSelection:
        """Select them."""
        ...


@attrs.frozen(kw_only=True)
class Routes:
    """
    The paths of Logto.

    Attributes:
        tokens: Issues and checks tokens.
        select: Selects logs.
        item: Returns the JSON of the log of an id at a moment; `None` without one.
        release: Major and minor number of the release.
        seed: Decides the order of logs of one time, if it is not stable.
        stable_ties: Whether logs of one time keep their order.
        compression: Whether to compress a body of 1 KiB or more as the request accepts it.
    """

    tokens: TokenIssuer
    select: Select
    item: Callable[[str, int], bytes | None]
    release: tuple[int, int]
    seed: int
    stable_ties: bool
    compression: bool

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        try:
            return self._route(request, now)
        except Refusal as refusal:
            body = localized(request, refusal.body)
            return reply(request, now, refusal.status, body, (*refusal.headers, JSON), compression=self.compression)

    def _route(self, request: FakeRequest, now: int) -> FakeResponse:
        path = request.path
        if path == "/oidc/token":
            return self._token(request, now)
        if path == "/api" or path.startswith("/api/"):
            return self._api(request, now, path.removeprefix("/api"))
        # Every other path is the sign-in page. The links of a list lead here, since they lack /api.
        page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"
        return reply(request, now, 200, page, (HTML,))

    def _api(self, request: FakeRequest, now: int, path: str) -> FakeResponse:
        one = _ONE.match(path)
        if one is None and _LIST.match(path) is None:
            return reply(request, now, 404, b"Not Found", (), late=(TEXT,))
        match request.method:
            case "GET" | "HEAD":
                self.tokens.authorize(request, now)
                return self._one(request, now, _decoded(one[1])) if one else self._list(request, now, path)
            case "OPTIONS":
                return _options(request, now)
            case "PUT" | "PATCH" | "POST" | "DELETE":
                return reply(request, now, 405, b"Method Not Allowed", (_ALLOW,), late=(TEXT,))
            case _:
                return reply(request, now, 501, b"Not Implemented", (_ALLOW,), late=(TEXT,))

    def _list(self, request: FakeRequest, now: int, path: str) -> FakeResponse:
        values = read_query(request.query)
        query = read_list_query(values, self.release)
        inclusive = self.release >= (1, 42)
        since, until = query.start_time, query.end_time
        filters = query.filters
        matches = self.select(
            # The stored time of a log is later than the millisecond that it shows.
            None if since is None else ceil(since),
            None if until is None else floor(until) + 1 if inclusive else ceil(until),
            now,
            user_id=filters.get("userId"),
            application_id=filters.get("applicationId"),
            log_key=filters.get("logKey"),
        )
        total = len(matches)
        capped = query.capped and total > _CAP
        places: Sequence[int] = range(query.offset, min(query.offset + query.page_size, total))
        if not self.stable_ties and not _is_narrow(query):
            places = matches.shuffled(places, f"{self.seed} {query.page_size} {query.offset} {total}")
        body = matches.page(places)
        host = request.header("Host")
        origin = f"http://{host}" if host else ""
        counted = (("Total-Number", str(_CAP + 1)), ("Total-Number-Is-Capped", "true"))
        return self._tagged(
            request,
            now,
            body,
            (
                *(counted if capped else (("Total-Number", str(total)),)),
                *link_lines(origin + path, values, query, total, capped=capped),
            ),
        )

    def _one(self, request: FakeRequest, now: int, log_id: str) -> FakeResponse:
        if "\0" in log_id:
            raise internal_error()  # PostgreSQL has no NUL in text
        body = self.item(log_id, now)
        if body is None:
            message = f"The logs with ID `{log_id}` does not exist."
            raise Refusal(404, {"code": "entity.not_exists_with_id", "message": message})
        return self._tagged(request, now, body, ())

    def _tagged(
        self, request: FakeRequest, now: int, body: bytes, headers: tuple[tuple[str, str], ...]
    ) -> FakeResponse:
        if request.method == "HEAD":
            return reply(request, now, 200, body, (JSON, *headers))  # the tag depends on the body
        tag = entity_tag(body)
        known = [part.strip().removeprefix("W/") for part in (request.header("If-None-Match") or "").split(",")]
        if tag in known or "*" in known:
            return reply(request, now, 304, b"", (*headers, ("ETag", tag)))
        return reply(request, now, 200, body, (JSON, *headers, ("ETag", tag)), compression=self.compression)

    def _token(self, request: FakeRequest, now: int) -> FakeResponse:
        if request.method == "OPTIONS":
            return _options(request, now)
        if request.method != "POST":
            description = f"unrecognized route or not allowed method ({request.method} on {request.path})"
            raise oauth_error(404, "invalid_request", description)
        host = request.header("Host") or "127.0.0.1"
        try:
            body = orjson.dumps(self.tokens.issue(request, f"http://{host}/oidc", now))
        except Refusal as refusal:
            raise Refusal(refusal.status, refusal.body, (*refusal.headers, _NO_STORE)) from None
        return reply(request, now, 200, body, (_NO_STORE, JSON), compression=self.compression)


def _decoded(part: str) -> str:
    """Return a part of a path, decoded; an invalid one stays unchanged."""
    if _BROKEN_ESCAPE.search(part):
        return part
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return part


def _is_narrow(query: ListQuery) -> bool:
    """Whether a query has so few rows that PostgreSQL keeps the order of equal times from page to page."""
    start, end = query.start_time, query.end_time
    return start is not None and end is not None and end - start <= _NARROW


def _options(request: FakeRequest, now: int) -> FakeResponse:
    allowed = preflight(request)
    if allowed is not None:
        return reply(request, now, 204, b"", allowed)
    return reply(request, now, 200, b"", (_ALLOW,), late=(TEXT,))
