"""Following one stream: views, polls, pauses, errors, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logferry
from logferry._streams.follow_position import Known, Place, Watched, key
from logferry._streams.pace import Polling
from logferry._time.timestamps import SECOND
from logferry.hooks import IssueEvent
from logferry.testing import FakeRequest, FakeResponse, InProcessTransport, LogtoFake, Row, VirtualClock

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

EPOCH = 1_767_225_600 * SECOND
PROPERTY = settings(derandomize=True, max_examples=100)


def history(*seconds: float) -> LogtoFake:
    """Return a service whose logs appear these many seconds after the start, dated at that time."""
    times = [EPOCH + round(second * SECOND) for second in seconds]
    rows = tuple(Row(time=time, appears=time, content=number) for number, time in enumerate(times))
    return LogtoFake(epoch=EPOCH, rows=rows)


def test_every_view_can_be_followed(client: Make, walk: Walk) -> None:
    """A follow yields entries, records, raw items or pages in order of time, each once."""
    fake = history(5, 6, 20, 21, 22)
    truth = list(fake.truth(now=EPOCH + 100 * SECOND))[::-1]
    with client(fake, clock=VirtualClock(EPOCH)) as logto:
        stream = logto.audit_logs(since="1s", max_items=5)
        assert [entry.id for entry in walk(stream.follow())] == truth
    with client(fake, clock=VirtualClock(EPOCH)) as logto:
        records = list(walk(logto.audit_logs(since="1s", max_items=5).records().follow()))
        assert [record.uid.rpartition(":")[2] for record in records] == truth
    with client(fake, clock=VirtualClock(EPOCH)) as logto:
        view = logto.audit_logs(since="1s", max_items=5).raw().follow()
        pages = list(walk(view.pages()))
        assert [item["id"] for page in pages for item in page.items] == truth
        assert [] in [page.items for page in pages]
        assert view.stats.items == 5
        assert view.stats.pages == len(pages)


def test_polls_back_off_without_new_items(client: Make, walk: Walk) -> None:
    """The time between two polls doubles up to the maximum, and is short again after a new item."""
    clock = VirtualClock(EPOCH)
    with client(history(100, 101), clock=clock) as logto:
        pages = walk(logto.audit_logs().follow(shortest=2, longest=20).pages())
        came = [len(next(pages).items) for _ in range(12)]
    assert sum(came) == 2
    assert clock.naps[:5] == (2, 4, 8, 16, 20)
    first = next(index for index, count in enumerate(came) if count)
    assert clock.naps[first : first + 3] == (2, 2, 4)


def test_polling_takes_at_most_half_of_the_time() -> None:
    """A slow poll is followed by a pause of the same length, up to the maximum."""
    pace = Polling(shortest=2, longest=30)
    assert pace.pause(0, 10 * SECOND) == 10
    assert pace.pause(0, 100 * SECOND) == 30
    assert pace.pause(1000, 0) == 30


@pytest.mark.parametrize(("shortest", "longest"), [(0, 1), (-1, 1), (3, 2), (1, float("inf")), (float("nan"), 1)])
def test_an_invalid_interval_is_refused(client: Make, shortest: float, longest: float) -> None:
    """An invalid interval is refused before any request is sent."""
    transport = InProcessTransport(LogtoFake())
    with (
        client(transport=transport) as logto,
        pytest.raises(logferry.InvalidRequestError, match="cannot be polled every"),
    ):
        logto.audit_logs().follow(shortest=shortest, longest=longest)
    assert transport.count == 0


def test_a_stream_with_an_end_is_not_followed(client: Make) -> None:
    """A stream with `until` cannot be followed, and a follow cannot be followed again."""
    with client() as logto:
        with pytest.raises(logferry.InvalidRequestError, match="until a moment"):
            logto.audit_logs(until="2027-01-01").follow()
        with pytest.raises(logferry.InvalidRequestError, match="followed already"):
            logto.audit_logs().follow().follow()


def test_checkpoints_of_pulls_and_follows_differ(client: Make) -> None:
    """The checkpoint of a pull does not resume a follow, nor that of a follow a pull."""
    with client(history(1, 2), clock=VirtualClock(EPOCH + 10 * SECOND)) as logto:
        pulled = logto.audit_logs()
        pulled.to_list()
        followed = logto.audit_logs(since="1m").follow()
        followed.to_list(1)
        with pytest.raises(logferry.CheckpointError, match="without follow"):
            logto.audit_logs(resume=pulled.checkpoint).follow()
        for view in (
            logto.audit_logs(resume=followed.checkpoint),
            logto.audit_logs(resume=followed.checkpoint).pages(),
        ):
            with pytest.raises(logferry.CheckpointError, match=r"with follow\(\)"):
                next(iter(view))


def test_the_iterator_continues_after_an_error(client: Make, walk: Walk) -> None:
    """An error has a checkpoint; items before it were delivered, and the remaining items follow."""
    clock, broken = VirtualClock(EPOCH), [False]

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        return FakeResponse(503) if broken[0] and request.method == "GET" else None

    fake = history(5, 6, 7, 50)
    with client(fake, clock=clock, faults=fault, retries=0) as logto:
        view = logto.audit_logs(since="0s").raw().follow()
        items = walk(view)
        got = [next(items), next(items), next(items)]
        broken[0] = True
        with pytest.raises(logferry.ServiceError) as caught:
            next(items)
        assert caught.value.checkpoint == view.checkpoint
        broken[0] = False
        again = next(walk(logto.audit_logs(resume=caught.value.checkpoint).raw().follow()))
        got.append(next(items))
    assert again == got[-1]
    assert [item["id"] for item in got] == list(fake.truth(now=EPOCH + 100 * SECOND))[::-1]


def test_a_checkpoint_is_bounded_by_the_overlap(client: Make) -> None:
    """A checkpoint takes 16 characters for each item of the last minutes, however many items came before."""
    clock = VirtualClock(EPOCH)
    fake = history(*(10 * number for number in range(1, 250)))
    with client(fake, clock=clock) as logto:
        view = logto.audit_logs(since="0s").follow(shortest=20)
        assert len(view.to_list(200)) == 200
        overlap = (600 + 60 + 2 * 20) // 10
        assert 16 * 55 < len(view.checkpoint) < 16 * overlap + 600


@PROPERTY
@given(
    st.dictionaries(
        st.binary(min_size=8, max_size=8), st.none() | st.integers(EPOCH, EPOCH + 10**9 * SECOND), max_size=20
    ),
    st.integers(0, 20),
)
def test_known_items_survive_a_checkpoint(times: dict[bytes, int | None], count: int) -> None:
    """Recent items are recognised after a round trip, in the same order, with times exact to a second."""
    known = Known()
    for item, time in times.items():
        known.add(item, time)
    part = known.first(min(count, len(known)))
    again = Known.from_json(part.to_json())
    assert [item for item in times if item in again] == list(times)[: len(part)]
    assert len(again) == len(part)
    for item in list(times)[: len(part)]:
        time = times[item]
        if time is not None:
            assert item in again.since(time)
            assert item not in again.since(time + SECOND)


def test_a_position_survives_a_checkpoint() -> None:
    """Every field of a position is restored."""
    known = Known({key("a", 0): EPOCH, key("a", 1): EPOCH})
    place = Place(
        read=1, begun=2, since=3, walk={"any": 1}, whole=False, known=known, watched={key("b", 0): Watched(4, "c")}
    )
    assert Place.from_json(place.to_json()).to_json() == place.to_json()


def test_at_most_a_thousand_items_without_a_time_are_remembered() -> None:
    """Without a time no item expires, so only the latest thousand are kept."""
    known = Known()
    for number in range(1200):
        known.add(key(str(number), 0), None)
    left = known.since(EPOCH)
    assert len(left) == 1000
    assert key("1199", 0) in left
    assert key("0", 0) not in left


@pytest.mark.parametrize("since", [None, "1s"])
def test_a_local_clock_that_is_ahead_loses_nothing(client: Make, walk: Walk, since: str | None) -> None:
    """The service's own time decides, so every item comes once however far the local clock is ahead."""
    fake, clock = history(*range(5, 400, 7)), VirtualClock(EPOCH + 3 * 86_400 * SECOND)
    transport = InProcessTransport(fake, clock=lambda: clock.now() - 3 * 86_400 * SECOND)
    with client(transport=transport, clock=clock) as logto:
        stream = logto.audit_logs(since=since, max_items=50).raw().follow()
        got = [item["id"] for item in walk(stream)]
    assert got == list(fake.truth(now=EPOCH + 400 * SECOND))[::-1][:50]


def test_a_checkpoint_from_a_clock_that_was_ahead_is_an_issue(client: Make, walk: Walk) -> None:
    """Without the time of the service, items between the two clocks may be missing; later items are not."""
    fake, clock = history(*range(5, 400, 7)), VirtualClock(EPOCH + 3 * 86_400 * SECOND)

    def dateless(answer: FakeResponse) -> FakeResponse:
        return FakeResponse(answer.status, tuple(one for one in answer.headers if one[0] != "Date"), answer.body)

    transport = InProcessTransport(
        fake, clock=lambda: clock.now() - 3 * 86_400 * SECOND, faults=lambda _request, _number: dateless
    )
    with client(transport=transport, clock=clock) as logto:
        view = logto.audit_logs().raw().follow()
        next(walk(view.pages()))
        checkpoint = view.checkpoint
    told: list[IssueEvent] = []
    with client(fake, clock=VirtualClock(EPOCH + 100 * SECOND), on_issue=told.append) as logto:
        view = logto.audit_logs(resume=checkpoint, max_items=20).raw().follow()
        got = [item["id"] for item in walk(view)]
    assert got == list(fake.truth(now=EPOCH + 400 * SECOND))[::-1][:20]
    assert ["the clock was 72.0 h ahead" in issue for event in told for issue in event.issues] == [True]
