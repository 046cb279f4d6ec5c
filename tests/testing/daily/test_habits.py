"""The fake of Daily, request by request: what the documentation and Daily's own descriptions state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from logferry.services.daily._api_logs import API_LOGS
from logferry.services.daily._meetings import MEETINGS
from logferry.services.daily._sessions.streams import SESSION_LOGS
from logferry.testing import DailyFake, FakeRequest

FAKE = DailyFake(records=100)


def asked(path: str, *, fake: DailyFake = FAKE, **values: Any) -> tuple[int, Any]:
    """Return status and body of the answer to a request with the right key."""
    request = FakeRequest("GET", f"{path}?{urlencode(values)}", (("Authorization", f"Bearer {fake.api_key}"),))
    answer = fake.answer(request, fake.epoch)
    return answer.status, orjson.loads(answer.body)


def rows(**values: Any) -> list[dict[str, Any]]:
    """Return logs of the first meeting session."""
    status, body = asked("/v1/logs", mtgSessionId=FAKE.meeting_ids[0], **values)
    assert status == 200
    found: list[dict[str, Any]] = body["logs"]
    return found


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 400, "authorization-header-error"),
        ("Bearer", 400, "authorization-header-error"),
        (f"Basic {FAKE.api_key}", 400, "authorization-header-error"),
        ("Bearer wrong", 401, "authentication-error"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/logs", "/v1/logs/api", "/v1/meetings"])
def test_wrong_credentials_are_refused(path: str, authorization: str | None, status: int, code: str) -> None:
    """A missing or malformed header is a 400, a wrong key a 401."""
    headers = () if authorization is None else (("Authorization", authorization),)
    answer = FAKE.answer(FakeRequest("GET", path, headers), FAKE.epoch)
    body = orjson.loads(answer.body)
    assert (answer.status, body["error"]) == (status, code)
    assert set(body) == {"error", "info"}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/v1/logs", {}),
        ("/v1/logs", {"mtgSessionId": "m", "logLevel": "LOUD"}),
        ("/v1/logs", {"mtgSessionId": "m", "order": "UP"}),
        ("/v1/logs", {"mtgSessionId": "m", "limit": "many"}),
        ("/v1/logs", {"mtgSessionId": "m", "offset": -1}),
        ("/v1/logs/api", {"source": '"api"'}),
        ("/v1/logs/api", {"starting_after": "unknown"}),
        ("/v1/meetings", {"starting_after": "unknown"}),
        ("/v1/meetings", {"timeframe_start": "yesterday"}),
        ("/v1/meetings", {"ongoing": "perhaps"}),
    ],
)
def test_invalid_requests_have_their_codes(path: str, values: dict[str, Any]) -> None:
    """An invalid request is a 400 with a code of its own."""
    status, body = asked(path, **values)
    assert (status, body["error"]) == (400, "invalid-request-error")


def test_other_paths_are_not_found() -> None:
    """Other paths are a 404."""
    assert asked("/v1/rooms")[0] == 404
    assert asked("/logs/api")[0] == 200


def test_the_default_is_20_logs_newest_first() -> None:
    """By default a request gets 20 logs, newest first, without metrics."""
    status, body = asked("/v1/logs", mtgSessionId=FAKE.meeting_ids[0])
    assert (status, list(body), len(body["logs"])) == (200, ["logs"], 20)
    times = [row["time"] for row in body["logs"]]
    assert times == sorted(times, reverse=True)
    assert list(asked("/v1/logs", mtgSessionId="x", includeLogs="false", includeMetrics="true")[1]) == ["metrics"]


def test_pages_are_slices_of_the_whole() -> None:
    """Offset and limit slice the same rows in both orders; a page after the last one is empty."""
    everything = rows(limit=1000, order="asc")
    assert everything == list(FAKE.items("daily.session_logs", mtg_session_id=FAKE.meeting_ids[0]))
    assert rows(limit=1000) == everything[::-1]
    assert rows(limit=7, offset=30, order="ASC") == everything[30:37]
    assert rows(offset=100) == []


def test_rows_have_the_documented_shape_and_its_traps() -> None:
    """Rows have equal times, identical lines, nine digits, null, and undocumented fields."""
    everything = rows(limit=1000)
    assert all(SESSION_LOGS.fits(row) for row in everything)
    times = [row["time"] for row in everything]
    assert len(set(times)) < len(times)
    assert len(set(map(str, everything))) < len(everything)
    assert all(len(time.partition(".")[2]) == len("123456789Z") for time in times)
    assert {row["peerId"] is None for row in everything} == {True, False}
    assert {row["code"] is None for row in everything} == {True, False}
    assert any("made_up_later_field" in row for row in everything)


@pytest.mark.parametrize("level", ["ERROR", "INFO", "DEBUG"])
def test_rows_are_filtered(level: str) -> None:
    """The level is a filter by name; the rows of a session are those of its participants."""
    number = {"ERROR": 0, "INFO": 1, "DEBUG": 2}[level]
    everything = rows(limit=1000)
    assert rows(limit=1000, logLevel=level) == [row for row in everything if row["level"] == number]
    one, other = FAKE.participant_ids[0]
    assert len(rows(limit=1000, userSessionId=one)) + len(rows(limit=1000, userSessionId=other)) == len(everything)


def test_api_logs_page_by_id_in_both_directions() -> None:
    """Rows after an id are older and rows before it newer, and the pages are adjacent to it."""
    everything = list(FAKE.items("daily.api_logs"))
    assert all(API_LOGS.fits(item) for item in everything)
    middle = everything[40]["id"]
    assert asked("/v1/logs/api")[1] == everything[:20]
    assert asked("/v1/logs/api", starting_after=middle, limit=5)[1] == everything[41:46]
    assert asked("/v1/logs/api", ending_before=middle, limit=5)[1] == everything[35:40]
    assert asked("/v1/logs/api", starting_after=everything[-1]["id"])[1] == []
    assert len({item["id"] for item in everything}) == len(everything)


def test_meetings_page_by_id_in_both_directions() -> None:
    """A page has at most 100 meetings and the count of all matches; bounds are whole seconds, the end exclusive."""
    everything = list(FAKE.items("daily.meetings"))
    assert all(MEETINGS.fits(item) for item in everything)
    middle, start = everything[40]["id"], everything[40]["start_time"]
    assert asked("/v1/meetings", limit=500)[1] == {"total_count": 100, "data": everything}
    assert len(asked("/v1/meetings", fake=DailyFake(records=150), limit=500)[1]["data"]) == 100
    assert asked("/v1/meetings", starting_after=middle, limit=5)[1] == {"total_count": 100, "data": everything[41:46]}
    assert asked("/v1/meetings", ending_before=middle, limit=5)[1]["data"] == everything[35:40]
    later = [item for item in everything if item["start_time"] >= start]
    assert asked("/v1/meetings", timeframe_start=start)[1] == {"total_count": len(later), "data": later}
    assert asked("/v1/meetings", timeframe_end=start)[1]["data"] == everything[len(later) :]
    assert all("participants" not in item for item in asked("/v1/meetings", no_participants="true")[1]["data"])


def test_the_first_meetings_are_the_sessions() -> None:
    """Sessions with rows began before their rows and have the participants of the rows."""
    fake = DailyFake(records=100, meetings=3)
    first = list(fake.items("daily.meetings"))[-3:][::-1]
    assert tuple(meeting["id"] for meeting in first) == fake.meeting_ids
    for meeting, participants in zip(first, fake.participant_ids, strict=True):
        assert [one["participant_id"] for one in meeting["participants"]] == list(participants)
        assert asked("/v1/meetings", fake=fake, starting_after=meeting["id"])[0] == 200
    assert len({item["id"] for item in fake.items("daily.meetings")}) == 100


def test_history_grows_with_the_clock() -> None:
    """New rows arrive as the clock advances, unless the fake is set not to grow."""
    later = FAKE.epoch + 3600 * 10**9
    assert len(FAKE.items("daily.api_logs", now=later)) > len(FAKE.items("daily.api_logs"))
    still = DailyFake(records=100, growing=False)
    assert len(still.items("daily.api_logs", now=later)) == len(still.items("daily.api_logs"))


def test_a_million_rows_need_no_memory() -> None:
    """Rows are computed from their number, so the last page costs no more than the first."""
    fake = DailyFake(records=1_000_000, meetings=2)
    status, body = asked("/v1/logs", fake=fake, mtgSessionId=fake.meeting_ids[1], offset=999_990, order="ASC")
    assert (status, len(body["logs"])) == (200, 10)
    assert len(fake.items("daily.session_metrics", mtg_session_id=fake.meeting_ids[1])) == 1_000_000
    assert len(DailyFake(records=0).items("daily.api_logs")) == 0


def test_secrets_are_not_shown() -> None:
    """The key is not in the fake's repr."""
    assert FAKE.api_key not in repr(FAKE)
