"""
An end is checked once: an empty or short page that no other evidence confirms is requested once more.

A remaining mismatch with the count of the service is an issue, never silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest
from attrs import evolve
from tests.hostile.conftest import EPOCH, MILLISECOND, SUBJECTS, Subject, Walk, lapse

import logferry
from logferry._json import is_object
from logferry.hooks import IssueEvent
from logferry.testing import Change, Fake, FakeRequest, FakeResponse, Faults, VirtualClock, emptied, failing, shortened
from logferry.testing._noticeable import noticeably_shortened

ROWS: Final = 13
PAGE: Final = 3
PAGES: Final = 5
"""The number of pages with these rows; the last page has one row."""

COUNTED: Final = ("cognigy.project_logs", "daily.meetings", "logto.audit_logs")
"""The streams whose service counts the items it lists."""

Take = Any
"""Takes a view and a walk, and returns the items."""


def items(view: Any, walk: Walk) -> list[Any]:
    """Take the items one by one."""
    return list(walk(view))


def from_pages(view: Any, walk: Walk) -> list[Any]:
    """Take the items page by page."""
    return [item for page in walk(view.pages()) for item in page.items]


takes = pytest.mark.parametrize("take", [items, from_pages], ids=["items", "pages"])


def of(*names: str) -> pytest.MarkDecorator:
    """Use only these streams."""
    return pytest.mark.parametrize("subject", [SUBJECTS[name] for name in names], ids=names)


@takes
@pytest.mark.parametrize("place", range(1, PAGES + 3))
def test_a_page_that_is_empty_once_loses_no_row(subject: Subject, walk: Walk, take: Take, place: int) -> None:
    """Any page may be empty once, also the first and the last; the walk still delivers every row."""
    fake = subject.fake(subject.spread(ROWS))
    view = subject.open(fake, faults=failing(emptied, at=[place]), page_size=PAGE).stream.raw()
    assert subject.came(fake, take(view, walk)) == subject.has(fake)


@takes
@pytest.mark.parametrize("place", range(1, PAGES))
def test_a_middle_page_that_is_short_once_loses_no_row(subject: Subject, walk: Walk, take: Take, place: int) -> None:
    """The walk continues behind the short page and delivers every row."""
    fake = subject.fake(subject.spread(ROWS))
    view = subject.open(fake, faults=failing(shortened, at=[place]), page_size=PAGE).stream.raw()
    assert subject.came(fake, take(view, walk)) == subject.has(fake)


@of(*COUNTED)
def test_a_last_page_that_is_short_once_loses_no_row(subject: Subject, walk: Walk) -> None:
    """The count of the service reveals the missing row, so the page is requested again."""
    fake = subject.fake(subject.spread(ROWS - 2))
    pull = subject.open(fake, faults=failing(shortened, at=[4]), page_size=PAGE)
    assert subject.came(fake, walk(pull.stream.raw())) == subject.has(fake)


def once_each(change: Change, every: int, fake: Fake, clock: VirtualClock) -> Faults:
    """Change every n-th answer, but none twice."""
    changed = set[str]()

    def fault(request: FakeRequest, number: int) -> Change | None:
        if number % every or request.target in changed:
            return None
        changed.add(request.target)
        return noticeably_shortened(fake, request, clock.now) if change is shortened else change

    return fault


@pytest.mark.parametrize("change", [emptied, shortened])
@pytest.mark.parametrize("every", [5, 7])
def test_concurrent_pages_that_are_empty_or_short_lose_no_row(
    subject: Subject, walk: Walk, change: Change, every: int
) -> None:
    """With several requests in flight, empty and short pages also lose no row."""
    fake, clock = subject.fake(subject.spread(250)), VirtualClock(EPOCH + MILLISECOND)
    options = {**lapse(clock, 0.05), "concurrency": 4}
    faults = once_each(change, every, fake, clock)
    pull = subject.open(fake, faults=faults, clock=clock, page_size=PAGE, options=options)
    assert subject.came(fake, walk(pull.stream.raw())) == subject.has(fake)


def told(subject: Subject, walk: Walk, faults: Faults, **settings: Any) -> tuple[int, list[str]]:
    """Return how many rows are missing at the end, and the issues of the pages and of the hook."""
    hooked: list[str] = []
    fake = subject.fake(subject.spread(ROWS), **settings)

    def note(event: IssueEvent) -> None:
        hooked.extend(event.issues)

    pull = subject.open(fake, faults=faults, options={"on_issue": note}, page_size=PAGE)
    came: list[Any] = []
    issues: list[str] = []
    for page in walk(pull.stream.raw().pages()):
        came += page.items
        issues += page.issues
    assert issues == hooked
    return (subject.has(fake) - subject.came(fake, came)).total(), issues


@of(*COUNTED)
@pytest.mark.parametrize("change", [emptied, shortened])
def test_a_page_that_stays_empty_or_short_is_an_issue(subject: Subject, walk: Walk, change: Change) -> None:
    """A mismatch with the count that a second request confirms is an issue."""
    try:
        missing, issues = told(subject, walk, failing(change, at=[2, 3, 4]))
    except logferry.PagingError as error:
        assert error.checkpoint  # noqa: PT017  # an error or an issue will do
        return
    assert not missing or any("some may be missing" in issue for issue in issues)


def undercounted(answer: FakeResponse) -> FakeResponse:
    """Return the page with the count 0, as a replica that lags behind sends it."""
    if answer.header("Total-Number") is not None:
        headers = tuple((name, "0" if name == "Total-Number" else value) for name, value in answer.headers)
        return evolve(answer, headers=headers)
    body = orjson.loads(answer.body)
    assert is_object(body)
    counts = {name: 0 for name in ("total", "total_count") if name in body}
    assert counts
    headers = tuple(pair for pair in answer.headers if pair[0].lower() != "content-length")
    return evolve(answer, headers=headers, body=orjson.dumps({**body, **counts}))


@of(*COUNTED)
@takes
@pytest.mark.parametrize("place", range(1, PAGES))
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_count_that_is_too_low_once_ends_no_walk(
    subject: Subject, walk: Walk, take: Take, place: int, concurrency: int
) -> None:
    """A count below the number of rows on the page itself does not end a walk."""
    fake = subject.fake(subject.spread(ROWS))
    options = {"concurrency": concurrency}
    view = subject.open(fake, faults=failing(undercounted, at=[place]), page_size=PAGE, options=options).stream.raw()
    assert subject.came(fake, take(view, walk)) == subject.has(fake)


@of("cognigy.project_logs", "daily.meetings")
@pytest.mark.parametrize("place", range(2, PAGES + 1))
def test_an_empty_page_with_a_lower_count_is_requested_again(subject: Subject, walk: Walk, place: int) -> None:
    """An empty last page whose count is below that of earlier pages is requested again."""

    def ended(answer: FakeResponse) -> FakeResponse:
        body = orjson.loads(undercounted(emptied(answer)).body)
        gone = {name: None for name in ("nextCursor", "next", "_links") if name in body}
        headers = tuple(pair for pair in answer.headers if pair[0].lower() != "content-length")
        return evolve(answer, headers=headers, body=orjson.dumps({**body, **gone}))

    fake = subject.fake(subject.spread(ROWS))
    view = subject.open(fake, faults=failing(ended, at=[place]), page_size=PAGE).stream.raw()
    assert subject.came(fake, walk(view)) == subject.has(fake)


def test_a_consistent_service_gets_no_repeated_requests(subject: Subject, walk: Walk) -> None:
    """A walk sends at most two requests more than there are pages, with a full or a short last page."""
    for rows in (ROWS, ROWS - 1):
        pull = subject.open(subject.fake(subject.spread(rows)), page_size=PAGE, options={"concurrency": 1})
        assert len(list(walk(pull.stream.raw()))) == rows
        spare = 4 if subject.name.startswith("daily.session") else 2
        assert len(pull.asked) <= PAGES + spare


def the_first_page() -> Faults:
    """A server that answers every request with the first page."""
    first: list[Any] = []

    def same(answer: Any) -> Any:
        if not first:
            first.append(answer)
        return first[0]

    return failing(same)


@pytest.mark.parametrize("rows", [5, 8, ROWS])
def test_a_server_that_always_sends_the_first_page_is_reported(subject: Subject, walk: Walk, rows: int) -> None:
    """The walk raises an error with a checkpoint or reports an issue; it never ends silently."""
    pull = subject.open(subject.fake(subject.spread(rows)), faults=the_first_page())
    iterator: Iterator[Any] = walk(pull.stream.raw().pages())
    issues: list[str] = []
    try:
        for page in iterator:
            issues += page.issues
    except logferry.PagingError as error:
        assert error.checkpoint  # noqa: PT017  # an error or an issue will do
        return
    assert issues
