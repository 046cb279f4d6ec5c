"""The computed logs of the fake Logto equal what a scan of all logs finds."""

import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.testing import FakeRequest, LogtoFake
from logferry.testing.logto._history import History

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
KEYS = ["userId", "applicationId", "logKey"]


def page(fake: LogtoFake, query: str, *, now: int | None = None) -> tuple[list[dict[str, Any]], int]:
    """Return the logs of a page, and the count."""
    moment = fake.epoch if now is None else now
    headers = (("Host", "localhost"), ("Authorization", f"Bearer {fake.access_token(now=moment)}"))
    answer = fake.answer(FakeRequest("GET", f"/api/logs?{query}", headers), moment)
    assert answer.status == 200
    return orjson.loads(answer.body), int(answer.header("Total-Number") or -1)


def walk(fake: LogtoFake, query: str = "", *, now: int | None = None) -> list[dict[str, Any]]:
    """Return the logs of all pages."""
    items: list[dict[str, Any]] = []
    number = 1
    while found := page(fake, f"page_size=100&page={number}&{query}", now=now)[0]:
        items += found
        number += 1
    return items


def field(item: dict[str, Any], name: str) -> Any:
    """Return the fields that filters use."""
    return item["key"] if name == "logKey" else item["payload"].get(name)


FAKES = {
    (records, spacing, seed): LogtoFake(records=records, spacing=spacing, seed=seed)
    for records in (0, 1, 149, 150, 151, 417)
    for spacing in (0.004, 1.0, 60.0)
    for seed in (0, 1)
}
HUGE = History(records=10**9 + 1, epoch=0, spacing=1, growing=False, seed=3, tenant="t", release=(1, 42))
ALL = {settings: walk(fake) for settings, fake in FAKES.items()}


@pytest.mark.parametrize("which", FAKES)
def test_pages_yield_the_truth(which: tuple[int, float, int]) -> None:
    """A walk through all pages gives the truth: every log once, newest first, the newest at the epoch."""
    fake, items = FAKES[which], ALL[which]
    ids = [item["id"] for item in items]
    times = [item["createdAt"] for item in items]
    assert ids == list(fake.truth())
    assert len(set(ids)) == len(ids) == which[0]
    assert {21} >= {len(log_id) for log_id in ids}
    assert times == sorted(times, reverse=True)
    assert times[:1] == [fake.epoch // MILLISECOND][: len(times)]


@given(
    which=st.sampled_from(sorted(FAKES)),
    names=st.sets(st.sampled_from(KEYS)),
    pick=st.integers(0, 416),
    bounds=st.tuples(st.integers(-1, 417), st.integers(-1, 417)),
    shift=st.sampled_from([-1, 0, 1]),
)
def test_filters_match_a_full_scan(
    which: tuple[int, float, int], names: set[str], pick: int, bounds: tuple[int, int], shift: int
) -> None:
    """For any filters and any window, count, pages and truth equal those of a scan of every log."""
    fake, items = FAKES[which], ALL[which]
    wanted = {name: field(items[pick % len(items)], name) for name in names} if items else {}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    epoch = fake.epoch // MILLISECOND
    low, high = sorted(items[place]["createdAt"] + shift if 0 <= place < len(items) else epoch for place in bounds)
    expected = [
        item["id"]
        for item in items
        if low <= item["createdAt"] <= high and all(field(item, name) == value for name, value in wanted.items())
    ]
    query = "&".join(f"{name}={value}" for name, value in {**wanted, "start_time": low, "end_time": high}.items())
    assert [item["id"] for item in walk(fake, query)] == expected
    assert page(fake, query)[1] == len(expected)
    truth = fake.truth(
        since=low * MILLISECOND,
        until=(high + 1) * MILLISECOND,
        user_id=wanted.get("userId"),
        application_id=wanted.get("applicationId"),
        log_key=wanted.get("logKey"),
    )
    assert len(truth) == len(expected)
    assert list(truth) == expected


def test_truth_is_half_open() -> None:
    """The window of the truth includes its start and excludes its end, to the nanosecond."""
    fake = LogtoFake(records=10)
    newest = fake.epoch
    assert list(fake.truth(since=newest, until=newest + 1)) == [fake.truth()[0]]
    assert not fake.truth(since=newest - MILLISECOND + 1, until=newest)
    assert not fake.truth(since=newest + 1, until=newest + 2)
    assert not fake.truth(since=newest, until=newest - SECOND)


def test_truth_can_be_sliced() -> None:
    """The truth is a sequence: it can be indexed from both ends, and sliced."""
    truth = LogtoFake(records=10).truth()
    ids = list(truth)
    assert (truth[0], truth[-1], truth[2:5], truth[::-1]) == (ids[0], ids[-1], ids[2:5], ids[::-1])
    with pytest.raises(IndexError):
        truth[10]


def test_the_log_grows_with_the_clock() -> None:
    """As the clock advances, logs are added in front at the given spacing, and no other changes."""
    fake = LogtoFake(records=100, spacing=10)
    before, after = fake.truth(), fake.truth(now=fake.epoch + 3600 * SECOND)
    assert 300 < len(after) - len(before) < 420
    assert list(after[-100:]) == list(before)
    assert [item["id"] for item in walk(fake, now=fake.epoch + 3600 * SECOND)] == list(after)


def test_growth_can_be_disabled() -> None:
    """A log that is set not to grow stays unchanged."""
    fake = LogtoFake(records=100, growing=False)
    assert list(fake.truth()) == list(fake.truth(now=fake.epoch + 10**6 * SECOND))


def test_the_log_before_its_epoch() -> None:
    """Before its epoch, the log has the logs written until then."""
    fake = LogtoFake(records=100)
    earlier = fake.epoch - 1800 * SECOND
    times = [item["createdAt"] for item in walk(fake, now=earlier)]
    assert 0 < len(times) < 100
    assert max(times) <= earlier // MILLISECOND
    assert not fake.truth(now=0)


def test_the_seed_decides_the_logs() -> None:
    """Equal settings give equal logs, another seed gives others."""
    assert list(LogtoFake().truth()) == list(LogtoFake().truth())
    assert not set(LogtoFake().truth()) & set(LogtoFake(seed=1).truth())


def test_million_logs_need_no_memory() -> None:
    """A scan of a million logs takes no more memory than a page."""
    fake = LogtoFake(records=1_000_000, compression=False)
    page(fake, "page_size=100")
    tracemalloc.start()
    try:
        for number in (1, 2, 5_000, 9_999, 10_000):
            items, total = page(fake, f"page_size=100&page={number}")
            assert (len(items), total) == (100, 1_000_000)
        assert page(fake, "logKey=Interaction.End&page_size=100&page=900")[1] > 90_000
        assert len(fake.truth(log_key="Interaction.End")) > 90_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@given(number=st.integers(0, 10**9))
def test_an_id_identifies_its_log_without_a_search(number: int) -> None:
    """The number of a log is computed from its id."""
    item = HUGE.item(HUGE.id_of(number), 0)
    assert item is not None
    assert orjson.loads(item)["createdAt"] == HUGE.created_at(number)
