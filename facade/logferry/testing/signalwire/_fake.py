"""The fake of SignalWire: its lists of logs as documented, all of them paged in the same way."""

import hashlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from functools import cached_property
from random import Random
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import attrs
import orjson

from logferry._time.timestamps import SECOND
from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import spec_checker
from logferry.testing._rows import Row, as_rows
from logferry.testing._truth import identity_of, require_stream
from logferry.testing.signalwire._history import History, Selection
from logferry.testing.signalwire._query import DAY, Refusal, invalid, read_integer, read_span
from logferry.testing.signalwire._scripted import ScriptedHistory, ScriptedSelection
from logferry.testing.signalwire._usage import KINDS

__all__ = ["SignalWireFake"]

_DEFAULT_PAGE_SIZE, _LARGEST_PAGE = 50, 1000
_FILTERS = ("include_deleted", "created_before", "created_on", "created_after")


@attrs.frozen(kw_only=True)
class SignalWireFake:
    """
    A SignalWire project with a made-up history.

    It follows the documentation, since no real project was measured; a setting decides what the documentation leaves
    open.  It is a pure function of settings, request and clock: it keeps nothing between requests, and computes each
    log from its number, unless `rows` scripts them.  One log of thirteen is deleted; ongoing sessions change as the
    clock advances.

    Args:
        records: Number of logs of each list at `epoch`, including deleted ones.
        epoch: When the newest of them was created, in nanoseconds since 1970-01-01 UTC. Default: 2026-01-01T00:00:00Z.
        spacing: Time between two logs, in seconds, more than 0.
        growing: Whether logs keep arriving after `epoch` as the clock advances.
        seed: Decides ids.
        space: The name of the space.
        project_id: The project's id.
        api_token: A token with all scopes.
        scopeless_token: A token without any.
        scope_status: The status for a token without the scope; the documentation is inconsistent, 401 or 403.
        link_scheme: The scheme of the links' URLs; `None` for relative links.
        inclusive_bounds: Whether `created_before` and `created_after` include the day or second that they name.
        oldest_first: Whether logs are sent oldest first; else newest first.
        rows: A script of the logs; `records`, `spacing` and `growing` have no effect then.  Logs are listed by arrival.
            A token pins the list as it was at the request for its first page; logs that have vanished since leave gaps
            in the pages.
        lost_cursors: The effect of a token if the last row of the page before has vanished: the list continues after
            it, or the token is refused.
        cursor_life: Seconds after which a page's token is refused; `None` for never.
    """

    records: int = attrs.field(default=417, validator=attrs.validators.ge(0))
    epoch: int = 1_767_225_600_000_000_000
    spacing: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    growing: bool = True
    seed: int = 0
    space: str = "logferry-fake"
    project_id: str = "5f0b1a52-0c5e-4b1e-9d55-6b7a3f0c2e11"
    api_token: str = attrs.field(default="PT-made-up-token-of-a-fake", repr=False)
    scopeless_token: str = attrs.field(default="PT-made-up-token-without-scope", repr=False)
    scope_status: int = attrs.field(default=403, validator=attrs.validators.in_((401, 403)))
    link_scheme: str | None = "https"
    inclusive_bounds: bool = False
    oldest_first: bool = False
    rows: Sequence[Row] | None = attrs.field(default=None, converter=as_rows, repr=False)
    lost_cursors: Literal["continue", "refuse"] = "continue"
    cursor_life: float | None = None

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: Random) -> "SignalWireFake":
        """Make one with a scripted history; *chance* decides order, bounds, links and the rules of tokens."""
        return cls(
            rows=rows,
            epoch=epoch,
            link_scheme=chance.choice(("https", "http", None)),
            inclusive_bounds=chance.random() < 0.5,  # noqa: PLR2004 - even odds
            oldest_first=chance.random() < 0.5,  # noqa: PLR2004
            lost_cursors=chance.choice(("continue", "refuse")),
            cursor_life=chance.choice((None, None, 60.0, 600.0)),
        )

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        return tuple(KINDS)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of an account of it, all except its address."""
        return {"space": self.space, "project_id": self.project_id, "api_token": self.api_token}

    @cached_property
    def _histories(self) -> Mapping[str, History]:
        """The computed logs of each list."""
        return {
            name: History(
                records=self.records,
                epoch=self.epoch,
                step=max(1, round(self.spacing * SECOND)),
                growing=self.growing,
                seed=self.seed,
                space=self.space,
                kind=kind,
            )
            for name, kind in KINDS.items()
        }

    @cached_property
    def _scripted(self) -> Mapping[str, ScriptedHistory]:
        rows = self.rows
        return {} if rows is None else {name: ScriptedHistory(rows, one) for name, one in self._histories.items()}

    @property
    def history(self) -> History:
        """The history of computed video logs."""
        return self._histories["signalwire.video_logs"]

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        try:
            return _reply(request, now, 200, self._route(request, now))
        except Refusal as refusal:
            return _reply(request, now, refusal.status, refusal.body)

    def violations(self, request: FakeRequest) -> list[str]:
        """Name what violates the spec of the generated client in the request: unknown parameters, types, bounds."""
        return spec_checker("signalwire").violations(request)

    def truth(
        self,
        stream: str = "signalwire.video_logs",
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *,
        include_deleted: bool | str | None = None,
    ) -> Sequence[str]:
        """
        Return the ids of the logs in the window ``[since, until)``, in the order in which they are sent.

        The ids are computed on access; `len` computes none.

        Args:
            stream: The stream's name.
            since: Start of the window, inclusive, in nanoseconds since 1970-01-01 UTC. Default: the first log.
            until: End of the window, exclusive. Default: after the newest log.
            now: The moment of the reading. Default: `epoch`.
            include_deleted: Whether to include deleted logs; also a text as on the wire.
        """
        require_stream(stream, self.streams)
        return self._selection(
            stream,
            None if since is None else -(-since // SECOND),
            None if until is None else -(-until // SECOND),
            self._pin(stream, self.epoch if now is None else now),
            include_deleted=include_deleted in {True, "true"},
        ).ids()

    def identity(self, stream: str, item: Any) -> str:
        """Return the id of a decoded log."""
        require_stream(stream, self.streams)
        return identity_of(item, "id")

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Return the filters of the query that finds all logs, including deleted ones."""
        require_stream(stream, self.streams)
        return ({"include_deleted": "true"},)

    def _pin(self, stream: str, now: int) -> int:
        """The version of a list: its number of logs, or the moment at which a scripted one is listed."""
        return self._histories[stream].existing(now) if self.rows is None else now

    def _selection(
        self, stream: str, first: int | None, end: int | None, pin: int, *, include_deleted: bool
    ) -> Selection | ScriptedSelection:
        """The logs created from the second `first` on and before the second `end`."""
        if self.rows is not None:
            return self._scripted[stream].select(
                first, end, pin, with_deleted=include_deleted, oldest_first=self.oldest_first
            )
        history = self._histories[stream]
        low = 0 if first is None else history.before(first)
        high = pin if end is None else min(pin, history.before(end))
        return Selection(history, min(low, high), high, include_deleted, self.oldest_first)

    def _route(self, request: FakeRequest, now: int) -> Mapping[str, Any]:
        self._authorize(request)
        stream = next((name for name, kind in KINDS.items() if kind.path == request.path), None)
        if stream is None:
            raise Refusal(404, {"error": "Not Found"})
        if request.method != "GET":
            raise Refusal(405, {"error": "Method Not Allowed"})
        return self._list(stream, request, now)

    def _authorize(self, request: FakeRequest) -> None:
        scheme, _, value = (request.header("Authorization") or "").partition(" ")
        try:
            given = b64decode(value, validate=True).decode() if scheme == "Basic" else ""
        except ValueError:
            given = ""
        if given == f"{self.project_id}:{self.scopeless_token}":
            raise Refusal(self.scope_status, {"error": "Unauthorized" if self.scope_status == 401 else "Forbidden"})  # noqa: PLR2004
        if given != f"{self.project_id}:{self.api_token}":
            raise Refusal(401, {"error": "Unauthorized"})

    def _list(self, stream: str, request: FakeRequest, now: int) -> Mapping[str, Any]:
        # Names are case-sensitive; unknown ones are ignored.
        values = dict(parse_qsl(request.query, keep_blank_values=True))
        page_size = read_integer(values, "page_size", _DEFAULT_PAGE_SIZE, 1, _LARGEST_PAGE)
        page = read_integer(values, "page_number", 0, 0, 10**9)
        filters = {name: values[name] for name in _FILTERS if name in values}
        query = {**filters, "": stream}
        pin = self._pinned(values.get("page_token", ""), query, page_size, now) if page else self._pin(stream, now)
        selection = self._select(stream, filters, pin)
        if page and self.lost_cursors == "refuse" and selection.has_lost(page * page_size - 1, now):
            raise invalid("page_token", "is of a page whose last log has vanished")
        places = range(len(selection))[page * page_size : (page + 1) * page_size]
        following = (page + 1) * page_size < len(selection)
        numbers = (
            {"self": page, "first": 0}
            | ({"next": page + 1} if following else {})
            | ({"prev": page - 1} if page else {})
        )
        base = (
            request.path
            if self.link_scheme is None
            else f"{self.link_scheme}://{request.header('Host') or 'localhost'}{request.path}"
        )
        token = self._token(pin, now, query, page_size)
        return {
            "links": {
                name: f"{base}?{urlencode(filters | _address(number, page_size, token))}"
                for name, number in numbers.items()
            },
            "data": selection.items(places, now),
        }

    def _select(self, stream: str, filters: Mapping[str, str], pin: int) -> Selection | ScriptedSelection:
        if KINDS[stream].by_day:
            filters = {name: value if name == "include_deleted" else value[:10] for name, value in filters.items()}
        firsts: list[int] = []
        ends: list[int] = []
        if "created_before" in filters:
            low, high = read_span(filters, "created_before")
            ends.append(high if self.inclusive_bounds else low)
        if "created_after" in filters:
            low, high = read_span(filters, "created_after")
            firsts.append(low if self.inclusive_bounds else high)
        if "created_on" in filters:
            low, _ = read_span(filters, "created_on")
            day = low - low % DAY
            firsts.append(day)
            ends.append(day + DAY)
        return self._selection(
            stream,
            max(firsts, default=None),
            min(ends, default=None),
            pin,
            include_deleted=filters.get("include_deleted") == "true",
        )

    def _token(self, pin: int, birth: int, filters: Mapping[str, str], page_size: int) -> str:
        """A token pins the version of a list, so that its pages do not shift, and belongs to one query."""
        # Without an expiry the token has no time, so that all pages of a list share one.
        birth = 0 if self.cursor_life is None else birth
        digest = hashlib.blake2b(
            repr((self.seed, pin, birth, sorted(filters.items()), page_size)).encode(), digest_size=8
        )
        return f"PA{pin:x}-{birth:x}-{digest.hexdigest()}"

    def _pinned(self, token: str, filters: Mapping[str, str], page_size: int, now: int) -> int:
        if not token:
            raise invalid("page_token", "is required where page_number is greater than 0")
        try:
            pin, birth = (int(part, 16) for part in token.removeprefix("PA").split("-")[:2])
        except ValueError:
            pin = birth = -1
        if token != self._token(pin, birth, filters, page_size):
            raise invalid("page_token", "is not a token of this list")
        if self.cursor_life is not None and now - birth > self.cursor_life * SECOND:
            raise invalid("page_token", "has expired")
        return pin


def _address(number: int, page_size: int, token: str) -> dict[str, str]:
    return {"page_number": str(number), "page_size": str(page_size)} | ({"page_token": token} if number else {})


def _reply(request: FakeRequest, now: int, status: int, body: Mapping[str, Any]) -> FakeResponse:
    content = orjson.dumps(body)
    digest = hashlib.blake2b(f"{request.method} {request.target} {now}".encode(), digest_size=16).hexdigest()
    headers = (
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Request-Id", digest),
        ("Content-Length", str(len(content))),
        ("Date", formatdate(now / 1e9, usegmt=True)),
    )
    return FakeResponse(status, headers, content)
