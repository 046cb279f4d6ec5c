"""
The fake of Cognigy: ``GET /v2.1/projects/{projectId}/logs``, from its documentation and reports of its users.

No real installation was measured.  Where the documentation is silent (the order, inclusive bounds), the fake guesses.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from functools import cached_property
from itertools import islice
from random import Random
from typing import Any, Literal
from urllib.parse import parse_qsl

import attrs
import orjson

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import spec_checker
from logferry.testing._rows import Row, as_rows
from logferry.testing._truth import identity_of, require_stream
from logferry.testing.cognigy._history import History, Matches, NewestFirst, Wanted
from logferry.testing.cognigy._query import Question, Refusal, invalid, links, read_question
from logferry.testing.cognigy._scripted import ScriptedHistory, ScriptedMatches

__all__ = ["CognigyFake"]

_SECOND = 1_000_000_000
_MILLISECOND = 1_000_000
_LOGS = re.compile(r"(?:/new)?/v2\.[01]/projects/([^/]*)/logs/?")
_CURSOR = re.compile("[0-9a-f]{24}")
_PROJECT = re.compile("[a-z0-9]{24}")
_JSON = "application/json"
_HAL = "application/hal+json"


@attrs.frozen(kw_only=True)
class CognigyFake:
    """
    A Cognigy.AI project with a made-up log, which behaves as its documentation or its users describe.

    It is a pure function of settings, request and clock: it keeps nothing between requests, and computes each entry
    from its number, unless `rows` scripts them.  It sends the newest entry first; ``sort`` reverses that.  Ids have the
    order in which entries were written, which differs a little from that of their times.

    Args:
        records: Number of entries at `epoch`, including those older than `retention`.
        epoch: When the newest of them was written, in nanoseconds since 1970-01-01 UTC, whole milliseconds. Default:
            2026-01-01T00:00:00Z.
        spacing: Time between two entries, in seconds, at least 0.001. Default: 60, or less if the records would not fit
            into the retention.
        growing: Whether entries keep arriving after `epoch` as the clock advances.
        retention: Seconds for which entries are kept; `None` for ever.
        api_key: The key that may read the project.
        project_id: The project.
        forbidden_project_id: An existing project that the key's user may not read.
        with_type: Whether entries show their level, which is not documented; one in four never does.
        hal: Whether responses are HAL: if the request accepts only anything or HAL (``"by default"``), or ``"always"``.
        type_parameter: The parameter of several levels: ``type``, ``type[]``, or ``"both"``. Any other is ignored.
        cursor_names: The names of the cursors of the next and the previous page.
        rows: A script of the entries; `records`, `spacing`, `growing` and `retention` have no effect then. Entries are
            listed by arrival.
        lost_cursors: The effect of a cursor whose entry has vanished: the list continues from there, or the cursor is
            refused.
        cursor_life: Seconds after which a cursor is refused, `None` for never.  If set, cursors contain the time of
            their page, and ids of entries are not valid cursors.
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
    rows: Sequence[Row] | None = attrs.field(default=None, converter=as_rows, repr=False)
    lost_cursors: Literal["continue", "refuse"] = "continue"
    cursor_life: float | None = None

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: Random) -> "CognigyFake":
        """Make one with a scripted history; *chance* decides the format of responses, and the rules of cursors."""
        return cls(
            rows=rows,
            epoch=epoch,
            hal=chance.choice(("by default", "always")),
            cursor_names=chance.choice((("nextCursor", "previousCursor"), ("next", "previous"))),
            lost_cursors=chance.choice(("continue", "refuse")),
            cursor_life=chance.choice((None, None, 60.0, 600.0)),
        )

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        return ("cognigy.project_logs",)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of an account of it, all except its address."""
        return {"api_key": self.api_key, "project_id": self.project_id}

    @cached_property
    def history(self) -> History:
        """The history of computed entries."""
        spacing = 60.0 if self.spacing is None else self.spacing
        if self.spacing is None and self.retention is not None:
            # A tenth less, so that they stay within the retention for a while.
            spacing = min(spacing, 0.9 * self.retention / max(1, self.records))
        return History(
            records=self.records,
            epoch=self.epoch // _MILLISECOND,
            spacing=max(1, int(spacing * 1000)),
            growing=self.growing,
            retention=None if self.retention is None else int(self.retention * 1000),
            with_type=self.with_type,
        )

    @cached_property
    def _scripted(self) -> ScriptedHistory | None:
        return None if self.rows is None else ScriptedHistory(self.rows, self.history)

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        reply = self._reply(request, now)
        return attrs.evolve(reply, headers=(*reply.headers, ("Date", formatdate(now / 1e9, usegmt=True))))

    def _reply(self, request: FakeRequest, now: int) -> FakeResponse:
        digest = hashlib.sha256(f"{request.method} {request.target} {now}".encode()).hexdigest()
        try:
            return self._route(request, now)
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
        """Name what violates the spec of the generated client in the request, without its values."""
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

        The ids are computed on access; `len` computes none, except for a text that can be part of a trace id.

        Args:
            stream: The stream's name; there is one.
            since: Start of the window, inclusive, in nanoseconds since 1970-01-01 UTC. Default: the first entry.
            until: End of the window, exclusive. Default: after the newest.
            now: The moment of the reading. Default: `epoch`.
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
        moment = self.epoch if now is None else now
        if self._scripted is not None:
            return [*map(self._scripted.id_of, self._scripted.matches(moment, wanted).descending())]
        return NewestFirst(self.history.matches(moment, wanted))

    def identity(self, stream: str, item: Any) -> str:
        """Return the id of a decoded entry."""
        require_stream(stream, self.streams)
        return identity_of(item, "_id")

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Return the filters of the only query, which finds all entries: none, since the account has the project."""
        require_stream(stream, self.streams)
        return ({},)

    def _route(self, request: FakeRequest, now: int) -> FakeResponse:
        match = _LOGS.fullmatch(request.path)
        if match is None:
            # A wrong base URL reaches the pages of the user interface.
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
            raise invalid("projectId must match ^[a-z0-9]{24}$.")
        if match[1] == self.forbidden_project_id:
            raise Refusal(403, 403, "Forbidden", "The user has no access to this resource.")
        if match[1] != self.project_id:
            raise Refusal(404, 1002, "Not Found", "The project does not exist.")
        return self._list(request, now)

    def _list(self, request: FakeRequest, now: int) -> FakeResponse:
        query = parse_qsl(request.query, keep_blank_values=True)
        question = read_question(query, now // _MILLISECOND, self.type_parameter)
        after = None if question.after is None else self._number(question.after, "next", now)
        before = None if question.before is None else self._number(question.before, "previous", now)
        history = self._scripted or self.history
        matches = history.matches(now, question.wanted)
        numbers, more, earlier = _page(matches, question, after, before)
        items = [history.item(number) for number in numbers]
        following = self._cursor(numbers[-1], now) if more else None
        preceding = self._cursor(numbers[0], now) if earlier and numbers else None
        accepted = request.header("Accept") or "*/*"
        if self.hal == "always" or (_JSON not in accepted and ("*/*" in accepted or _HAL in accepted)):
            body: dict[str, Any] = {
                "_links": links(request, query, following, preceding),
                "_embedded": {"logEntry": items},
                "total": len(matches),
            }
            return _reply(request, 200, orjson.dumps(body), _HAL)
        if _JSON not in accepted:
            raise Refusal(406, 406, "Not Acceptable", "This fake has JSON only.")
        names = self.cursor_names
        body = {"items": items, "total": len(matches), names[0]: following, names[1]: preceding}
        return _reply(request, 200, orjson.dumps(body), f"{_JSON}; charset=utf-8")

    def _cursor(self, number: int, now: int) -> str:
        if self.cursor_life is not None:
            return f"{now:016x}{number:08x}"
        return (self._scripted or self.history).id_of(number)

    def _number(self, cursor: str, name: str, now: int) -> int:
        """The number of the entry at which the cursor's page ended."""
        history = self._scripted or self.history
        birth, number = now, history.number_at(cursor)
        if self.cursor_life is not None:
            birth, number = (int(cursor[:16], 16), int(cursor[16:], 16)) if _CURSOR.fullmatch(cursor) else (0, None)
        if number is None or (self.rows is not None and number >= len(self.rows)):
            raise invalid(f"{name} is not a valid cursor.")
        if self.lost_cursors == "refuse" and not history.has(number, now):
            raise invalid(f"{name} is the cursor of an entry that has vanished.")
        if self.cursor_life is not None and not 0 <= now - birth <= self.cursor_life * _SECOND:
            raise invalid(f"{name} is a cursor that has expired.")
        return number


def _page(
    matches: Matches | ScriptedMatches, question: Question, after: int | None, before: int | None
) -> tuple[list[int], bool, bool]:
    """Return the numbers of a page, whether entries follow it, and whether entries precede it."""
    size = question.limit
    forward = matches.ascending if question.ascending else matches.descending
    backward = matches.descending if question.ascending else matches.ascending
    if before is not None:
        found = list(islice(backward(before), size + 1))
        return found[:size][::-1], True, len(found) > size
    numbers: Iterator[int] = islice(forward(after), question.skip, None)
    found = list(islice(numbers, size + 1))
    return found[:size], len(found) > size, after is not None or question.skip > 0


def _reply(request: FakeRequest, status: int, body: bytes, kind: str) -> FakeResponse:
    headers = (("Content-Type", kind), ("Content-Length", str(len(body))))
    return FakeResponse(status, headers, b"" if request.method == "HEAD" else body)
