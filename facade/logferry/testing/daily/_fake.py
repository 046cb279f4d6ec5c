"""The fake of Daily: its logs and its meetings, from its documentation and published descriptions."""

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from functools import cached_property, partial
from random import Random
from typing import Any, Literal, Unpack
from urllib.parse import parse_qsl

import attrs
import orjson

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import spec_checker
from logferry.testing._rows import Row, as_rows
from logferry.testing._truth import Identities, identity_of, require_stream
from logferry.testing.daily._calls import Calls
from logferry.testing.daily._history import Series
from logferry.testing.daily._lists import ComputedList, CursorRules, IdList, ScriptedList, Selection
from logferry.testing.daily._meetings import Meetings, Starts
from logferry.testing.daily._query import (
    Refusal,
    RowFilters,
    invalid,
    read_limit,
    read_meeting_query,
    read_session_query,
)
from logferry.testing.daily._sessions import Sessions

__all__ = ["DailyFake"]

_SECOND = 1_000_000_000
_MILLISECOND = 1_000_000
_SOURCES = ("api", "webhook")
_SESSION_LOGS, _SESSION_METRICS, _API_LOGS = "daily.session_logs", "daily.session_metrics", "daily.api_logs"
_MEETINGS = "daily.meetings"
_MOST_MEETINGS = 100
"""The maximum and default size of a page of meetings."""


@attrs.frozen(kw_only=True)
class DailyFake:
    """
    A Daily domain with a made-up history.

    It is a pure function of settings, request and clock: it keeps nothing between requests, and computes each row from
    its number, unless `rows` scripts them.  Paths work with and without the prefix ``/v1``.

    Args:
        records: Number of logs of the REST API, of rows of each meeting session, and of meetings at `epoch`.
        epoch: Time of the newest of them, in nanoseconds since 1970-01-01 UTC. Default: 2026-01-01T00:00:00Z.
        spacing: Mean time between two of them, in seconds, more than 0.
        growing: Whether they keep arriving after `epoch` as the clock advances.
        seed: Decides times and ids.
        api_key: The domain's key.
        domain: The domain's name.
        meetings: Number of meeting sessions with rows, at most `records`: the first meetings of the domain.  They began
            before their rows; all other meetings have no rows.
        inclusive_bounds: Whether `startTime` and `endTime` are inclusive; Daily does not document it.
        largest_limit: The maximum page size, whatever the request says; Daily does not document it.
        rows: A script of the REST API's log, of each meeting session, and of the list of meetings; `records`, `spacing`
            and `growing` have no effect then.  Sessions and meetings are listed by time, equal times by arrival; the
            REST API's log is listed by arrival.
        lost_cursors: The effect of a cursor whose item has vanished: the list continues after it, or the cursor is
            refused.  Any other unknown id is always refused.
        lost_cursor_status: The status of a refused cursor; Daily does not document it.
        cursor_life: Seconds after an item's arrival from which its id is refused as a cursor; `None` for never.
    """

    records: int = attrs.field(default=417, validator=attrs.validators.ge(0))
    epoch: int = 1_767_225_600_000_000_000
    spacing: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    growing: bool = True
    seed: int = 0
    api_key: str = attrs.field(default="made-up-key-of-a-fake", repr=False)
    domain: str = "made-up-domain"
    meetings: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    inclusive_bounds: bool = True
    largest_limit: int | None = None
    rows: Sequence[Row] | None = attrs.field(default=None, converter=as_rows, repr=False)
    lost_cursors: Literal["continue", "refuse"] = "continue"
    lost_cursor_status: Literal[400, 404] = 400
    cursor_life: float | None = None

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: Random) -> "DailyFake":
        """Make one with a scripted history; *chance* decides bounds, limits and the rules of cursors."""
        return cls(
            rows=rows,
            epoch=epoch,
            inclusive_bounds=chance.random() < 0.5,  # noqa: PLR2004 - even odds
            largest_limit=chance.choice((None, None, 50)),
            lost_cursors=chance.choice(("continue", "refuse")),
            lost_cursor_status=chance.choice((400, 404)),
        )

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        return (_SESSION_LOGS, _SESSION_METRICS, _API_LOGS, _MEETINGS)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of an account of it, all except its address."""
        return {"api_key": self.api_key}

    @property
    def meeting_ids(self) -> tuple[str, ...]:
        """The ids of the meeting sessions."""
        return tuple(history.meeting for history in self._sessions.logs)

    @property
    def participant_ids(self) -> tuple[tuple[str, ...], ...]:
        """The ids of the participants' sessions, by meeting session."""
        return tuple(history.participants for history in self._sessions.logs)

    @cached_property
    def _sessions(self) -> Sessions:
        return Sessions(self._session_series, self.meetings, self.domain, self.seed, self.rows)

    @cached_property
    def _calls(self) -> IdList:
        contents = Calls(seed=self.seed)
        if self.rows is not None:
            return ScriptedList(contents, self.rows, resolution=_MILLISECOND)
        return ComputedList(contents, self._series("api", resolution=_MILLISECOND))

    @cached_property
    def _meeting_list(self) -> IdList:
        contents = Meetings(self._sessions.logs, epoch=self.epoch, seed=self.seed)
        if self.rows is not None:
            return ScriptedList(contents, self.rows, resolution=_SECOND, by_time=True)
        series = self._series("meetings", resolution=_SECOND)
        first = min(self._session_series.time(0) // _SECOND * _SECOND, series.time(0))
        return ComputedList(contents, Starts(series, first, min(self.meetings, self.records)))

    @cached_property
    def _cursors(self) -> CursorRules:
        return CursorRules(self.lost_cursors, self.lost_cursor_status, self.cursor_life)

    @cached_property
    def _session_series(self) -> Series:
        return self._series("session", resolution=1)

    def _series(self, name: str, *, resolution: int) -> Series:
        return Series(
            records=self.records,
            epoch=self.epoch,
            spacing=self.spacing,
            growing=self.growing,
            resolution=resolution,
            seed=f"{name} {self.seed}",
        )

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        try:
            status, body = 200, self._route(request, now)
        except Refusal as refusal:
            status, body = refusal.status, {"error": refusal.error, "info": refusal.info}
        content = orjson.dumps(body)
        headers = (
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Date", formatdate(now / 1e9, usegmt=True)),
        )
        return FakeResponse(status, headers, content)

    def violations(self, request: FakeRequest) -> list[str]:
        """
        Name what violates the spec of the generated client in the request: unknown parameters, wrong types.

        Values are never repeated, since they can be secret.
        """
        return spec_checker("daily").violations(request)

    def truth(
        self,
        stream: str,
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        **filters: Unpack[RowFilters],
    ) -> Sequence[str]:
        """
        Return the identities of the rows that `items` returns: their ids, or digests for the rows of sessions.

        They are computed on access; `len` computes none.
        """
        return Identities(self.items(stream, since, until, now, **filters), partial(self.identity, stream))

    def identity(self, stream: str, item: Any) -> str:
        """Return the id of a decoded item, or a digest that only equal rows of a session share."""
        require_stream(stream, self.streams)
        return identity_of(item, "id" if stream in {_API_LOGS, _MEETINGS} else None)

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Return the filters of the queries that find all rows: one for each source, or each meeting session."""
        require_stream(stream, self.streams)
        if stream == _MEETINGS:
            return ({},)
        if stream == _API_LOGS:
            return tuple({"source": source} for source in _SOURCES)
        return tuple({"mtg_session_id": meeting} for meeting in self.meeting_ids)

    def items(
        self,
        stream: str,
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        **filters: Unpack[RowFilters],
    ) -> Sequence[dict[str, Any]]:
        """
        Return the rows of a stream in the window ``[since, until)``, in the order of a pull.

        They are computed on access; `len` computes none.

        Args:
            stream: One of `streams`.
            since: Start of the window, inclusive, in nanoseconds since 1970-01-01 UTC. Default: the first row.
            until: End of the window, exclusive. Default: after the newest row.
            now: The moment of the reading. Default: `epoch`.
            filters: Only rows that match all of them.
        """
        require_stream(stream, self.streams)
        now = self.epoch if now is None else now
        if stream in {_API_LOGS, _MEETINGS}:
            listed = self._calls if stream == _API_LOGS else self._meeting_list
            return listed.select(Selection(since=since, until=until, now=now, filters=filters))
        return self._sessions.select(since, until, now, filters, metrics=stream == _SESSION_METRICS)

    def _route(self, request: FakeRequest, now: int) -> object:
        answers = {"/logs": self._list_logs, "/logs/api": self._list_api_logs, "/meetings": self._list_meetings}
        answer = answers.get(request.path.removeprefix("/v1"))
        if answer is None or request.method != "GET":
            raise Refusal(404, "not-found", "made-up: there is nothing here")
        self._authorize(request)
        return answer(dict(parse_qsl(request.query)), now)

    def _authorize(self, request: FakeRequest) -> None:
        scheme, _, key = (request.header("Authorization") or "").partition(" ")
        if scheme != "Bearer" or not key:
            raise Refusal(400, "authorization-header-error", "missing or malformed authorization header")
        if key != self.api_key:
            raise Refusal(401, "authentication-error", "made-up: the key is wrong")

    def _list_logs(self, values: Mapping[str, str], now: int) -> object:
        query = read_session_query(values, inclusive=self.inclusive_bounds)
        places = slice(query.offset, query.offset + read_limit(values, self.largest_limit))
        window = query.since, query.until, now
        return {
            name: self._sessions.select(
                *window, query.filters, metrics=name == "metrics", newest_first=query.newest_first
            )[places]
            for name in query.arrays
        }

    def _list_api_logs(self, values: Mapping[str, str], now: int) -> object:
        source = values.get("source", "api")
        if source not in _SOURCES:
            raise invalid(f'"source" must be one of [webhook, api] [Received source={source}]')
        size = read_limit(values, self.largest_limit)
        wanted = Selection(now=now, filters={"source": source, "url": values.get("url")})
        return self._cursors.page(self._calls, values, wanted, size=size)

    def _list_meetings(self, values: Mapping[str, str], now: int) -> object:
        query, listed = read_meeting_query(values), self._meeting_list
        size = min(read_limit(values, self.largest_limit, _MOST_MEETINGS), _MOST_MEETINGS)
        wanted = Selection(since=query.since, until=query.until, now=now, filters=query.filters)
        page = self._cursors.page(listed, values, wanted, size=size)
        if not query.participants:
            page = [{name: value for name, value in item.items() if name != "participants"} for item in page]
        return {"total_count": len(listed.select(wanted)), "data": page}
