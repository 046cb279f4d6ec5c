"""How the fake Cognigy answers, and that it selects entries correctly."""

import pickle
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import orjson
import pytest

from logferry.testing import CognigyFake, FakeRequest, FakeResponse
from logferry.testing.cognigy._history import Wanted

FAKE = CognigyFake(records=417)
MINUTE = 60_000_000_000
ALL = "startDate=1970-01-01T00:00:00.000Z"


def ask(
    query: str = ALL,
    fake: CognigyFake = FAKE,
    *,
    accept: str = "application/json",
    key: str | None = None,
    project: str | None = None,
    now: int | None = None,
) -> FakeResponse:
    """Request a page of entries."""
    headers = (("Host", "bots.example"), ("X-API-Key", fake.api_key if key is None else key), ("Accept", accept))
    target = f"/v2.1/projects/{fake.project_id if project is None else project}/logs?{query}"
    return fake.answer(FakeRequest("GET", target, headers), fake.epoch if now is None else now)


def body(response: FakeResponse) -> dict[str, Any]:
    """Return the answer to a valid request."""
    assert response.status == 200
    value: dict[str, Any] = orjson.loads(response.body)
    return value


def ids(response: FakeResponse) -> list[str]:
    return [item["_id"] for item in body(response)["items"]]


def test_an_entry_has_the_documented_shape() -> None:
    """Entries look as documented, plus a level, which is undocumented."""
    entry = body(ask())["items"][0]
    assert {name: type(value) for name, value in entry.items()} == {
        "_id": str, "timestamp": str, "msg": str, "meta": dict, "traceId": str, "type": str,
    }  # fmt: skip
    assert len(entry["_id"]) == 24
    assert entry["timestamp"] == "2026-01-01T00:00:00.000Z"


def test_one_entry_in_four_shows_no_level() -> None:
    """Where levels are shown at all, one entry in four has none; a query for a level still finds it."""
    shown = ["type" in item for item in body(ask(f"{ALL}&limit=100"))["items"]]
    assert shown.count(False) == 25
    documented = attrs.evolve(FAKE, with_type=False)
    errors = body(ask(f"{ALL}&type=error", documented))
    assert not any("type" in item for item in errors["items"])
    assert errors["total"] == len(documented.truth(type_=["error"])) > 0


def test_pages_by_cursor() -> None:
    """The next cursor leads through all entries and the previous one back; the end pages have none."""
    pages = [body(ask(f"{ALL}&limit=100"))]
    while pages[-1]["nextCursor"] is not None:
        pages.append(body(ask(f"{ALL}&limit=100&next={pages[-1]['nextCursor']}")))
    assert [item["_id"] for page in pages for item in page["items"]] == list(FAKE.truth())
    assert {page["total"] for page in pages} == {417}
    assert pages[0]["previousCursor"] is None
    assert body(ask(f"{ALL}&limit=100&previous={pages[2]['previousCursor']}"))["items"] == pages[1]["items"]


def test_pages_by_offset_and_order() -> None:
    """Entries can be skipped or sent oldest first; the default page has 25."""
    assert ids(ask(f"{ALL}&skip=10")) == FAKE.truth()[10:35]
    assert ids(ask(f"{ALL}&sort=_id:asc&limit=3")) == FAKE.truth()[::-1][:3]


def test_without_dates_the_last_hour() -> None:
    """The default window is the documented hour before now."""
    assert body(ask(""))["total"] == len(FAKE.truth(since=FAKE.epoch - 60 * MINUTE))


def test_bounds_are_inclusive() -> None:
    """Both dates are inclusive, so a client has to cut a half-open window itself."""
    query = "startDate=2025-12-31T23:00:00.000Z&endDate=2025-12-31T23:10:00.000Z"
    hour = FAKE.epoch - 60 * MINUTE
    assert ids(ask(query)) == list(FAKE.truth(since=hour, until=hour + 10 * MINUTE + 1))


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"type_": ["error"]},
        {"type_": ["error", "warn"]},
        {"user_id": "user-ben"},
        {"flow_name": "Main"},
        {"filter_": "SLOW"},
        {"filter_": "warn"},
        {"filter_": "turn-1"},
        {"filter_": "0000-4000"},
        {"user_id": "nobody"},
        {"type_": ["info"], "user_id": "user-anna", "flow_name": "Booking"},
    ],
    ids=str,
)
@pytest.mark.parametrize("minutes", [(0, 420), (17, 222), (100, 101), (5, 5)], ids=str)
def test_computed_selections_match_a_full_scan(filters: dict[str, Any], minutes: tuple[int, int]) -> None:
    """Every filter and window selects and counts the entries that a scan of all entries finds."""
    history, first = FAKE.history, FAKE.epoch - 420 * MINUTE
    since, until = (first + minute * MINUTE for minute in minutes)

    def matches(number: int) -> bool:
        item = history.item(number)
        # The message has the values that an entry does not show.
        level = FAKE_LEVELS[item["msg"].rpartition(" in ")[0]]
        texts = (level, item["msg"].lower(), item["traceId"])
        return (
            since <= history.time_of(number) * 1_000_000 < until
            and level in (filters.get("type_") or [level])
            and item["meta"]["userId"] == filters.get("user_id", item["meta"]["userId"])
            and item["meta"]["flowName"] == filters.get("flow_name", item["meta"]["flowName"])
            and any(filters.get("filter_", "").lower() in text for text in texts)
        )

    expected = [history.id_of(number) for number in range(417) if matches(number)][::-1]
    assert list(FAKE.truth(since=since, until=until, **filters)) == expected


FAKE_LEVELS = {
    "Node executed": "trace",
    "Intent mapped": "debug",
    "Message received": "info",
    "Slow answer of a service": "warn",
    "HTTP request failed": "error",
    "Flow stopped": "fatal",
}


def test_times_tie_and_ids_are_not_in_their_order() -> None:
    """Some entries share a time, and some were written after later ones."""
    times = [item["timestamp"] for item in body(ask(f"{ALL}&limit=100"))["items"]]
    assert len(set(times)) < len(times)
    assert sorted(times, reverse=True) != times


def test_entries_expire_after_a_day() -> None:
    """Entries are removed after a day and new ones arrive; the cursor of a removed entry still works."""
    later = FAKE.epoch + 1440 * MINUTE
    assert len(FAKE.truth(now=later)) == 1441
    assert not {*FAKE.truth(now=later)} & {*FAKE.truth()[1:]}
    assert ids(ask(f"{ALL}&next={FAKE.truth()[300]}", now=later)) == []
    kept = attrs.evolve(FAKE, retention=None)
    assert len(kept.truth(now=later)) == 417 + 1440
    assert attrs.evolve(FAKE, growing=False).truth(now=later)[:] == FAKE.truth()[:1]


def test_a_million_entries_need_no_memory() -> None:
    """The entries are dense enough that none expires, and a page in the middle is computed at once."""
    fake = CognigyFake(records=1_000_000)
    page = body(ask(f"{ALL}&limit=2&next={fake.history.id_of(500_000)}&type=info", fake))
    assert page["total"] == 437_500
    assert [fake.history.number_at(item["_id"]) for item in page["items"]] == [499_998, 499_995]
    wanted = Wanted(text="Slow")
    assert len(fake.history.select(fake.history.existing(fake.epoch // 1_000_000), wanted)) == 125_000


@pytest.mark.parametrize("spelling", ["type", "type[]"])
def test_levels_in_both_spellings(spelling: str) -> None:
    """Levels are repeated parameters with or without brackets; a fake for one spelling ignores the other."""
    query = f"{ALL}&{spelling}=error&{spelling}=warn"
    expected = len(FAKE.truth(type_=["error", "warn"]))
    assert body(ask(query))["total"] == expected
    assert body(ask(query, attrs.evolve(FAKE, type_parameter="type")))["total"] == (
        expected if spelling == "type" else 417
    )


@pytest.mark.parametrize("accept", ["*/*", "application/hal+json"])
def test_the_default_format_is_hal(accept: str) -> None:
    """Without an Accept for JSON the answer is HAL, whose http links have an empty parameter."""
    response = ask(f"{ALL}&limit=100", accept=accept)
    assert response.header("Content-Type") == "application/hal+json"
    page = body(response)
    assert [item["_id"] for item in page["_embedded"]["logEntry"]] == list(FAKE.truth()[:100])
    href: str = page["_links"]["next"]["href"]
    link = urlsplit(href)
    assert (link.scheme, link.hostname) == ("http", "bots.example")
    query = parse_qs(link.query, keep_blank_values=True)
    assert query["previous"] == [""]
    following = body(ask(link.query))
    assert [item["_id"] for item in following["items"]] == list(FAKE.truth()[100:200])
    back: str = body(ask(link.query, accept=accept))["_links"]["previous"]["href"]
    assert parse_qs(urlsplit(back).query)["previous"] == [FAKE.truth()[100]]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "wrong"}, 401, 401),
        ({"project": FAKE.forbidden_project_id}, 403, 403),
        ({"project": "0" * 24}, 404, 1002),
        ({"project": "short"}, 400, 1005),
        ({"query": "limit=0"}, 400, 1005),
        ({"query": "limit=101"}, 400, 1005),
        ({"query": "limit=ten"}, 400, 1005),
        ({"query": "skip=-1"}, 400, 1005),
        ({"query": "sort=time"}, 400, 1005),
        ({"query": "next=" + "z" * 24}, 400, 1005),
        ({"query": "next=" + "a" * 24}, 400, 1005),
        ({"query": "previous=short"}, 400, 1005),
        ({"query": "type=grave"}, 400, 1005),
        ({"query": "startDate=yesterday"}, 400, 1005),
        ({"accept": "text/csv"}, 406, 406),
    ],
    ids=str,
)
def test_refusals_are_problem_details(changes: dict[str, Any], status: int, code: int) -> None:
    """Refusals are problem details with Cognigy's own code."""
    response = ask(**changes)
    assert (response.status, response.header("Content-Type")) == (status, "application/problem+json")
    problem = orjson.loads(response.body)
    assert set(problem) == {"type", "title", "status", "detail", "instance", "code", "traceId", "details"}
    assert (problem["status"], problem["code"]) == (status, code)


def test_a_key_is_required() -> None:
    """The key goes into the header or into the query."""
    target = f"/new/v2.1/projects/{FAKE.project_id}/logs"
    assert FAKE.answer(FakeRequest("GET", target), FAKE.epoch).status == 401
    assert FAKE.answer(FakeRequest("GET", f"{target}?api_key={FAKE.api_key}"), FAKE.epoch).status == 200
    assert FAKE.answer(FakeRequest("DELETE", f"{target}?api_key={FAKE.api_key}"), FAKE.epoch).status == 404
    head = FAKE.answer(FakeRequest("HEAD", f"{target}?api_key={FAKE.api_key}"), FAKE.epoch)
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/openapi/v2.1", 404)])
def test_another_path_is_a_web_page(path: str, status: int) -> None:
    """A wrong base URL reaches the user interface."""
    response = FAKE.answer(FakeRequest("GET", path), FAKE.epoch)
    assert (response.status, response.body[:15]) == (status, b"<!DOCTYPE html>")


def test_violations_are_named() -> None:
    """Deviations from the spec are named, with and without the prefix of the trial installation."""
    headers = (("X-API-Key", "k"),)
    for prefix in ("", "/new"):
        path = f"{prefix}/v2.1/projects/{FAKE.project_id}/logs"
        assert FAKE.violations(FakeRequest("GET", f"{path}?limit=100&type=error&type=info", headers)) == []
        assert len(FAKE.violations(FakeRequest("GET", f"{path}?limit=101&page=2", headers))) == 2


def test_settings_are_values() -> None:
    """Fakes with equal settings are equal, survive a pickle, and give equal answers."""
    copy = pickle.loads(pickle.dumps(FAKE))  # noqa: S301 - pickled a moment ago
    assert copy == FAKE == CognigyFake(records=417)
    assert ask(fake=copy) == ask()
    assert FAKE.api_key not in repr(FAKE)


@pytest.mark.parametrize("change", [{"records": -1}, {"spacing": 0}])
def test_invalid_settings_are_refused(change: dict[str, Any]) -> None:
    """Invalid settings are refused."""
    with pytest.raises(ValueError, match="must be >="):
        CognigyFake(**change)
