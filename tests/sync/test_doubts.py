"""A window with possibly missing items stays a gap, and the next sync reads it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from tests.sync.conftest import DAY, HOUR, MINUTE, NOON, MakeWorld, World, rows_of

from logferry.testing import (
    Change,
    CognigyFake,
    DailyFake,
    Fake,
    FakeRequest,
    Faults,
    LogtoFake,
    Row,
    SignalWireFake,
    emptied,
    shortened,
)
from logferry.testing._noticeable import noticeably_shortened

LOGTO: Final = "logto.audit_logs"
CROWDED: Final = NOON - 2 * HOUR
"""The time of more logs than a page can show."""

FAKES: Final[dict[str, Callable[[], Fake]]] = {
    "cognigy": lambda: CognigyFake(records=350, epoch=NOON, growing=False),
    "daily": lambda: DailyFake(records=120, epoch=NOON, growing=False),
    "logto": lambda: LogtoFake(records=350, epoch=NOON, growing=False),
    "signalwire": lambda: SignalWireFake(records=350, epoch=NOON, growing=False),
}
COUNTED: Final = {
    "cognigy.project_logs": "cognigy",
    "daily.meetings": "daily",
    LOGTO: "logto",
}
"""The streams whose service counts the items it lists."""


def crowded(world: MakeWorld) -> World:
    """Return an account with 250 logs of one millisecond, of which the server can show 100."""
    rows = [Row(time=CROWDED, content=number) for number in range(250)]
    return world(LogtoFake(rows=rows, release="1.36.0", stable_ties=False))


def test_a_window_with_an_issue_stays_a_gap(world: MakeWorld) -> None:
    """The report names the possible loss and leaves the window incomplete."""
    accounts = crowded(world)
    report = accounts.bring(LOGTO, since="4h")
    assert report.doubts
    assert report.slices < report.planned
    assert accounts.store.state_at(LOGTO, CROWDED) == "gap"


def test_a_window_with_an_issue_is_read_again(world: MakeWorld) -> None:
    """The next sync reads the window from its start, not from behind the page in doubt."""
    accounts = crowded(world)
    accounts.bring(LOGTO, since="4h")
    accounts.asked()
    accounts.clock.advance(5 * MINUTE / 1e9)
    accounts.bring(LOGTO)
    assert len(accounts.asked()) >= 3
    assert accounts.store.state_at(LOGTO, CROWDED) == "gap"


def once_each(change: Change, fake: Fake) -> Faults:
    """Change the first answer to each request for logs."""
    asked = set[str]()

    def fault(request: FakeRequest, _number: int) -> Change | None:
        if request.method != "GET" or request.target in asked:
            return None
        asked.add(request.target)
        return noticeably_shortened(fake, request, lambda: NOON) if change is shortened else change

    return fault


@pytest.mark.parametrize("change", [emptied, shortened])
@pytest.mark.parametrize("name", FAKES)
def test_pages_that_are_empty_or_short_once_lose_no_row(world: MakeWorld, name: str, change: Change) -> None:
    """If each answer of a stream is empty or short once, the store gets all rows and the window is complete."""
    fake = FAKES[name]()
    accounts = world(fake, faults=once_each(change, fake))
    accounts.sync(since="90d").raise_failures()
    session = {"mtg_session_id": fake.meeting_ids[0]} if isinstance(fake, DailyFake) else {}
    for stream in fake.streams:
        truth = (
            sorted(accounts.truth(stream, source="api") + accounts.truth(stream, source="webhook"))
            if stream == "daily.api_logs"
            else accounts.truth(stream, **(session if stream.startswith("daily.session") else {}))
        )
        assert accounts.stored(stream) == truth


def lacking() -> tuple[Faults, dict[str, bool]]:
    """A service that leaves an item out of every page until it is repaired."""
    ill = {"is": True}

    def fault(request: FakeRequest, _number: int) -> Change | None:
        return shortened if ill["is"] and request.method == "GET" else None

    return fault, ill


@pytest.mark.parametrize("stream", COUNTED)
def test_a_window_is_not_complete_while_the_count_disagrees(world: MakeWorld, stream: str) -> None:
    """The missing item comes once the service sends it, and then the window is complete."""
    fault, ill = lacking()
    make = {
        "cognigy": CognigyFake,
        "daily": DailyFake,
        "logto": LogtoFake,
    }[COUNTED[stream]]
    moment = NOON - DAY // 2 - 6 * HOUR
    accounts = world(make(rows=rows_of(range(moment, moment + HOUR, 5 * MINUTE))), faults=fault)
    (report,) = accounts.sync(streams=[stream], since="3d")
    assert report.failure is not None or any("some may be missing" in doubt for doubt in report.doubts)
    assert len(accounts.stored(stream)) < len(accounts.truth(stream))
    assert accounts.store.state_at(stream, moment) in {"gap", "partial"}
    ill["is"] = False
    assert accounts.bring(stream).doubts == []
    assert accounts.stored(stream) == accounts.truth(stream)
    assert accounts.store.state_at(stream, moment) == "complete"
