"""The behaviour of the fake SignalWire."""

import pickle
import tracemalloc
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import orjson
import pytest

from logferry.testing import FakeRequest, FakeResponse, SignalWireFake

FAKE = SignalWireFake(records=403)
SECOND = 1_000_000_000
LOGS = "/api/video/logs"


def ask(
    target: str = LOGS,
    *,
    fake: SignalWireFake = FAKE,
    method: str = "GET",
    authorization: str | None = None,
    now: int | None = None,
) -> FakeResponse:
    """Send a request to the fake, with valid credentials unless others are given."""
    basic = "Basic " + b64encode(f"{fake.project_id}:{fake.api_token}".encode()).decode()
    lines = (("Host", "127.0.0.1:8700"), ("Authorization", basic if authorization is None else authorization))
    return fake.answer(FakeRequest(method, target, lines), fake.epoch if now is None else now)


def body(answer: FakeResponse) -> dict[str, Any]:
    """Return the decoded body."""
    decoded: dict[str, Any] = orjson.loads(answer.body)
    return decoded


def ids(answer: FakeResponse) -> list[str]:
    """Return the ids of a page, in order."""
    return [item["id"] for item in body(answer)["data"]]


def links(answer: FakeResponse) -> dict[str, str]:
    """Return the links of a page."""
    found: dict[str, str] = body(answer)["links"]
    return found


def followed(target: str, fake: SignalWireFake = FAKE, *, now: int | None = None) -> list[FakeResponse]:
    """Return all pages of a list, by its links."""
    pages = [ask(target, fake=fake, now=now)]
    while following := links(pages[-1]).get("next"):
        parts = urlsplit(following)
        pages.append(ask(f"{parts.path}?{parts.query}", fake=fake, now=now))
    return pages


def mistake(answer: FakeResponse) -> str:
    """Return the parameter that the single error of a 422 names."""
    assert answer.status == 422
    (error,) = body(answer)["errors"]
    assert set(error) == {"type", "code", "message", "attribute", "url"}
    attribute: str = error["attribute"]
    return attribute


@pytest.mark.parametrize(
    ("query", "attribute"),
    [
        ("page_size=0", "page_size"),
        ("page_size=1001", "page_size"),
        ("page_size=", "page_size"),
        ("page_size=1.5", "page_size"),
        ("page_number=-1", "page_number"),
        ("page_number=x", "page_number"),
        ("page_number=1", "page_token"),
        ("page_number=1&page_token=PAff-0", "page_token"),
        ("page_number=1&page_token=PAxyz", "page_token"),
        ("created_before=soon", "created_before"),
        ("created_on=2026-13-01", "created_on"),
        ("created_after=", "created_after"),
    ],
)
def test_an_invalid_parameter_is_named(query: str, attribute: str) -> None:
    """A parameter out of bounds is answered with a 422 that names it."""
    assert mistake(ask(f"{LOGS}?{query}")) == attribute


def test_names_of_parameters_are_case_sensitive() -> None:
    """A parameter in another case is ignored, as an unknown one is."""
    assert len(ids(ask(f"{LOGS}?Page_Size=10&unknown=1"))) == 50


@pytest.mark.parametrize("page_size", [1, 100, 1000])
def test_the_links_lead_through_all_logs(page_size: int) -> None:
    """The pages of the links have every log once, in order."""
    fake = SignalWireFake(records=203)
    pages = followed(f"{LOGS}?page_size={page_size}", fake)
    assert [one for page in pages for one in ids(page)] == list(fake.truth())


def test_links_keep_the_query() -> None:
    """Links keep filters, count pages from 0, need no token for the first page, and end at the last page."""
    first, *_, last = followed(f"{LOGS}?include_deleted=true&page_size=100")
    assert list(links(first)) == ["self", "first", "next"]
    assert links(first)["first"] == f"https://127.0.0.1:8700{LOGS}?include_deleted=true&page_number=0&page_size=100"
    query = parse_qs(urlsplit(links(first)["next"]).query)
    assert set(query) == {"include_deleted", "page_number", "page_size", "page_token"}
    assert query["page_number"] == ["1"]
    assert list(links(last)) == ["self", "first", "prev"]
    relative = attrs.evolve(FAKE, link_scheme=None)
    assert links(ask(fake=relative))["self"] == f"{LOGS}?page_number=0&page_size=50"


def test_a_token_belongs_to_one_query() -> None:
    """A token is refused with another filter or another page size."""
    link = urlsplit(links(ask(f"{LOGS}?page_size=10"))["next"])
    target = f"{link.path}?{link.query}"
    assert ask(target).status == 200
    assert mistake(ask(target + "&include_deleted=true")) == "page_token"
    assert mistake(ask(target.replace("page_size=10", "page_size=11"))) == "page_token"


def test_a_token_pins_the_list() -> None:
    """Logs that arrive while a list is read do not shift its pages."""
    link = urlsplit(links(ask(f"{LOGS}?page_size=10"))["next"])
    target = f"{link.path}?{link.query}"
    assert ids(ask(target, now=FAKE.epoch + 600 * SECOND)) == list(FAKE.truth())[10:20]


@pytest.mark.parametrize("authorization", ["", "Bearer x", "Basic", "Basic ???", "Basic " + b64encode(b"a:b").decode()])
def test_wrong_credentials_are_refused(authorization: str) -> None:
    """Wrong or missing credentials are answered with 401."""
    answer = ask(authorization=authorization)
    assert (answer.status, body(answer)) == (401, {"error": "Unauthorized"})


@pytest.mark.parametrize(("status", "error"), [(401, "Unauthorized"), (403, "Forbidden")])
def test_a_missing_scope_is_refused(status: int, error: str) -> None:
    """A token without the scope gets either of the documented statuses."""
    fake = attrs.evolve(FAKE, scope_status=status)
    basic = "Basic " + b64encode(f"{fake.project_id}:{fake.scopeless_token}".encode()).decode()
    answer = ask(fake=fake, authorization=basic)
    assert (answer.status, body(answer)) == (status, {"error": error})


def test_other_paths_and_methods_are_refused() -> None:
    """The API has a single operation."""
    assert ask("/api/video/rooms").status == 404
    assert ask(method="POST").status == 405


def test_deleted_logs_are_listed_on_request() -> None:
    """Deleted logs have only their id and times."""
    items = [item for page in followed(f"{LOGS}?include_deleted=true") for item in body(page)["data"]]
    assert len(items) == 403
    discarded = [item for item in items if "discarded_at" in item]
    assert len(discarded) == 31
    assert {tuple(item) for item in discarded} == {("id", "discarded_at", "created_at")}
    assert len(FAKE.truth()) == 403 - 31
    assert ids(ask(f"{LOGS}?include_deleted=false&page_size=1000")) == list(FAKE.truth())


@pytest.mark.parametrize("inclusive", [True, False])
def test_bounds_are_inclusive_or_exclusive(inclusive: bool) -> None:
    """Both bounds exclude or include their second or day, by a setting of the fake."""
    fake = SignalWireFake(records=4000, inclusive_bounds=inclusive)
    (last, *_), epoch = fake.truth(), "2026-01-01T00:00:00Z"
    assert (last in ids(ask(f"{LOGS}?created_before={epoch}", fake=fake))) is inclusive
    assert (last in ids(ask(f"{LOGS}?created_after={epoch}", fake=fake))) is inclusive
    assert (last in ids(ask(f"{LOGS}?created_before=2026-01-01", fake=fake))) is inclusive
    assert (last in ids(ask(f"{LOGS}?created_after=2026-01-01", fake=fake))) is inclusive
    day = [
        item["created_at"][:10] for item in body(ask(f"{LOGS}?created_on=2025-12-31&page_size=1000", fake=fake))["data"]
    ]
    assert (set(day), len(day)) == ({"2025-12-31"}, 1000)
    assert ids(ask(f"{LOGS}?created_on=2026-01-01T12:00:00Z", fake=fake)) == [last]


def test_sessions_change_until_they_end() -> None:
    """A session in progress has no end, its charge grows with time, and it is completed at last."""
    seen = [
        body(ask(f"{LOGS}?created_before=2026-01-01T00:00:01Z", now=FAKE.epoch + minutes * 60 * SECOND))["data"][5]
        for minutes in (0, 20, 120)
    ]
    assert {item["id"] for item in seen} == {FAKE.truth()[5]}
    assert [item["status"] for item in seen] == ["in-progress", "in-progress", "completed"]
    assert [item["ended_at"] is None for item in seen] == [True, True, False]
    charges = [item["charge"] for item in seen]
    assert charges == sorted(charges)
    assert charges[0] < charges[1]
    assert seen[2]["started_at"] < seen[2]["ended_at"]


def test_order_is_a_setting() -> None:
    """Logs come newest first, or oldest first."""
    fake = SignalWireFake(records=30)
    other = attrs.evolve(fake, oldest_first=True)
    assert ids(ask(fake=other)) == ids(ask(fake=fake))[::-1] == list(other.truth())


def test_some_fields_are_missing_or_undocumented() -> None:
    """Some sessions have no room name, and some logs have an undocumented field."""
    items = body(ask(f"{LOGS}?page_size=1000"))["data"]
    assert {item["room_name"] is None for item in items} == {True, False}
    assert {"made_up" in item for item in items} == {True, False}
    assert {item["type"] for item in items} == {"video_room_session", "video_conference_session"}


def test_a_million_logs_need_no_memory() -> None:
    """The truth and a page of a large history are computed, not stored."""
    tracemalloc.start()
    fake = SignalWireFake(records=1_000_000, spacing=0.5)
    truth = fake.truth()
    assert len(truth) == 1_000_000 - 76_923
    assert truth[-1] == fake.truth(until=fake.epoch - 499_990 * SECOND)[-1]
    assert ids(ask(f"{LOGS}?page_size=3", fake=fake)) == list(truth[:3])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_history_grows_with_the_clock_by_default() -> None:
    """A log arrives every `spacing` seconds, or none does."""
    later = FAKE.epoch + 3600 * SECOND
    assert len(FAKE.truth(include_deleted=True, now=later)) == 403 + 60
    assert len(attrs.evolve(FAKE, growing=False).truth(include_deleted=True, now=later)) == 403
    assert ids(ask(fake=SignalWireFake(records=0))) == []


def test_equal_input_gives_equal_answers() -> None:
    """A fake and its copies keep no state between requests, and another seed gives other ids."""
    assert ask() == ask(fake=pickle.loads(pickle.dumps(FAKE)))  # noqa: S301 - our own
    assert not set(FAKE.truth()) & set(attrs.evolve(FAKE, seed=1).truth())
    for secret in (FAKE.api_token, FAKE.scopeless_token):
        assert secret not in repr(FAKE)


def test_answers_conform_to_the_spec_and_violations_are_named() -> None:
    """A violation of the spec is named without its value."""
    good = FakeRequest("GET", f"{LOGS}?page_size=10&include_deleted=true", (("Authorization", "Basic eA=="),))
    assert FAKE.violations(good) == []
    bad = FakeRequest("GET", f"{LOGS}?page=2&page_size=5000", (("Authorization", "Basic eA=="),))
    assert len(FAKE.violations(bad)) == 2
