"""Streams: every view, sync and async, errors in the middle, checkpoints everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import EventLoop

import logferry
from logferry.hooks import IssueEvent, PageEvent
from logferry.results import Stats
from logferry.testing import FakeRequest, FakeResponse, Faults, InProcessTransport, LogtoFake, Outcome, VirtualClock

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

FAKE = LogtoFake(records=45)
TRUTH = list(FAKE.truth())
UNTIL = "2027-01-01"
PROPERTY = settings(max_examples=50)
UNFIT: list[Any] = [
    {"id": "unfit-1", "key": 5, "payload": {"result": "Success", "userId": "alice"}, "createdAt": 1_767_225_599_000},
    {"id": "unfit-2", "payload": None, "createdAt": 1_767_225_598_000},
    "unfit-3",
]
"""Items without the documented shape."""


def ids(items: Any) -> list[str]:
    """Return the ids of entries, raw items, or records."""
    return [
        one["id"] if isinstance(one, dict) else one.uid.split(":")[2] if isinstance(one, logferry.LogRecord) else one.id
        for one in items
    ]


def failing(*pages: int, times: int = 1, answer: FakeResponse | Exception | None = None) -> Faults:
    """Make these pages, counted from 1 by their first request, fail this many times and then succeed."""
    left = dict.fromkeys(pages, times)
    asked: dict[str, int] = {}

    def fault(request: FakeRequest, _number: int) -> FakeResponse | Exception | None:
        if _page(request) is None:
            return None
        page = asked.setdefault(request.target, len(asked) + 1)
        if not left.get(page):
            return None
        left[page] -= 1
        return answer or FakeResponse(503)

    return fault


def _page(request: FakeRequest) -> int | None:
    page = parse_qs(request.query).get("page")
    return int(page[0]) if page else None


def only(*items: Any, pages: int = 1) -> Faults:
    """Return a service that has exactly these items, on the first page."""

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        page = _page(request)
        if page is None:
            return None
        headers = (("Content-Type", "application/json"), ("Total-Number", str(len(items))))
        return FakeResponse(200, headers, orjson.dumps(list(items) if page <= pages else []))

    return fault


@pytest.mark.parametrize("page_size", [1, 7, 44, 45, 46, 100])
def test_every_view_yields_each_log_once_on_every_iteration(client: Make, walk: Walk, page_size: int) -> None:
    """Entries, records, raw items and pages come newest first, and each iteration has each log once."""
    with client(FAKE) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=page_size)
        for view in (stream, stream.records(), stream.raw(), stream):
            assert ids(walk(view)) == TRUTH
            assert ids(one for page in walk(view.pages()) for one in page.items) == TRUTH


def test_to_list_takes_all_or_the_first_items(client: Make, portal: EventLoop) -> None:
    """to_list and ato_list take all items or the first ones, and request no more pages than needed."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=10)
        for view in (stream, stream.records(), stream.raw()):
            assert ids(view.to_list()) == ids(portal.call(view.ato_list)) == TRUTH
            before = transport.count
            assert ids(view.to_list(10)) == ids(portal.call(view.ato_list, 10)) == TRUTH[:10]
            assert transport.count == before + 2
            assert view.to_list(0) == portal.call(view.ato_list, 0) == []
            assert ids(view.to_list(1000)) == TRUTH


def test_pages_carry_their_origin(client: Make, walk: Walk) -> None:
    """Each page has its request's id, the service's count, and a checkpoint that resumes after it."""
    with client(FAKE) as logto:
        pages = list(walk(logto.audit_logs(until=UNTIL, page_size=20).pages()))
        assert [len(page.items) for page in pages] == [20, 20, 5]
        assert [page.total for page in pages] == [45] * 3
        assert all(page.request_id for page in pages)
        for number, page in enumerate(pages, 1):
            rest = ids(walk(logto.audit_logs(resume=page.checkpoint)))
            assert rest == TRUTH[number * 20 :]


@pytest.mark.parametrize("as_pages", [False, True])
@pytest.mark.parametrize("view", ["entries", "records", "raw"])
def test_the_iterator_continues_after_an_error(client: Make, walk: Walk, view: str, as_pages: bool) -> None:
    """An error on page 3 comes after pages 1 and 2 were delivered; the next call requests page 3 again."""
    with client(FAKE, faults=failing(3, 5, times=2), retries=0) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=10)
        viewed: Any = {"entries": stream, "records": stream.records(), "raw": stream.raw()}[view]
        iterator = walk(viewed.pages() if as_pages else viewed)
        got: list[Any] = []
        errors: list[int] = []
        while True:
            try:
                item = next(iterator)
            except logferry.ServiceError:
                errors.append(len(got))
            except StopIteration:
                break
            else:
                got += item.items if as_pages else [item]
    assert ids(got) == TRUTH
    assert errors == [20, 20, 40, 40]


def test_a_finished_iterator_stays_finished(client: Make, walk: Walk) -> None:
    """An iterator that has ended sends no further request."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto:
        iterator = walk(logto.audit_logs(until=UNTIL))
        assert len(list(iterator)) == 45
        count = transport.count
        assert list(iterator) == []
        assert transport.count == count


@given(
    st.integers(0, 3),
    st.lists(
        st.tuples(
            st.integers(0, 30), st.integers(1, 20), st.none() | st.integers(1, 30), st.booleans(), st.integers(0, 2)
        ),
        max_size=8,
    ),
)
@PROPERTY
def test_a_checkpoint_resumes_wherever_it_was_taken(
    client: Make, walk: Walk, seed: int, legs: list[tuple[int, int, int | None, bool, int]]
) -> None:
    """A checkpoint after any number of items, also within a page, resumes with any page size, sync or async."""
    fake = LogtoFake(records=45, seed=seed)
    truth, got, checkpoint = list(fake.truth()), list[str](), None
    with client(fake) as logto:
        for count, page_size, max_items, blocking, which in legs:
            stream = logto.audit_logs(until=UNTIL, page_size=page_size, max_items=max_items, resume=checkpoint)
            view: Any = (stream, stream.records(), stream.raw())[which]
            got += ids(islice((iter if blocking else walk)(view), count))
            assert got == truth[: len(got)]
            checkpoint = stream.checkpoint
        got += ids(walk(logto.audit_logs(until=UNTIL, resume=checkpoint)))
    assert got == truth


def test_a_checkpoint_resumes_across_sync_and_async(client: Make, portal: EventLoop) -> None:
    """A walk that began with `for` continues with `async for`, and the reverse."""
    with client(FAKE) as logto:
        blocking, tasks = logto.audit_logs(until=UNTIL), logto.audit_logs(until=UNTIL)
        one, other = blocking.to_list(17), portal.call(tasks.ato_list, 17)
        assert ids(one + portal.call(logto.audit_logs(resume=blocking.checkpoint).ato_list)) == TRUTH
        assert ids(other + logto.audit_logs(resume=tasks.checkpoint).to_list()) == TRUTH


@pytest.mark.parametrize("max_items", [1, 9, 10, 11, 45, 46])
def test_max_items_bounds_all_views(client: Make, walk: Walk, max_items: int) -> None:
    """The checkpoint continues after the last item, even within a page, and no page is requested without need."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=10, max_items=max_items)
        for view in (stream, stream.records(), stream.raw()):
            before = transport.count
            assert ids(walk(view)) == TRUTH[:max_items]
            assert transport.count - before <= -(-max_items // 10) + 1
            assert stream.stats.items == min(max_items, 45)
            assert ids(walk(logto.audit_logs(resume=view.checkpoint))) == TRUTH[max_items:]
        pages = list(walk(stream.pages()))
        assert ids(one for page in pages for one in page.items) == TRUTH[:max_items]
        assert ids(walk(logto.audit_logs(resume=pages[-1].checkpoint))) == TRUTH[max_items:]


def test_a_checkpoint_before_the_first_iteration_is_the_start(client: Make, walk: Walk) -> None:
    """A checkpoint of an unread stream needs no request and resumes from the start."""
    transport = InProcessTransport(FAKE)
    with client(transport=transport) as logto:
        stream = logto.audit_logs(until=UNTIL)
        checkpoint = stream.checkpoint
        assert stream.stats == Stats()
        assert transport.count == 0
        assert ids(walk(logto.audit_logs(resume=checkpoint))) == TRUTH


def test_stats_count_the_latest_iteration(client: Make, walk: Walk) -> None:
    """Stats count pages, items and retries of the latest iteration at any moment."""
    clock = VirtualClock(FAKE.epoch)
    with client(FAKE, faults=failing(2), clock=clock) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=20)
        iterator = walk(stream)
        next(iterator)
        assert stream.stats == Stats(pages=1, items=1)
        assert len(list(iterator)) == 44
        assert stream.stats == Stats(pages=3, items=45, retries=1)
        next(walk(stream))
        assert stream.stats == Stats(pages=1, items=1)


def test_hooks_are_called_in_order(client: Make, walk: Walk) -> None:
    """Request, retry, page and issue hooks are called in order with their subject, also for the token request."""
    events: list[Any] = []
    clock = VirtualClock(FAKE.epoch)
    fails, serves = failing(1), only(*UNFIT)

    def fault(request: FakeRequest, number: int) -> Outcome | None:
        return fails(request, number) or serves(request, number)

    with client(
        FAKE,
        faults=fault,
        clock=clock,
        account="login",
        on_request=events.append,
        on_retry=events.append,
        on_page=events.append,
        on_issue=events.append,
    ) as logto:
        list(walk(logto.audit_logs(until=UNTIL, user_id="alice")))
    assert [type(event).__name__ for event in events] == [
        "RequestEvent",
        "RequestEvent",
        "RetryEvent",
        "RequestEvent",
        "PageEvent",
        *["IssueEvent"] * 3,
    ]
    assert {(event.stream, event.account) for event in events} == {("logto.audit_logs", "login")}
    assert [(event.method, event.path) for event in events[:2]] == [("POST", "/oidc/token"), ("GET", "/api/logs")]
    assert ("userId", "alice") in events[1].params
    assert (events[2].attempt, events[2].reason, (events[2].delay,)) == (1, "HTTP 503", clock.naps)
    assert (events[4].items, events[4].total, events[4].attempts) == (3, 3, 2)
    assert [event.item for event in events[5:]] == UNFIT
    assert FAKE.app_secret not in repr(events)


class HookError(Exception):
    """An exception that a hook raises."""


@pytest.mark.parametrize("hook", ["on_request", "on_page", "on_retry"])
@pytest.mark.parametrize("as_pages", [False, True])
def test_a_hook_that_raises_loses_nothing(client: Make, walk: Walk, hook: str, as_pages: bool) -> None:
    """The caller gets the exception of the hook; the same iterator continues on the next call."""
    calls: list[Any] = []

    def raising(event: Any) -> None:
        calls.append(event)
        if len(calls) % 2:
            raise HookError

    clock = VirtualClock(FAKE.epoch)
    with client(FAKE, faults=failing(1, 3, times=2), clock=clock, **{hook: raising}) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=10)
        iterator, got, raised = walk(stream.pages() if as_pages else stream), list[Any](), 0
        while True:
            try:
                item = next(iterator)
            except HookError:
                raised += 1
            except StopIteration:
                break
            else:
                got += item.items if as_pages else [item]
    assert ids(got) == TRUTH
    assert raised >= 2


def test_items_that_do_not_decode_are_left_out_of_entries(client: Make, walk: Walk) -> None:
    """Entries leave out items that do not decode and report them; records and raw items are complete."""
    good = {"id": "good", "key": "k", "payload": {"key": "k", "result": "Success"}, "createdAt": 1_767_225_599_999}
    events: list[IssueEvent] = []
    with client(faults=only(good, *UNFIT), on_issue=events.append) as logto:
        stream = logto.audit_logs(until=UNTIL)
        entries = list(walk(stream))
        told = list(events)
        assert stream.stats.issues == 3
        assert stream.stats.items == 4
        (page,) = walk(stream.pages())
        records = list(walk(stream.records()))
        assert stream.stats.issues == 3
        raw = list(walk(stream.raw()))
        assert stream.stats.issues == 0
    assert entries[0].id == "good"
    assert [event.item for event in told if not event.delivered] == page.undecoded
    assert len(page.undecoded) + len(page.items) == 4
    assert len(entries) == len(page.items)
    assert "unfit-3" in page.undecoded
    assert raw == [good, *UNFIT]
    assert [record.raw for record in records] == raw
    assert [bool(record.issues) for record in records] == [False, True, True, True]
    assert all(event.issues for event in told)


@pytest.mark.parametrize("as_pages", [False, True])
@pytest.mark.parametrize("view", ["entries", "records"])
def test_strict_raises_with_the_path_and_loses_nothing(client: Make, walk: Walk, view: str, as_pages: bool) -> None:
    """Earlier items were delivered; the checkpoint is just before the item, where a walk without strict continues."""
    good = [
        {
            "id": f"good-{n}",
            "key": "k",
            "payload": {"key": "k", "result": "Success"},
            "createdAt": 1_767_225_599_999 - n,
        }
        for n in range(3)
    ]
    with client(faults=only(*good, UNFIT[0])) as logto:
        stream = logto.audit_logs(until=UNTIL, strict=True)
        viewed: Any = stream if view == "entries" else stream.records()
        iterator, got = walk(viewed.pages() if as_pages else viewed), list[Any]()
        with pytest.raises(logferry.ResponseShapeError, match="key"):
            got.extend(iterator)
        with pytest.raises(logferry.ResponseShapeError, match="key") as caught:
            got.extend(iterator)
        assert ids(got) == ([] if as_pages else ["good-0", "good-1", "good-2"])
        assert caught.value.stream == "logto.audit_logs"
        assert (caught.value.method, caught.value.status) == ("GET", 200)
        assert (caught.value.url or "").startswith("https://default.logto.app/api/logs?")
        rest = logto.audit_logs(resume=caught.value.checkpoint)
        assert [*ids(got), *ids(walk(rest.raw()))] == ["good-0", "good-1", "good-2", "unfit-1"]


def test_strict_does_not_check_raw_items(client: Make, walk: Walk) -> None:
    """Raw items come as received and unchecked."""
    with client(faults=only(*UNFIT)) as logto:
        assert list(walk(logto.audit_logs(until=UNTIL, strict=True).raw())) == UNFIT


@pytest.mark.parametrize("release", ["1.36.0", "1.40.0", "1.42.0"])
@pytest.mark.parametrize("arrivals", [0.5, 3, 20, 200])
def test_a_growing_log_does_not_shift_the_window(client: Make, walk: Walk, release: str, arrivals: float) -> None:
    """The end of the window is the time of the first request, however slowly the caller takes pages."""
    fake = LogtoFake(records=100, release=release, spacing=1.0)
    clock = VirtualClock(fake.epoch + 1)
    with client(fake, clock=clock) as logto:
        got: list[str] = []
        for page in walk(logto.audit_logs(page_size=10).pages()):
            got += ids(page.items)
            clock.advance(arrivals if page.items else 0)
    assert got == list(fake.truth(now=fake.epoch))


@pytest.mark.parametrize("release", ["1.36.0", "1.42.0"])
def test_each_iteration_sets_its_own_end(client: Make, walk: Walk, release: str) -> None:
    """The next iteration of a stream includes what has arrived since; a checkpoint keeps the old end."""
    fake = LogtoFake(records=50, release=release, spacing=1.0)
    clock = VirtualClock(fake.epoch + 1)
    with client(fake, clock=clock) as logto:
        stream = logto.audit_logs(page_size=10)
        first = ids(islice(walk(stream), 13))
        checkpoint = stream.checkpoint
        clock.advance(100)
        assert first + ids(walk(logto.audit_logs(resume=checkpoint, page_size=10))) == list(fake.truth(now=fake.epoch))
        assert ids(walk(stream)) == list(fake.truth(until=clock.now(), now=clock.now()))


@pytest.mark.parametrize("since", ["2025-12-31T23:30:00Z", "30m"])
@pytest.mark.parametrize("release", ["1.36.0", "1.42.0"])
def test_pages_past_the_window_are_not_requested(client: Make, walk: Walk, release: str, since: str) -> None:
    """A pull of a short window sends one or two requests for a log of any length, even if bounds are ignored."""
    fake = LogtoFake(records=100_000, release=release)
    clock = VirtualClock(fake.epoch + 1)
    transport = InProcessTransport(fake, clock=clock.now)
    with client(transport=transport, clock=clock) as logto:
        got = ids(walk(logto.audit_logs(since=since)))
    assert got == list(fake.truth(since=fake.epoch - 1800 * 10**9 + (since == "30m"), until=clock.now()))
    assert 10 < len(got) < 100
    assert transport.count <= 3


def test_an_empty_page_in_the_middle_is_not_the_end(client: Make, walk: Walk) -> None:
    """An empty page is not the end while the service counts more logs than the pages had."""
    empty = FakeResponse(200, (("Content-Type", "application/json"), ("Total-Number", "45")), b"[]")
    with client(FAKE, faults=failing(3, answer=empty)) as logto:
        got = list[str]()
        iterator = walk(logto.audit_logs(until=UNTIL, page_size=10))
        try:
            got += ids(iterator)
        except logferry.PagingError:
            got += ids(iterator)
    assert sorted(got) == sorted(TRUTH)


@pytest.mark.parametrize("page_size", [7, 10])
@pytest.mark.parametrize("seed", [0, 3])
def test_ties_across_pages_come_once_or_raise(client: Make, walk: Walk, seed: int, page_size: int) -> None:
    """Logs of one millisecond that the server reorders on each page come once each, or an error says otherwise."""
    fake = LogtoFake(records=300, seed=seed, stable_ties=False)
    with client(fake) as logto:
        iterator, got = walk(logto.audit_logs(until=UNTIL, page_size=page_size)), list[str]()
        try:
            got += ids(iterator)
        except logferry.PagingError:
            return
    assert sorted(got) == sorted(fake.truth())


def test_a_deadline_bounds_an_iteration(client: Make, walk: Walk) -> None:
    """An iteration past its deadline raises an error that resumes, after the received items were delivered."""
    clock = VirtualClock(FAKE.epoch)
    got: list[str] = []

    def slow(_event: PageEvent) -> None:
        clock.advance(4)

    with client(FAKE, clock=clock, deadline=10, on_page=slow) as logto:
        iterator = walk(logto.audit_logs(until=UNTIL, page_size=10))
        with pytest.raises(logferry.DeadlineExceededError) as caught:
            got.extend(entry.id for entry in iterator)
        assert got == TRUTH[:30]
        rest = logto.with_options(deadline=None).audit_logs(resume=caught.value.checkpoint)
        assert got + ids(walk(rest)) == TRUTH


def test_iterators_of_one_stream_are_independent(client: Make, walk: Walk) -> None:
    """Each iterator has its own walk; stats and checkpoint belong to the latest."""
    with client(FAKE) as logto:
        stream = logto.audit_logs(until=UNTIL, page_size=10)
        one = walk(stream)
        first = ids(islice(one, 12))
        other = walk(stream)
        assert ids(islice(other, 3)) == TRUTH[:3]
        assert first + ids(one) == TRUTH
        assert stream.stats.items == 3
        assert ids(walk(logto.audit_logs(resume=stream.checkpoint))) == TRUTH[3:]


@pytest.mark.parametrize("page_size", [1, 5, 20, 30, 100])
def test_a_checkpoint_within_a_page_resumes_with_a_smaller_page_size(client: Make, walk: Walk, page_size: int) -> None:
    """Pages with delivered items only are passed over and not mistaken for a server that repeats pages."""
    fake = LogtoFake(records=120)
    with client(fake) as logto:
        stream = logto.audit_logs(until=UNTIL)
        first = stream.to_list(90)
        rest = list(walk(logto.audit_logs(resume=stream.checkpoint, page_size=page_size)))
    assert ids([*first, *rest]) == list(fake.truth())
