"""A page that holds one id twice: one item is delivered, and a remark says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
import pytest
from attrs import evolve
from tests.hostile.conftest import EPOCH, MILLISECOND, SUBJECTS, Subject, Walk, lapse

from logferry._json import is_array, is_object
from logferry._time.timestamps import rfc3339
from logferry.hooks import IssueEvent
from logferry.testing import Fake, FakeResponse, Faults, VirtualClock, failing, first_of

ROWS: Final = 8
PAGE: Final = 4
PLACES: Final = range(1, ROWS // PAGE + 1)
"""The pages that hold them."""

Items = list[Any]
Repeat = Callable[[Items], Items]

TIMES: Final = {
    "cognigy.project_logs": "timestamp",
    "daily.api_logs": "createdAt",
    "daily.meetings": "start_time",
    "logto.audit_logs": "createdAt",
    "signalwire.video_logs": "created_at",
}
"""The streams whose items have an id, and the field of their time."""

PLAIN: Final[dict[str, dict[str, Any]]] = {"logto.audit_logs": {"compression": False}}
"""What fakes need so that a test can change their pages."""


def of(*names: str) -> pytest.MarkDecorator:
    """Only these streams, in place of every one."""
    return pytest.mark.parametrize("subject", [SUBJECTS[name] for name in names], ids=names)


by_id = of(*TIMES)


def repeating(change: Repeat, *, more: int = 0) -> Callable[[FakeResponse], FakeResponse]:
    """What changes a page's items, and adds to the service's count."""

    def changed(answer: FakeResponse) -> FakeResponse:
        body = orjson.loads(answer.body)
        if is_array(body):
            body = change(body)
        else:
            assert is_object(body)
            counts = {name: body[name] + more for name in ("total", "total_count") if name in body}
            body = {name: change(value) if is_array(value) else value for name, value in body.items()} | counts
        headers = [
            (name, str(int(value) + more) if name == "Total-Number" else value)
            for name, value in answer.headers
            if name.lower() != "content-length"
        ]
        return evolve(answer, headers=tuple(headers), body=orjson.dumps(body))

    return changed


def second_twice(items: Items) -> Items:
    """The second item comes again at the end of the page."""
    return [*items, items[1]] if len(items) > 1 else items


def second_differs(items: Items) -> Items:
    """The same, with another field."""
    return [*items, {**items[1], "another": "value"}] if len(items) > 1 else items


def pulled(
    subject: Subject, walk: Walk, faults: Faults, *, rows: int = ROWS, **asked: Any
) -> tuple[Fake, Items, list[str], list[str]]:
    """The fake, what arrives, and the remarks and issues of pages, which the hook has got too."""
    told: list[str] = []

    def note(event: IssueEvent) -> None:
        assert event.is_doubt
        told.extend(event.issues)

    fake = subject.fake(subject.spread(rows), **PLAIN.get(subject.name, {}))
    options = {"on_issue": note, "concurrency": 1}
    pull = subject.open(fake, faults=faults, options=options, page_size=PAGE, **asked)
    came: Items = []
    remarks: list[str] = []
    issues: list[str] = []
    for page in walk(pull.stream.raw().pages()):
        came += page.items
        remarks += page.remarks
        issues += page.issues
    assert sorted(remarks + issues) == sorted(told)
    return fake, came, remarks, issues


@by_id
@pytest.mark.parametrize("place", PLACES)
def test_an_id_that_comes_twice_in_one_page(subject: Subject, walk: Walk, place: int) -> None:
    """One of the two is delivered, a remark names the id, and no issue marks the window as incomplete."""
    repeated: list[str] = []

    def change(items: Items) -> Items:
        repeated.append(identity(items[1]))
        return second_twice(items)

    fake, came, remarks, issues = pulled(subject, walk, failing(repeating(change), at=[place]))
    assert subject.came(fake, came) == subject.has(fake)
    assert remarks == [f"id {repeated[0]} came twice in one page; one is delivered"]
    assert not issues


@by_id
def test_a_page_that_has_as_many_items_as_are_counted_but_one_twice(subject: Subject, walk: Walk) -> None:
    """The item that is not on it is not missed."""
    at = failing(repeating(second_twice), at=[1])
    fake, came, remarks, _issues = pulled(subject, walk, at, rows=PAGE + 1)
    assert subject.came(fake, came) == subject.has(fake)
    assert len(remarks) == 1


@of("cognigy.project_logs", "daily.meetings")
def test_a_service_that_counts_both_items_of_one_id(subject: Subject, walk: Walk) -> None:
    """More are counted than are delivered, so an issue says that some may be missing, beside the remark."""
    at = first_of(failing(repeating(second_twice, more=1), at=[1]), failing(repeating(list, more=1)))
    fake, came, remarks, issues = pulled(subject, walk, at)
    assert subject.came(fake, came) == subject.has(fake)
    assert len(remarks) == 1
    assert any("some may be missing" in issue for issue in issues)


@by_id
def test_an_id_that_comes_twice_while_several_pages_are_read_at_once(subject: Subject, walk: Walk) -> None:
    """A remark names each id once."""
    clock = VirtualClock(EPOCH + MILLISECOND)
    told: list[str] = []

    def note(event: IssueEvent) -> None:
        told.extend(event.issues)

    fake = subject.fake(subject.spread(250), **PLAIN.get(subject.name, {}))
    options = {**lapse(clock, 0.05), "concurrency": 4, "on_issue": note}
    pull = subject.open(fake, faults=failing(repeating(second_twice)), clock=clock, options=options)
    assert subject.came(fake, walk(pull.stream.raw())) == subject.has(fake)
    assert len(told) > 250 // (2 * PAGE)
    assert len(told) == len({*told})


@by_id
def test_two_items_with_one_id_that_differ(subject: Subject, walk: Walk) -> None:
    """The remark says so; the first one is delivered."""
    fake, came, remarks, _issues = pulled(subject, walk, failing(repeating(second_differs), at=[1]))
    assert subject.came(fake, came) == subject.has(fake)
    assert not any("another" in item for item in came)
    assert [remark.partition(" came ")[2] for remark in remarks] == [
        "twice in one page, with different content; one is delivered"
    ]


@by_id
def test_several_ids_that_come_more_than_once_in_one_page(subject: Subject, walk: Walk) -> None:
    """One remark for the page names the first of them, and how many others there are."""
    repeated: list[str] = []

    def change(items: Items) -> Items:
        repeated.append(identity(items[0]))
        return [items[0], *items, *items]

    fake, came, remarks, _issues = pulled(subject, walk, failing(repeating(change), at=[1]))
    assert subject.came(fake, came) == subject.has(fake)
    assert len(remarks) == 1
    assert remarks[0].startswith(f"id {repeated[0]} came 3 times in one page, and ")
    assert remarks[0].endswith(" other ids more than once; one item of each is delivered")


@by_id
def test_two_items_with_one_id_of_which_one_is_in_the_window(subject: Subject, walk: Walk) -> None:
    """That one is delivered, wherever the other stands."""
    field = TIMES[subject.name]

    def change(items: Items) -> Items:
        other: Any = rfc3339(until) if isinstance(items[0][field], str) else until // MILLISECOND
        return [{**items[0], field: other}, *items]

    until = EPOCH + MILLISECOND
    fake, came, remarks, _issues = pulled(subject, walk, failing(repeating(change), at=[1]), until=rfc3339(until))
    assert subject.came(fake, came) == subject.has(fake)
    assert len(remarks) == 1
    assert "with different content" in remarks[0]


@by_id
def test_equal_items_without_an_id(subject: Subject, walk: Walk) -> None:
    """Where the service gives no id, equal items are one, and the remark says so."""

    def change(items: Items) -> Items:
        nameless = {name: value for name, value in items[1].items() if name not in {"id", "_id"}}
        return [*items[:1], nameless, nameless, *items[2:]]

    _fake, came, remarks, _issues = pulled(subject, walk, failing(repeating(change), at=[1]))
    assert sum("id" not in item and "_id" not in item for item in came) == 1
    assert remarks == ["an item without an id came twice in one page; one is delivered"]


def identity(item: Any) -> str:
    """The id of an item."""
    return str(item["_id"] if "_id" in item else item["id"])
