"""Logs of calls can only be requested by session: a sync finds the sessions and reads each until it has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Any, Final

import attrs
import orjson
from tests.sync.conftest import HOUR, MINUTE, NOON, SECOND, MakeWorld, World

import logferry
from logferry._time.timestamps import rfc3339
from logferry.testing import DailyFake, FakeRequest, FakeResponse

STREAM: Final = "daily.session_logs"


@attrs.frozen(kw_only=True)
class Meetings(DailyFake):
    """
    A Daily with given meetings, each with one line a minute until its end.

    Attributes:
        told: Start from `NOON` and length of each meeting in minutes, and its room, by its id.
        late: The delay in minutes with which a line is listed.
        refused: Ids of sessions that are refused.
    """

    told: Mapping[str, tuple[int, int, str]]
    late: int = 0
    refused: Sequence[str] = ()

    def lines(self, session: str, now: int) -> list[dict[str, Any]]:
        """Return the lines of a session that are listed at a moment."""
        begin, length, _ = self.told[session]
        return [
            {
                "time": rfc3339(NOON + minute * MINUTE),
                "clientTime": rfc3339(NOON + minute * MINUTE),
                "message": f"minute {minute}",
                "mtgSessionId": session,
                "userSessionId": f"user of {session}",
                "peerId": "",
                "domainName": self.domain,
                "level": 2,
                "code": 1002,
            }
            for minute in range(begin, begin + length)
            if NOON + (minute + self.late) * MINUTE <= now
        ]

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Answer a request at a moment."""
        values = dict(part.split("=", 1) for part in request.query.split("&") if "=" in part)
        if request.path.endswith("/meetings"):
            found = [self._meeting(one, now) for one in self._begun(values, now)]
            if "starting_after" in values:
                found = []
            return _reply({"total_count": len(found), "data": found}, now)
        session = values["mtgSessionId"]
        if session in self.refused:
            return FakeResponse(404, (), b'{"error":"not-found"}')
        if values.get("includeMetrics") == "true":
            return _reply({"metrics": []}, now)
        since, until = (int(values.get(name, default)) for name, default in (("startTime", "0"), ("endTime", "9" * 15)))
        listed = [
            line
            for line, minute in zip(self.lines(session, now), range(self.told[session][0], 10**6), strict=False)
            if since <= (NOON + minute * MINUTE) // 1_000_000 <= until
        ]
        first = int(values.get("offset", "0"))
        return _reply({"logs": listed[first : first + int(values.get("limit", "20"))]}, now)

    def _begun(self, values: Mapping[str, str], now: int) -> list[str]:
        since, until = int(values.get("timeframe_start", "0")), int(values.get("timeframe_end", "9" * 12))
        starts = {one: NOON + begin * MINUTE for one, (begin, _, _) in self.told.items()}
        return [
            one
            for one in sorted(starts, key=starts.__getitem__, reverse=True)
            if starts[one] <= now
            and since <= starts[one] // SECOND <= until
            and values.get("room") in (None, self.told[one][2])
        ]

    def _meeting(self, session: str, now: int) -> dict[str, Any]:
        begin, length, room = self.told[session]
        start = NOON + begin * MINUTE
        end = start + length * MINUTE
        return {
            "id": session,
            "room": room,
            "start_time": start // SECOND,
            "duration": (min(now, end) - start) // SECOND,
            "ongoing": now < end,
            "max_participants": 1,
            "participants": [],
        }


def _reply(body: Any, now: int) -> FakeResponse:
    content = orjson.dumps(body)
    date = formatdate(now / SECOND, usegmt=True)
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(content))), ("Date", date))
    return FakeResponse(200, headers, content)


def lines(accounts: World) -> dict[str, int]:
    """Return the number of stored lines of each session."""
    return dict(Counter(item["mtgSessionId"] for item in accounts.store.items(STREAM)))


def sessions_asked(accounts: World) -> list[str]:
    """Return the sessions whose logs were requested since the last call, one for each request."""
    return [
        dict(part.split("=", 1) for part in request.query.split("&"))["mtgSessionId"]
        for request in accounts.asked()
        if request.path.endswith("/logs")
    ]


def test_sessions_are_found_by_the_list_of_meetings(world: MakeWorld) -> None:
    """Each session of every day is stored with all its lines; ended sessions are not requested again."""
    told = {f"session-{number}": (-600 * number - 60, 15 + number, "hello") for number in range(12)}
    accounts = world(Meetings(told=told))
    assert accounts.bring(STREAM).sessions == 12
    assert lines(accounts) == {one: length for one, (_, length, _) in told.items()}
    assert {*sessions_asked(accounts)} == {*told}
    accounts.clock.advance(2 * 3600)
    assert accounts.bring(STREAM).sessions == 0
    assert sessions_asked(accounts) == []


def test_a_session_is_read_until_half_an_hour_after_its_end(world: MakeWorld) -> None:
    """However long ago a session began, it is complete half an hour after its end."""
    accounts = world(Meetings(told={"long": (-300, 330, "hello"), "short": (-300, 10, "hello")}, late=20))
    begin = NOON - 300 * MINUTE
    accounts.bring(STREAM)
    assert lines(accounts) == {"long": 281, "short": 10}
    assert accounts.store.state_at(STREAM, begin) == "provisional"
    assert accounts.store.state_at(STREAM, begin + SECOND) == "complete"
    accounts.clock.advance(40 * 60)
    accounts.bring(STREAM)
    assert lines(accounts) == {"long": 321, "short": 10}
    assert accounts.store.state_at(STREAM, begin) == "provisional"
    accounts.clock.advance(30 * 60)
    accounts.bring(STREAM)
    assert lines(accounts) == {"long": 330, "short": 10}
    assert accounts.store.state_at(STREAM, begin) == "complete"
    accounts.asked()
    accounts.clock.advance(3600)
    accounts.bring(STREAM)
    assert sessions_asked(accounts) == []


def test_sessions_are_filtered_by_room_and_time(world: MakeWorld) -> None:
    """Only sessions of the room that began in the window are read, as a separate query."""
    told = {
        "here": (-90, 10, "hello"),
        "elsewhere": (-90, 10, "other"),
        "before": (-300, 10, "hello"),
        "after": (-30, 10, "hello"),
    }
    accounts = world(Meetings(told=told))
    accounts.bring(STREAM, since="2h", until="1h", filters={"room": "hello"})
    assert {*sessions_asked(accounts)} == {"here"}
    assert lines(accounts) == {"here": 10}
    (question,) = accounts.store.coverage()
    assert orjson.loads(question.filters) == {"room": "hello"}
    accounts.bring(STREAM)
    assert lines(accounts) == dict.fromkeys(told, 10)


def test_a_session_is_read_completely_for_any_window(world: MakeWorld) -> None:
    """A window selects sessions, whose lines are all read at once, also those with a future time."""
    accounts = world(Meetings(told={"fast": (-90, 130, "hello")}, late=-120))
    accounts.bring(STREAM, until="1h")
    assert lines(accounts) == {"fast": 130}


def test_a_filter_of_the_lines_goes_to_the_sessions(world: MakeWorld) -> None:
    """A filter for lines is sent with the requests for sessions, not with the list of meetings."""
    accounts = world(Meetings(told={"here": (-90, 10, "hello")}))
    accounts.bring(STREAM, filters={"room": "hello", "logLevel": "ERROR"})
    requests = accounts.asked()
    listed = {("room=hello" in one.query, "logLevel" in one.query) for one in requests if "meetings" in one.path}
    read = {("room" in one.query, "logLevel=ERROR" in one.query) for one in requests if "meetings" not in one.path}
    assert (listed, read) == ({(True, False)}, {(False, True)})


def test_a_named_session_needs_no_list(world: MakeWorld) -> None:
    """A stream with a named session is read window by window, as any other."""
    accounts = world(Meetings(told={"one": (-90, 10, "hello"), "other": (-90, 10, "hello")}))
    accounts.bring(STREAM, filters={"mtgSessionId": "one"})
    assert lines(accounts) == {"one": 10}


def test_a_refused_session_does_not_stop_others(world: MakeWorld) -> None:
    """The report names the error; the next sync requests this session again, but none that was read."""
    told = {f"session-{number}": (-60 * number - 90, 10, "hello") for number in range(8)}
    accounts = world(Meetings(told=told, refused=["session-5"]))
    report = accounts.sync(streams=[STREAM])
    assert [type(error) for error in report.failures] == [logferry.BadRequestError]
    assert lines(accounts) == {one: 10 for one in told if one != "session-5"}
    accounts.asked()
    accounts.clock.advance(2 * 3600)
    assert accounts.sync(streams=[STREAM]).failures
    assert {*sessions_asked(accounts)} == {"session-5"}


def test_a_refused_account_is_not_tried_for_each_session(world: MakeWorld) -> None:
    """Invalid credentials are invalid for all sessions, so the sync stops after one."""
    told = {f"session-{number}": (-60 * number - 90, 10, "hello") for number in range(40)}

    def refuse(request: FakeRequest, _number: int) -> FakeResponse | None:
        return FakeResponse(403, (), b"{}") if request.path.endswith("/logs") else None

    accounts = world(Meetings(told=told), faults=refuse)
    report = accounts.sync(streams=[STREAM])
    assert [type(error) for error in report.failures] == [logferry.PermissionDeniedError]
    assert 1 <= len(sessions_asked(accounts)) <= 8
    assert accounts.store.state_at(STREAM, NOON - HOUR) == "gap"


def requests_of_a_further_sync(accounts: World) -> int:
    """Return the number of requests that a sync of every stream of calls sends once all is complete."""
    streams = ["daily.meetings", STREAM, "daily.session_metrics"]
    for _ in range(2):
        accounts.sync(streams=streams).raise_failures()
        accounts.clock.advance(3 * 3600)
    accounts.sync(streams=streams).raise_failures()
    accounts.asked()
    accounts.clock.advance(300)
    accounts.sync(streams=streams).raise_failures()
    return len(accounts.asked())


def test_ended_meetings_cost_a_further_sync_no_requests(world: MakeWorld) -> None:
    """A further sync sends the same number of requests for a hundred meetings in two months as for ten."""
    few, many = (
        requests_of_a_further_sync(
            world(Meetings(told={f"session-{one}": (-840 * one - 60, 15, "hello") for one in range(count)}))
        )
        for count in (10, 100)
    )
    assert 0 < few == many <= 8
