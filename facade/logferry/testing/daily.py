"""The fake of Daily: ``GET /logs`` and ``GET /logs/api`` as the documentation and published descriptions have them."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Unpack
from urllib.parse import parse_qsl

import attrs
import orjson

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import spec_checker
from logferry.testing._truth import Identities, identity_of, require_stream
from logferry.testing.daily_history import ApiHistory, RowFilters, Rows, Series, SessionHistory, uuid_text

__all__ = ["DailyFake"]

_MILLISECOND = 1_000_000
_DEFAULT_LIMIT = 20
_LEVELS = ("ERROR", "INFO", "DEBUG")
_SOURCES = ("api", "webhook")
_SESSION_LOGS, _SESSION_METRICS, _API_LOGS = "daily.session_logs", "daily.session_metrics", "daily.api_logs"


@attrs.frozen
class _Refusal(Exception):  # noqa: N818  # an answer, not an error
    """An error answer: its status, and what its body says."""

    status: int
    error: str
    info: str


def _invalid(info: str) -> _Refusal:
    return _Refusal(400, "invalid-request-error", info)


@attrs.frozen(kw_only=True)
class DailyFake:
    """
    A Daily domain with a made-up history.

    It is a pure function of settings, request and clock: it keeps nothing between requests, and all its rows are
    computed from their number.  Paths are served with and without the ``/v1`` in front.

    Args:
        records: How many logs the REST API, and how many rows each meeting session, has at `epoch`; where they keep
            arriving, also those that share the newest one's time.
        epoch: Time of the newest of them, in nanoseconds since 1970-01-01 UTC. Default: 2026-01-01T00:00:00Z.
        spacing: Mean time between two of them, in seconds, more than 0.
        growing: Whether they keep arriving after `epoch` as the clock goes on.
        seed: Decides times and ids.
        api_key: The domain's key.
        domain: The domain's name.
        meetings: How many meeting sessions there are.
        inclusive_bounds: Whether rows of exactly `startTime` or `endTime` are within; Daily does not say.
        largest_limit: Pages are never larger, whatever is asked for; Daily does not say.
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

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        return (_SESSION_LOGS, _SESSION_METRICS, _API_LOGS)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that make an account of it, all but the one for its address."""
        return {"api_key": self.api_key}

    @property
    def meeting_ids(self) -> tuple[str, ...]:
        """The ids of the meeting sessions."""
        return tuple(history.meeting for history in self._logs)

    @property
    def participant_ids(self) -> tuple[tuple[str, ...], ...]:
        """For each meeting session the ids of its participants' sessions."""
        return tuple(history.participants for history in self._logs)

    @cached_property
    def _logs(self) -> tuple[SessionHistory, ...]:
        return self._sessions(metrics=False)

    @cached_property
    def _metrics(self) -> tuple[SessionHistory, ...]:
        return self._sessions(metrics=True)

    @cached_property
    def _calls(self) -> ApiHistory:
        return ApiHistory(self._api_series, seed=self.seed)

    @cached_property
    def _api_series(self) -> Series:
        return self._series("api", resolution=_MILLISECOND)

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

    def _sessions(self, *, metrics: bool) -> tuple[SessionHistory, ...]:
        return tuple(
            SessionHistory(
                self._session_series,
                self._id(f"meeting {meeting}"),
                tuple(self._id(f"participant {meeting} {participant}") for participant in range(2)),
                self.domain,
                metrics,
            )
            for meeting in range(self.meetings)
        )

    def _id(self, name: str) -> str:
        digest = hashlib.sha256(f"logferry fake daily {self.seed} {name}".encode()).digest()
        return uuid_text(int.from_bytes(digest[:16], "big"))

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        try:
            status, body = 200, self._route(request, now)
        except _Refusal as refusal:
            status, body = refusal.status, {"error": refusal.error, "info": refusal.info}
        content = orjson.dumps(body)
        headers = (("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(content))))
        return FakeResponse(status, headers, content)

    def violations(self, request: FakeRequest) -> list[str]:
        """
        Name what in the request goes against the spec of the generated client: unknown parameters, wrong types.

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
        Return the identities of the rows that `rows` returns: ids of logs of the REST API, digests of all others.

        They are computed when they are looked at; `len` computes none.
        """
        return Identities(self.rows(stream, since, until, now, **filters), partial(self.identity, stream))

    def identity(self, stream: str, item: Any) -> str:
        """Return the id of a decoded log of the REST API, or a digest that only equal rows of a session share."""
        require_stream(stream, self.streams)
        return identity_of(item, "id" if stream == _API_LOGS else None)

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Return the filters of the questions that find all rows: one for each source, or each meeting session."""
        require_stream(stream, self.streams)
        if stream == _API_LOGS:
            return tuple({"source": source} for source in _SOURCES)
        return tuple({"mtg_session_id": meeting} for meeting in self.meeting_ids)

    def rows(
        self,
        stream: str,
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        **filters: Unpack[RowFilters],
    ) -> Rows:
        """
        Return the rows of a stream in the window ``[since, until)``, in the order in which a pull gives them.

        They are computed when they are looked at; `len` computes none.

        Args:
            stream: One of `streams`.
            since: Start of the window, included, in nanoseconds since 1970-01-01 UTC. Default: from the first row on.
            until: End of the window, not included. Default: up to the newest row.
            now: When to look. Default: `epoch`.
            filters: Only rows that match all of them.
        """
        require_stream(stream, self.streams)
        api = stream == _API_LOGS
        series = self._api_series if api else self._session_series
        existing = series.existing(self.epoch if now is None else now)
        first = 0 if since is None else series.before(since)
        end = existing if until is None else min(series.before(until), existing)
        if api:
            return self._calls.select(first, end, source=filters.get("source") or "api", url=filters.get("url"))
        participant = filters.get("user_session_id")
        found = self._session(filters.get("mtg_session_id"), participant, metrics=stream == _SESSION_METRICS)
        if found is None:
            return self._calls.select(0, 0)
        return found.select(first, end, participant=participant, level=filters.get("log_level"))

    def _session(self, meeting: str | None, participant: str | None, *, metrics: bool) -> SessionHistory | None:
        for history in self._metrics if metrics else self._logs:
            if meeting in {None, history.meeting} and (participant is None or participant in history.participants):
                return history
        return None

    def _route(self, request: FakeRequest, now: int) -> object:
        path = request.path.removeprefix("/v1")
        if path not in {"/logs", "/logs/api"} or request.method != "GET":
            raise _Refusal(404, "not-found", "made-up: there is nothing here")
        self._authorize(request)
        values = dict(parse_qsl(request.query))
        return self._list_api_logs(values, now) if path == "/logs/api" else self._list_logs(values, now)

    def _authorize(self, request: FakeRequest) -> None:
        scheme, _, key = (request.header("Authorization") or "").partition(" ")
        if scheme != "Bearer" or not key:
            raise _Refusal(400, "authorization-header-error", "missing or malformed authorization header")
        if key != self.api_key:
            raise _Refusal(401, "authentication-error", "made-up: the key is wrong")

    def _list_logs(self, values: Mapping[str, str], now: int) -> object:
        meeting, participant = values.get("mtgSessionId"), values.get("userSessionId")
        if not meeting and not participant:
            raise _invalid("mtgSessionId or userSessionId is required")
        level, order = values.get("logLevel"), values.get("order", "DESC").upper()
        if level not in (None, *_LEVELS) or order not in {"ASC", "DESC"}:
            raise _invalid("made-up: logLevel or order is none of those there are")
        limit, offset = self._limit(values), _integer(values, "offset", 0)
        series = self._session_series
        first, end = 0, series.existing(now)
        if "startTime" in values:
            start = _integer(values, "startTime", 0) * _MILLISECOND
            first = series.before(start) if self.inclusive_bounds else series.until(start)
        if "endTime" in values:
            stop = _integer(values, "endTime", 0) * _MILLISECOND
            end = min(end, series.until(stop) if self.inclusive_bounds else series.before(stop))
        body: dict[str, Any] = {}
        for name, switch, default in (("logs", "includeLogs", "true"), ("metrics", "includeMetrics", "false")):
            if values.get(switch, default) in {"true", "1"}:
                found = self._session(meeting, participant, metrics=name == "metrics")
                rows = (
                    None
                    if found is None
                    else attrs.evolve(
                        found.select(first, end, participant=participant, level=level), newest_first=order == "DESC"
                    )
                )
                body[name] = [] if rows is None else rows[offset : offset + limit]
        return body

    def _list_api_logs(self, values: Mapping[str, str], now: int) -> object:
        source = values.get("source", "api")
        if source not in _SOURCES:
            raise _invalid(f'"source" must be one of [webhook, api] [Received source={source}]')
        limit, existing = self._limit(values), self._api_series.existing(now)
        first, end = 0, existing
        if "starting_after" in values:
            end = self._number(values["starting_after"], existing)
        elif "ending_before" in values:
            first = self._number(values["ending_before"], existing) + 1
        rows = self._calls.select(first, end, source=source, url=values.get("url"))
        return rows[max(len(rows) - limit, 0) :] if first else rows[:limit]

    def _number(self, identity: str, existing: int) -> int:
        number = self._calls.number(identity)
        if number is None or number >= existing:
            raise _invalid("made-up: there is no log with this id")
        return number

    def _limit(self, values: Mapping[str, str]) -> int:
        limit = _integer(values, "limit", _DEFAULT_LIMIT)
        return limit if self.largest_limit is None else min(limit, self.largest_limit)


def _integer(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise _invalid(f"made-up: {name} is no number, or negative")
    return int(text)
