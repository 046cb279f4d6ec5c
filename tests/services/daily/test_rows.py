"""Rows without ids: few rows get a digest, with the same counts as if all rows had one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry._json import digest
from logferry.services.daily._records import SESSION_LOG_NORMALIZER
from logferry.services.daily._sessions.position import Position
from logferry.services.daily._sessions.rows import Rows

# Python treats 1, 1.0 and True as equal, JSON does not; the order of keys matters to neither.
SAYS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"level": st.sampled_from([1, 1.0, True, "1", None])})


def rows_of(items: list[Any]) -> Rows:
    """Return rows in the order of a response."""
    return Rows(items, SESSION_LOG_NORMALIZER.times(items))


def log(second: int, says: dict[str, Any], *, reversed_keys: bool) -> dict[str, Any]:
    """Return a log of a second."""
    item = {"time": f"2026-11-20T08:47:{second:02}.000000000Z", **says}
    return dict(reversed(item.items())) if reversed_keys else item


LOGS = st.lists(st.builds(log, st.integers(0, 3), SAYS, reversed_keys=st.booleans()), max_size=40)


def expected_ordinals(position: Position, items: list[Any], new: list[int]) -> dict[int, int]:
    """Return how many equal rows came before, from the digests of all rows."""
    counts = Counter({identity: one.count for identity, one in position.delivered.items()})
    ordinals: dict[int, int] = {}
    for order, index in enumerate(new):
        if counts[digest(items[index])]:
            ordinals[order] = counts[digest(items[index])]
        counts[digest(items[index])] += 1
    return ordinals


@given(logs=LOGS, ordered=st.booleans(), cut=st.integers(0, 40), repeated=st.integers(0, 10))
def test_equal_rows_are_counted(*, logs: list[Any], ordered: bool, cut: int, repeated: int) -> None:
    """In two overlapping responses, sorted by time or not, each row comes once and equal rows are numbered."""
    items = sorted(logs, key=lambda item: item["time"]) if ordered else logs
    first = items[:cut]
    position = Position()
    seen = position.look(rows_of(first))
    assert position.ordinals(seen) == expected_ordinals(position, first, list(seen.new))
    position = position.after(seen)
    begin = position.start or 0
    kept = (
        [item for item in items if (rows_of([item]).tick(0) or 0) >= begin]
        if ordered
        else items[max(0, cut - repeated) :]
    )
    seen = position.look(rows_of(kept))
    assert position.ordinals(seen) == expected_ordinals(position, kept, list(seen.new))
    if ordered:
        assert [kept[index] for index in seen.new] == items[cut:]


@given(logs=LOGS, cut=st.integers(0, 40), end=st.integers(0, 40))
def test_a_partly_delivered_page_continues_after_the_last_row(*, logs: list[Any], cut: int, end: int) -> None:
    """After a stop anywhere in a page, the next response yields the rows behind it and repeats none."""
    items = sorted(logs, key=lambda item: item["time"])
    first = items[:cut]
    position = Position()
    position = position.after(position.look(rows_of(first)), min(end, len(first)))
    begin = position.start or 0
    kept = [item for item in items if (rows_of([item]).tick(0) or 0) >= begin]
    assert [kept[index] for index in position.look(rows_of(kept)).new] == items[min(end, len(first)) :]


def test_only_possibly_delivered_rows_get_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a page sorted by time, only rows that can have been delivered get a digest."""
    made: list[Any] = []

    def noted(item: Any) -> str:
        made.append(item)
        return digest(item)

    monkeypatch.setattr("logferry.services.daily._sessions.rows.digest", noted)
    items = [log(second, {"level": 1}, reversed_keys=False) for second in range(60)]
    position = Position()
    position = position.after(position.look(rows_of(items[:30])))
    rows = rows_of(items[28:])
    seen = position.look(rows)
    assert [items[28:][index] for index in seen.new] == items[30:]
    assert position.ordinals(seen) == {}
    assert len(position.after(seen).delivered) == 2
    assert len(made) == 6
