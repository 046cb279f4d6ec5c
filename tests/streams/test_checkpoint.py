"""Checkpoints survive a round trip, or are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from string import printable
from typing import Any, TypeAlias

import orjson
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import logferry
from logferry._config.arguments import StreamOptions
from logferry._errors import CheckpointError
from logferry._streams.checkpoint import Checkpoint, read_checkpoint
from logferry._time.timestamps import unix_nano
from logferry._time.window import Window
from logferry.testing import LogtoFake, VirtualClock

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]

UNTIL = unix_nano("2026-11-20T08:00:00Z")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
CHECKPOINTS = st.builds(
    Checkpoint,
    stream=TEXTS,
    filters=st.dictionaries(TEXTS, TEXTS, max_size=3),
    asked=st.tuples(st.none() | TEXTS, st.none() | TEXTS),
    window=st.builds(Window, st.none() | st.integers(0, 2**63), st.integers(0, 2**63)),
    position=JSON,
)
ONE = Checkpoint(
    stream="logto.audit_logs",
    filters={"user_id": "alice"},
    asked=("24h", None),
    window=Window(UNTIL - 86_400 * 10**9, UNTIL),
    position={"row": 100, "total": 417, "trail": {"mark": 5, "recent": {"a": 5, "b": 7}}, "ended": False},
)


@given(CHECKPOINTS)
def test_a_checkpoint_comes_back_as_it_was(checkpoint: Checkpoint) -> None:
    """A checkpoint with any filters, window and position is one line of text that is read back unchanged."""
    text = checkpoint.to_text()
    assert read_checkpoint(text) == checkpoint
    assert "\n" not in text
    assert read_checkpoint(f" {text}\n") == checkpoint


@given(st.data())
@settings(max_examples=1000)
def test_a_changed_character_is_noticed(data: st.DataObject) -> None:
    """A checkpoint with any one character replaced, removed or inserted is refused or means the same."""
    text = ONE.to_text()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(printable + "\u00e9\ud800"))
    tail = data.draw(st.sampled_from([text[place:], text[place + 1 :]]))
    for changed in (text[:place] + other + tail, text[:place] + tail):
        try:
            assert read_checkpoint(changed) == ONE
        except CheckpointError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017


@given(st.text() | JSON.map(lambda value: orjson.dumps(value).decode()))
def test_any_other_text_is_refused(text: str) -> None:
    """Any other text raises a CheckpointError, never an error of the JSON library."""
    with pytest.raises(CheckpointError):
        read_checkpoint(text)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '"x"', "5", '{"logferry":1}', '{"digest":"x"}', "[" * 2000])
def test_the_error_says_that_a_text_is_no_checkpoint(text: str) -> None:
    """The message says so, and that the caller can start again without the checkpoint."""
    with pytest.raises(CheckpointError, match="no checkpoint") as caught:
        read_checkpoint(text)
    assert caught.value.hint


@pytest.mark.parametrize("missing", ["stream", "filters", "asked", "window", "position"])
def test_a_checkpoint_without_a_field_is_damaged(missing: str) -> None:
    """A checkpoint with a missing field is refused as a whole."""
    fields = orjson.loads(ONE.to_text())
    del fields[missing]
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(orjson.dumps(fields).decode())


@pytest.mark.parametrize("fields", [{"window": 5}, {"window": [1]}, {"asked": [1, 2, 3]}, {"stream": "x"}])
def test_a_field_of_the_wrong_type_is_damage(fields: dict[str, Any]) -> None:
    """A checkpoint with a field of the wrong type is refused as a whole."""
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(orjson.dumps(orjson.loads(ONE.to_text()) | fields).decode())


def test_a_checkpoint_of_a_newer_version_is_refused() -> None:
    """The hint says to update logferry."""
    fields = orjson.loads(ONE.to_text()) | {"logferry": 2, "something": "new"}
    with pytest.raises(CheckpointError, match="newer") as caught:
        read_checkpoint(orjson.dumps(fields).decode())
    assert "Update" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("filters", "asked"),
    [
        ({}, (None, None)),
        ({"user_id": "alice"}, (None, None)),
        ({}, ("24h", None)),
        ({"user_id": "alice"}, ("24h", None)),
        ({}, ("2026-11-19T08:00:00.000000000Z", "2026-11-20T08:00:00.000000000Z")),
    ],
)
def test_the_same_query_is_recognised(filters: dict[str, Any], asked: tuple[str | None, str | None]) -> None:
    """A call may repeat the query as given or as understood; what it leaves out comes from the checkpoint."""
    ONE.belongs_to(stream="logto.audit_logs", filters=filters, asked=asked)


@pytest.mark.parametrize(
    ("stream", "filters", "asked", "words"),
    [
        ("daily.api_logs", {}, (None, None), r"belongs to logto\.audit_logs, not to daily\.api_logs"),
        ("logto.audit_logs", {"user_id": "bob"}, (None, None), "user_id='alice'.*user_id='bob'"),
        ("logto.audit_logs", {"log_key": "x"}, (None, None), "user_id='alice'.*log_key='x'"),
        ("logto.audit_logs", {"user_id": "alice", "log_key": "x"}, (None, None), "log_key='x'"),
        ("logto.audit_logs", {}, ("25h", None), "since was 24h, now it is 25h"),
        ("logto.audit_logs", {}, (None, "1h"), "until was not given, now it is 1h"),
    ],
)
def test_another_query_is_refused(
    stream: str, filters: dict[str, Any], asked: tuple[str | None, str | None], words: str
) -> None:
    """A checkpoint never resumes another query; the error names both."""
    with pytest.raises(CheckpointError, match=words) as caught:
        ONE.belongs_to(stream=stream, filters=filters, asked=asked)
    assert caught.value.hint


def test_filters_and_window_are_adopted(client: Make, walk: Walk) -> None:
    """A call with only the checkpoint resumes the query of the checkpoint."""
    fake, clock = LogtoFake(records=300, spacing=600), VirtualClock(LogtoFake().epoch + 1)
    with client(fake, clock=clock) as logto:
        stream = logto.audit_logs(log_key="Interaction.End", since="24h", page_size=10)
        first = stream.to_list(5)
        checkpoint = stream.checkpoint
        clock.advance(86_400)
        rest = list(walk(logto.audit_logs(resume=checkpoint)))
    truth = list(fake.truth(since=fake.epoch + 1 - 86_400 * 10**9, log_key="Interaction.End"))
    assert [entry.id for entry in (*first, *rest)] == truth
    assert len(truth) > 10


def test_the_same_age_is_accepted_again(client: Make, walk: Walk) -> None:
    """A program that reads the last 24 hours can repeat its call with the checkpoint; the first window is kept."""
    fake, clock = LogtoFake(records=300, spacing=600), VirtualClock(LogtoFake().epoch + 1)
    with client(fake, clock=clock) as logto:
        stream = logto.audit_logs(since="24h")
        first = stream.to_list(5)
        checkpoint = stream.checkpoint
        clock.advance(3600)
        rest = list(walk(logto.audit_logs(since="24h", resume=checkpoint)))
    assert [entry.id for entry in (*first, *rest)] == list(fake.truth(since=fake.epoch + 1 - 86_400 * 10**9))


def test_the_same_age_is_accepted_again_with_a_fixed_end(client: Make, walk: Walk) -> None:
    """The window of the first run is also kept when the age would now begin after its fixed end."""
    fake, clock = LogtoFake(records=300, spacing=600), VirtualClock(LogtoFake().epoch + 1)
    question: StreamOptions = {"since": "24h", "until": "2026-01-01T00:00:00Z"}
    with client(fake, clock=clock) as logto:
        stream = logto.audit_logs(**question)
        first = stream.to_list(5)
        checkpoint = stream.checkpoint
        clock.advance(3 * 86_400)
        rest = list(walk(logto.audit_logs(**question | {"resume": checkpoint})))
    assert [entry.id for entry in (*first, *rest)] == list(
        fake.truth(since=fake.epoch + 1 - 86_400 * 10**9, until=fake.epoch)
    )


def test_a_checkpoint_is_checked_before_anything_is_sent(client: Make) -> None:
    """A checkpoint of another stream is refused when the stream is opened."""
    with client() as logto:
        for text in ("", "{}", evolve(ONE, stream="daily.api_logs").to_text()):
            with pytest.raises(CheckpointError):
                logto.audit_logs(resume=text)


def test_no_secret_is_in_a_checkpoint(client: Make) -> None:
    """A checkpoint contains neither the app's secret nor a token nor the content of logs."""
    fake = LogtoFake()
    with client(fake) as logto:
        stream = logto.audit_logs(until="2027-01-01")
        stream.to_list(150)
        text = stream.checkpoint
    for secret in (fake.app_secret, fake.app_id, fake.access_token(), "payload", "Bearer"):
        assert secret not in text
    assert len(text) < 4000
