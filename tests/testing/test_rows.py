"""Histories built from rows: every fake pages through the rows listed at a moment, in its own order."""

from __future__ import annotations

import itertools
import pickle
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry._json import is_array
from logferry.testing import CognigyFake, DailyFake, FakeRequest, LogtoFake, Row, SignalWireFake, random_rows

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
EPOCH = 1_767_225_600 * SECOND
SINCE, UNTIL = EPOCH - 30 * MINUTE, EPOCH - 10 * MINUTE

AnyFake: TypeAlias = CognigyFake | DailyFake | LogtoFake | SignalWireFake
LONG_AGO = "1970-01-01T00:00:00Z"


@attrs.frozen
class Ask:
    """A manual client of one stream: its first request, and the next one from a page."""

    fake: AnyFake
    stream: str
    size: int = 7

    def page(self, query: dict[str, str], now: int) -> tuple[int, Any]:
        """Return status and decoded body."""
        path, authorization = self.place()
        headers = (("Host", "fake.example"), ("Accept", "application/json"), *authorization)
        answer = self.fake.answer(FakeRequest("GET", f"{path}?{urlencode(query)}", headers), now)
        return answer.status, orjson.loads(answer.body)

    def place(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Return path and credentials."""
        match self.fake:
            case CognigyFake():
                return f"/v2.1/projects/{self.fake.project_id}/logs", (("X-API-Key", self.fake.api_key),)
            case DailyFake():
                path = {"daily.api_logs": "/logs/api", "daily.meetings": "/meetings"}.get(self.stream, "/logs")
                return path, (("Authorization", f"Bearer {self.fake.api_key}"),)
            case LogtoFake():
                return "/api/logs", (("Authorization", f"Bearer {self.fake.access_token()}"),)
            case SignalWireFake():
                basic = b64encode(f"{self.fake.project_id}:{self.fake.api_token}".encode()).decode()
                return "/api/video/logs", (("Authorization", f"Basic {basic}"),)

    def first(self) -> dict[str, str]:
        """Return the first request, for all rows."""
        match self.stream:
            case "cognigy.project_logs":
                return {"limit": str(self.size), "startDate": LONG_AGO, "endDate": "2100-01-01T00:00:00Z"}
            case "logto.audit_logs":
                return {"page_size": str(self.size), "page": "1"}
            case "signalwire.video_logs":
                return {"page_size": str(self.size), "include_deleted": "true"}
            case "daily.api_logs" | "daily.meetings":
                return {"limit": str(self.size)}
            case _:
                assert isinstance(self.fake, DailyFake)
                other = self.stream.removeprefix("daily.session_") == "metrics"
                arrays = {"includeLogs": "0", "includeMetrics": "1"} if other else {}
                session = {"mtgSessionId": self.fake.meeting_ids[0], "order": "ASC", "offset": "0"}
                return {"limit": str(self.size), **session, **arrays}

    def items(self, body: Any) -> list[Any]:
        """Return the items of a page."""
        return body if is_array(body) else next(value for value in body.values() if is_array(value))

    def following(self, query: dict[str, str], body: Any) -> dict[str, str] | None:
        """Return the next request, or `None` after the last page."""
        items = self.items(body)
        match self.stream:
            case "cognigy.project_logs":
                return query | {"next": body["nextCursor"]} if body["nextCursor"] else None
            case "signalwire.video_logs":
                link: str | None = body["links"].get("next")
                return dict(parse_qsl(urlsplit(link).query)) if link else None
            case "logto.audit_logs":
                return query | {"page": str(int(query["page"]) + 1)} if items else None
            case "daily.api_logs" | "daily.meetings":
                return query | {"starting_after": items[-1]["id"]} if items else None
            case _:
                return query | {"offset": str(int(query["offset"]) + len(items))} if items else None

    def walk(self, *moments: int) -> Iterator[list[str]]:
        """Yield the identities of successive pages, requested at these moments; the last moment repeats."""
        query: dict[str, str] | None = self.first()
        for now in itertools.chain(moments, itertools.repeat(moments[-1])):
            if query is None:
                return
            status, body = self.page(query, now)
            assert status == 200, body
            yield [self.fake.identity(self.stream, item) for item in self.items(body)]
            query = self.following(query, body)

    def truth(self, since: int | None = None, until: int | None = None, *, now: int) -> Sequence[str]:
        """Return all items, with any required query of the stream."""
        fake = self.fake
        if isinstance(fake, SignalWireFake):
            return fake.truth(self.stream, since, until, now, include_deleted=True)
        return fake.truth(self.stream, since, until, now)


STREAMS: dict[str, type[AnyFake]] = {
    "cognigy.project_logs": CognigyFake,
    "daily.api_logs": DailyFake,
    "daily.meetings": DailyFake,
    "daily.session_logs": DailyFake,
    "daily.session_metrics": DailyFake,
    "logto.audit_logs": LogtoFake,
    "signalwire.video_logs": SignalWireFake,
}
BY_TIME = {"daily.meetings", "daily.session_logs", "daily.session_metrics", "logto.audit_logs"}
OLDEST_FIRST = {"daily.session_logs", "daily.session_metrics"}

of_each_stream = pytest.mark.parametrize("stream", STREAMS)


def told(stream: str, rows: Sequence[Row] | None, **settings: Any) -> Ask:
    """Return a client of a fake with these rows; without rows, the fake computes them."""
    return Ask(STREAMS[stream](rows=rows, **settings), stream)


def contents(rows: Sequence[Row]) -> list[Row]:
    """Give each row a content that default filters keep: Daily lists only API requests by default."""
    return [attrs.evolve(row, content=row.content * 5) for row in rows]


@of_each_stream
@given(seed=st.integers(0, 1000), count=st.integers(0, 90), ahead=st.integers(-20, 20))
def test_pages_have_the_visible_rows(stream: str, seed: int, count: int, ahead: int) -> None:
    """Without changes, the pages have every row listed at that moment once, in the order of the truth."""
    rows = contents(random_rows(seed, count, SINCE, UNTIL, resolution=SECOND, tie=20))
    ask, now = told(stream, rows), UNTIL + ahead * MINUTE
    found = [*itertools.chain.from_iterable(ask.walk(now))]
    assert found == list(ask.truth(now=now))
    assert len(found) == sum(row.is_visible(now) for row in rows)


@of_each_stream
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(SINCE, UNTIL), min_size=1, max_size=3))
def test_adjacent_windows_partition_the_truth(stream: str, seed: int, cuts: list[int]) -> None:
    """Adjacent windows share and lose no row, and bounds at a row's exact time are half-open."""
    rows = contents(random_rows(seed, 60, SINCE, UNTIL, resolution=SECOND))
    ask = told(stream, rows)
    bounds = [None, SINCE, *sorted(cuts), UNTIL, None]
    parts = [ask.truth(*pair, now=EPOCH) for pair in itertools.pairwise(bounds)]
    assert Counter(itertools.chain.from_iterable(parts)) == Counter(ask.truth(now=EPOCH))
    within = ask.truth(SINCE, UNTIL, now=EPOCH)
    assert len(within) == sum(SINCE <= row.time < UNTIL and row.is_visible(EPOCH) for row in rows)


@of_each_stream
def test_rows_appear_and_vanish_by_the_clock(stream: str) -> None:
    """A row is listed from the moment it appears up to the moment it vanishes."""
    ask = told(stream, [Row(time=SINCE, appears=EPOCH, vanishes=EPOCH + MINUTE), Row(time=SINCE, content=5)])
    counts = [len(ask.truth(now=now)) for now in (EPOCH - 1, EPOCH, EPOCH + MINUTE - 1, EPOCH + MINUTE)]
    assert counts == [1, 2, 2, 1]


@of_each_stream
def test_each_service_has_its_order(stream: str) -> None:
    """Some services list by time, others by arrival; late and future rows show the difference."""
    late = Row(time=SINCE, appears=EPOCH, content=0)
    future = Row(time=EPOCH + 10 * MINUTE, appears=SINCE, content=5)
    plain = Row(time=UNTIL, appears=UNTIL, content=10)
    expected = [late, plain, future] if stream in BY_TIME else [future, plain, late]
    found = [*itertools.chain.from_iterable(told(stream, [late, future, plain]).walk(EPOCH))]
    alone = [told(stream, [late, future, plain]).truth(row.time, row.time + 1, now=EPOCH)[0] for row in expected]
    assert found == (alone if stream in OLDEST_FIRST else alone[::-1])


@of_each_stream
def test_equal_times_are_in_the_order_of_arrival(stream: str) -> None:
    """Rows of one time, given in any order, are listed by arrival."""
    rows = [Row(time=SINCE, appears=SINCE + number, content=5 * number) for number in (3, 1, 2)]
    ask = told(stream, rows)
    found = [told(stream, rows).truth(now=SINCE + number) for number in (1, 2, 3)]
    newest = [next(iter(Counter(after) - Counter(before))) for before, after in itertools.pairwise([[], *found])]
    every = [*itertools.chain.from_iterable(ask.walk(EPOCH))]
    assert every == (newest if stream in OLDEST_FIRST else newest[::-1])


def test_equal_lines_are_equal_only_where_there_are_no_ids() -> None:
    """Session rows of equal time and content are equal lines; other contents, and ids, distinguish rows."""
    rows = [Row(time=SINCE), Row(time=SINCE), Row(time=SINCE, content=60), Row(time=SINCE + 1)]
    kinds = {stream: sorted(Counter(told(stream, rows).truth(now=EPOCH)).values()) for stream in STREAMS}
    with_ids = [1, 1, 1, 1]
    assert kinds == dict.fromkeys(STREAMS, with_ids) | {stream: [1, 1, 2] for stream in OLDEST_FIRST}


def test_times_are_truncated_to_the_precision_of_the_service() -> None:
    """A window finds a row by its shown time, without the truncated digits."""
    odd = Row(time=SINCE + 1_234_567_891)
    found = {stream: told(stream, [odd]).truth(None, odd.time, now=EPOCH) for stream in STREAMS}
    assert {stream for stream, truth in found.items() if truth} == set(STREAMS) - OLDEST_FIRST


def test_unstable_ties_change_their_order_by_page() -> None:
    """Logs of Logto in one microsecond have another order on each page if ties are unstable."""
    rows = [Row(time=SINCE) for _ in range(12)]
    stable, turning = (told("logto.audit_logs", rows, stable_ties=stable) for stable in (True, False))
    first, second, last = turning.walk(EPOCH)
    assert (len(set(first)), len(set(second)), last) == (7, 5, [])
    assert set(first) | set(second) < set(stable.truth(now=EPOCH))


def test_a_log_of_a_row_can_be_read_by_id() -> None:
    """A log of Logto is found by its id from its appearance until it vanishes."""
    fake = LogtoFake(rows=[Row(time=SINCE, appears=SINCE, vanishes=UNTIL)])
    [identity] = fake.truth(now=SINCE)
    for now, status in ((SINCE - 1, 404), (SINCE, 200), (UNTIL, 404)):
        headers = (("Authorization", f"Bearer {fake.access_token(now=SINCE)}"),)
        assert fake.answer(FakeRequest("GET", f"/api/logs/{identity}", headers), now).status == status


LOSABLE = {
    "cognigy.project_logs": (400, "next"),
    "daily.api_logs": (400, "vanished"),
    "daily.meetings": (400, "vanished"),
    "signalwire.video_logs": (422, "page_token"),
}
of_each_cursor = pytest.mark.parametrize("stream", LOSABLE)


def after_the_first_page(ask: Ask, first: int, second: int) -> tuple[int, Any]:
    """Request the second page, at another moment than the first."""
    query = ask.first()
    _, body = ask.page(query, first)
    following = ask.following(query, body)
    assert following is not None
    return ask.page(following, second)


def with_a_lost_row(stream: str, lost_cursors: Literal["continue", "refuse"], **settings: Any) -> Ask:
    """Return twenty rows, of which the last one of the first page vanishes at `UNTIL`."""
    rows = [Row(time=SINCE + number * SECOND, vanishes=UNTIL if number == 13 else None) for number in range(20)]
    return told(stream, rows, lost_cursors=lost_cursors, **settings)


@of_each_cursor
def test_the_cursor_of_a_removed_row_keeps_its_position(stream: str) -> None:
    """The page after a removed row begins with the row behind it."""
    ask = with_a_lost_row(stream, "continue")
    pages = [*ask.walk(UNTIL - 1, UNTIL)]
    assert [*itertools.chain.from_iterable(pages)] == list(ask.truth(now=UNTIL - 1))


@of_each_cursor
def test_the_cursor_of_a_removed_row_can_be_refused(stream: str) -> None:
    """By a setting, the page after a removed row is refused with the message of the service."""
    ask = with_a_lost_row(stream, "refuse")
    assert after_the_first_page(ask, UNTIL - 1, UNTIL - 1)[0] == 200
    status, body = after_the_first_page(ask, UNTIL - 1, UNTIL)
    assert (status, LOSABLE[stream][1] in str(body)) == (LOSABLE[stream][0], True)


def test_the_status_for_the_cursor_of_a_removed_row_is_a_setting() -> None:
    """Daily does not document whether such a cursor is a bad request or not found."""
    ask = with_a_lost_row("daily.api_logs", "refuse", lost_cursor_status=404)
    assert after_the_first_page(ask, UNTIL - 1, UNTIL)[0] == 404


@of_each_cursor
def test_cursors_expire(stream: str) -> None:
    """A cursor is valid for its lifetime; Daily's cursors have the age of their logs."""
    rows = [Row(time=UNTIL, appears=UNTIL) for _ in range(20)]
    ask = told(stream, rows, cursor_life=60)
    assert after_the_first_page(ask, UNTIL, UNTIL + MINUTE)[0] == 200
    assert after_the_first_page(ask, UNTIL, UNTIL + MINUTE + SECOND)[0] == LOSABLE[stream][0]


@pytest.mark.parametrize("stream", ["cognigy.project_logs", "signalwire.video_logs"])
def test_each_page_has_a_new_cursor(stream: str) -> None:
    """A slow but steady walk reaches the end, however long it takes."""
    rows = [Row(time=SINCE + number * SECOND) for number in range(20)]
    for ask in (told(stream, rows, cursor_life=60), told(stream, None, records=20, growing=False, cursor_life=60)):
        assert sum(map(len, ask.walk(EPOCH, EPOCH + 50 * SECOND, EPOCH + 100 * SECOND))) == 20


def test_forged_cursors_are_refused() -> None:
    """An invalid cursor is refused, also where cursors contain their time of creation."""
    for changes in ({}, {"cursor_life": 60}):
        ask = told("cognigy.project_logs", [Row(time=SINCE)], **changes)
        for cursor in ("1" * 24, "f" * 24, "z" * 24, "short"):
            assert ask.page({"next": cursor}, EPOCH)[0] == 400
    ask = told("daily.api_logs", [Row(time=SINCE, appears=EPOCH)])
    [identity] = ask.truth(now=EPOCH)
    assert [ask.page({"starting_after": identity}, now)[0] for now in (EPOCH - 1, EPOCH)] == [400, 200]


def test_api_logs_page_in_both_directions() -> None:
    """Logs of Daily's API page in both directions."""
    ask = told("daily.api_logs", [Row(time=SINCE + number * SECOND) for number in range(20)])
    truth = list(ask.truth(now=EPOCH))
    _, body = ask.page({"limit": "3", "ending_before": truth[10]}, EPOCH)
    assert [item["id"] for item in body] == truth[7:10]


def test_filters_are_by_content() -> None:
    """The content of a row decides which filters find it."""
    rows = [Row(time=SINCE, content=content) for content in range(200)]
    cognigy = CognigyFake(rows=rows)
    assert 0 < len(cognigy.truth(type_=["error"], now=EPOCH)) < 200
    assert len(cognigy.truth(filter_="turn-1", now=EPOCH)) > 0
    logto = LogtoFake(rows=rows)
    assert 0 < len(logto.truth(log_key="ExchangeTokenBy.ClientCredentials", now=EPOCH)) < 200
    signalwire = SignalWireFake(rows=rows)
    assert len(signalwire.truth(now=EPOCH)) < len(signalwire.truth(now=EPOCH, include_deleted=True)) == 200
    daily = DailyFake(rows=rows)
    assert len(daily.truth("daily.api_logs", now=EPOCH, source="webhook")) == 40
    assert 0 < len(daily.truth("daily.session_logs", now=EPOCH, log_level="ERROR")) < 200


@of_each_stream
def test_a_fake_with_rows_is_a_value(stream: str) -> None:
    """It can be pickled and compared, and then lists the same rows."""
    ask = told(stream, random_rows(1, 30, SINCE, UNTIL))
    copy: AnyFake = pickle.loads(pickle.dumps(ask.fake))  # noqa: S301 - its own
    assert copy == ask.fake
    assert list(Ask(copy, stream).truth(now=EPOCH)) == list(ask.truth(now=EPOCH))


def test_hostile_rows_have_every_difficulty() -> None:
    """They tie, come late, vanish, have future dates, come out of order, and have the times of bounds."""
    rows = random_rows(7, 1000, SINCE, UNTIL, tie=60)
    times = Counter(row.time for row in rows)
    assert len(rows) == 1000
    assert rows == random_rows(7, 1000, SINCE, UNTIL, tie=60) != random_rows(8, 1000, SINCE, UNTIL, tie=60)
    assert 20 < max(times.values()) <= 200
    assert {SINCE - 1_000_000, SINCE, UNTIL - 1_000_000, UNTIL} <= set(times)
    assert any((row.appears or 0) > row.time + MINUTE for row in rows)
    assert any((row.appears or 0) < row.time for row in rows)
    assert any(row.vanishes is not None for row in rows)
    assert any(one.time > other.time for one, other in itertools.pairwise(rows))
    assert max(after - before for before, after in itertools.pairwise(sorted(times))) > 20 * SECOND
    assert all(row.time % 1_000_000 == 0 for row in rows)


def test_hostile_rows_can_be_milder() -> None:
    """Each difficulty can be left out."""
    rows = random_rows(7, 500, SINCE, UNTIL, late=0, vanishing=0, future=0)
    assert all(0 <= (row.appears or 0) - row.time < 3 * SECOND for row in rows)
    assert all(row.vanishes is None for row in rows)
