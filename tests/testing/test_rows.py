"""Histories told row by row: all fakes page through what they list at a moment, each in its order."""

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
    """A client of one stream, by hand: what it asks first, and what follows from a page."""

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
        """Return the first question, for everything."""
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
        """Return the next question, or nothing after the last page."""
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
        """Yield the identities of page after page, asked for at these moments; the last one lasts."""
        query: dict[str, str] | None = self.first()
        for now in itertools.chain(moments, itertools.repeat(moments[-1])):
            if query is None:
                return
            status, body = self.page(query, now)
            assert status == 200, body
            yield [self.fake.identity(self.stream, item) for item in self.items(body)]
            query = self.following(query, body)

    def truth(self, since: int | None = None, until: int | None = None, *, now: int) -> Sequence[str]:
        """Return what there is, whatever the stream asks for."""
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
    """Return a client of a fake whose rows are told; without any, they are computed."""
    return Ask(STREAMS[stream](rows=rows, **settings), stream)


def contents(rows: Sequence[Row]) -> list[Row]:
    """Give each row a content that no filter by default leaves out: Daily lists logs of the API only."""
    return [attrs.evolve(row, content=row.content * 5) for row in rows]


@of_each_stream
@given(seed=st.integers(0, 1000), count=st.integers(0, 90), ahead=st.integers(-20, 20))
def test_pages_hold_what_is_visible(stream: str, seed: int, count: int, ahead: int) -> None:
    """Where nothing changes meanwhile, paging gives every row listed at that moment once, in the order of the truth."""
    rows = contents(random_rows(seed, count, SINCE, UNTIL, resolution=SECOND, tie=20))
    ask, now = told(stream, rows), UNTIL + ahead * MINUTE
    found = [*itertools.chain.from_iterable(ask.walk(now))]
    assert found == list(ask.truth(now=now))
    assert len(found) == sum(row.is_visible(now) for row in rows)


@of_each_stream
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(SINCE, UNTIL), min_size=1, max_size=3))
def test_the_truth_of_windows_is_that_of_the_whole(stream: str, seed: int, cuts: list[int]) -> None:
    """Windows that touch share no row and lose none, and bounds at a row's very time are half-open."""
    rows = contents(random_rows(seed, 60, SINCE, UNTIL, resolution=SECOND))
    ask = told(stream, rows)
    bounds = [None, SINCE, *sorted(cuts), UNTIL, None]
    parts = [ask.truth(*pair, now=EPOCH) for pair in itertools.pairwise(bounds)]
    assert Counter(itertools.chain.from_iterable(parts)) == Counter(ask.truth(now=EPOCH))
    within = ask.truth(SINCE, UNTIL, now=EPOCH)
    assert len(within) == sum(SINCE <= row.time < UNTIL and row.is_visible(EPOCH) for row in rows)


@of_each_stream
def test_rows_come_and_go_by_the_clock(stream: str) -> None:
    """A row is listed from the moment at which it appears, and up to the one at which it vanishes."""
    ask = told(stream, [Row(time=SINCE, appears=EPOCH, vanishes=EPOCH + MINUTE), Row(time=SINCE, content=5)])
    counts = [len(ask.truth(now=now)) for now in (EPOCH - 1, EPOCH, EPOCH + MINUTE - 1, EPOCH + MINUTE)]
    assert counts == [1, 2, 2, 1]


@of_each_stream
def test_the_order_is_the_services_own(stream: str) -> None:
    """Some services list by time, others by when rows came, which late and future-dated rows tell apart."""
    late = Row(time=SINCE, appears=EPOCH, content=0)
    future = Row(time=EPOCH + 10 * MINUTE, appears=SINCE, content=5)
    plain = Row(time=UNTIL, appears=UNTIL, content=10)
    expected = [late, plain, future] if stream in BY_TIME else [future, plain, late]
    found = [*itertools.chain.from_iterable(told(stream, [late, future, plain]).walk(EPOCH))]
    alone = [told(stream, [late, future, plain]).truth(row.time, row.time + 1, now=EPOCH)[0] for row in expected]
    assert found == (alone if stream in OLDEST_FIRST else alone[::-1])


@of_each_stream
def test_equal_times_are_in_the_order_of_arrival(stream: str) -> None:
    """Rows of one time, told in any order, are listed by when they came."""
    rows = [Row(time=SINCE, appears=SINCE + number, content=5 * number) for number in (3, 1, 2)]
    ask = told(stream, rows)
    found = [told(stream, rows).truth(now=SINCE + number) for number in (1, 2, 3)]
    newest = [next(iter(Counter(after) - Counter(before))) for before, after in itertools.pairwise([[], *found])]
    every = [*itertools.chain.from_iterable(ask.walk(EPOCH))]
    assert every == (newest if stream in OLDEST_FIRST else newest[::-1])


def test_equal_lines_are_equal_only_where_there_are_no_ids() -> None:
    """Rows of a session of equal time and content are equal lines; other contents, and ids, tell rows apart."""
    rows = [Row(time=SINCE), Row(time=SINCE), Row(time=SINCE, content=60), Row(time=SINCE + 1)]
    kinds = {stream: sorted(Counter(told(stream, rows).truth(now=EPOCH)).values()) for stream in STREAMS}
    with_ids = [1, 1, 1, 1]
    assert kinds == dict.fromkeys(STREAMS, with_ids) | {stream: [1, 1, 2] for stream in OLDEST_FIRST}


def test_times_are_cut_to_what_the_service_writes() -> None:
    """A window finds a row by what its timestamp says, not by the digits that are cut."""
    odd = Row(time=SINCE + 1_234_567_891)
    found = {stream: told(stream, [odd]).truth(None, odd.time, now=EPOCH) for stream in STREAMS}
    assert {stream for stream, truth in found.items() if truth} == set(STREAMS) - OLDEST_FIRST


def test_ties_may_turn_from_page_to_page() -> None:
    """Told logs of Logto in one microsecond come in another order on each page, where ties are not stable."""
    rows = [Row(time=SINCE) for _ in range(12)]
    stable, turning = (told("logto.audit_logs", rows, stable_ties=stable) for stable in (True, False))
    first, second, last = turning.walk(EPOCH)
    assert (len(set(first)), len(set(second)), last) == (7, 5, [])
    assert set(first) | set(second) < set(stable.truth(now=EPOCH))


def test_a_told_log_can_be_read_on_its_own() -> None:
    """A log of Logto is found by its id from when it appears until it vanishes."""
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
    """Ask for the second page, at another moment than the first."""
    query = ask.first()
    _, body = ask.page(query, first)
    following = ask.following(query, body)
    assert following is not None
    return ask.page(following, second)


def with_a_lost_row(stream: str, lost_cursors: Literal["continue", "refuse"], **settings: Any) -> Ask:
    """Twenty rows, of which the last one of the first page vanishes at `UNTIL`."""
    rows = [Row(time=SINCE + number * SECOND, vanishes=UNTIL if number == 13 else None) for number in range(20)]
    return told(stream, rows, lost_cursors=lost_cursors, **settings)


@of_each_cursor
def test_a_lost_cursor_goes_on_where_it_was(stream: str) -> None:
    """The page after a row that has vanished since begins with the row behind it."""
    ask = with_a_lost_row(stream, "continue")
    pages = [*ask.walk(UNTIL - 1, UNTIL)]
    assert [*itertools.chain.from_iterable(pages)] == list(ask.truth(now=UNTIL - 1))


@of_each_cursor
def test_a_lost_cursor_is_refused(stream: str) -> None:
    """The page after a row that has vanished since is refused in the words of the service, if it is to be."""
    ask = with_a_lost_row(stream, "refuse")
    assert after_the_first_page(ask, UNTIL - 1, UNTIL - 1)[0] == 200
    status, body = after_the_first_page(ask, UNTIL - 1, UNTIL)
    assert (status, LOSABLE[stream][1] in str(body)) == (LOSABLE[stream][0], True)


def test_the_status_of_a_lost_cursor() -> None:
    """Daily does not say whether a lost cursor is a bad request or not found."""
    ask = with_a_lost_row("daily.api_logs", "refuse", lost_cursor_status=404)
    assert after_the_first_page(ask, UNTIL - 1, UNTIL)[0] == 404


@of_each_cursor
def test_cursors_expire(stream: str) -> None:
    """A cursor is good for its life, and refused afterwards; Daily's cursors are as old as their logs."""
    rows = [Row(time=UNTIL, appears=UNTIL) for _ in range(20)]
    ask = told(stream, rows, cursor_life=60)
    assert after_the_first_page(ask, UNTIL, UNTIL + MINUTE)[0] == 200
    assert after_the_first_page(ask, UNTIL, UNTIL + MINUTE + SECOND)[0] == LOSABLE[stream][0]


@pytest.mark.parametrize("stream", ["cognigy.project_logs", "signalwire.video_logs"])
def test_each_page_gives_a_cursor_of_its_own_age(stream: str) -> None:
    """A walk that is slow but steady ends, however long it takes in all."""
    rows = [Row(time=SINCE + number * SECOND) for number in range(20)]
    for ask in (told(stream, rows, cursor_life=60), told(stream, None, records=20, growing=False, cursor_life=60)):
        assert sum(map(len, ask.walk(EPOCH, EPOCH + 50 * SECOND, EPOCH + 100 * SECOND))) == 20


def test_cursors_that_nobody_gave_out() -> None:
    """What is no cursor is refused, also where cursors hold their birth."""
    for changes in ({}, {"cursor_life": 60}):
        ask = told("cognigy.project_logs", [Row(time=SINCE)], **changes)
        for cursor in ("1" * 24, "f" * 24, "z" * 24, "short"):
            assert ask.page({"next": cursor}, EPOCH)[0] == 400
    ask = told("daily.api_logs", [Row(time=SINCE, appears=EPOCH)])
    [identity] = ask.truth(now=EPOCH)
    assert [ask.page({"starting_after": identity}, now)[0] for now in (EPOCH - 1, EPOCH)] == [400, 200]


def test_pages_before_a_cursor() -> None:
    """Told logs of Daily's API page both ways."""
    ask = told("daily.api_logs", [Row(time=SINCE + number * SECOND) for number in range(20)])
    truth = list(ask.truth(now=EPOCH))
    _, body = ask.page({"limit": "3", "ending_before": truth[10]}, EPOCH)
    assert [item["id"] for item in body] == truth[7:10]


def test_filters_are_by_content() -> None:
    """A row's content decides what filters find it."""
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
def test_a_told_fake_is_a_value(stream: str) -> None:
    """A told fake can be pickled and compared, and tells the same afterwards."""
    ask = told(stream, random_rows(1, 30, SINCE, UNTIL))
    copy: AnyFake = pickle.loads(pickle.dumps(ask.fake))  # noqa: S301 - its own
    assert copy == ask.fake
    assert list(Ask(copy, stream).truth(now=EPOCH)) == list(ask.truth(now=EPOCH))


def test_hostile_rows_have_all_that_hurts() -> None:
    """They tie, come late, vanish, are dated in the future, come out of order, and stand at the very bounds."""
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
    """Each trouble can be left out."""
    rows = random_rows(7, 500, SINCE, UNTIL, late=0, vanishing=0, future=0)
    assert all(0 <= (row.appears or 0) - row.time < 3 * SECOND for row in rows)
    assert all(row.vanishes is None for row in rows)
