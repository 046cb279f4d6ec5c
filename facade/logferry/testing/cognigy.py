"""
The fake of Cognigy: ``GET /v2.1/projects/{projectId}/logs`` as it is documented, and as its users met it.

No real installation was measured: what the documentation leaves open (the order, which bounds are inclusive) is a guess.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode

import attrs
import orjson

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import spec_checker
from logferry.testing._truth import identity_of, require_stream
from logferry.testing.cognigy_history import History, Matches, NewestFirst, Wanted
from logferry.testing.cognigy_query import Refusal, cursor, date, whole

__all__ = ["CognigyFake"]

_MILLISECOND = 1_000_000
_DEFAULT_LIMIT = 25
_LARGEST_LIMIT = 100
_HOUR = 3_600_000
_LEVELS = frozenset({"fatal", "error", "warn", "info", "debug", "trace"})
_LOGS = re.compile(r"(?:/new)?/v2\.[01]/projects/([^/]*)/logs/?")
_PROJECT = re.compile("[a-z0-9]{24}")
_JSON = "application/json"
_HAL = "application/hal+json"


@attrs.frozen(kw_only=True)
class _Question:
    wanted: Wanted
    limit: int
    skip: int
    ascending: bool
    after: int | None
    before: int | None


@attrs.frozen(kw_only=True)
class CognigyFake:
    """
    A Cognigy.AI project with a made-up log, in the habits that are documented or that users tell of.

    It is a pure function of settings, request and clock: it keeps nothing between requests, and all its entries are
    computed from their number. It sends the newest entry first; ``sort`` turns that round. Ids tell the order in which
    entries were written, which is not quite that of their times.

    Args:
        records: How many entries exist at `epoch`, older ones than `retention` included.
        epoch: When the newest of them was written, in nanoseconds since 1970-01-01 UTC, whole milliseconds. Default:
            2026-01-01T00:00:00Z.
        spacing: Time between two entries, in seconds, at least 0.001. Default: 60, or less where so many records
            would not fit into the retention.
        growing: Whether entries keep arriving after `epoch` as the clock goes on.
        retention: Seconds for which entries are kept; `None` for ever.
        api_key: The key that may read the project.
        project_id: The project.
        forbidden_project_id: A project that exists, and that the key's user may not read.
        with_type: Whether entries show their level, as they do beyond the documentation; one in four never does.
        hal: Whether answers are HAL: where nothing else is accepted than any or HAL (``"by default"``), or ``"always"``.
        type_parameter: How several levels are to be written: ``type``, ``type[]``, or ``"both"``. What is written
            otherwise is ignored.
        cursor_names: What the cursors of the next and the previous page are called.
    """

    records: int = attrs.field(default=417, validator=attrs.validators.ge(0))
    epoch: int = 1_767_225_600_000_000_000
    spacing: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0.001)))
    growing: bool = True
    retention: float | None = 86_400.0
    api_key: str = attrs.field(default="made-up-api-key-of-a-fake", repr=False)
    project_id: str = "64f0c0ffee64f0c0ffee64f0"
    forbidden_project_id: str = "64f0facade64f0facade64f0"
    with_type: bool = True
    hal: Literal["by default", "always"] = "by default"
    type_parameter: Literal["type", "type[]", "both"] = "both"
    cursor_names: tuple[str, str] = ("nextCursor", "previousCursor")

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        return ("cognigy.project_logs",)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that make an account of it, all but the one for its address."""
        return {"api_key": self.api_key, "project_id": self.project_id}

    @cached_property
    def history(self) -> History:
        """All the entries."""
        spacing = 60.0 if self.spacing is None else self.spacing
        if self.spacing is None and self.retention is not None:
            # A tenth less, so that they are still there for a while.
            spacing = min(spacing, 0.9 * self.retention / max(1, self.records))
        return History(
            records=self.records,
            epoch=self.epoch // _MILLISECOND,
            spacing=max(1, int(spacing * 1000)),
            growing=self.growing,
            retention=None if self.retention is None else int(self.retention * 1000),
            with_type=self.with_type,
        )

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        digest = hashlib.sha256(f"{request.method} {request.target} {now}".encode()).hexdigest()
        try:
            return self._route(request, now // _MILLISECOND)
        except Refusal as refusal:
            body: dict[str, Any] = {
                "type": f"https://docs.cognigy.com/errors#{refusal.code}",
                "title": refusal.title,
                "status": refusal.status,
                "detail": refusal.detail,
                "instance": request.path,
                "code": refusal.code,
                "traceId": f"api-{digest[:8]}",
                "details": {},
            }
            return _reply(request, refusal.status, orjson.dumps(body), "application/problem+json")

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what in the request goes against the spec of the generated client; values are never repeated."""
        return spec_checker("cognigy").violations(request)

    def truth(
        self,
        stream: str = "cognigy.project_logs",
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *,
        filter_: str = "",
        type_: Sequence[str] = (),
        user_id: str | None = None,
        flow_name: str | None = None,
    ) -> Sequence[str]:
        """
        Return the ids of the entries in the window ``[since, until)``, newest first.

        The ids are computed when they are looked at; `len` computes none, but where a text can be part of a trace id.

        Args:
            stream: The stream's name; there is one.
            since: Start of the window, included, in nanoseconds since 1970-01-01 UTC. Default: from the first one on.
            until: End of the window, not included. Default: up to the newest.
            now: When to look. Default: `epoch`.
            filter_: Only entries with this in level, message or trace id.
            type_: Only entries of these levels.
            user_id: Only entries of this user.
            flow_name: Only entries of this flow.
        """
        require_stream(stream, self.streams)
        wanted = Wanted(
            types=frozenset(type_),
            text=filter_,
            user_id=user_id,
            flow_name=flow_name,
            start=None if since is None else -(-since // _MILLISECOND),
            end=None if until is None else -(-until // _MILLISECOND) - 1,
        )
        existing = self.history.existing((self.epoch if now is None else now) // _MILLISECOND)
        return NewestFirst(self.history.select(existing, wanted))

    def identity(self, stream: str, item: Any) -> str:
        """Return the id of a decoded entry."""
        require_stream(stream, self.streams)
        return identity_of(item, "_id")

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Return the filters of the one question that finds all entries: none, since the account has the project."""
        require_stream(stream, self.streams)
        return ({},)

    def _route(self, request: FakeRequest, now: int) -> FakeResponse:
        match = _LOGS.fullmatch(request.path)
        if match is None:
            # What a wrong base URL meets: the pages of the user interface.
            page = b"<!DOCTYPE html><html><head><title>Cognigy.AI</title></head><body></body></html>"
            return _reply(
                request, 404 if request.path.startswith("/openapi") else 200, page, "text/html; charset=utf-8"
            )
        if request.method not in {"GET", "HEAD"}:
            raise Refusal(404, 1002, "Not Found", "There is no such route.")
        key = request.header("X-API-Key") or dict(parse_qsl(request.query)).get("api_key")
        if key is None:
            raise Refusal(401, 401, "Unauthorized", "The request has no credentials.")
        if key != self.api_key:
            raise Refusal(401, 401, "Unauthorized", "The API key is not valid.")
        if not _PROJECT.fullmatch(match[1]):
            raise Refusal(400, 1005, "Bad Request", "projectId must match ^[a-z0-9]{24}$.")
        if match[1] == self.forbidden_project_id:
            raise Refusal(403, 403, "Forbidden", "The user has no access to this resource.")
        if match[1] != self.project_id:
            raise Refusal(404, 1002, "Not Found", "The project does not exist.")
        return self._list(request, now)

    def _list(self, request: FakeRequest, now: int) -> FakeResponse:
        query = parse_qsl(request.query, keep_blank_values=True)
        question = self._question(query, now)
        history = self.history
        matches = history.select(history.existing(now), question.wanted)
        numbers, more, earlier = _page(matches, question)
        items = [history.item(number) for number in numbers]
        following = history.id_of(numbers[-1]) if more else None
        before = history.id_of(numbers[0]) if earlier and numbers else None
        accepted = request.header("Accept") or "*/*"
        if self.hal == "always" or (_JSON not in accepted and ("*/*" in accepted or _HAL in accepted)):
            body: dict[str, Any] = {
                "_links": _links(request, query, following, before),
                "_embedded": {"logEntry": items},
                "total": len(matches),
            }
            return _reply(request, 200, orjson.dumps(body), _HAL)
        if _JSON not in accepted:
            raise Refusal(406, 406, "Not Acceptable", "This fake has JSON only.")
        names = self.cursor_names
        body = {"items": items, "total": len(matches), names[0]: following, names[1]: before}
        return _reply(request, 200, orjson.dumps(body), f"{_JSON}; charset=utf-8")

    def _question(self, query: Sequence[tuple[str, str]], now: int) -> _Question:
        values = dict(query)
        sort = values.get("sort", "_id:desc")
        if not re.fullmatch(r"\w+:(asc|desc)", sort):
            raise Refusal(400, 1005, "Bad Request", "sort must be field:direction.")
        end = date(values, "endDate", now)
        wanted = Wanted(
            types=self._types(query),
            text=values.get("filter", ""),
            user_id=values.get("userId") or None,
            flow_name=values.get("flowName") or None,
            start=date(values, "startDate", end - _HOUR),
            end=end,
        )
        return _Question(
            wanted=wanted,
            limit=whole(values, "limit", _DEFAULT_LIMIT, 1, _LARGEST_LIMIT),
            skip=whole(values, "skip", 0, 0, None),
            ascending=sort.endswith(":asc"),
            after=cursor(values, "next"),
            before=cursor(values, "previous"),
        )

    def _types(self, query: Sequence[tuple[str, str]]) -> frozenset[str]:
        names = {"type", "type[]"} if self.type_parameter == "both" else {self.type_parameter}
        types = {part for name, value in query if name in names for part in value.split(",") if part}
        if not types <= _LEVELS:
            raise Refusal(400, 1005, "Bad Request", "type must be one of fatal, error, warn, info, debug, trace.")
        return frozenset(types)


def _page(matches: Matches, question: _Question) -> tuple[list[int], bool, bool]:
    """Return the numbers of a page, whether there are more behind it, and whether there are some before it."""
    after, before, size = question.after, question.before, question.limit
    forward = matches.ascending if question.ascending else matches.descending
    backward = matches.descending if question.ascending else matches.ascending
    if before is not None:
        found = list(islice(backward(before), size + 1))
        return found[:size][::-1], True, len(found) > size
    numbers: Iterator[int] = islice(forward(after), question.skip, None)
    found = list(islice(numbers, size + 1))
    return found[:size], len(found) > size, after is not None or question.skip > 0


def _links(
    request: FakeRequest, query: Sequence[tuple[str, str]], following: str | None, before: str | None
) -> Mapping[str, Any]:
    """Return HAL's links, with the flaws that users repair: the scheme http, and the other cursor empty."""
    base = f"http://{request.header('Host') or 'localhost'}{request.path}"
    kept = [(name, value) for name, value in query if name not in {"next", "previous"}]

    def link(cursors: Sequence[tuple[str, str]]) -> dict[str, str]:
        return {"href": f"{base}?{urlencode([*kept, *cursors], quote_via=quote)}"}

    links = {"self": {"href": f"http://{request.header('Host') or 'localhost'}{request.target}"}}
    if following is not None:
        links["next"] = link([("next", following), ("previous", "")])
    if before is not None:
        links["previous"] = link([("next", ""), ("previous", before)])
    return links


def _reply(request: FakeRequest, status: int, body: bytes, kind: str) -> FakeResponse:
    headers = (("Content-Type", kind), ("Content-Length", str(len(body))))
    return FakeResponse(status, headers, b"" if request.method == "HEAD" else body)
