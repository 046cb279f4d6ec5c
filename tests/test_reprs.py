"""The ``repr`` of every public object is short, contains no possible secret, and never raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

import logferry
from logferry._json import is_array, is_object
from logferry._streams.checkpoint import read_checkpoint
from logferry.stores import Coverage, Stretch
from logferry.sync import StreamReport, SyncReport
from logferry.testing import CognigyFake, DailyFake, Fake, LogtoFake, SignalWireFake, connected
from logferry_clients.logto.errors import UnexpectedStatus
from logferry_clients.logto.types import Request, Response

LONGEST = 300
MARKED: dict[str, Any] = {
    "code": "mark-code",
    "refresh_token": "mark-refresh",
    "password": "mark-password",
    "otp": 990817,
    "identifier": {"type": "password", "value": "mark-typed"},
    "deep": [{"headers": {"Authorization": "mark-authorization"}}],
    "n" * 400: "mark-long" * 100,
    "\x1b[31m": "mark-\x1b",
}
WHEN = "2026-01-01T00:00:00Z"
"""An item whose every field that can hold a secret has one."""
ITEMS: dict[str, Any] = {
    "daily.api_logs": [
        {
            "id": "1",
            "createdAt": WHEN,
            "method": "GET",
            "url": "/v1/meeting-tokens/mark-meeting",
            "request": '{"token": "mark-request"}',
            "response": '{"token": "mark-response"}',
            **MARKED,
        }
    ],
    "daily.meetings": {"total_count": 1, "data": [{"id": "1", "start_time": 1_767_225_600, **MARKED}], **MARKED},
    "daily.session_logs": {"logs": [{"time": WHEN, "message": "m" * 4000, **MARKED, "code": 1}]},
    "daily.session_metrics": {"metrics": [{"time": WHEN, "metrics": MARKED, **MARKED}]},
    "logto.audit_logs": [
        {
            "tenantId": "t",
            "id": "1",
            "key": "ExchangeTokenBy.AuthorizationCode",
            "createdAt": 1_767_225_600_000,
            "payload": {
                "key": "k" * 1000,
                "result": "Error",
                "error": error,
                "params": MARKED,
                "signInContext": {"city": "mark-city"},
                "interaction": MARKED,
                **MARKED,
            },
            **MARKED,
        }
        for error in ({"code": "c", "data": MARKED}, '{"error": "e", "code": "mark-text"}')
    ],
    "signalwire.video_logs": {
        "data": [{"id": "1", "source": "s", "type": "t", "created_at": WHEN, **MARKED}],
        "links": {},
    },
    "cognigy.project_logs": {"items": [{"_id": "1", "timestamp": WHEN, "msg": "m", "meta": MARKED, **MARKED}]},
}
GIVEN: dict[str, tuple[Any, dict[str, str]]] = {
    "daily": (logferry.Daily, {"api_key": "k"}),
    "logto": (logferry.Logto, {"endpoint": "https://acme.logto.app", "access_token": "k"}),
    "signalwire": (logferry.SignalWire, {"space": "acme", "project_id": "p", "api_token": "k"}),
    "cognigy": (logferry.Cognigy, {"base_url": "https://c.example", "api_key": "k", "project_id": "a" * 24}),
}
FILTERS = {"daily.session_logs": {"mtg_session_id": "m"}, "daily.session_metrics": {"mtg_session_id": "m"}}


def assert_short_and_public(*shown: object) -> None:
    """The texts of these secrets."""
    for one in shown:
        for text in (repr(one), str(one)):
            assert len(text) <= LONGEST, text
            assert "mark-" not in text
            assert "990817" not in text
            assert text.isprintable()


@pytest.mark.parametrize("damage", [{}, {"id": 7, "_id": 7, "time": 7, "level": "x"}], ids=["whole", "damaged"])
@pytest.mark.parametrize("name", sorted(ITEMS))
def test_objects_of_a_stream_are_short_and_public(name: str, damage: dict[str, Any]) -> None:
    """The items of entries, records, pages, streams, checkpoints and events have secrets in every field."""
    service = name.partition(".")[0]
    make, settings = GIVEN[service]
    items = orjson.loads(orjson.dumps(ITEMS[name]))
    rows = next(filter(is_array, [items, *(items.values() if is_object(items) else ())]))
    for row in rows:
        row |= {key: value for key, value in damage.items() if key in row}
    transport = httpx.MockTransport(
        lambda request: httpx.Response(
            200,
            content=orjson.dumps(items if request.url.params.get("page", "1") == "1" else []),
            headers={"Total-Number": str(len(rows))},
        )
    )
    shown: list[object] = []
    hooks: dict[str, Any] = dict.fromkeys(("on_request", "on_page", "on_issue"), shown.append)
    with make(**settings, transport=transport, **hooks) as client:
        stream = client.stream(name, filters=FILTERS.get(name), until="2030-01-01")
        views = (stream, stream.records(), stream.pages(), stream.records().pages(), stream.raw().pages())
        for view in views:
            first: Iterator[Any] = iter(view)
            shown += [view, first, next(first, None)]
        shown += [stream.stats, read_checkpoint(stream.checkpoint), client]
    assert len(shown) > len(views)
    assert_short_and_public(*shown)


@pytest.mark.parametrize("fake", [LogtoFake(), DailyFake(), SignalWireFake(), CognigyFake()])
def test_objects_of_the_fakes_are_short(fake: Fake) -> None:
    """Every entry, record and page of each fake has a short repr."""
    with connected(GIVEN[fake.streams[0].partition(".")[0]][0], fake) as client:
        for name in fake.streams:
            (question, *_) = fake.questions(name)
            stream = client.stream(name, filters=dict(question), until="2100-01-01")
            entries = stream.to_list()
            assert entries
            assert_short_and_public(*entries, *stream.records(), *stream.pages())
            codes = {item.get("payload", {}).get("params", {}).get("code") for item in stream.raw()} - {None}
            assert not any(str(code) in repr(entry) for code in codes for entry in entries)


def test_an_entry_shows_its_fields() -> None:
    """The repr has the sent fields in order, with texts cut, names for objects and lengths for lists."""
    from logferry_clients.daily.models import ApiLog, Meeting  # noqa: PLC0415  # of all the clients, for this test
    from logferry_clients.logto.models import AuditLog  # noqa: PLC0415

    payload = {"key": "k", "result": "Error", "error": "text", "params": {"code": "c"}, "further": [1]}
    assert repr(AuditLog.from_dict({"id": "1", "key": "k", "payload": payload, "createdAt": 42})) == (
        "AuditLog(id='1', key='k', payload=AuditLogPayload(key='k', result='Error', error=<4 characters>, "
        "params={'code'}, additional_properties={'further'}), created_at=42)"
    )
    assert repr(Meeting.from_dict({"id": "1", "participants": [{}, {}]})) == "Meeting(id='1', participants=<2 items>)"
    assert repr(ApiLog.from_dict({"url": "/v1/rooms", "request": None})) == "ApiLog(url=<9 characters>, request=None)"


def test_objects_of_generated_clients_are_short_and_public() -> None:
    """Requests show no headers and no body, answers only a size; an unexpected status does not repeat its content."""
    pair = (("Authorization", "mark-token"),)
    answer = Response(status_code=200, content=b"mark-body" * 100, headers=dict(pair), parsed=[MARKED] * 100)
    assert (
        repr(answer) == "Response(status_code=200, content=<900 bytes>, headers={'Authorization'}, parsed=<100 items>)"
    )
    error = UnexpectedStatus(503, b"mark-body" * 100)
    assert error.content.startswith(b"mark-body")
    assert_short_and_public(Request("POST", "/x", (), pair, pair, {"a": "mark-json"}, parse=str), error)


def test_objects_of_a_sync_are_short_and_public() -> None:
    """Reports and coverages of any length have a short repr."""
    error = logferry.ServiceError("x" * 1000)
    lost = [(n, n + 1) for n in range(1000)]
    one = StreamReport(account="a", stream="s", doubts=["d" * 1000], lost=lost, warnings=["w" * 1000], failure=error)
    stretches = tuple(Stretch(since=n, until=n + 1, state="partial", checkpoint="c" * 1000) for n in range(1000))
    assert_short_and_public(SyncReport([one] * 100), Coverage(stretches), stretches[0])
    assert len(repr(one)) < 2 * LONGEST


@pytest.mark.usefixtures("no_account_of_the_developer")
def test_objects_of_a_ferry_are_short_and_public(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Its records, its follow and its sync show no setting."""
    monkeypatch.setenv("DAILY_API_KEY", "mark-key")
    with logferry.open_accounts() as ferry:
        sync = ferry.sync(str(tmp_path / "logs.duckdb"))
        assert repr(sync).startswith("<Sync ['daily'] to DuckDBStore(")
        assert_short_and_public(ferry, ferry.records(since="1h"), ferry.follow(), sync)
