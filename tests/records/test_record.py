"""Records: immutable, compared by value, complete and unaltered."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
import pytest

import logferry
from logferry import LogRecord
from logferry.testing import FakeRequest, FakeResponse, LogtoFake

Make: TypeAlias = Callable[..., logferry.Logto]
Walk: TypeAlias = Callable[[Any], Iterator[Any]]
Of: TypeAlias = Callable[..., list[LogRecord]]

UNTIL = "2030-01-01"
WORKING_ITEM: dict[str, Any] = {
    "tenantId": "acme",
    "id": "abc",
    "key": "Interaction.End",
    "payload": {"key": "Interaction.End", "result": "Success", "userId": "alice", "ip": "192.0.2.1"},
    "createdAt": 1_795_164_426_496,
}


def served(*items: Any) -> Callable[[FakeRequest, int], FakeResponse | None]:
    """Return faults that send these logs, given as JSON values or as bytes."""
    body = b"[" + b",".join(one if isinstance(one, bytes) else orjson.dumps(one) for one in items) + b"]"
    headers = (("Content-Type", "application/json"), ("Total-Number", str(len(items))))

    def fault(request: FakeRequest, _number: int) -> FakeResponse | None:
        return FakeResponse(200, headers, body) if request.path == "/api/logs" else None

    return fault


@pytest.fixture
def records(client: Make, walk: Walk) -> Of:
    """Return the records of the items that the service sends."""

    def of(*items: Any, **options: Any) -> list[LogRecord]:
        with client(faults=served(*items), **options) as logto:
            return list(walk(logto.audit_logs(until=UNTIL).records()))

    return of


def test_real_logs_become_records(records: Of, real_logs: list[dict[str, Any]]) -> None:
    """Each of 150 logs of a real server becomes a record without an issue, with its own id, time and item."""
    made = records(*real_logs)
    assert [record.raw for record in made] == real_logs
    assert [record.uid for record in made] == [f"logto:{item['tenantId']}:{item['id']}" for item in real_logs]
    assert [record.time_unix_nano for record in made] == [item["createdAt"] * 1_000_000 for item in real_logs]
    assert {record.issues for record in made} == {()}
    for record in made:
        text = record.to_json(raw=True)
        assert b"\n" not in text
        assert orjson.loads(text) == record.to_dict(raw=True)


def test_a_record_as_json_has_the_designed_form(records: Of) -> None:
    """Names and formats are those of the design; absent fields are left out, never null."""
    (record,) = records(WORKING_ITEM, account="login")
    fields = record.to_dict()
    assert list(fields) == [
        "uid",
        "stream",
        "account",
        "timestamp",
        "observed_timestamp",
        "severity_number",
        "severity_text",
        "event_name",
        "body",
        "attributes",
        "resource",
    ]
    assert fields["uid"] == "logto:acme:abc"
    assert (fields["stream"], fields["account"]) == ("logto.audit_logs", "login")
    assert fields["timestamp"] == "2026-11-20T08:47:06.496000000Z"
    assert fields["observed_timestamp"].endswith("Z")
    assert len(fields["observed_timestamp"]) == len("2026-11-20T08:47:06.496000000Z")
    assert (fields["severity_number"], fields["severity_text"]) == (9, "Success")
    assert None not in fields.values()
    assert None not in fields["attributes"].values()
    assert orjson.loads(record.to_json()) == fields


def test_the_item_is_included_only_on_request(records: Of) -> None:
    """The item can contain values that the attributes leave out, so it is not in the default JSON."""
    (record,) = records(WORKING_ITEM)
    assert "raw" not in record.to_dict()
    assert record.to_dict(raw=True)["raw"] == WORKING_ITEM


def test_datetimes_are_aware(records: Of) -> None:
    """Datetimes are in UTC, truncated to microseconds, beside the exact nanoseconds."""
    (record,) = records(WORKING_ITEM)
    assert record.timestamp == datetime(2026, 11, 20, 8, 47, 6, 496_000, tzinfo=UTC)
    assert record.observed_timestamp.tzinfo is UTC
    assert record.observed_time_unix_nano // 1000 == round(record.observed_timestamp.timestamp() * 1_000_000)


def test_a_record_is_immutable(records: Of) -> None:
    """No field can be set and none added."""
    (record,) = records(WORKING_ITEM)
    names = [name for name in dir(record) if not name.startswith("_") and not callable(getattr(record, name))]
    assert len(names) == 16
    for name in (*names, "other"):
        with pytest.raises(AttributeError):
            setattr(record, name, "x")


@pytest.mark.parametrize("read", [False, True])
def test_records_are_compared_hashed_and_pickled_by_value(records: Of, read: bool) -> None:
    """Lazily read attributes make no difference; a pickled record is equal."""
    (record,) = records(WORKING_ITEM, clock=_Standing())
    (same,) = records(deepcopy(WORKING_ITEM), clock=_Standing())
    (other,) = records(WORKING_ITEM | {"id": "other"}, clock=_Standing())
    if read:
        assert record.attributes
        assert record.resource
    assert record == same
    assert hash(record) == hash(same)
    assert record != other
    assert record != "x"
    assert len({record, same, other}) == 2
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(record, protocol))  # noqa: S301
        assert (copy, copy.to_dict(raw=True), hash(copy)) == (record, record.to_dict(raw=True), hash(record))


class _Standing:
    """A clock that stands still."""

    def now(self) -> int:
        """Return the fake's epoch."""
        return LogtoFake().epoch

    def sleep(self, seconds: float) -> None:
        """Never called."""
        raise AssertionError(seconds)

    async def asleep(self, seconds: float) -> None:
        """Never called."""
        raise AssertionError(seconds)


def test_a_pickled_record_keeps_its_issues(records: Of) -> None:
    """The pickle also keeps the item as received."""
    (record,) = records(WORKING_ITEM | {"payload": 5})
    copy = pickle.loads(pickle.dumps(record))  # noqa: S301
    assert copy == record
    assert (copy.issues, copy.raw) == (record.issues, WORKING_ITEM | {"payload": 5})
    assert record.issues
    assert record.to_dict()["issues"] == list(record.issues)


def test_account_and_digest_replace_tenant_and_id(records: Of) -> None:
    """The account replaces a missing tenant; a digest of the item, with any order of keys, replaces a missing id."""
    no_tenant = {key: value for key, value in WORKING_ITEM.items() if key != "tenantId"}
    no_id = {key: value for key, value in WORKING_ITEM.items() if key != "id"}
    reordered = dict(reversed(no_id.items()))
    assert records(no_tenant, account="login")[0].uid == "logto:login:abc"
    uid = records(no_id)[0].uid
    assert uid.startswith("logto:acme:")
    assert len(uid) == len("logto:acme:") + 32
    assert records(reordered)[0].uid == uid
    assert records(no_id | {"key": "other"})[0].uid != uid


@pytest.mark.parametrize("item", [None, 5, "x", [], {}, {"id": None}, {"id": 5}, {"payload": []}])
def test_any_item_becomes_a_record(records: Of, item: Any) -> None:
    """Any JSON value in place of an item is kept with its issues."""
    (record,) = records(item)
    assert record.raw == item
    assert record.issues
    assert record.uid.startswith("logto:")
    assert record.time_unix_nano == 0
    assert orjson.loads(record.to_json(raw=True))["raw"] == item


@pytest.mark.parametrize(
    "created",
    [b"null", b'"2026-11-20"', b"true", b"1e300", b"-1e300", b"1000000000000000000", b"-1000000000000000000", b"[]"],
)
def test_an_unknown_time_is_an_issue_and_passes_the_window(records: Of, created: bytes) -> None:
    """The time becomes 0, and the record passes any window."""
    item = orjson.dumps(WORKING_ITEM | {"createdAt": "?"}).replace(b'"?"', created)
    (record,) = records(item)
    assert record.time_unix_nano == 0
    assert record.timestamp == datetime(1970, 1, 1, tzinfo=UTC)
    assert any("createdAt" in issue for issue in record.issues)
    assert "timestamp" not in record.to_dict()


@pytest.mark.parametrize("milliseconds", [-1, -1000, -62_135_596_800_000, -62_135_596_800_001, -100_000_000_000_000])
def test_times_before_1970_are_valid(records: Of, milliseconds: int) -> None:
    """The years 1 to 1969 are valid and earlier times unknown; each record has a repr."""
    (record,) = records(WORKING_ITEM | {"createdAt": milliseconds})
    known = milliseconds >= -62_135_596_800_000
    assert record.time_unix_nano == (milliseconds * 1_000_000 if known else 0)
    assert bool(record.issues) is not known
    assert ("timestamp" in record.to_dict()) is known
    assert record.timestamp.tzinfo is UTC
    assert repr(record)


@pytest.mark.parametrize(
    "item",
    [
        b'{"tenantId":"acme","id":"other","key":"\\ud800","payload":{"key":"k","result":"Success"},"createdAt":1}',
        b'{"tenantId":"acme","id":"\\ud800","key":"k","payload":{"key":"k","result":"Success"},"createdAt":1}',
        b'{"tenantId":"acme","id":5,"key":"\\ud800","payload":{"key":"k","result":"Success"},"createdAt":1}',
        b'{"tenantId":"acme","id":NaN,"n":123456789012345678901234567890}',
    ],
    ids=["lone surrogate", "lone surrogate in id", "lone surrogate without id", "large integer without id"],
)
def test_invalid_unicode_loses_no_record(client: Make, walk: Walk, item: bytes) -> None:
    """JSON beyond UTF-8 or 64 bits still gives a page, a printable record and a checkpoint."""
    with client(faults=served(WORKING_ITEM, item)) as logto:
        stream = logto.audit_logs(until=UNTIL)
        made = list(walk(stream.records()))
        assert len(made) == 2
        assert orjson.loads(stream.checkpoint)
    for record in made:
        assert orjson.loads(record.to_json(raw=True))["uid"]


def test_the_repr_of_a_record_has_no_item(records: Of) -> None:
    """The repr is short and shows neither attributes nor the item."""
    (record,) = records(WORKING_ITEM)
    assert repr(record).startswith("LogRecord(uid='logto:acme:abc', time='2026-11-20T08:47:06.496000000Z'")
    assert "alice" not in repr(record)
