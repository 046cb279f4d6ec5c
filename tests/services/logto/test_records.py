"""From audit logs to records: the golden files, and the mapping field by field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from logferry._json import is_array, is_object
from logferry._records.origin import Origin
from logferry._records.record import LogRecord
from logferry.services.logto._records import NORMALIZER
from logferry_clients.logto.models.audit_log import AuditLog, fits_audit_log, repair_audit_log

ORIGIN = Origin(
    stream="logto.audit_logs",
    account="login",
    server_address="acme.logto.app",
    observed_time_unix_nano=1_795_164_430_000_000_001,
    normalizer=NORMALIZER,
)

MAPPED = {
    "key": "logto.log.key",
    "payload.result": "logto.result",
    "payload.ip": "client.address",
    "payload.userAgent": "user_agent.original",
    "payload.userAgentParsed.ua": "user_agent.original",
    "payload.userAgentParsed.browser.name": "user_agent.name",
    "payload.userAgentParsed.browser.version": "user_agent.version",
    "payload.userAgentParsed.os.name": "user_agent.os.name",
    "payload.userAgentParsed.os.version": "user_agent.os.version",
    "payload.userId": "user.id",
    "payload.applicationId": "logto.application.id",
    "payload.sessionId": "session.id",
}
"""Fields that have an attribute of their own; all others keep their path, see ``place``."""

HELD_BACK = {
    "payload.params.code",
    "payload.params.code_verifier",
    "payload.payload.value",
    "payload.error.stack",
}
"""Plain values of the 150 logs that can be valid secrets or are paths of the server; they stay in ``raw``."""

MASKED = "******"


def record_of(item: Any) -> LogRecord:
    assert fits_audit_log(item)
    return NORMALIZER.record(item, ORIGIN)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each scalar and each empty container of a JSON value, with its path."""
    members: list[tuple[str, Any]] = []
    if is_object(value):
        members = [(f"{path}.{name}".lstrip("."), member) for name, member in value.items()]
    elif is_array(value):
        members = [(f"{path}[{index}]", member) for index, member in enumerate(value)]
    if members:
        for name, member in members:
            yield from leaves(member, name)
    else:
        yield path, value


def place(path: str) -> str:
    """Return the attribute for a field of the payload that is not in ``MAPPED``."""
    for source, target in (
        ("payload.userAgentParsed.", "logto.user_agent."),
        ("payload.signInContext", "logto.sign_in_context"),
        ("payload.params", "logto.params"),
        ("payload.error.", "logto.error."),
        ("payload.", "logto.payload."),
    ):
        if path.startswith(source):
            return target + path.removeprefix(source)
    raise AssertionError(path)


def flat(record: LogRecord) -> dict[str, Any]:
    """Return all leaves of a record's attributes."""
    return dict(leaves(record.attributes))


def expected_leaves(log: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return each leaf of a log; an error that is a string of JSON is decoded."""
    payload = dict(log["payload"])
    if isinstance(payload.get("error"), str):
        payload["error"] = orjson.loads(payload["error"])
    yield from leaves({**log, "payload": payload})


@pytest.mark.parametrize(("recorded", "expected"), [("logs", "records"), ("kinds", "kinds.records")])
def test_every_real_log_becomes_its_golden_record(
    recorded: str, expected: str, samples: Path, request: pytest.FixtureRequest
) -> None:
    """Each recorded log, of 1.42.0 and of the kinds seen in 2026-08, becomes the record in the golden file."""
    folder = samples / "logto/list_audit_logs"
    golden = folder / f"{expected}.jsonl"
    real_logs: list[dict[str, Any]] = orjson.loads((folder / f"{recorded}.json").read_bytes())
    lines = [record_of(log).to_json().decode() for log in real_logs]
    if request.config.getoption("--golden"):
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert golden.read_text(encoding="utf-8").splitlines() == lines


def test_logs_of_every_kind_fit_the_spec(samples: Path) -> None:
    """A log of each kind of a server of 2026-08 has the documented shape, and its model returns it unchanged."""
    kinds: list[dict[str, Any]] = orjson.loads((samples / "logto/list_audit_logs/kinds.json").read_bytes())
    assert all(map(fits_audit_log, kinds))
    assert [AuditLog.from_dict(log).to_dict() for log in kinds] == kinds
    assert not any(record_of(log).issues for log in kinds)


def test_the_page_example_becomes_its_golden_record(
    page_example: list[dict[str, Any]], samples: Path, request: pytest.FixtureRequest
) -> None:
    """The example of the documentation page becomes the record in the golden file."""
    golden = samples / "logto/page_example.records.jsonl"
    lines = [record_of(log).to_json().decode() for log in page_example]
    if request.config.getoption("--golden"):
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert golden.read_text(encoding="utf-8").splitlines() == lines


def expected_leaf(log: dict[str, Any], path: str) -> str | None:
    """Return the attribute for a field of a log; ``None`` if it has none or is held back."""
    error = log["payload"].get("error")
    if path in {"id", "tenantId", "createdAt", "payload.key"} or path in HELD_BACK:
        return None
    if path in {"payload.error.error", "payload.error.code"} or (
        path == "payload.error.message" and type(error) is str
    ):
        return "error.type"
    if path in {"payload.error.error_description", "payload.error.message"}:
        return "logto.error.message"
    return MAPPED.get(path) or place(path)


def test_no_field_of_a_real_log_is_lost(real_logs: list[dict[str, Any]]) -> None:
    """Each field of each log is where the mapping says, or is held back because it can hold a secret."""
    held_back: set[str] = set()
    for log in real_logs:
        record = record_of(log)
        attributes = flat(record)
        assert record.uid == f"logto:{log['tenantId']}:{log['id']}"
        assert record.resource["logto.tenant.id"] == log["tenantId"]
        assert record.time_unix_nano == log["createdAt"] * 1_000_000
        assert record.body == log["key"] == log["payload"]["key"]
        for path, value in expected_leaves(log):
            attribute = expected_leaf(log, path)
            if attribute is not None and value != {}:
                assert attributes[attribute] == value, path
            elif path in HELD_BACK:
                assert value not in attributes.values() or attributes[place(path)] == value == log_name(log)
                held_back.add(path)
    assert held_back == HELD_BACK


def log_name(log: dict[str, Any]) -> str | None:
    """The paths ``payload.payload.value`` that hold a user name, not a password."""
    typed: dict[str, Any] = log["payload"].get("payload", {})
    return None if typed.get("type") == "password" else typed.get("value")


def test_every_field_round_trips(real_logs: list[dict[str, Any]]) -> None:
    """Each log survives item -> entry -> JSON unchanged."""
    for log in real_logs:
        assert AuditLog.from_dict(log).to_dict() == log


def test_severity_is_the_result(real_logs: list[dict[str, Any]]) -> None:
    """Success is INFO (9), Error is ERROR (17), and the text is the word of the service."""
    severities = {(log["payload"]["result"], record_of(log).severity_number) for log in real_logs}
    assert severities == {("Success", 9), ("Error", 17)}
    assert {record_of(log).severity_text for log in real_logs} == {"Success", "Error"}


def test_an_unknown_result_is_kept_and_has_no_severity(page_example: list[dict[str, Any]]) -> None:
    """An undocumented result stays in text and attribute, with severity number 0."""
    log = {**page_example[0], "payload": {**page_example[0]["payload"], "result": "Pending"}}
    record = record_of(log)
    assert (record.severity_number, record.severity_text, record.attributes["logto.result"]) == (
        0,
        "Pending",
        "Pending",
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "a.b", "message": "m"}, {"error.type": "a.b", "logto.error.message": "m"}),
        ({"code": "a.b", "more": 1}, {"error.type": "a.b", "logto.error": {"more": 1}}),
        ({}, {"error.type": "_OTHER"}),
        ("plain words", {"error.type": "_OTHER", "logto.error.message": "plain words"}),
        ("[1]", {"error.type": "_OTHER", "logto.error.message": "[1]"}),
        (
            '{"error":"invalid_grant","error_description":"gone","stack":"/etc/logto","token":"live"}',
            {"error.type": "invalid_grant", "logto.error.message": "gone", "logto.error": {"token": MASKED}},
        ),
    ],
)
def test_an_error_is_an_object_or_a_string(
    error: Any, expected: dict[str, Any], page_example: list[dict[str, Any]]
) -> None:
    """Type and message of an error, an object or a string of JSON, are attributes; stack and secrets stay in raw."""
    log = {**page_example[0], "payload": {"key": "k", "result": "Error", "error": error}}
    attributes = record_of(log).attributes
    assert {name: value for name, value in attributes.items() if "error" in name} == expected


def test_injected_headers_of_old_servers_are_header_attributes(page_example: list[dict[str, Any]]) -> None:
    """Headers that name the source of a request become attributes; others are kept together, secrets masked."""
    headers = {"Country": "FR", "X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer live"}
    log = {**page_example[0], "payload": {"key": "k", "result": "Success", "injectedHeaders": headers}}
    attributes = record_of(log).attributes
    assert attributes["http.request.header.country"] == ["FR"]
    assert attributes["logto.injected_headers"] == {"X-Forwarded-For": "10.0.0.1", "Authorization": MASKED}


@pytest.mark.parametrize(
    ("milliseconds", "nanoseconds"),
    [
        (1_795_164_426_496, 1_795_164_426_496_000_000),
        (42.0, 42_000_000),
        (1_795_164_426_496.25, 1_795_164_426_496_250_000),
        (0, 0),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        (10**30, None),
        (-(10**17), None),
        (-62_135_596_800_000, -62_135_596_800_000_000_000),
        ("1", None),
        (None, None),
    ],
)
def test_milliseconds_become_nanoseconds_without_loss(milliseconds: object, nanoseconds: int | None) -> None:
    """Integer and fractional milliseconds are exact; a value beyond the year 9999 or no moment is unknown."""
    assert NORMALIZER.times([{"createdAt": milliseconds}])[0] == nanoseconds


def test_an_implausible_time_is_unknown(page_example: list[dict[str, Any]]) -> None:
    """A time beyond the year 9999 becomes time 0 with an issue, and the record can still be written."""
    record = record_of({**page_example[0], "createdAt": 10**30})
    assert (record.time_unix_nano, len(record.issues)) == (0, 1)
    assert record.to_json().startswith(b'{"uid":"logto:string:string"')


def test_account_and_digest_replace_tenant_and_id_in_the_uid() -> None:
    """Older servers name no tenant; an item without id is identified by its content, so two equal ones are one."""
    items = [{"key": "k"}, {"key": "k"}, {"key": "other"}]
    uids: list[str] = []
    for item in items:
        repaired = repair_audit_log(item)
        uids.append(NORMALIZER.record(repaired.value, ORIGIN).as_received(item, repaired.issues).uid)
    assert uids[0] == uids[1] != uids[2]
    assert uids[0].startswith("logto:login:")


def test_a_value_that_is_nested_too_deeply_is_replaced(page_example: list[dict[str, Any]]) -> None:
    """A value too deep for JSON becomes a text that says so, in attributes, raw item and digest."""
    deep: Any = "x"
    for _ in range(800):
        deep = {"more": deep}
    record = record_of({**page_example[0], "id": "", "payload": {"key": "k", "result": "Success", "deep": deep}})
    assert record.uid.startswith("logto:string:")
    assert b"nested more than 100 levels deep" in record.to_json(raw=True)


def test_two_spellings_of_a_header_are_one_attribute(page_example: list[dict[str, Any]]) -> None:
    """Header names ignore case, so both values are kept in the order received."""
    payload = {"key": "k", "result": "Success", "injectedHeaders": {"City": "Paris", "city": "Lyon"}}
    attributes = record_of({**page_example[0], "payload": payload}).attributes
    assert attributes["http.request.header.city"] == ["Paris", "Lyon"]


def test_the_default_record_has_no_secret_of_the_raw_item(real_logs: list[dict[str, Any]]) -> None:
    """Authorization codes, verifiers and passwords of the recording are in raw and in no default record."""
    text = b"\n".join(record_of(log).to_json() for log in real_logs)
    raw = b"\n".join(record_of(log).to_json(raw=True) for log in real_logs)
    for secret in (b"N0t-so-c0mmon-pass", b"zIidVXhS7mc1Gvdhxd41vdcw23z5jiR", b"V_-8vmOcZ6f_rwo_YV0uSp7ClcXuX"):
        assert secret not in text
        assert secret in raw
