"""
Code as users' type checkers see it; never run, only checked by mypy and pyright in strict mode.

A line that must be an error is ignored with its code: both checkers report an unnecessary ignore.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

import logferry
from logferry import Daily, LogRecord, Logto, Page, SignalWire, Stream, View
from logferry.results import Skipped
from logferry.stores import open_store
from logferry.sync import Slice, SyncReport
from logferry.testing import Comparison, Fake, LogtoFake, MakeClient, connected, failing
from logferry_clients.daily.models import ApiLog, Meeting, SessionLog, SessionMetric
from logferry_clients.logto.models import AuditLog, AuditLogPayload, ParsedUserAgent
from logferry_clients.logto.types import Unset
from logferry_clients.signalwire.models import DiscardedLog, VideoLog

logto = Logto(endpoint="https://acme.logto.app", app_id="a", app_secret="s")
stream = logto.audit_logs(log_key="Interaction.SignIn.Submit", since="24h", until=datetime.now(UTC), max_items=5)

assert_type(stream, Stream[AuditLog])
assert_type(iter(stream), Iterator[AuditLog])
assert_type(aiter(stream), AsyncIterator[AuditLog])
assert_type(stream.to_list(3), list[AuditLog])
assert_type(stream.records(), View[LogRecord])
assert_type(stream.raw(), View[Any])
assert_type(stream.checkpoint, str)
assert_type(stream.stats.pages, int)

for entry in stream:
    assert_type(entry, AuditLog)
    assert_type(entry.payload, AuditLogPayload)
    assert_type(entry.payload.user_id, str | Unset)
    assert_type(entry.payload.user_agent_parsed, ParsedUserAgent | Unset)
    assert_type(entry.created_at, float)
    entry.payload.usr_id  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

for record in stream.records():
    assert_type(record, LogRecord)
    assert_type(record.timestamp, datetime)
    assert_type(record.time_unix_nano, int)
    assert_type(record.severity_text, str | None)
    assert_type(record.attributes, dict[str, Any])
    record.body = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

for page in stream.pages():
    assert_type(page, Page[AuditLog])
    assert_type(page.items, list[AuditLog])
    assert_type(page.total, int | None)

for record_page in stream.records().pages():
    assert_type(record_page, Page[LogRecord])


async def asynchronous() -> None:
    """The same objects support sync and async use."""
    async with Logto.from_env() as client:
        assert_type(client, Logto)
        async for entry in client.audit_logs():
            assert_type(entry, AuditLog)
        async for page in client.audit_logs().records().pages():
            assert_type(page, Page[LogRecord])
        assert_type(await client.audit_logs().ato_list(), list[AuditLog])


assert_type(logto.with_options(timeout=5, retries=0, deadline=None), Logto)

logto.audit_logs(log_keyy="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
logto.audit_logs(log_key=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
logto.audit_logs(sicne="24h")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
logto.audit_logs(since=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Logto(verify=False)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Logto(app="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
logferry.Logtoo  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


for log in SignalWire(space="acme", project_id="p", api_token="t").video_logs(include_deleted=True):
    assert_type(log, VideoLog | DiscardedLog)
    if isinstance(log, DiscardedLog):
        assert_type(log.discarded_at, str)
    else:
        assert_type(log.created_at, str)
daily = Daily(api_key="k")

assert_type(daily.session_logs(mtg_session_id="m", log_level="ERROR"), Stream[SessionLog])
assert_type(daily.session_metrics(user_session_id="u"), Stream[SessionMetric])
assert_type(daily.api_logs(source="webhook", url="https://hooks.example"), Stream[ApiLog])
assert_type(daily.meetings(room="hello", ongoing=True), Stream[Meeting])

daily.session_logs(log_level="LOUD")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
daily.api_logs(source="both")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Daily(api_kye="k")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

with logferry.open_accounts("logferry.toml", timeout=5) as ferry:
    for record in ferry.records(since="1h", streams=["logto.audit_logs"]):
        assert_type(record, LogRecord)
    assert_type(ferry.client("login", Logto), Logto)
    assert_type(ferry.client("login"), logferry.Client)
    assert_type(ferry.records().skipped, tuple[Skipped, ...])
    report = ferry.sync("logs.duckdb", since="30d", streams=["logto.audit_logs"]).run()
    assert_type(report, SyncReport)
    assert_type([one.lost for one in report], list[list[tuple[int, int]]])
    assert_type(ferry.sync(open_store("logs/")).slices(), list[Slice])
    ferry.sync("logs.duckdb", sinze="30d")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ferry.sync(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ferry.records(resume="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def testing(logferry_client: MakeClient) -> None:
    """The types of a user's own test."""
    fake = LogtoFake(records=5)
    assert_type(logferry_client(Logto, fake, faults=failing(TimeoutError()), account="login"), Logto)
    assert_type(connected(Daily, fake), Daily)
    connected(Daily, fake, acount="login")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    other: Fake = fake
    assert_type(other.truth("logto.audit_logs", log_key="k")[0], str)
    assert_type(Comparison.of(other, "logto.audit_logs").differences().missing, Mapping[str, int])
