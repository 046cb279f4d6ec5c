"""More logs of one millisecond than a page holds are all stored, and their window is complete."""

from __future__ import annotations

from typing import Final

import pytest
from tests.sync.conftest import HOUR, MINUTE, NOON, SECOND, MakeWorld

from logferry.testing import LogtoFake, Row

LOGTO: Final = "logto.audit_logs"
CROWDED: Final = NOON - 2 * HOUR


@pytest.mark.parametrize("release", ["1.40.0", "1.42.0"])
@pytest.mark.parametrize("count", [100, 350])
def test_a_crowd_is_complete(world: MakeWorld, release: str, count: int) -> None:
    """One sync stores all logs of the crowd without a doubt, and the next sync does not read them again."""
    among = [Row(time=CROWDED + number * SECOND, content=number + 300) for number in range(-300, 300)]
    fake = LogtoFake(rows=[*among, *[Row(time=CROWDED)] * count], release=release, stable_ties=False)
    accounts = world(fake)
    report = accounts.bring(LOGTO, since="4h")
    assert report.doubts == []
    assert sorted(item["id"] for item in accounts.store.items(LOGTO)) == sorted(fake.truth(now=NOON))
    assert accounts.store.state_at(LOGTO, CROWDED) == "complete"
    accounts.asked()
    accounts.clock.advance(5 * MINUTE / 1e9)
    accounts.bring(LOGTO)
    assert len(accounts.asked()) <= 3
