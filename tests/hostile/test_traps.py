"""
The traps of paging through logs: one test for each, for every stream that it concerns.

Each test builds a history from rows and compares the delivered items with the rows that the fake has.  A pull must
yield every row that is listed from its beginning to its end; it may also yield rows that are listed for a while.

A mark that a caller keeps between runs is out of scope: with it, rows that arrive behind the mark are lost (f) or come
again in each run (g).  These tests only state that a further pull yields such rows under the same uids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import pytest
from attrs import evolve
from tests.hostile.conftest import EPOCH, MILLISECOND, SECOND, SUBJECTS, Subject, Walk, lapse

import logferry
from logferry._json import is_array, is_object
from logferry._time.timestamps import rfc3339
from logferry.testing import (
    FakeRequest,
    FakeResponse,
    Faults,
    Row,
    SignalWireFake,
    VirtualClock,
    emptied,
    failing,
    stale,
)

ROWS: Final = 13
START: Final = EPOCH + MILLISECOND
"""The time at which pulls begin."""

SIGNALWIRE: Final = SignalWireFake().streams
"""The lists of SignalWire, which differ in their paths only."""

OLDEST_FIRST: Final[dict[str, dict[str, Any]]] = {
    "daily.session_logs": {},
    "daily.session_metrics": {},
    **{name: {"oldest_first": True} for name in SIGNALWIRE},
}
"""The streams that can come oldest first, with the settings of their fakes."""

NEWEST_FIRST: Final[dict[str, dict[str, Any]]] = {
    "cognigy.project_logs": {},
    "daily.api_logs": {},
    "daily.meetings": {},
    "logto.audit_logs": {},
    **{name: {"oldest_first": False} for name in SIGNALWIRE},
}
"""The streams that can come newest first."""

BY_CURSOR: Final = ("cognigy.project_logs", "daily.api_logs", "daily.meetings", "signalwire.video_logs")
SESSIONS: Final = ("daily.session_logs", "daily.session_metrics")

TIMES: Final = {
    "cognigy.project_logs": "timestamp",
    "daily.api_logs": "createdAt",
    "daily.meetings": "start_time",
    "daily.session_logs": "time",
    "logto.audit_logs": "createdAt",
    **dict.fromkeys(SIGNALWIRE, "created_at"),
}
"""The field with the time of an item; metrics have no documented one."""

RESOLUTIONS: Final = {
    "daily.meetings": SECOND,
    "daily.session_logs": 1,
    "daily.session_metrics": 1,
    **dict.fromkeys(SIGNALWIRE, SECOND),
}
"""The resolution of a service's times in nanoseconds, where it is not a millisecond."""

CURSORS: Final = {"next", "starting_after", "page_token"}
TURNING: Final = {*CURSORS, "page", "page_size", "page_number", "limit", "offset", "end_time", "startTime"}
"""Parameters that select a page; the last two are those of audit logs and of sessions."""

EMPTY: Final = Counter[str]()


def of(*names: str) -> pytest.MarkDecorator:
    """Use only these streams."""
    return pytest.mark.parametrize("subject", [SUBJECTS[name] for name in names], ids=names)


def until_error(iterator: Iterator[Any]) -> tuple[list[Any], logferry.LogferryError | None]:
    """Return the items until an error or the end."""
    items: list[Any] = []
    try:
        for item in iterator:
            items.append(item)  # noqa: PERF402  # items before an error are kept
    except logferry.LogferryError as error:
        return items, error
    return items, None


def changing(subject: Subject, walk: Walk, rows: list[Row], **asked: Any) -> logferry.LogferryError | None:
    """
    Pull while rows come and go, one request each second; no row comes twice, and no permanent row is missing.

    Returns:
        The error that ended the pull, if any; after an error rows can be missing.
    """
    fake, clock = subject.fake(rows), VirtualClock(START)
    hooks = lapse(clock, 1)
    items, error = until_error(walk(subject.open(fake, clock=clock, options=hooks, **asked).stream.raw()))
    end = clock.now()
    came = subject.came(fake, items)
    lasting = subject.has(fake, lambda row: row.is_visible(START) and row.is_visible(end), until=START)
    possible = subject.has(fake, lambda row: (row.appears or 0) <= end, until=START)
    assert any(not (row.is_visible(START) and row.is_visible(end)) for row in fake.rows)
    assert came - possible == EMPTY
    assert error is not None or lasting - came == EMPTY
    return error


@pytest.mark.parametrize("edge", [EPOCH, EPOCH + 3600 * SECOND], ids=["newest", "behind the window"])
@pytest.mark.parametrize("page_size", [1, 3])
def test_a_rows_inserted_while_paging(subject: Subject, walk: Walk, edge: int, page_size: int) -> None:
    """A row that arrives during paging shifts the others: none of them is repeated or missed."""
    rows = subject.spread(ROWS)
    inserted = [evolve(rows[number], time=edge, appears=START + number * SECOND) for number in range(1, ROWS)]
    assert changing(subject, walk, [*rows, *inserted], page_size=page_size) is None


def one_in_front(subject: Subject) -> list[Row]:
    """Return a history that gains a row older than all others while it is read."""
    rows = subject.spread(ROWS)
    return [*rows, evolve(rows[0], time=EPOCH - 3600 * SECOND, appears=START + 3 * SECOND)]


@pytest.mark.parametrize("page_size", [2, 3, 50])
def test_a_a_row_inserted_in_front_of_what_was_read(subject: Subject, walk: Walk, page_size: int) -> None:
    """A row older than all others shifts the rows of an oldest-first list: none of them is repeated or missed."""
    assert changing(subject, walk, one_in_front(subject), page_size=page_size) is None


def test_a_a_row_inserted_in_front_page_size_1(subject: Subject, walk: Walk) -> None:
    """A page size of 1 neither repeats nor loses a row."""
    assert changing(subject, walk, one_in_front(subject), page_size=1) is None


def several_in_front(subject: Subject) -> list[Row]:
    """Return a history that gains rows older than all others while it is read, one before each request."""
    rows = subject.spread(ROWS)
    early = EPOCH - 3600 * SECOND
    return [*rows, *(evolve(rows[place], time=early, appears=START + (1 + place) * SECOND) for place in range(3))]


def test_a_several_rows_inserted_in_front(subject: Subject, walk: Walk) -> None:
    """Rows that arrive before every request, also the first, repeat none of the others."""
    assert changing(subject, walk, several_in_front(subject)) is None


@pytest.mark.parametrize("edge", ["newest", "oldest"])
@pytest.mark.parametrize("page_size", [1, 3])
def test_b_rows_removed_while_paging(subject: Subject, walk: Walk, edge: str, page_size: int) -> None:
    """A row that retention removes shifts the others: no remaining row is missed."""
    rows = subject.spread(2 * ROWS)
    for number in range(4):
        place = number if edge == "oldest" else -1 - number
        rows[place] = evolve(rows[place], vanishes=START + (number + 2) * SECOND)
    assert changing(subject, walk, rows, page_size=page_size) is None


def assert_ends(subject: Subject, walk: Walk, faults: Faults, *, at_most: int) -> None:
    """Assert that paging ends in an error after the received items, and that its checkpoint yields the others."""
    fake = subject.fake(subject.spread(4 * ROWS))
    pull = subject.open(fake, faults=faults)
    items, error = until_error(walk(pull.stream.raw()))
    assert isinstance(error, logferry.PagingError)
    assert len(pull.asked) <= at_most
    assert len(items) >= 3
    rest = list(walk(subject.open(fake, resume=error.checkpoint).stream.raw()))
    assert subject.came(fake, [*items, *rest]) == subject.has(fake)


def stuck() -> Faults:
    """Repeat the first page from the second request on."""
    return failing(stale, at=range(2, 10_000))


@of(*BY_CURSOR, *SESSIONS)
def test_c_the_same_page_for_ever(subject: Subject, walk: Walk) -> None:
    """A service that repeats one page and cursor causes an error, not a loop."""
    assert_ends(subject, walk, stuck(), at_most=60)


@of("logto.audit_logs")
def test_c_the_same_page_for_ever_by_number(subject: Subject, walk: Walk) -> None:
    """A service that repeats one numbered page causes an error after few requests."""
    pull = subject.open(subject.fake(subject.spread(4 * ROWS)), faults=stuck())
    items, error = until_error(walk(pull.stream.raw()))
    assert isinstance(error, logferry.PagingError)
    assert len(pull.asked) <= 20
    assert len(items) == 3


@of("logto.audit_logs")
def test_c_the_same_page_for_ever_by_number_and_then_the_rest(subject: Subject, walk: Walk) -> None:
    """The checkpoint of the error yields the rows that the repeated pages should have had."""
    assert_ends(subject, walk, stuck(), at_most=20)


@of(*BY_CURSOR)
def test_c_cursors_in_a_circle(subject: Subject, walk: Walk) -> None:
    """Two pages that name each other as next are a loop, although no two successive cursors are equal."""
    met: list[FakeResponse] = []
    circle = cycle((0, 1))

    def turned(answer: FakeResponse) -> FakeResponse:
        if len(met) < 2:
            met.append(answer)
            return answer
        return met[next(circle)]

    assert_ends(subject, walk, failing(turned), at_most=10)


@of("cognigy.project_logs", "signalwire.video_logs", "logto.audit_logs")
def test_c_empty_pages_for_ever(subject: Subject, walk: Walk) -> None:
    """A hundred empty pages in a row are an error, even if each names a next page."""
    pull = subject.open(subject.fake(subject.spread(400)), faults=failing(emptied, at=range(2, 10_000)))
    items, error = until_error(walk(pull.stream.raw()))
    assert isinstance(error, logferry.PagingError)
    assert len(items) == 3
    assert len(pull.asked) <= 110


def crashed_at_any_point(subject: Subject, walk: Walk, rows: list[Row], **settings: Any) -> list[Any]:
    """Pull, stop after every possible number of items, and resume elsewhere: the same items come, each once."""
    fake = subject.fake(rows, **settings)
    whole = list(walk(subject.open(fake).stream.raw()))
    assert subject.came(fake, whole) == subject.has(fake)
    for delivered in range(len(whole)):
        view = subject.open(fake).stream.raw()
        items = list(islice(walk(view), delivered))
        resumed = subject.open(fake, resume=view.checkpoint).stream.raw()
        assert [*items, *walk(resumed)] == whole
    return whole


def in_order(subject: Subject, **settings: Any) -> list[int]:
    """Return the times of a pull's records."""
    stream = subject.open(subject.fake(subject.spread(ROWS), **settings)).stream
    return [record.time_unix_nano for record in stream.records()]


@of(*OLDEST_FIRST)
def test_d_a_crash_in_the_middle_oldest_first(subject: Subject, walk: Walk) -> None:
    """The checkpoint yields the items newer than the last delivered one, and repeats none."""
    settings = OLDEST_FIRST[subject.name]
    assert in_order(subject, **settings) == sorted(in_order(subject, **settings))
    assert len(crashed_at_any_point(subject, walk, subject.spread(ROWS), **settings)) == ROWS


@of(*NEWEST_FIRST)
def test_e_a_crash_in_the_middle_newest_first(subject: Subject, walk: Walk) -> None:
    """The checkpoint yields the items older than the last delivered one, which are the missing ones."""
    settings = NEWEST_FIRST[subject.name]
    assert in_order(subject, **settings) == sorted(in_order(subject, **settings), reverse=True)
    assert len(crashed_at_any_point(subject, walk, subject.spread(ROWS), **settings)) == ROWS


@pytest.mark.parametrize("place", [0, ROWS // 2, ROWS - 1])
def test_f_a_late_row(subject: Subject, walk: Walk, place: int) -> None:
    """A late row costs no other row, and a further pull has all rows under the same uids."""
    rows = subject.spread(ROWS)
    late = evolve(rows[place], time=rows[place].time + 500 * MILLISECOND, appears=START + 3 * SECOND)
    fake, clock = subject.fake([*rows, late]), VirtualClock(START)
    hooks = lapse(clock, 1)
    first = list(walk(subject.open(fake, clock=clock, options=hooks).stream.records()))
    before = subject.came(fake, (record.raw for record in first))
    assert subject.has(fake, lambda row: row.appears is None) - before == EMPTY
    clock.advance(60)
    second = list(walk(subject.open(fake, clock=clock).stream.records()))
    assert subject.came(fake, (record.raw for record in second)) == subject.has(fake)
    assert {record.uid for record in first} <= {record.uid for record in second}
    assert len({record.uid for record in second}) == ROWS + 1


def tied(subject: Subject, *, before: int, ties: int, after: int) -> list[Row]:
    """Return a history whose middle rows have the same time."""
    rows = subject.spread(before + ties + after)
    moment = rows[before].time
    return [evolve(row, time=moment) if before <= place < before + ties else row for place, row in enumerate(rows)]


def test_h_ties_that_arrive_at_the_edge(subject: Subject, walk: Walk) -> None:
    """Rows with exactly the time at which a page ended come at most once and cost no other row."""
    rows = subject.spread(ROWS)
    inserted = [
        evolve(rows[place], time=rows[other].time, appears=START + 2 * SECOND)
        for place, other in ((0, 2), (1, 3), (ROWS - 1, ROWS - 3), (ROWS - 2, ROWS - 4))
    ]
    assert changing(subject, walk, [*rows, *inserted]) is None


@pytest.mark.parametrize(("before", "after"), [(2, 2), (3, 0), (0, 4), (0, 0)])
def test_i_ties_over_three_pages(subject: Subject, walk: Walk, before: int, after: int) -> None:
    """Nine rows of one time on pages of three, alone or among others, come once each from any checkpoint."""
    crashed_at_any_point(subject, walk, tied(subject, before=before, ties=9, after=after))


@pytest.mark.parametrize(
    "settings", [{"stable_ties": False}, {"release": "1.36.0"}, {"release": "1.36.0", "stable_ties": False}], ids=str
)
@of("logto.audit_logs")
def test_i_ties_in_no_order(subject: Subject, settings: dict[str, Any]) -> None:
    """Ties also come once each where the service reorders them on every page, or ignores time bounds."""
    fake = subject.fake(tied(subject, before=2, ties=9, after=2), **settings)
    assert subject.came(fake, subject.open(fake).stream.raw()) == subject.has(fake)


def test_j_rows_out_of_order(subject: Subject, walk: Walk) -> None:
    """The window applies at both ends, even if rows arrived in another order than their times."""
    rows = subject.spread(ROWS)
    swapped = [evolve(rows[place], appears=START - (place ^ 1) * MILLISECOND - SECOND) for place in range(ROWS)]
    for since, until in ((0, ROWS), (4, 9), (5, 10), (1, 2)):
        fake = subject.fake(swapped)
        begin, end = rows[since].time, rows[until].time if until < ROWS else EPOCH
        pull = subject.open(fake, since=rfc3339(begin), until=rfc3339(end))
        came = subject.came(fake, walk(pull.stream.raw()))
        assert came == subject.has(fake, since=begin, until=end)
        assert came.total() == until - since


def test_k_a_row_dated_in_the_future(subject: Subject, walk: Walk) -> None:
    """A window that ends now excludes a future row and has all others; a window that reaches further includes it."""
    rows = subject.spread(ROWS)
    month = 30 * 86_400 * SECOND
    for place in (0, ROWS // 2, ROWS):
        future = evolve(rows[0], time=EPOCH + month)
        fake = subject.fake([*rows[:place], future, *rows[place:]])
        assert subject.came(fake, walk(subject.open(fake).stream.raw())) == subject.has(fake, until=START)
        assert subject.has(fake, until=START).total() == ROWS
        later = subject.open(fake, until=rfc3339(EPOCH + 2 * month))
        assert subject.came(fake, walk(later.stream.raw())) == subject.has(fake)


def lacking(targets: list[Any], *names: str) -> Faults:
    """Return faults that remove some fields from these items in every answer."""

    def reduced(value: Any) -> Any:
        if value in targets:
            return {name: member for name, member in value.items() if name not in names}
        if is_object(value):
            return {name: reduced(member) for name, member in value.items()}
        return [reduced(member) for member in value] if is_array(value) else value

    def change(answer: FakeResponse) -> FakeResponse:
        headers = tuple((name, value) for name, value in answer.headers if name.lower() != "content-length")
        return evolve(answer, headers=headers, body=orjson.dumps(reduced(orjson.loads(answer.body))))

    return failing(change)


def plain(subject: Subject, rows: list[Row]) -> Any:
    """Return a fake whose answers are not compressed."""
    return subject.fake(rows, **({"compression": False} if subject.service.name == "logto" else {}))


@of(*TIMES)
def test_l_a_record_without_its_time(subject: Subject, walk: Walk) -> None:
    """As the last row of one page or the first of the next, it is delivered with an issue, and no other row is lost."""
    fake = plain(subject, subject.spread(ROWS))
    items = subject.open(fake).stream.raw().to_list()
    stream = subject.open(fake, faults=lacking(items[2:4], TIMES[subject.name]), since="1h").stream
    records = list(walk(stream.records()))
    flagged = [record for record in records if record.issues]
    assert len(records) == ROWS
    assert len({record.uid for record in records}) == ROWS
    assert [record.time_unix_nano for record in flagged] == [0, 0]
    assert all(TIMES[subject.name] in record.issues[0] for record in flagged)
    good = (record.raw for record in records if not record.issues)
    assert subject.came(fake, good) == subject.came(fake, [*items[:2], *items[4:]])


@of("cognigy.project_logs", "daily.api_logs", "daily.meetings", "logto.audit_logs", "signalwire.video_logs")
def test_l_a_record_without_its_id(subject: Subject, walk: Walk) -> None:
    """As the first row of a page, it is delivered once under its own uid, and no other row is lost."""
    fake = plain(subject, subject.spread(ROWS))
    items = subject.open(fake).stream.raw().to_list()
    records = list(walk(subject.open(fake, faults=lacking(items[3:4], "id", "_id")).stream.records()))
    assert len({record.uid for record in records}) == len(records) == ROWS
    good = (record.raw for record in records if {"id", "_id"} & record.raw.keys())
    assert subject.came(fake, good) == subject.came(fake, [*items[:3], *items[4:]])


@pytest.mark.parametrize("page_size", [1, 2, 3, 50])
@of("daily.api_logs", "daily.meetings")
def test_l_a_record_without_the_cursor(subject: Subject, walk: Walk, page_size: int) -> None:
    """The last item with an id names the next page; an item without one comes again but is delivered once."""
    fake = plain(subject, subject.spread(ROWS))
    items = subject.open(fake).stream.raw().to_list()
    faults = lacking([items[0], *items[2:6]], "id")
    pull = subject.open(fake, faults=faults, page_size=page_size)
    came = list(walk(pull.stream.raw()))
    assert [one.get("id") for one in came] == [
        None if place in {0, 2, 3, 4, 5} else item["id"] for place, item in enumerate(items)
    ]
    assert len(pull.asked) < 4 * ROWS


@of("daily.api_logs", "daily.meetings")
def test_l_an_end_without_the_cursor(subject: Subject, walk: Walk) -> None:
    """A short page of items without ids ends the list."""
    fake = plain(subject, subject.spread(ROWS))
    items = subject.open(fake).stream.raw().to_list()
    came = list(walk(subject.open(fake, faults=lacking(items[-2:], "id")).stream.raw()))
    assert len(came) == ROWS


@of("daily.api_logs", "daily.meetings")
def test_l_no_record_with_the_cursor(subject: Subject, walk: Walk) -> None:
    """If no item of a page has an id, the next page cannot be requested: an error follows the delivered page."""
    fake = subject.fake(subject.spread(ROWS), largest_limit=3)
    items = subject.open(fake).stream.raw().to_list()
    came, error = until_error(walk(subject.open(fake, faults=lacking(items, "id")).stream.raw()))
    assert isinstance(error, logferry.PagingError)
    assert "no item of a page has an id" in str(error)
    assert len(came) == 3
    rest = list(walk(subject.open(fake, resume=error.checkpoint).stream.raw()))
    assert subject.came(fake, rest) == subject.has(fake)


@pytest.mark.parametrize("hook", ["on_request", "on_page", "on_retry"])
def test_m_an_unexpected_exception(subject: Subject, walk: Walk, hook: str) -> None:
    """The caller gets the exception of a hook unchanged, no lock stays held, and next() continues."""
    mine, events = ZeroDivisionError("of the caller's own"), list[Any]()

    def raising(event: Any) -> None:
        events.append(event)
        if len(events) == 2:
            raise mine

    fake = subject.fake(subject.spread(ROWS))
    faults = failing(FakeResponse(503), at={2, 3}) if hook == "on_retry" else None
    view = subject.open(fake, faults=faults, options={hook: raising}).stream.raw()
    iterator, items = walk(view), list[Any]()
    with pytest.raises(ZeroDivisionError) as caught:
        items.extend(iterator)
    assert caught.value is mine
    checkpoint = view.checkpoint
    rest = list(iterator)
    assert subject.came(fake, [*items, *rest]) == subject.has(fake)
    assert list(walk(subject.open(fake, resume=checkpoint).stream.raw())) == rest


def test_the_window_of_a_running_pull_does_not_move(subject: Subject, walk: Walk) -> None:
    """All pages are requested with the same filters and bounds, although the clock advances."""
    fake, clock = subject.fake(subject.spread(ROWS)), VirtualClock(START)
    hooks = lapse(clock, 60)
    pull = subject.open(fake, clock=clock, options=hooks, since="1h")
    assert len(list(walk(pull.stream.raw()))) == ROWS
    asked = [parse_qs(request.query) for request in pull.asked]
    assert len(asked) > 4
    frozen = [{name: value for name, value in query.items() if name not in TURNING} for query in asked]
    assert frozen == frozen[:1] * len(frozen)
    ends = [int(query["end_time"][0]) for query in asked if "end_time" in query]
    assert ends == sorted(ends, reverse=True)
    starts = [int(query["startTime"][0]) for query in asked if "startTime" in query]
    assert starts[:1] == sorted(starts)[:1]  # several pages may be in flight


def test_nothing_but_identical_times(subject: Subject, walk: Walk) -> None:
    """A history of one instant at the very start of the window comes completely, each row once, and ends."""
    rows = tied(subject, before=0, ties=4 * ROWS, after=0)
    fake = subject.fake(rows)
    begin, end = rows[0].time, rows[0].time + SECOND
    pull = subject.open(fake, since=rfc3339(begin), until=rfc3339(end))
    assert subject.came(fake, walk(pull.stream.raw())) == subject.has(fake)
    assert len(pull.asked) < 60
    assert list(walk(subject.open(fake, until=rfc3339(begin)).stream.raw())) == []
    assert list(walk(subject.open(fake, since=rfc3339(end)).stream.raw())) == []


def test_times_in_another_order_than_arrival(subject: Subject, walk: Walk) -> None:
    """Rows that arrived in reverse order of time all come; only a walk that relies on the order may stop early."""
    rows = subject.spread(ROWS, step=100 * MILLISECOND)
    upside_down = [evolve(row, appears=START - (place + 1) * SECOND) for place, row in enumerate(rows)]
    fake = subject.fake(upside_down)
    came = subject.came(fake, walk(subject.open(fake, since="1h").stream.raw()))
    assert came == subject.has(fake)


@of("cognigy.project_logs", "signalwire.video_logs")
def test_an_expired_cursor(subject: Subject, walk: Walk) -> None:
    """After a pause of an hour the same iteration continues, and so does its checkpoint."""
    fake, clock = subject.fake(subject.spread(ROWS), cursor_life=60.0), VirtualClock(START)
    view = subject.open(fake, clock=clock).stream.raw()
    iterator = walk(view)
    items = list(islice(iterator, 5))
    checkpoint = view.checkpoint
    clock.advance(3600)
    rest = list(iterator)
    assert subject.came(fake, [*items, *rest]) == subject.has(fake)
    # Compared by identity: a session in progress changes within the hour.
    resumed = walk(subject.open(fake, clock=clock, resume=checkpoint).stream.raw())
    assert subject.came(fake, resumed) == subject.came(fake, rest)


@pytest.mark.parametrize("status", [400, 404])
@of("daily.api_logs", "daily.meetings")
def test_a_cursor_whose_row_has_gone(subject: Subject, walk: Walk, status: int) -> None:
    """After the last row of a page is removed, the service refuses its id, and the walk finds its position again."""
    rows = subject.spread(ROWS)
    rows[-3] = evolve(rows[-3], vanishes=START + SECOND)
    settings = {"lost_cursors": "refuse", "lost_cursor_status": status}
    fake, clock = subject.fake(rows, **settings), VirtualClock(START)
    iterator = walk(subject.open(fake, clock=clock).stream.raw())
    items = list(islice(iterator, 3))
    clock.advance(60)
    assert subject.came(fake, [*items, *iterator]) == subject.has(fake)


@pytest.mark.parametrize("status", [400, 404, 410])
@of(*BY_CURSOR)
def test_cursors_that_are_refused_for_ever(subject: Subject, walk: Walk, status: int) -> None:
    """After a few restarts without a new item, an error ends the walk; its checkpoint resumes later."""

    def refusing(request: FakeRequest, _number: int) -> FakeResponse | None:
        return FakeResponse(status) if CURSORS & parse_qs(request.query).keys() else None

    assert_ends(subject, walk, refusing, at_most=10)


def test_times_keep_their_precision(subject: Subject, walk: Walk) -> None:
    """A record's time has every digit that the service sent, and the raw item is unchanged."""
    rows = [evolve(row, time=row.time + 123_456_789) for row in subject.spread(ROWS)]
    resolution = RESOLUTIONS.get(subject.name, MILLISECOND)
    records = list(walk(subject.open(subject.fake(rows)).stream.records()))
    assert sorted(record.time_unix_nano for record in records) == [row.time // resolution * resolution for row in rows]
    for record in records:
        written = orjson.loads(record.to_json())["timestamp"]
        assert written == rfc3339(record.time_unix_nano)
        assert len(written) == len("2026-01-01T00:00:00.123456789Z")
    if subject.name == "daily.session_logs":
        assert all("123456789" in record.raw["time"] for record in records)


@of(*SESSIONS)
def test_windows_are_exact_to_the_nanosecond(subject: Subject, walk: Walk) -> None:
    """The bounds of the window are exact to the nanosecond, although the service filters by the millisecond."""
    rows = subject.spread(7, step=1)
    fake = subject.fake(rows)
    for since, until in ((0, 7), (2, 5), (3, 4), (4, 4)):
        begin, end = EPOCH - 7 + since, EPOCH - 7 + until
        pull = subject.open(fake, since=rfc3339(begin), until=rfc3339(end))
        times = [record.time_unix_nano for record in walk(pull.stream.records())]
        assert times == list(range(begin, end))


def test_a_failed_page_is_not_skipped(subject: Subject, walk: Walk) -> None:
    """If any request finally fails, the checkpoint of its error is before the items of that request."""
    fake = subject.fake(subject.spread(ROWS))
    for number in range(1, 5):
        pull = subject.open(fake, faults=failing(FakeResponse(500), at={number}), options={"retries": 0})
        items, error = until_error(walk(pull.stream.raw()))
        assert isinstance(error, logferry.ServiceError)
        rest = list(walk(subject.open(fake, resume=error.checkpoint).stream.raw()))
        assert subject.came(fake, [*items, *rest]) == subject.has(fake)


def test_rows_that_look_alike_are_each_kept(subject: Subject, walk: Walk) -> None:
    """Rows of equal time and content come as often as they exist, each under its own uid, the same in every pull."""
    rows = subject.spread(ROWS)
    fake = subject.fake([row for row in rows for _ in range(3)])
    records = list(walk(subject.open(fake).stream.records()))
    uids = [record.uid for record in records]
    assert subject.came(fake, (record.raw for record in records)) == subject.has(fake)
    assert len(set(uids)) == len(uids) == 3 * ROWS
    assert [record.uid for record in walk(subject.open(fake, page_size=5).stream.records())] == uids
    view = subject.open(fake).stream.records()
    first = [record.uid for record in islice(walk(view), 7)]
    assert first + [record.uid for record in walk(subject.open(fake, resume=view.checkpoint).stream.records())] == uids
