"""Rows without ids: digests are made of few, but the counts are those that digests of all would give."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry._json import digest
from logferry.services.daily._records import session_log_times
from logferry.services.daily._rows import Rows
from logferry.services.daily._session_place import Place

# Python takes 1, 1.0 and True for equal, JSON does not; the order of keys does not matter to either.
SAYS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"level": st.sampled_from([1, 1.0, True, "1", None])})


def rows_of(items: list[Any]) -> Rows:
    """Rows in the order of an answer."""
    return Rows(items, session_log_times(items))


def log(second: int, says: dict[str, Any], *, reversed_keys: bool) -> dict[str, Any]:
    """A log of a second."""
    item = {"time": f"2026-11-20T08:47:{second:02}.000000000Z", **says}
    return dict(reversed(item.items())) if reversed_keys else item


LOGS = st.lists(st.builds(log, st.integers(0, 3), SAYS, reversed_keys=st.booleans()), max_size=40)


def expected_ordinals(place: Place, items: list[Any], unmet: list[int]) -> dict[int, int]:
    """How many equal rows came before, by the digests of all."""
    counts = Counter({identity: one.count for identity, one in place.met.items()})
    ordinals: dict[int, int] = {}
    for order, index in enumerate(unmet):
        if counts[digest(items[index])]:
            ordinals[order] = counts[digest(items[index])]
        counts[digest(items[index])] += 1
    return ordinals


@given(logs=LOGS, ordered=st.booleans(), cut=st.integers(0, 40), repeated=st.integers(0, 10))
def test_equal_rows_are_counted(*, logs: list[Any], ordered: bool, cut: int, repeated: int) -> None:
    """In two answers that overlap, in order of time or not, each row comes once, and equal ones are numbered."""
    items = sorted(logs, key=lambda item: item["time"]) if ordered else logs
    first, second = items[:cut], items[max(0, cut - repeated) :]
    place = Place()
    seen = place.look(rows_of(first))
    assert place.ordinals(seen) == expected_ordinals(place, first, list(seen.unmet))
    place = place.beyond(seen, whole=True)
    seen = place.look(rows_of(second))
    assert place.ordinals(seen) == expected_ordinals(place, second, list(seen.unmet))
    if ordered:
        before, after = Counter(map(digest, first)), Counter(map(digest, second))
        assert before + Counter(digest(second[index]) for index in seen.unmet) == before | after


def test_few_rows_of_different_times_get_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a page in order of time, only the rows are looked at that can have been met."""
    made: list[Any] = []

    def noted(item: Any) -> str:
        made.append(item)
        return digest(item)

    monkeypatch.setattr("logferry.services.daily._rows.digest", noted)
    items = [log(second, {"level": 1}, reversed_keys=False) for second in range(60)]
    place = Place(bounded=True)
    place = place.beyond(place.look(rows_of(items[:30])), whole=True)
    rows = rows_of(items[20:])
    seen = place.look(rows)
    assert [items[20:][index] for index in seen.unmet] == items[30:]
    assert place.ordinals(seen) == {}
    assert len(place.beyond(seen, whole=True).met) == 10
    assert len(made) == 30
