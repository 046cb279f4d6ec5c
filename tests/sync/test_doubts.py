"""A window of which something may be missing is not complete: it stays a gap, and the next sync reads it again."""

from __future__ import annotations

from typing import Final

from tests.sync.conftest import HOUR, MINUTE, NOON, MakeWorld, World

from logferry.testing import LogtoFake, Row

LOGTO: Final = "logto.audit_logs"
CROWDED: Final = NOON - 2 * HOUR
"""When more logs come at once than a page can show."""


def crowded(world: MakeWorld) -> World:
    """An account that has 250 logs of one millisecond, of which a server can show 100."""
    rows = [Row(time=CROWDED, content=number) for number in range(250)]
    return world(LogtoFake(rows=rows, release="1.36.0", stable_ties=False))


def test_a_window_with_an_issue_stays_a_gap(world: MakeWorld) -> None:
    """The report says what may be missing, and that the window has not been read to its end."""
    accounts = crowded(world)
    report = accounts.bring(LOGTO, since="4h")
    assert report.doubts
    assert report.slices < report.planned
    assert accounts.store.state_at(LOGTO, CROWDED) == "gap"


def test_a_window_with_an_issue_is_read_again(world: MakeWorld) -> None:
    """From its start, not from a page behind the one that something is missing on."""
    accounts = crowded(world)
    accounts.bring(LOGTO, since="4h")
    accounts.asked()
    accounts.clock.advance(5 * MINUTE / 1e9)
    accounts.bring(LOGTO)
    assert len(accounts.asked()) >= 3
    assert accounts.store.state_at(LOGTO, CROWDED) == "gap"
