"""The records that fakes expect, in one form for all, and the comparison with them."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from logferry._accounts.registry import SERVICES, Service
from logferry.testing import Comparison, DailyFake, Fake, connected
from logferry.testing._registry import make_fake

STREAMS = [(service, stream.name) for service in SERVICES for stream in service.streams]
EPOCH = 1_767_225_600_000_000_000

of_each_stream = pytest.mark.parametrize(("service", "stream"), STREAMS, ids=[name for _, name in STREAMS])


def pulled(service: Service, fake: Fake, stream: str) -> list[Any]:
    """Return all items of a stream, by all its queries."""
    with connected(service.client, fake) as client:
        return [item for filters in fake.questions(stream) for item in client.stream(stream, filters=filters).raw()]


@of_each_stream
def test_the_queries_of_a_stream_find_all_items(service: Service, stream: str) -> None:
    """Together they give as many items as the fake has records, in the order of the truth, each with its identity."""
    fake = make_fake(service, records=417, epoch=EPOCH)
    filters: list[dict[str, Any]] = [dict(question) for question in fake.questions(stream)]
    truth = [identity for question in filters for identity in fake.truth(stream, **question)]
    assert len(truth) == 417
    assert [fake.identity(stream, item) for item in pulled(service, fake, stream)] == truth
    assert stream in fake.streams


@of_each_stream
def test_the_truth_is_a_sequence(service: Service, stream: str) -> None:
    """The truth can be indexed from both ends and sliced in both directions, and has the length of its items."""
    fake = make_fake(service, records=300, epoch=EPOCH)
    question: dict[str, Any] = dict(fake.questions(stream)[0])
    truth = fake.truth(stream, **question)
    every = list(truth)
    assert len(truth) == len(every)
    assert (truth[0], truth[-1], truth[40]) == (every[0], every[-1], every[40])
    for part in (slice(2, 5), slice(None, None, -1), slice(-40, None, 7), slice(5, 5)):
        assert list(truth[part]) == every[part]
    with pytest.raises(IndexError):
        truth[len(every)]


@of_each_stream
def test_the_truth_of_a_million_needs_no_memory(service: Service, stream: str) -> None:
    """Counting and starting to read compute almost nothing."""
    fake = make_fake(service, records=1_000_000, epoch=EPOCH)
    tracemalloc.start()
    try:
        comparison = Comparison.of(fake, stream)
        assert comparison.expected == 1_000_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_an_unknown_stream_is_an_error(service: Service) -> None:
    """Every method of a fake refuses an unknown stream."""
    fake = make_fake(service, records=1, epoch=EPOCH)
    refused = "there is no stream 'nothing'"
    with pytest.raises(ValueError, match=refused):
        fake.truth("nothing")
    with pytest.raises(ValueError, match=refused):
        fake.questions("nothing")
    with pytest.raises(ValueError, match=refused):
        fake.identity("nothing", {})


def test_only_equal_rows_share_an_identity() -> None:
    """Rows without an id are distinguished by their content, with any order of keys."""
    fake, stream = DailyFake(), "daily.session_logs"
    rows = fake.items(stream)
    identities = [fake.identity(stream, dict(reversed(row.items()))) for row in rows]
    assert identities == list(fake.truth(stream))
    assert [one == other for one, other in pairwise(identities)] == [one == other for one, other in pairwise(rows)]
    assert len(set(identities)) < len(identities)


def found(truth: str, arriving: str) -> tuple[str, ...]:
    """Missing, repeated, unexpected; each letter is an identity."""
    comparison = Comparison([*truth])
    for identity in arriving:
        comparison.add(identity)
    differences = comparison.differences()
    assert (comparison.arrived, comparison.expected) == (len(arriving), len(truth))
    assert bool(differences) == (sorted(truth) != sorted(arriving))
    counts = (differences.missing, differences.doubled, differences.unexpected)
    return tuple("".join(sorted(Counter(count).elements())) for count in counts)


@pytest.mark.parametrize(
    ("truth", "arriving", "expected"),
    [
        ("", "", ("", "", "")),
        ("abcd", "abcd", ("", "", "")),
        ("abcd", "dcba", ("", "", "")),
        ("abcd", "abd", ("c", "", "")),
        ("abcd", "", ("abcd", "", "")),
        ("abcd", "abbbcd", ("", "bb", "")),
        ("abcd", "xabcd", ("", "", "x")),
        ("aabb", "aaab", ("b", "a", "")),
        ("abcd", "axxdd", ("bc", "d", "xx")),
    ],
)
def test_differences_are_distinguished(truth: str, arriving: str, expected: tuple[str, ...]) -> None:
    """Missing, repeated and unexpected items are separate, and equal items are counted."""
    assert found(truth, arriving) == expected


def test_a_comparison_stores_only_differences() -> None:
    """A lost or misplaced record at the start does not make the comparison store the rest."""
    truth = [f"{number:020}" for number in range(100_000)]
    arriving = iter([*truth[1:500], *truth[501:1000], truth[500], *truth[1000:]])
    comparison = Comparison(truth)
    tracemalloc.start()
    try:
        for identity in arriving:
            comparison.add(identity)
        assert tracemalloc.get_traced_memory()[1] < 20_000
    finally:
        tracemalloc.stop()
    differences = comparison.differences()
    assert (dict(differences.missing), differences.doubled, differences.unexpected) == ({truth[0]: 1}, {}, {})
